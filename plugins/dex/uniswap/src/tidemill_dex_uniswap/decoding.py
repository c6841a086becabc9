"""Storage to pools.

A slot that is known to be absent reads as zero, as it does on chain: a pair without reserves quotes nothing, a concentrated pool without
a price is a ``ClosedPool``.
"""

from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import Final

from attrs import frozen
from immutables import Map

from tidemill.domain.answers import Needs
from tidemill.domain.ids import AssetId, Key
from tidemill.domain.pool import Decoded, LogFilter, PoolRef, Watch
from tidemill.errors import DecodeError
from tidemill.hookspecs.dex import States
from tidemill.units import PPM_SCALE
from tidemill_amm import AmmError
from tidemill_amm.concentrated import MAX_TICK, MIN_TICK, ConcentratedState
from tidemill_amm.concentrated.state import MAX_TICK_SPACING
from tidemill_dex_uniswap.forks import Fork
from tidemill_dex_uniswap.quoting import ClosedPool, V2Pool, V3Pool
from tidemill_evm.storage import word_number
from tidemill_evm.uniswap_v2 import decode_reserves, reserves_key
from tidemill_evm.uniswap_v2_logs import Sync
from tidemill_evm.uniswap_v3 import Slot0, V3Layout, decode_liquidity, decode_tick
from tidemill_evm.uniswap_v3_logs import Burn, Initialize, Mint

WINDOW_TICKS: Final = 10_000
"""How far from the price the bitmap is loaded at first, on both sides: a factor of 2.7 in price."""
_LEAST_WORDS, _MOST_WORDS = 2, 40
_ZERO: Final = bytes(32)


def decode_v2(ref: PoolRef, states: States) -> Decoded | Needs:
    """Make a pair from slot 8, or name its key.

    Raises:
        DecodeError: the word has not 32 bytes, or ``ref`` describes no pair.
    """
    assets, fee_ppm = _assets(ref), _fee_ppm(ref)
    key = reserves_key(ref.address)
    if key not in states:
        return Needs((key,))
    try:
        reserves = decode_reserves(_word(states, key))
    except DecodeError as error:
        raise DecodeError(f"{ref.id}: {error}") from error
    return Decoded(V2Pool(ref.id, assets, fee_ppm, reserves.reserve0, reserves.reserve1), _pair_watch(ref.address))


def decode_v3(ref: PoolRef, states: States, fork: Fork) -> Decoded | Needs:
    """Make a concentrated pool from slot0, liquidity, the bitmap around the price and the ticks in it, or name the keys still needed.

    Asks at most three times: price and liquidity, words, ticks. Words outside the window are taken over where they were read for a
    quote and adjoin it; others stay unloaded, and a quote that reaches them names them.

    Raises:
        DecodeError: a word is not what it should be, or they do not fit each other; names the pool and the field.
    """
    layout, address = fork.layout, ref.address
    assets, fee_ppm, spacing = _assets(ref), _fee_ppm(ref), _tick_spacing(ref)
    head = (*layout.slot0_keys(address), layout.liquidity_key(address))
    if absent := _absent(head, states):
        return Needs(absent)
    try:
        slot0 = layout.decode_slot0(tuple(_word(states, key) for key in head[:-1]))
        liquidity = decode_liquidity(_word(states, head[-1]))
        if not slot0.sqrt_price_x96:
            return _closed(ref, assets, fee_ppm, spacing, fork, slot0, liquidity)
        bitmap = _read_bitmap(layout, address, states, slot0.tick, spacing)
        if isinstance(bitmap, Needs):
            return bitmap
        net, gross = _liquidities(bitmap, states)
        state = ConcentratedState(slot0.sqrt_price_x96, slot0.tick, liquidity, fee_ppm, spacing, Map(bitmap.words), Map(net), Map(gross))
    except (AmmError, DecodeError) as error:
        raise DecodeError(f"{ref.id}: {error}") from error
    watch = Watch((*head, *bitmap.word_keys, *bitmap.tick_keys), (_filter(address, fork),))
    return Decoded(V3Pool(ref.id, assets, state, layout), watch)


@frozen
class _Bitmap:
    """The loaded words, the ticks whose bits are set in them, ascending, and the keys of both."""

    words: dict[int, int]
    word_keys: tuple[Key, ...]
    ticks: tuple[int, ...]
    tick_keys: tuple[Key, ...]


def _read_bitmap(layout: V3Layout, address: str, states: States, tick: int, spacing: int) -> _Bitmap | Needs:
    positions = _positions(layout, address, states, tick, spacing)
    word_keys = tuple(layout.word_key(address, position) for position in positions)
    if absent := _absent(word_keys, states):
        return Needs(absent)
    words = {
        position: word_number(_word(states, key), f"bitmap word {position}") for position, key in zip(positions, word_keys, strict=True)
    }
    ticks = tuple(tick for position in positions for tick in _ticks(position, words[position], spacing))
    tick_keys = tuple(layout.tick_key(address, tick) for tick in ticks)
    if absent := _absent(tick_keys, states):
        return Needs(absent)
    return _Bitmap(words, word_keys, ticks, tick_keys)


def _closed(ref: PoolRef, assets: tuple[AssetId, AssetId], fee_ppm: int, spacing: int, fork: Fork, slot0: Slot0, liquidity: int) -> Decoded:
    if liquidity or slot0.tick or slot0.unlocked:
        raise DecodeError(f"expected zeros in a pool without a price, found {slot0} and liquidity {liquidity}")
    keys = (*fork.layout.slot0_keys(ref.address), fork.layout.liquidity_key(ref.address))
    return Decoded(ClosedPool(ref.id, assets, fee_ppm, spacing, fork.layout), Watch(keys, (_filter(ref.address, fork),)))


def window(tick: int, tick_spacing: int) -> range:
    """Return the positions of the bitmap words that are loaded at first around a tick, ascending."""
    centre = tick // tick_spacing >> 8
    reach = min(max(-(-WINDOW_TICKS // (256 * tick_spacing)), _LEAST_WORDS), _MOST_WORDS)
    first, last = MIN_TICK // tick_spacing >> 8, MAX_TICK // tick_spacing >> 8
    return range(max(centre - reach, first), min(centre + reach, last) + 1)


def _positions(layout: V3Layout, address: str, states: States, tick: int, spacing: int) -> range:
    """Return the window, grown on both sides by the words next to it that were read already."""
    start = window(tick, spacing)
    low, high = start.start, start.stop - 1
    first, last = MIN_TICK // spacing >> 8, MAX_TICK // spacing >> 8
    while low > first and layout.word_key(address, low - 1) in states:
        low -= 1
    while high < last and layout.word_key(address, high + 1) in states:
        high += 1
    return range(low, high + 1)


def _ticks(position: int, word: int, spacing: int) -> Iterator[int]:
    """Give the ticks whose bits are set in a word, ascending."""
    while word:
        bit = (word & -word).bit_length() - 1
        tick = (position * 256 + bit) * spacing
        if not MIN_TICK <= tick <= MAX_TICK:
            raise DecodeError(f"bitmap word {position}: bit {bit} is tick {tick}, outside {MIN_TICK} .. {MAX_TICK}")
        yield tick
        word &= word - 1


def _liquidities(bitmap: _Bitmap, states: States) -> tuple[dict[int, int], dict[int, int]]:
    """Return net and gross liquidity of the ticks."""
    nets: dict[int, int] = {}
    grosses: dict[int, int] = {}
    for tick, key in zip(bitmap.ticks, bitmap.tick_keys, strict=True):
        gross, net = decode_tick(_word(states, key))
        if not gross:
            raise DecodeError(f"tick {tick}: its bit is set in the bitmap, but no liquidity refers to it: were both read at one height?")
        if abs(net) > gross:
            raise DecodeError(f"tick {tick}: expected net liquidity within the gross of {gross}, found {net}")
        nets[tick], grosses[tick] = net, gross
    return nets, grosses


def _word(states: States, key: Key) -> bytes:
    """Return a slot's bytes; only None is absent, and empty bytes are wrong ones."""
    value = states[key]
    return _ZERO if value is None else value


def _absent(keys: Iterable[Key], states: States) -> tuple[Key, ...]:
    return tuple(key for key in keys if key not in states)


@lru_cache(maxsize=1 << 16)
def _pair_watch(address: str) -> Watch:
    # Made once a pair: a chain of pairs is decoded again with every snapshot of it that is imported.
    return Watch((reserves_key(address),), (LogFilter(address, (Sync.topic,)),))


def _filter(address: str, fork: Fork) -> LogFilter:
    return LogFilter(address, (fork.swap.topic, Mint.topic, Burn.topic, Initialize.topic))


def _assets(ref: PoolRef) -> tuple[AssetId, AssetId]:
    if len(ref.assets) != 2 or ref.assets[0] == ref.assets[1]:
        raise DecodeError(f"{ref.id}: expected two assets, found {ref.assets}")
    return ref.assets[0], ref.assets[1]


def _fee_ppm(ref: PoolRef) -> int:
    if ref.fee_ppm is None or not 0 <= ref.fee_ppm < PPM_SCALE:
        raise DecodeError(f"{ref.id}: expected fee_ppm from 0 to {PPM_SCALE - 1}, found {ref.fee_ppm}")
    return ref.fee_ppm


def _tick_spacing(ref: PoolRef) -> int:
    spacing = ref.detail("tick_spacing")
    if not isinstance(spacing, int) or not 1 <= spacing <= MAX_TICK_SPACING:
        raise DecodeError(f"{ref.id}: expected a tick_spacing from 1 to {MAX_TICK_SPACING} among its details, found {spacing!r}")
    return spacing
