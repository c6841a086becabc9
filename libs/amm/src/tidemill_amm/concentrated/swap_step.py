"""One step of a swap: as far as a target price, or as far as the amount reaches.

Equal to ``SwapMath.computeSwapStep`` of v3-core 1.0.1 (contracts/libraries/SwapMath.sol).
"""

from typing import NamedTuple

from tidemill_amm.concentrated.sqrt_price_math import (
    amount0_delta,
    amount1_delta,
    ceil_div,
    next_price_from_input,
    next_price_from_output,
)

_PPM = 1_000_000


class SwapStep(NamedTuple):
    """The price a step ended at and what moved, in base units.

    ``amount_in`` excludes ``fee``; both are input units, rounded up. ``amount_out`` is rounded down.
    """

    sqrt_price_x96: int
    amount_in: int
    amount_out: int
    fee: int


def swap_step(sqrt_price: int, sqrt_target: int, liquidity: int, remaining: int, fee_ppm: int) -> SwapStep:
    """Return one step from ``sqrt_price`` towards ``sqrt_target``; their order gives the direction.

    Args:
        sqrt_price: Q64.96 price the step starts at.
        sqrt_target: Q64.96 price it may not pass.
        liquidity: uint128 liquidity of the range; 0 jumps to the target and moves nothing.
        remaining: base units left to swap, fee included: above 0 input still to spend, below 0 output still to get.
        fee_ppm: the pool's fee; 0 <= fee_ppm < 1_000_000.

    Returns:
        The step; it cannot fail, because neither amount moves the price past the target.
    """
    zero_for_one = sqrt_price >= sqrt_target
    if remaining >= 0:
        return _exact_in(sqrt_price, sqrt_target, liquidity, remaining, fee_ppm, zero_for_one)
    return _exact_out(sqrt_price, sqrt_target, liquidity, -remaining, fee_ppm, zero_for_one)


def _exact_in(price: int, target: int, liquidity: int, remaining: int, fee_ppm: int, down: bool) -> SwapStep:
    net = remaining * (_PPM - fee_ppm) // _PPM
    amount_in = _received(price, target, liquidity, down)
    if net >= amount_in:
        fee = ceil_div(amount_in * fee_ppm, _PPM - fee_ppm)
        return SwapStep(target, amount_in, _paid(price, target, liquidity, down), fee)
    # An input that falls short of the distance also leaves the price short of the target, however it is rounded.
    after = next_price_from_input(price, liquidity, net, zero_for_one=down)
    amount_in = _received(price, after, liquidity, down)
    return SwapStep(after, amount_in, _paid(price, after, liquidity, down), remaining - amount_in)


def _exact_out(price: int, target: int, liquidity: int, wanted: int, fee_ppm: int, down: bool) -> SwapStep:
    amount_out = _paid(price, target, liquidity, down)
    after = target
    if wanted < amount_out:
        after = next_price_from_output(price, liquidity, wanted, zero_for_one=down)
        amount_out = min(wanted, _paid(price, after, liquidity, down))
    amount_in = _received(price, after, liquidity, down)
    return SwapStep(after, amount_in, amount_out, ceil_div(amount_in * fee_ppm, _PPM - fee_ppm))


def _received(price: int, after: int, liquidity: int, down: bool) -> int:
    """What the pool receives between two prices, rounded up: token0 when the price falls, else token1."""
    delta = amount0_delta if down else amount1_delta
    return delta(price, after, liquidity, round_up=True)


def _paid(price: int, after: int, liquidity: int, down: bool) -> int:
    """What the pool pays between two prices, rounded down: token1 when the price falls, else token0."""
    delta = amount1_delta if down else amount0_delta
    return delta(price, after, liquidity, round_up=False)
