"""The bare output of a swap, for search and sizing: nothing but the number.

The same integers as ``swap``, which is the reference in the tests. The loops are written out for each direction, with
local variables only, because this is called millions of times where ``swap`` is called once; where ``swap_step`` rounds
an amount up to compare it, they compare the products, which needs no division.
"""

from typing import Final

from tidemill_amm.concentrated.state import ConcentratedState
from tidemill_amm.concentrated.tick_math import (
    MAX_SQRT_RATIO,
    MAX_TICK,
    MIN_SQRT_RATIO,
    MIN_TICK,
    sqrt_ratio_at_tick,
)
from tidemill_amm.errors import InvalidAmount

_LAST_DOWN: Final = MIN_SQRT_RATIO + 1
_LAST_UP: Final = MAX_SQRT_RATIO - 1
_AT_OR_BELOW: Final = tuple((2 << bit) - 1 for bit in range(256))


def amount_out(state: ConcentratedState, zero_for_one: bool, amount_in: int) -> int:
    """Return what the pool pays for exactly ``amount_in``.

    Args:
        state: the pool before the swap.
        zero_for_one: whether token0 goes in and token1 comes out.
        amount_in: base units of the input token, fee included; >= 0.

    Returns:
        Base units of the output token, rounded down, equal to ``swap``. 0 where ``swap`` would not fill the whole
        amount, would need state that is not loaded, or would refuse; and for an amount of 0.

    Raises:
        InvalidAmount: ``amount_in`` is negative.
    """
    if amount_in <= 0:
        if amount_in < 0:
            raise InvalidAmount(f"expected an amount >= 0 in base units, found {amount_in}")
        return 0
    return _token1_out(state, amount_in) if zero_for_one else _token0_out(state, amount_in)


def _token1_out(state: ConcentratedState, amount: int) -> int:
    """Return token1 for ``amount`` of token0: the price falls."""
    price, liquidity, fee_ppm, spacing = state.sqrt_price_x96, state.liquidity, state.fee_ppm, state.tick_spacing
    words, rest_ppm, out = state.words, 1_000_000 - fee_ppm, 0
    compressed = state.tick // spacing
    while True:
        word = words.get(compressed >> 8)
        if word is None:
            return 0
        masked = word & _AT_OR_BELOW[compressed & 255]
        compressed = compressed & -256 | masked.bit_length() - 1 if masked else compressed & -256
        tick = compressed * spacing
        last = tick <= MIN_TICK
        if liquidity or masked:
            target = _LAST_DOWN if last else sqrt_ratio_at_tick(tick)
            scaled, distance = liquidity << 96, price - target
            net = amount * rest_ppm // 1_000_000
            if net * price * target < scaled * distance:
                product = net * price
                below = scaled + product
                if below >> 256:
                    after = -(-scaled // (scaled // price + net))
                else:
                    after = -(-scaled * price // below)
                return out + (liquidity * (price - after) >> 96)
            paid = -(-scaled * distance // (price * target))
            amount -= paid - (-paid * fee_ppm // rest_ppm)
            out += liquidity * distance >> 96
            price = target
        if last:
            return 0 if amount else out
        if masked:
            change = state.liquidity_net.get(tick)
            if change is None:
                return 0
            liquidity -= change
            if liquidity < 0 or liquidity >> 128:
                return 0
        if not amount:
            return out
        compressed -= 1


def _token0_out(state: ConcentratedState, amount: int) -> int:
    """Return token0 for ``amount`` of token1: the price rises."""
    price, liquidity, fee_ppm, spacing = state.sqrt_price_x96, state.liquidity, state.fee_ppm, state.tick_spacing
    words, rest_ppm, out = state.words, 1_000_000 - fee_ppm, 0
    compressed = state.tick // spacing + 1
    while True:
        word = words.get(compressed >> 8)
        if word is None:
            return 0
        masked = word >> (compressed & 255)
        compressed = compressed + (masked & -masked).bit_length() - 1 if masked else compressed | 255
        tick = compressed * spacing
        last = tick >= MAX_TICK
        if liquidity or masked:
            target = _LAST_UP if last else sqrt_ratio_at_tick(tick)
            cost = liquidity * (target - price)
            net = amount * rest_ppm // 1_000_000
            if net << 96 < cost:
                after = price + (net << 96) // liquidity
                return out + (liquidity << 96) * (after - price) // (after * price)
            paid = -(-cost >> 96)
            amount -= paid - (-paid * fee_ppm // rest_ppm)
            out += (cost << 96) // (target * price)
            price = target
        if last:
            return 0 if amount else out
        if masked:
            change = state.liquidity_net.get(tick)
            if change is None:
                return 0
            liquidity += change
            if liquidity < 0 or liquidity >> 128:
                return 0
        if not amount:
            return out
        compressed += 1
