"""Prices and amounts along one range against fractions, and the bitmap against a list of ticks."""

from fractions import Fraction

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from tidemill_amm.concentrated import MAX_SQRT_RATIO, MAX_TICK, MIN_SQRT_RATIO, MIN_TICK
from tidemill_amm.concentrated.bitmap import NextTick, check_tick, next_in_word, word_position
from tidemill_amm.concentrated.sqrt_price_math import (
    amount0_delta,
    amount1_delta,
    ceil_div,
    next_price_from_input,
    next_price_from_output,
)
from tidemill_amm.concentrated.swap_step import SwapStep, swap_step
from tidemill_amm.errors import InsufficientLiquidity, InvalidPrice, InvalidTick

Q96 = 1 << 96
PRICES = st.integers(MIN_SQRT_RATIO, MAX_SQRT_RATIO - 1) | st.integers(Q96 >> 20, Q96 << 20)
LIQUIDITY = st.integers(1, (1 << 128) - 1)
AMOUNTS = st.integers(0, 1 << 140)


def rounded(value: Fraction, *, up: bool) -> int:
    return -(-value.numerator // value.denominator) if up else value.numerator // value.denominator


@given(PRICES, PRICES, LIQUIDITY, st.booleans())
def test_amount_deltas_any_prices_are_exact_rounded(price_a: int, price_b: int, liquidity: int, up: bool) -> None:
    """Token0 is L / a - L / b and token1 is L * (b - a), each rounded once, whatever the order of the prices."""
    low, high = sorted((price_a, price_b))
    token0 = liquidity * (Fraction(Q96, low) - Fraction(Q96, high))
    token1 = Fraction(liquidity * (high - low), Q96)

    assert rounded(token0, up=up) == amount0_delta(price_a, price_b, liquidity, round_up=up)
    assert rounded(token1, up=up) == amount1_delta(price_a, price_b, liquidity, round_up=up)


@given(PRICES, LIQUIDITY, AMOUNTS)
def test_next_price_from_token0_input_is_exact_rounded_up(price: int, liquidity: int, amount: int) -> None:
    """L / (L / price + amount), rounded up, while the contract's product fits 256 bits."""
    assume(amount * price + (liquidity << 96) < 1 << 256)
    exact = liquidity / (Fraction(liquidity, price) + Fraction(amount, Q96))

    assert rounded(exact, up=True) == next_price_from_input(price, liquidity, amount, zero_for_one=True)


def test_next_price_from_token0_input_beyond_256_bits_divides_first() -> None:
    """Where amount times price overflows, the contract uses the less precise formula, and so does this."""
    price, liquidity, amount = 1 << 159, (1 << 128) - 1, 1 << 120
    expected = ceil_div(liquidity << 96, (liquidity << 96) // price + amount)

    assert expected == next_price_from_input(price, liquidity, amount, zero_for_one=True)


@given(PRICES, LIQUIDITY, AMOUNTS)
def test_next_price_from_token1_input_is_exact_rounded_down(price: int, liquidity: int, amount: int) -> None:
    """price + amount / L, rounded down; beyond uint160 there is none."""
    exact = price + Fraction(amount * Q96, liquidity)
    if exact >= 1 << 160:
        with pytest.raises(InvalidPrice, match="uint160"):
            next_price_from_input(price, liquidity, amount, zero_for_one=False)
    else:
        assert rounded(exact, up=False) == next_price_from_input(price, liquidity, amount, zero_for_one=False)


@given(PRICES, LIQUIDITY, AMOUNTS)
def test_next_price_from_token1_output_is_exact_rounded_down(price: int, liquidity: int, amount: int) -> None:
    """price - amount / L, rounded down; a range that cannot pay says so."""
    exact = rounded(price - Fraction(amount * Q96, liquidity), up=False)
    if exact <= 0:
        with pytest.raises(InsufficientLiquidity, match="ask for less"):
            next_price_from_output(price, liquidity, amount, zero_for_one=True)
    else:
        assert exact == next_price_from_output(price, liquidity, amount, zero_for_one=True)


@given(PRICES, LIQUIDITY, AMOUNTS)
def test_next_price_from_token0_output_is_exact_rounded_up(price: int, liquidity: int, amount: int) -> None:
    """L / (L / price - amount), rounded up; a range that cannot pay, or a price beyond uint160, is refused."""
    left = Fraction(liquidity * Q96, price) - amount
    if left <= 0:
        with pytest.raises(InsufficientLiquidity, match="ask for less"):
            next_price_from_output(price, liquidity, amount, zero_for_one=False)
    elif rounded(liquidity * Q96 / left, up=True) >= 1 << 160:
        with pytest.raises(InvalidPrice, match="uint160"):
            next_price_from_output(price, liquidity, amount, zero_for_one=False)
    else:
        assert rounded(liquidity * Q96 / left, up=True) == next_price_from_output(price, liquidity, amount, zero_for_one=False)


def test_next_price_from_output_beyond_256_bits_raises() -> None:
    """A product that the contract cannot hold is refused, although the range could pay."""
    with pytest.raises(InsufficientLiquidity):
        next_price_from_output(1 << 159, (1 << 128) - 1, 1 << 97, zero_for_one=False)


def test_next_price_from_output_beyond_uint160_raises() -> None:
    """All but the last of the token0 there is would need a price that the contract cannot hold."""
    with pytest.raises(InvalidPrice, match="uint160"):
        next_price_from_output(1 << 90, 1 << 70, (1 << 76) - 1, zero_for_one=False)


@pytest.mark.parametrize(("price", "liquidity"), [(0, 1), (1, 0)])
@pytest.mark.parametrize("function", [next_price_from_input, next_price_from_output])
def test_next_price_without_start_raises(function: object, price: int, liquidity: int) -> None:
    """Without price or liquidity there is no next price."""
    assert callable(function)
    with pytest.raises(InvalidPrice, match="above 0"):
        function(price, liquidity, 1, zero_for_one=True)


@given(PRICES, PRICES, st.integers(0, (1 << 128) - 1), st.integers(-(1 << 150), 1 << 150), st.sampled_from([0, 100, 3_000, 999_999]))
def test_swap_step_any_range_keeps_its_promises(price: int, target: int, liquidity: int, remaining: int, fee_ppm: int) -> None:
    """The price stays between start and target, and reaches it unless the amount is used up; the fee is not short."""
    step = swap_step(price, target, liquidity, remaining, fee_ppm)

    assert min(price, target) <= step.sqrt_price_x96 <= max(price, target)
    if remaining >= 0:
        assert step.amount_in + step.fee <= remaining
        assert step.sqrt_price_x96 == target or step.amount_in + step.fee == remaining
    else:
        assert step.amount_out <= -remaining
        assert step.sqrt_price_x96 == target or step.amount_out == -remaining
    assert step.fee * (1_000_000 - fee_ppm) >= step.amount_in * fee_ppm


@pytest.mark.parametrize("remaining", [5, -5])
def test_swap_step_without_liquidity_jumps_to_target(remaining: int) -> None:
    """A range without liquidity is crossed for nothing."""
    assert SwapStep(Q96 - 1, 0, 0, 0) == swap_step(Q96, Q96 - 1, 0, remaining, 3_000)


@given(st.sets(st.integers(0, 255)), st.integers(0, 255), st.integers(-9, 9), st.sampled_from([1, 10, 60]), st.booleans())
def test_next_in_word_any_word_is_nearest_bit_or_edge(bits: set[int], bit: int, position: int, spacing: int, lte: bool) -> None:
    """The nearest set bit in the direction of the price, else the last bit of the word that way."""
    word = sum(1 << each for each in bits)
    start = position * 256 + bit if lte else position * 256 + bit - 1
    tick = start * spacing + (spacing - 1)
    ahead = [each for each in bits if (each <= bit if lte else each >= bit)]
    edge = 0 if lte else 255
    nearest = (max(ahead) if lte else min(ahead)) if ahead else edge

    assert position == word_position(tick, spacing, lte=lte)
    assert NextTick((position * 256 + nearest) * spacing, bool(ahead)) == next_in_word(word, tick, spacing, lte=lte)


@pytest.mark.parametrize("tick", [MIN_TICK - 8, MAX_TICK + 8, 61, -1])
def test_check_tick_unusable_raises(tick: int) -> None:
    """A position starts and ends on multiples of the spacing within the range."""
    with pytest.raises(InvalidTick, match=f"spacing 60 .* found {tick}"):
        check_tick(tick, 60)
