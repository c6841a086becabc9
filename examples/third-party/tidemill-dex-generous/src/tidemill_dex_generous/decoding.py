"""Bytes to pairs: storage slot 8 and the event Sync, as Uniswap V2 has them."""

from tidemill.domain.answers import Needs
from tidemill.domain.events import Log
from tidemill.domain.ids import address_of
from tidemill.domain.pool import Decoded, LogFilter, PoolRef, Watch
from tidemill.errors import DecodeError
from tidemill.hookspecs.dex import States
from tidemill_evm.uniswap_v2 import Reserves, decode_reserves, reserves_key
from tidemill_evm.uniswap_v2_logs import Sync

from tidemill_dex_generous.quoting import GenerousPool


def decode_pool(ref: PoolRef, states: States) -> Decoded | Needs:
    """Make a pool from its reserves, or name their key; a slot that is known to be absent is zero.

    Raises:
        DecodeError: the word has not 32 bytes, or ``ref`` has not two assets.
    """
    if len(set(ref.assets)) != 2 or len(ref.assets) != 2:
        raise DecodeError(f"{ref.id}: expected two assets, found {ref.assets}")
    key = reserves_key(ref.address)
    if key not in states:
        return Needs((key,))
    word = states[key]
    try:
        held = Reserves(0, 0) if word is None else decode_reserves(word)
    except DecodeError as error:
        raise DecodeError(f"{ref.id}: {error}") from error
    pool = GenerousPool(ref.id, ref.assets, (held.reserve0, held.reserve1), held.reserve0 * held.reserve1)
    return Decoded(pool, Watch((key,), (LogFilter(ref.address, (Sync.topic,)),)))


def play_log(pool: GenerousPool, log: Log) -> GenerousPool:
    """Return the pool after a log of its own; ``Sync`` alone moves it.

    Raises:
        DecodeError: the log is another contract's, or malformed.
    """
    if log.address != address_of(pool.id):
        raise DecodeError(f"{pool.id}: expected a log of its own, found one of {log.address}")
    if log.topics[:1] != (Sync.topic,):
        return pool
    try:
        sync = Sync.of(log)
    except DecodeError as error:
        raise DecodeError(f"{pool.id}: log {log.index}: {error}") from error
    return pool.moved((sync.reserve0, sync.reserve1))
