"""The curve of a concentrated pool: one Möbius piece for each range between initialized ticks."""

from collections.abc import Iterator
from typing import Final

from tidemill_amm.concentrated.state import ConcentratedState
from tidemill_amm.concentrated.tick_math import (
    MAX_SQRT_RATIO,
    MAX_TICK,
    MIN_SQRT_RATIO,
    MIN_TICK,
    sqrt_ratio_at_tick,
)
from tidemill_amm.curve import Piece, PoolCurve

_PPM: Final = 1_000_000
_PPM_X96: Final = _PPM << 96
_LAST_DOWN: Final = MIN_SQRT_RATIO + 1
_LAST_UP: Final = MAX_SQRT_RATIO - 1
_AT_OR_BELOW: Final = tuple((2 << bit) - 1 for bit in range(256))

_Steps = Iterator[tuple[int, int, bool]]
"""For each step of the contract's loop: the sqrt price it runs to, the liquidity on the way, and whether that may change there."""


def curve_of(state: ConcentratedState, zero_for_one: bool, max_in: int) -> PoolCurve:
    """Return what the pool pays for every input up to ``max_in``, as far as its ticks are loaded.

    A range of liquidity ``L`` that begins at the sqrt price ``s = p / 2**96`` turns a net input ``y`` of token0 into
    ``L * s * (y * s) / (L + y * s)`` of token1, one of token1 into ``y / s * L / (L * s + y)`` of token0 (Uniswap v3 whitepaper, 6.2.3;
    ``SqrtPriceMath`` without its roundings). With ``y = x * r / 10**6`` after the fee and everything over the common denominator these
    are the integers ``a, b, c`` of a piece, without any rounding:

    * token0 in: ``L * p**2 * r``, ``L * 10**6 * 2**192``, ``2**96 * p * r``
    * token1 in: ``L * 2**192 * r``, ``L * 10**6 * p**2``, ``2**96 * p * r``

    Pieces end at the last integer input before the price reaches the tick, and the next one begins at the tick. So no slope ever rises,
    and no input that the curve covers needs what lies beyond its last tick: it stops where a word or a tick is not loaded, where
    liquidity does, or where a tick would take it out of uint128.

    ``slack``: let ``I(x)`` be the same pool without roundings, ``q`` the spot rate where its liquidity begins (the steepest
    of all, per unit of net input), ``n`` the steps of the contract's loop with liquidity as far as the last piece.

    * ``I - n * q <= curve <= I``: the curve is ``I`` with at most one unit of input cut out at the end of each range, each worth at most
      ``q``; what is left of a falling slope is worth no more than its beginning.
    * ``I - n * (2 * q + 1) - z <= quote <= I``: each rounding is against the trader. A step that reaches its tick rounds up the net input
      (by less than 1) and the fee (by less than 1), the last one rounds down the net input, and where 256 bits overflow divides it
      early, which is the same as less than 1 less of it; so each step loses less than ``2 * q``. Each rounds down its output by less
      than 1. The last step's price is rounded by less than ``2**-96``: ``z <= L / 2**96`` of token1, or ``q * L / 2**96`` of token0.

    Hence ``|curve - quote| <= n * (2 * q + 1) + z``, rounded up, with the largest ``L`` of all ranges. An initialized tick and the edge
    of a bitmap word each end a step.

    Args:
        state: the pool.
        zero_for_one: whether token0 goes in and token1 comes out.
        max_in: base units of the input token, fee included, where the curve may end; what is not above 0 gives no pieces.

    Returns:
        The curve, with a piece for each range that takes more than one unit. Without any the pool takes nothing, or a few units.
    """
    ranges: list[tuple[int, int, int, int]] = []
    rest = _PPM - state.fee_ppm
    shifted = rest << 96
    first = start = state.sqrt_price_x96
    held = at = end = steps = most = 0
    for target, liquidity, crosses in _steps_down(state) if zero_for_one else _steps_up(state):
        if not liquidity or start == target:
            start = target
            continue
        if not steps:
            first = start
        steps += 1
        held = liquidity
        if liquidity > most:
            most = liquidity
        # The last input before the tick: one less where a whole number of units reaches it
        if zero_for_one:
            end = at + (liquidity * _PPM_X96 * (start - target) - 1) // (start * target * rest)
        else:
            end = at + (liquidity * _PPM * (target - start) - 1) // shifted
        if end >= max_in:
            end = max_in
            break
        if crosses:
            if end > at:
                ranges.append((at, end, start, liquidity))
                at = end
            start = target
    if end > at:
        ranges.append((at, end, start, held))
    if not ranges:
        return PoolCurve((), 0)
    square, pieces = first * first, _pieces(ranges, zero_for_one, rest)
    # One quotient of both terms, each times 2**96 twice
    lost = 2 * steps * square + (most << 96) >> 192 if zero_for_one else ((2 * steps << 192) + (most << 96)) // square
    return PoolCurve(pieces, steps + lost + 1)


def _pieces(ranges: list[tuple[int, int, int, int]], zero_for_one: bool, rest: int) -> tuple[Piece, ...]:
    """Return the pieces of ranges given as first and last input, the sqrt price that they begin at, and their liquidity."""
    bend = rest << 96
    if zero_for_one:
        below = _PPM << 192
        return tuple([(at, end, held * rest * start * start, held * below, start * bend) for at, end, start, held in ranges])
    above = rest << 192
    return tuple([(at, end, held * above, held * _PPM * start * start, start * bend) for at, end, start, held in ranges])


def _steps_down(state: ConcentratedState) -> _Steps:
    """Yield the steps of a falling price; those without liquidity only where they end at a tick."""
    liquidity, spacing, words = state.liquidity, state.tick_spacing, state.words
    compressed = state.tick // spacing
    while True:
        word = words.get(compressed >> 8)
        if word is None:
            return
        masked = word & _AT_OR_BELOW[compressed & 255]
        compressed = compressed & -256 | masked.bit_length() - 1 if masked else compressed & -256
        tick = compressed * spacing
        if tick <= MIN_TICK:
            yield _LAST_DOWN, liquidity, False
            return
        if liquidity or masked:
            yield sqrt_ratio_at_tick(tick), liquidity, masked != 0
        if masked:
            change = state.liquidity_net.get(tick)
            if change is None:
                return
            liquidity -= change
            if liquidity >> 128:  # also where it is below zero
                return
        compressed -= 1


def _steps_up(state: ConcentratedState) -> _Steps:
    """Yield the steps of a rising price; those without liquidity only where they end at a tick."""
    liquidity, spacing, words = state.liquidity, state.tick_spacing, state.words
    compressed = state.tick // spacing + 1
    while True:
        word = words.get(compressed >> 8)
        if word is None:
            return
        masked = word >> (compressed & 255)
        compressed = compressed + (masked & -masked).bit_length() - 1 if masked else compressed | 255
        tick = compressed * spacing
        if tick >= MAX_TICK:
            yield _LAST_UP, liquidity, False
            return
        if liquidity or masked:
            yield sqrt_ratio_at_tick(tick), liquidity, masked != 0
        if masked:
            change = state.liquidity_net.get(tick)
            if change is None:
                return
            liquidity += change
            if liquidity >> 128:  # also where it is below zero
                return
        compressed += 1
