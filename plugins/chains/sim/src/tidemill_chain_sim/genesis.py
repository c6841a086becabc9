"""Pools as they stand at the start: at reference prices exactly, so that nothing is mispriced until somebody trades."""

from math import isqrt
from typing import Final

from tidemill_amm.concentrated import MAX_TICK, ConcentratedState, liquidity_for_amounts, tick_at_sqrt_ratio
from tidemill_chain_sim.pools import PairState, PoolSpec, PoolState, RangeState
from tidemill_simworld import GENESIS_UNIX
from tidemill_simworld.tokens import DOLLAR

_RANGES: Final = ((46_000, 25), (6_930, 35), (1_000, 40))
"""Half width in ticks (1 bp each) and per cent of the depth: a hundredfold, a factor of two, a tenth."""
_STABLE_RANGES: Final = ((1_000, 20), (100, 40), (10, 40))


def opening_state(spec: PoolSpec, prices: tuple[int, ...]) -> PoolState:
    """Return a pool that holds its depth, half in each token, at the ratio of the reference prices; base units rounded down."""
    amount0 = _amount(spec.depth * DOLLAR // 2, prices[spec.token0.index], spec.token0.unit)
    amount1 = _amount(spec.depth * DOLLAR // 2, prices[spec.token1.index], spec.token1.unit)
    if spec.kind == "v2":
        return PairState(amount0, amount1, GENESIS_UNIX)
    worth0 = prices[spec.token0.index] * spec.token1.unit
    worth1 = prices[spec.token1.index] * spec.token0.unit
    return RangeState(_ranges(spec, isqrt((worth0 << 192) // worth1), amount0, amount1), ())


def _amount(dollars: int, price: int, unit: int) -> int:
    return dollars * unit // price


def _ranges(spec: PoolSpec, price: int, amount0: int, amount1: int) -> ConcentratedState:
    tick, spacing = tick_at_sqrt_ratio(price), spec.venue.tick_spacing
    ticks: dict[int, tuple[int, int]] = {}
    total = 0
    for width, percent in _STABLE_RANGES if spec.token0.stable and spec.token1.stable else _RANGES:
        lower, upper = range_around(tick, width, spacing)
        liquidity = liquidity_for_amounts(price, lower, upper, amount0 * percent // 100, amount1 * percent // 100)
        for at, net in ((lower, liquidity), (upper, -liquidity)):
            before = ticks.get(at, (0, 0))
            ticks[at] = (before[0] + liquidity, before[1] + net)
        total += liquidity
    return ConcentratedState.from_ticks(
        sqrt_price_x96=price, tick=tick, liquidity=total, fee_ppm=spec.venue.fee_ppm, tick_spacing=spacing, ticks=ticks
    )


def range_around(tick: int, width: int, spacing: int) -> tuple[int, int]:
    """Return the range of at least ``width`` ticks to both sides of a tick, on the spacing, within what a pool allows."""
    last = MAX_TICK // spacing * spacing
    lower, upper = (tick - width) // spacing * spacing, -(-(tick + width) // spacing) * spacing
    return max(lower, -last), min(max(upper, lower + spacing), last)
