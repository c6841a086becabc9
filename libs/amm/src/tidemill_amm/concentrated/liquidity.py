"""Minting and burning: how a position changes ticks, bitmap and the liquidity in range.

Equal to ``UniswapV3Pool._modifyPosition`` with ``Tick.update``, ``Tick.clear`` and ``TickBitmap.flipTick`` of v3-core
1.0.1 (contracts/UniswapV3Pool.sol, contracts/libraries/). Fees owed to positions are not part of a pool's quotes and
are not kept. Whether a position exists that may be burnt is the caller's question: only totals by tick are known here.
"""

from typing import Final, NamedTuple

from immutables import Map

from tidemill_amm.concentrated.bitmap import check_tick
from tidemill_amm.concentrated.state import MAX_LIQUIDITY, ConcentratedState, MissingState
from tidemill_amm.concentrated.tick_math import MAX_TICK
from tidemill_amm.errors import InvalidTick, LiquidityOverflow

_INT128: Final = 1 << 127


class _Loaded(NamedTuple):
    gross: int
    net: int


def max_liquidity_per_tick(tick_spacing: int) -> int:
    """Return the most liquidity that may refer to one tick, so that no price can exceed uint128 (``Tick.sol``)."""
    return MAX_LIQUIDITY // (2 * (MAX_TICK // tick_spacing) + 1)


def with_liquidity(state: ConcentratedState, lower: int, upper: int, delta: int) -> ConcentratedState | MissingState:
    """Return the pool after a position from ``lower`` to ``upper`` has changed by ``delta``.

    Args:
        state: the pool before the change.
        lower: lower tick of the position, a multiple of the spacing; in range while lower <= tick < upper.
        upper: upper tick of the position, a multiple of the spacing; > lower.
        delta: liquidity; above 0 a mint, below 0 a burn, 0 changes nothing.

    Returns:
        The pool afterwards, sharing every tick that did not change; or ``MissingState`` with the bitmap words of both
        ticks, and the gross and net liquidity of those initialized, as far as they are not loaded.

    Raises:
        InvalidTick: a tick is out of range, off the spacing, or lower >= upper.
        LiquidityOverflow: more is burnt than there is, or a limit of the contract would be exceeded: uint128 in range,
            int128 net, ``max_liquidity_per_tick``.
    """
    check_tick(lower, state.tick_spacing)
    check_tick(upper, state.tick_spacing)
    if lower >= upper:
        raise InvalidTick(f"expected lower < upper, found {lower} and {upper}")
    if delta == 0:
        return state
    missing = _missing(state, (lower, upper))
    if missing is not None:
        return missing
    words, net, gross = state.words, state.liquidity_net, state.liquidity_gross
    for tick, net_delta in ((lower, delta), (upper, -delta)):
        words, net, gross = _updated(words, net, gross, tick, delta, net_delta, state.tick_spacing)
    liquidity = state.liquidity
    if lower <= state.tick < upper:
        liquidity = _within(liquidity + delta, MAX_LIQUIDITY, "liquidity in range")
    return state.reticked(liquidity, words, net, gross)


def _missing(state: ConcentratedState, ticks: tuple[int, ...]) -> MissingState | None:
    absent_words: set[int] = set()
    absent_ticks: list[int] = []
    for tick in ticks:
        compressed = tick // state.tick_spacing
        word = state.words.get(compressed >> 8)
        if word is None:
            absent_words.add(compressed >> 8)
        elif word >> (compressed & 255) & 1 and (tick not in state.liquidity_gross or tick not in state.liquidity_net):
            absent_ticks.append(tick)
    if absent_words or absent_ticks:
        return MissingState(words=tuple(sorted(absent_words)), ticks=tuple(absent_ticks))
    return None


def _updated(
    words: Map[int, int],
    net: Map[int, int],
    gross: Map[int, int],
    tick: int,
    delta: int,
    net_delta: int,
    tick_spacing: int,
) -> tuple[Map[int, int], Map[int, int], Map[int, int]]:
    """Return words, net and gross with one end of the position changed."""
    position, bit = divmod(tick // tick_spacing, 256)
    before = _Loaded(gross[tick], net[tick]) if words[position] >> bit & 1 else _Loaded(0, 0)
    gross_after = _within(before.gross + delta, max_liquidity_per_tick(tick_spacing), f"gross liquidity of tick {tick}")
    net_after = before.net + net_delta
    if not -_INT128 <= net_after < _INT128:
        raise LiquidityOverflow(f"expected the net liquidity of tick {tick} within int128, found {net_after}")
    if (gross_after == 0) != (before.gross == 0):
        words = words.set(position, words[position] ^ 1 << bit)
    if gross_after == 0:
        return words, net.delete(tick), gross.delete(tick)
    return words, net.set(tick, net_after), gross.set(tick, gross_after)


def _within(value: int, limit: int, name: str) -> int:
    if not 0 <= value <= limit:
        raise LiquidityOverflow(f"expected {name} in 0 .. {limit}, found {value}")
    return value
