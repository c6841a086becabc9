"""Swaps: what must hold for any pool."""

from collections.abc import Callable
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st
from immutables import Map

from tidemill_amm.concentrated import (
    MAX_SQRT_RATIO,
    MIN_SQRT_RATIO,
    ConcentratedState,
    MissingState,
    SwapResult,
    amount_out,
    sqrt_ratio_at_tick,
    swap,
)
from tidemill_amm.errors import InvalidAmount, InvalidPrice, LiquidityOverflow

Pools = st.SearchStrategy[ConcentratedState]
AMOUNTS = st.integers(0, 100).flatmap(lambda bits: st.integers(1 << bits, 2 << bits))
Q96 = 1 << 96


def swapped(pool: ConcentratedState, zero_for_one: bool, amount: int, limit: int | None = None) -> SwapResult:
    result = swap(pool, zero_for_one, amount, limit)
    assert isinstance(result, SwapResult)
    return result


def exact_out(pool: ConcentratedState, zero_for_one: bool, amount: Fraction) -> tuple[Fraction, int]:
    """What real numbers would pay, going from tick to tick; and the most liquidity on the way."""
    left = amount * (1_000_000 - pool.fee_ppm) / 1_000_000
    price, liquidity = Fraction(pool.sqrt_price_x96, Q96), pool.liquidity
    ahead = sorted((tick for tick in pool.liquidity_net if (tick <= pool.tick) == zero_for_one), reverse=zero_for_one)
    paid, most = Fraction(0), liquidity
    for tick in ahead:
        at = Fraction(sqrt_ratio_at_tick(tick), Q96)
        needed = liquidity * abs(1 / at - 1 / price if zero_for_one else at - price)
        if needed > left:
            break
        paid += liquidity * abs(at - price if zero_for_one else 1 / at - 1 / price)
        left, price = left - needed, at
        liquidity += -pool.liquidity_net[tick] if zero_for_one else pool.liquidity_net[tick]
        most = max(most, liquidity)
    if liquidity == 0:
        return paid, most
    after = liquidity / (liquidity / price + left) if zero_for_one else price + left / liquidity
    return paid + liquidity * abs(after - price if zero_for_one else 1 / after - 1 / price), most


def lost_input(pool: ConcentratedState, steps: int) -> int:
    """The input that rounding may cost: two units after the fee a step, and one at the end."""
    return -(-(2 * steps + 1) * 1_000_000 // (1_000_000 - pool.fee_ppm))


@given(st.data(), st.booleans(), AMOUNTS)
def test_swap_any_pool_is_real_curve_less_rounding(pools: Pools, data: st.DataObject, zero_for_one: bool, amount: int) -> None:
    """Never above what real numbers pay; below it by no more than the units each step rounds away."""
    pool = data.draw(pools)
    result = swapped(pool, zero_for_one, amount)
    if not result.filled:
        return
    ceiling, most = exact_out(pool, zero_for_one, Fraction(amount))
    floor, _ = exact_out(pool, zero_for_one, Fraction(max(0, amount - lost_input(pool, result.steps))))
    lowest = min(pool.sqrt_price_x96, result.sqrt_price_x96)
    price_unit = Fraction(most, Q96) if zero_for_one else Fraction(most * Q96, lowest * lowest)

    assert result.amount_out <= ceiling
    assert result.amount_out >= floor - result.steps * (1 + price_unit)


@given(st.data(), st.booleans(), AMOUNTS)
def test_amount_out_any_pool_equals_swap(pools: Pools, data: st.DataObject, zero_for_one: bool, amount: int) -> None:
    """The bare number is that of the full swap, or 0 where that is only partly filled."""
    pool = data.draw(pools)
    result = swapped(pool, zero_for_one, amount)

    assert (result.amount_out if result.filled else 0) == amount_out(pool, zero_for_one, amount)


def test_amount_out_beyond_256_bits_equals_swap(widest_pool: ConcentratedState) -> None:
    """The contract's less precise formula, where its products overflow, gives the bare number too."""
    amounts = [3 << bits for bits in range(40, 125)]
    expected = [swapped(widest_pool, True, amount) for amount in amounts]

    assert [each.amount_out if each.filled else 0 for each in expected] == [amount_out(widest_pool, True, amount) for amount in amounts]


@given(st.data(), st.booleans(), AMOUNTS)
def test_swap_any_pool_moves_price_one_way(pools: Pools, data: st.DataObject, zero_for_one: bool, amount: int) -> None:
    """Signs, price and fee go with the direction, and the state after is a state that a pool may be in."""
    pool = data.draw(pools)
    result = swapped(pool, zero_for_one, amount)
    received, paid = (result.amount0, result.amount1) if zero_for_one else (result.amount1, result.amount0)

    assert (result.sqrt_price_x96 <= pool.sqrt_price_x96) == zero_for_one or result.sqrt_price_x96 == pool.sqrt_price_x96
    assert 0 <= received <= amount
    assert paid <= 0
    assert (received == amount) == result.filled
    assert result.crossed == sum(min(pool.tick, result.tick) < tick <= max(pool.tick, result.tick) for tick in pool.liquidity_net)
    assert 0 <= result.fee <= received
    assert result.fee * 1_000_000 >= received * pool.fee_ppm - 1_000_000
    assert result.state == ConcentratedState(
        result.sqrt_price_x96,
        result.tick,
        result.liquidity,
        pool.fee_ppm,
        pool.tick_spacing,
        pool.words,
        pool.liquidity_net,
        pool.liquidity_gross,
    )


@given(st.data(), st.booleans(), AMOUNTS, AMOUNTS)
def test_swap_more_input_never_buys_less(pools: Pools, data: st.DataObject, zero_for_one: bool, first: int, second: int) -> None:
    """Output grows with input, and ever more slowly but for rounding."""
    pool = data.draw(pools)
    one, both = swapped(pool, zero_for_one, first), swapped(pool, zero_for_one, first + second)
    other = swapped(pool, zero_for_one, second + lost_input(pool, 2 * both.steps))
    lowest, highest = sorted((pool.sqrt_price_x96, both.sqrt_price_x96))
    most = max(exact_out(pool, zero_for_one, Fraction(first + second))[1], 1)
    price_unit = Fraction(most, Q96) if zero_for_one else Fraction(most * Q96, lowest * lowest)

    assert one.amount_out <= both.amount_out
    assert both.amount_out <= one.amount_out + other.amount_out + (2 + price_unit) * both.steps
    assert highest >= lowest


@given(st.data(), st.booleans(), AMOUNTS, AMOUNTS)
def test_swap_split_in_two_pays_no_more(pools: Pools, data: st.DataObject, zero_for_one: bool, first: int, second: int) -> None:
    """Two swaps in a row pay at most what one of their sum pays: rounding favours the pool each time."""
    pool = data.draw(pools)
    part = swapped(pool, zero_for_one, first)
    if not part.filled or part.sqrt_price_x96 in (MIN_SQRT_RATIO + 1, MAX_SQRT_RATIO - 1):
        return
    rest = swapped(part.state, zero_for_one, second)
    whole = swapped(pool, zero_for_one, first + second)

    assert part.amount_out + rest.amount_out <= whole.amount_out
    if rest.filled:
        assert (whole.sqrt_price_x96 <= rest.sqrt_price_x96) == zero_for_one or whole.sqrt_price_x96 == rest.sqrt_price_x96


@given(st.data(), st.booleans(), AMOUNTS)
def test_swap_there_and_back_never_gains(pools: Pools, data: st.DataObject, zero_for_one: bool, amount: int) -> None:
    """Selling the output back to the pool that paid it returns no more than went in."""
    there = swapped(data.draw(pools), zero_for_one, amount)
    if there.amount_out:
        back = swapped(there.state, not zero_for_one, there.amount_out)

        assert back.amount_out <= there.amount_in


@given(st.data(), st.booleans(), AMOUNTS)
def test_swap_exact_out_of_exact_in_agrees(pools: Pools, data: st.DataObject, zero_for_one: bool, amount: int) -> None:
    """What an input bought costs no more as an exact output, and that cost buys it."""
    pool = data.draw(pools)
    bought = swapped(pool, zero_for_one, amount)
    if bought.amount_out:
        asked = swapped(pool, zero_for_one, -bought.amount_out)

        assert asked.filled
        assert (bought.amount_out, True) == (asked.amount_out, asked.amount_in <= bought.amount_in)
        assert swapped(pool, zero_for_one, asked.amount_in).amount_out >= bought.amount_out


@given(st.data(), st.booleans(), AMOUNTS, st.integers(1, 20_000))
def test_swap_price_limit_stops_and_says_so(pools: Pools, data: st.DataObject, zero_for_one: bool, amount: int, distance: int) -> None:
    """The limit is never passed; unless it is reached the whole amount is swapped."""
    pool = data.draw(pools)
    limit = sqrt_ratio_at_tick(pool.tick - distance if zero_for_one else pool.tick + 1 + distance)
    result = swapped(pool, zero_for_one, amount, limit)

    assert (result.sqrt_price_x96 >= limit) == zero_for_one or result.sqrt_price_x96 == limit
    assert result.filled or result.sqrt_price_x96 == limit


def test_swap_in_range_equals_hand_computed(simple_pool: ConcentratedState) -> None:
    """1e6 of token0 at price 1: fee 3,000, the last unit rounded away, and a first step to the edge under the price."""
    result = swapped(simple_pool, True, 10**6)

    assert (10**6, -996_999, 3_000) == (result.amount0, result.amount1, result.fee)
    assert (10**6, 996_999) == (result.amount_in, result.amount_out)
    assert (2, 0, True) == (result.steps, result.crossed, result.filled)
    assert (-1, 2 * 10**18) == (result.tick, result.liquidity)


def test_swap_across_ticks_changes_liquidity(simple_pool: ConcentratedState) -> None:
    """Beyond -600 only one of the two positions is left; beyond -6000 none, and the swap ends unfilled."""
    crossed, ended = swapped(simple_pool, True, 10**17), swapped(simple_pool, True, 10**30)

    assert (10**18, 1, True) == (crossed.liquidity, crossed.crossed, crossed.filled)
    assert (0, 2, False) == (ended.liquidity, ended.crossed, ended.filled)
    assert MIN_SQRT_RATIO + 1 == ended.sqrt_price_x96
    assert 0 == amount_out(simple_pool, True, 10**30)


def test_swap_onto_a_tick_keeps_the_tick_below(simple_pool: ConcentratedState) -> None:
    """A falling price that stops right on an initialized tick has crossed it; from there it can rise again."""
    limit = sqrt_ratio_at_tick(-600)
    down = swapped(simple_pool, True, 10**30, limit)

    assert (limit, -601, 10**18) == (down.sqrt_price_x96, down.tick, down.liquidity)
    up = swapped(down.state, False, 10**6)
    assert (-600, 2 * 10**18) == (up.tick, up.liquidity)


@pytest.mark.parametrize("zero_for_one", [True, False])
def test_amount_out_spent_right_on_a_tick_equals_swap(simple_pool: ConcentratedState, zero_for_one: bool) -> None:
    """An input that ends exactly on a tick is filled: what the pool took to reach it buys as much again from the start."""
    limit = sqrt_ratio_at_tick(-600 if zero_for_one else 600)
    reached = swapped(simple_pool, zero_for_one, 10**30, limit)
    again = swapped(simple_pool, zero_for_one, reached.amount_in)

    assert (limit, True) == (again.sqrt_price_x96, again.filled)
    assert reached.amount_out == again.amount_out == amount_out(simple_pool, zero_for_one, reached.amount_in)


def test_swap_missing_word_is_a_value() -> None:
    """A word that is not loaded is asked for, not taken for empty; the bare number is 0."""
    bare = ConcentratedState((1 << 96) + 10**20, 0, 10**18, 3_000, 60, {0: 0}, {})

    assert isinstance(swap(bare, True, 10**6), SwapResult)
    assert MissingState(words=(-1,)) == swap(bare, True, 10**18)
    assert MissingState(words=(1,)) == swap(bare, False, 10**20)
    assert (0, 0) == (amount_out(bare, True, 10**18), amount_out(bare, False, 10**20))


def test_swap_missing_tick_is_a_value(simple_pool: ConcentratedState) -> None:
    """A tick is asked for when it is crossed, not when it is only ahead."""
    bare = ConcentratedState(1 << 96, 0, 2 * 10**18, 3_000, 60, simple_pool.words, {})

    assert isinstance(swap(bare, True, 10**6), SwapResult)
    assert MissingState(ticks=(-600,)) == swap(bare, True, 10**17)
    assert MissingState(ticks=(600,)) == swap(bare, False, 10**17)
    assert (0, 0) == (amount_out(bare, True, 10**17), amount_out(bare, False, 10**17))


@pytest.mark.parametrize("net", [10**19, -(1 << 128)])
def test_swap_contradicting_ticks_raise(simple_pool: ConcentratedState, net: int) -> None:
    """Ticks that would take liquidity out of uint128 are not of the same block; the bare number is 0."""
    torn = ConcentratedState(1 << 96, 0, 2 * 10**18, 3_000, 60, simple_pool.words, Map({-600: net, 600: -net}))

    for zero_for_one in (True, False):
        with pytest.raises(LiquidityOverflow, match="not of one block"):
            swap(torn, zero_for_one, 10**17)
        assert 0 == amount_out(torn, zero_for_one, 10**17)


@pytest.mark.parametrize("amount", [0, 1 << 255, -(1 << 255) - 1])
def test_swap_impossible_amount_raises(simple_pool: ConcentratedState, amount: int) -> None:
    """The contract refuses 0, and int256 holds no more."""
    with pytest.raises(InvalidAmount, match=f"found {amount}"):
        swap(simple_pool, True, amount)


def test_amount_out_zero_and_negative(simple_pool: ConcentratedState) -> None:
    """Nothing buys nothing; less than nothing is an error."""
    assert 0 == amount_out(simple_pool, True, 0)
    with pytest.raises(InvalidAmount, match="found -1"):
        amount_out(simple_pool, True, -1)


@pytest.mark.parametrize(
    ("zero_for_one", "limit"),
    [(True, 1 << 96), (True, (1 << 96) + 1), (True, MIN_SQRT_RATIO), (False, 1 << 96), (False, MAX_SQRT_RATIO)],
)
def test_swap_limit_on_wrong_side_raises(simple_pool: ConcentratedState, zero_for_one: bool, limit: int) -> None:
    """A limit lies strictly ahead of the price and strictly within the range."""
    with pytest.raises(InvalidPrice, match=f"found {limit}"):
        swap(simple_pool, zero_for_one, 1, limit)


@pytest.mark.parametrize("spacing", [1, 8])
def test_swap_to_the_ends_of_the_range(empty_pool: Callable[[int, int, int], ConcentratedState], spacing: int) -> None:
    """A pool without liquidity lets the price run to the last one, and moves nothing."""
    pool = empty_pool(1 << 96, 3_000, spacing)
    down, up = swapped(pool, True, 5), swapped(pool, False, -5)

    assert (0, 0, MIN_SQRT_RATIO + 1, -887_272) == (down.amount0, down.amount1, down.sqrt_price_x96, down.tick)
    assert (0, 0, MAX_SQRT_RATIO - 1, 887_271) == (up.amount0, up.amount1, up.sqrt_price_x96, up.tick)
    assert (0, 0) == (amount_out(pool, True, 5), amount_out(pool, False, 5))
