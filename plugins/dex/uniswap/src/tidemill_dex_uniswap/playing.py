"""Logs played on pools: what the contract changed, and nothing else."""

from functools import lru_cache

from immutables import Map

from tidemill.domain.answers import Needs
from tidemill.domain.events import Log
from tidemill.domain.ids import address_of
from tidemill.errors import DecodeError
from tidemill_amm import AmmError
from tidemill_amm.concentrated import ConcentratedState, MissingState, complete_words, with_liquidity
from tidemill_dex_uniswap.forks import Fork
from tidemill_dex_uniswap.quoting import ClosedPool, V2Pool, V3Pool
from tidemill_evm.uniswap_v2_logs import Sync, sync_reserves
from tidemill_evm.uniswap_v3_logs import Burn, Initialize, Mint


def play_v2(pool: V2Pool, log: Log) -> V2Pool:
    """Return the pair after a log; ``Sync`` alone moves it.

    Raises:
        DecodeError: the log is of another contract, or malformed.
    """
    _check_address(pool, log)
    if log.topics[:1] != (Sync.topic,):
        return pool
    try:
        reserve0, reserve1 = sync_reserves(log)
    except DecodeError as error:
        raise DecodeError(f"{pool.id}: {error}") from error
    return V2Pool(pool.id, pool.assets, pool.fee_ppm, reserve0, reserve1)


def play_v3(pool: V3Pool | ClosedPool, log: Log, fork: Fork) -> V3Pool | ClosedPool | Needs:
    """Return the pool after a log, or the keys of ticks that it changes and that are not loaded.

    ``Swap`` sets price, tick and liquidity; ``Mint`` and ``Burn`` change ticks, bitmap and, in range, liquidity; ``Initialize`` opens the
    pool. A bitmap word that is not loaded stays so: whoever asks for it later reads it as it then is.

    Raises:
        DecodeError: the log is of another contract, malformed, or impossible for this pool as it stands.
    """
    _check_address(pool, log)
    topic = log.topics[0] if log.topics else b""
    try:
        if topic == Initialize.topic:
            return _initialized(pool, Initialize.of(log))
        if topic not in (fork.swap.topic, Mint.topic, Burn.topic):
            return pool
        if isinstance(pool, ClosedPool):
            raise DecodeError("expected Initialize first, found a log of an open pool: was the pool read at an older height?")
        if topic == fork.swap.topic:
            swap = fork.swap.of(log)
            return _made(pool, _moved(pool.state, swap.sqrt_price_x96, swap.tick, swap.liquidity))
        change = Mint.of(log) if topic == Mint.topic else Burn.of(log)
        state = _with_position(pool.state, change.lower, change.upper, change.amount if topic == Mint.topic else -change.amount)
    except (AmmError, DecodeError) as error:
        raise DecodeError(f"{pool.id}: log {log.index}: {error}") from error
    return Needs(pool.missing(state).keys) if isinstance(state, MissingState) else _made(pool, state)


def _made(pool: V3Pool, state: ConcentratedState) -> V3Pool:
    return pool if state is pool.state else V3Pool(pool.id, pool.assets, state, pool.layout)


def _moved(state: ConcentratedState, sqrt_price_x96: int, tick: int, liquidity: int) -> ConcentratedState:
    # Through the constructor, which checks: these values come from outside.
    return ConcentratedState(
        sqrt_price_x96,
        tick,
        liquidity,
        state.fee_ppm,
        state.tick_spacing,
        state.words,
        state.liquidity_net,
        state.liquidity_gross,
    )


def _initialized(pool: V3Pool | ClosedPool, event: Initialize) -> V3Pool:
    if isinstance(pool, V3Pool):
        raise DecodeError("expected one Initialize, found another in an open pool")
    # Nobody could mint before: every word is known to be empty.
    words, none = _empty_words(pool.tick_spacing), Map[int, int]()
    state = ConcentratedState(event.sqrt_price_x96, event.tick, 0, pool.fee_ppm, pool.tick_spacing, words, none, none)
    return V3Pool(pool.id, pool.assets, state, pool.layout)


@lru_cache(maxsize=64)
def _empty_words(tick_spacing: int) -> Map[int, int]:
    return complete_words((), tick_spacing)


def _with_position(state: ConcentratedState, lower: int, upper: int, delta: int) -> ConcentratedState | MissingState:
    """Return the state after a position changed, where its ends may lie in words that are not loaded.

    Such an end is given a stand-in that the change can be taken from, and forgotten again.
    """
    spacing = state.tick_spacing
    hidden = [tick for tick in (lower, upper) if tick // spacing >> 8 not in state.words]
    if not hidden:
        return with_liquidity(state, lower, upper, delta)
    words, net, gross = state.words, state.liquidity_net, state.liquidity_gross
    for tick in hidden:
        position, bit = divmod(tick // spacing, 256)
        held = max(-delta, 0)
        words = words.set(position, words.get(position, 0) | (1 << bit if held else 0))
        if held:
            net, gross = net.set(tick, 0), gross.set(tick, held)
    after = with_liquidity(state.reticked(state.liquidity, words, net, gross), lower, upper, delta)
    if isinstance(after, MissingState):
        return after
    words, net, gross = after.words, after.liquidity_net, after.liquidity_gross
    for tick in hidden:
        position = tick // spacing >> 8
        words = words.delete(position) if position in words else words
        net = net.delete(tick) if tick in net else net
        gross = gross.delete(tick) if tick in gross else gross
    return state.reticked(after.liquidity, words, net, gross)


def _check_address(pool: V2Pool | V3Pool | ClosedPool, log: Log) -> None:
    if log.address != address_of(pool.id):
        raise DecodeError(f"{pool.id}: expected a log of its own, found one of {log.address}")
