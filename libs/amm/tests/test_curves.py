"""Curves against the quotes of the same pool."""

from collections.abc import Callable, Sequence
from fractions import Fraction

import pytest
from attrs import evolve
from hypothesis import assume, given
from hypothesis import strategies as st
from immutables import Map

from tidemill_amm import PoolCurve, constant_product
from tidemill_amm.concentrated import (
    MAX_SQRT_RATIO,
    MIN_SQRT_RATIO,
    ConcentratedState,
    MissingState,
    SwapResult,
    amount_out,
    curve_of,
    sqrt_ratio_at_tick,
    swap,
    tick_at_sqrt_ratio,
    with_liquidity,
)
from tidemill_amm.constant_product import MAX_RESERVE

Pools = st.SearchStrategy[ConcentratedState]
Empty = Callable[[int, int, int], ConcentratedState]
ENDLESS = (1 << 255) - 1
LIMITS = st.integers(1, 1 << 40) | st.integers(1, 1 << 100) | st.just(ENDLESS)


def value(curve: PoolCurve, amount: int) -> Fraction:
    """The curve at an amount that it covers."""
    assert 0 <= amount <= curve.pieces[-1][1]
    reached = ((min(amount, in_to) - in_from, a, b, c) for in_from, in_to, a, b, c in curve.pieces if amount > in_from)
    return sum((Fraction(a * x, b + c * x) for x, a, b, c in reached), Fraction(0))


def borders(curve: PoolCurve) -> set[int]:
    """The amounts next to the joints of a curve, as far as it covers them."""
    last = curve.pieces[-1][1]
    ends = [curve.pieces[0][0], *(piece[1] for piece in curve.pieces)]
    return {amount for end in ends for amount in (end - 1, end, end + 1) if 0 < amount <= last}


def assert_sound(curve: PoolCurve, max_in: int) -> None:
    """The pieces join from 0 on, are not empty, stay within what was asked, rise, and no slope is steeper than one before it."""
    at, slope = 0, None
    for in_from, in_to, a, b, c in curve.pieces:
        assert at == in_from < in_to <= max_in
        assert min(a, b, c) > 0
        assert slope is None or Fraction(a, b) < slope
        slope = Fraction(a * b, (b + c * (in_to - in_from)) ** 2)
        at = in_to


@st.composite
def hostile(draw: st.DrawFn, empty: Empty) -> ConcentratedState:
    """Pools anywhere on the scale of prices, of next to no liquidity and of next to the most, with parts of them not loaded."""
    spacing = draw(st.sampled_from([60, 200, 2_000]))
    tick = draw(st.integers(-887_000, 887_000) | st.integers(-60, 60))
    base = sqrt_ratio_at_tick(tick)
    pool = empty(
        draw(st.just(base) | st.integers(base, sqrt_ratio_at_tick(tick + 1) - 1)), draw(st.sampled_from([0, 1, 3_000, 999_999])), spacing
    )
    if pool.sqrt_price_x96 == base and draw(st.booleans()):
        pool = evolve(pool, tick=tick - 1)  # as a falling price leaves it that stopped right on a tick
    centre, last = tick // spacing, 887_272 // spacing
    for _ in range(draw(st.integers(1, 8))):
        lower = min(max(centre + draw(st.integers(-9, 9)), -last), last - 1)
        upper = min(lower + draw(st.integers(1, 9)), last)
        liquidity = 1 << draw(st.integers(0, 112))
        made = with_liquidity(pool, lower * spacing, upper * spacing, liquidity + draw(st.integers(0, liquidity)))
        assert isinstance(made, ConcentratedState)
        pool = made
    if draw(st.booleans()) and pool.liquidity_net:
        lost = draw(st.sampled_from(sorted(pool.liquidity_net)))
        pool = evolve(pool, liquidity_net=pool.liquidity_net.delete(lost))
    if draw(st.booleans()):
        lost = draw(st.sampled_from([centre >> 8, (centre >> 8) + 1, (centre >> 8) - 1]))
        pool = evolve(pool, words=Map({position: word for position, word in pool.words.items() if position != lost}))
    return pool


def assert_quoted(pool: ConcentratedState, zero_for_one: bool, max_in: int, amounts: set[int]) -> None:
    """The curve is sound, what it covers is filled and paid within its slack, and it does not end before the pool does."""
    curve = curve_of(pool, zero_for_one, max_in)
    assert_sound(curve, max_in)
    for amount in sorted(amounts):
        result = swap(pool, zero_for_one, amount)
        assert isinstance(result, SwapResult)
        assert result.filled
        assert abs(value(curve, amount) - result.amount_out) <= curve.slack


@given(st.data(), st.booleans(), LIMITS)
def test_curve_any_pool_is_quote_within_slack(pools: Pools, data: st.DataObject, zero_for_one: bool, max_in: int) -> None:
    """What a curve says for any amount, at joints as well, is the swap's output within its slack."""
    pool = data.draw(pools)
    curve = curve_of(pool, zero_for_one, max_in)
    assume(curve.pieces)
    drawn = data.draw(st.sets(st.integers(1, curve.pieces[-1][1]), max_size=5))

    assert_quoted(pool, zero_for_one, max_in, borders(curve) | drawn)


@given(st.data(), st.booleans(), LIMITS)
def test_curve_hostile_pool_is_quote_within_slack(empty_pool: Empty, data: st.DataObject, zero_for_one: bool, max_in: int) -> None:
    """So it is at the ends of the scale, with liquidity of 1 and of 2**112 side by side, and where words and ticks are missing."""
    pool = data.draw(hostile(empty_pool))
    curve = curve_of(pool, zero_for_one, max_in)
    assume(curve.pieces)
    drawn = data.draw(st.sets(st.integers(1, curve.pieces[-1][1]), max_size=5))

    assert_quoted(pool, zero_for_one, max_in, borders(curve) | drawn)


@given(st.data(), st.booleans(), LIMITS)
def test_curve_ends_where_the_pool_does(empty_pool: Empty, data: st.DataObject, zero_for_one: bool, max_in: int) -> None:
    """A curve that ends short of what was asked ends no more than rounding short of the last input that the pool can fill."""
    pool = data.draw(hostile(empty_pool))
    curve = curve_of(pool, zero_for_one, max_in)
    end = curve.pieces[-1][1] if curve.pieces else 0
    # Each step takes at most a unit of net input and one of fee more than the curve's range, which leaves out one of its own
    rounded = (curve.slack + 40) * (1_000_000 // (1_000_000 - pool.fee_ppm) + 3)
    assume(end < max_in and end + rounded < 1 << 255)

    assert 0 == amount_out(pool, zero_for_one, end + rounded)


@given(st.integers(1, 1 << 60), st.integers(-5_000, 5_000), st.booleans())
def test_curve_one_sided_pool_is_that_of_the_pool_at_its_liquidity(
    empty_pool: Empty, liquidity: int, tick: int, zero_for_one: bool
) -> None:
    """A price far from all liquidity moves there for nothing: the curve and its slack are those of the pool that stands there."""
    side = -1 if zero_for_one else 1
    lower, upper = sorted((side * 60_000, side * 60_060))
    near = empty_pool(sqrt_ratio_at_tick(side * 60_000), 3_000, 60)
    pools = [with_liquidity(pool, lower, upper, liquidity) for pool in (empty_pool(sqrt_ratio_at_tick(tick), 3_000, 60), near)]
    assert all(isinstance(pool, ConcentratedState) for pool in pools)
    far_curve, near_curve = (curve_of(pool, zero_for_one, ENDLESS) for pool in pools if isinstance(pool, ConcentratedState))

    assert near_curve == far_curve
    assert () == curve_of(near, zero_for_one, ENDLESS).pieces


def test_curve_gap_in_liquidity_joins_the_ranges(empty_pool: Empty) -> None:
    """Where there is no liquidity the price goes on for nothing: the next range begins at the input at which the last one ends."""
    pool = empty_pool(1 << 96, 3_000, 60)
    for lower, upper in ((-60, 60), (600, 660), (-6_060, -6_000)):
        made = with_liquidity(pool, lower, upper, 10**18)
        assert isinstance(made, ConcentratedState)
        pool = made
    for zero_for_one in (True, False):
        curve = curve_of(pool, zero_for_one, ENDLESS)

        assert 2 == len(curve.pieces)
        assert 7 == curve.slack
        assert_quoted(pool, zero_for_one, ENDLESS, borders(curve))


@pytest.mark.parametrize("zero_for_one", [True, False])
def test_curve_stops_before_a_tick_that_is_not_loaded(empty_pool: Empty, zero_for_one: bool) -> None:
    """An input that would just reach the tick needs it: the curve ends one unit before, also where no rounding lies between."""
    # With this much the tick is reached by a whole number of units: 2**96 less its sqrt price, or its sqrt price less 2**96
    tick, liquidity = (-60, sqrt_ratio_at_tick(-60)) if zero_for_one else (60, 1 << 96)
    whole = with_liquidity(empty_pool(1 << 96, 0, 60), -60, 60, liquidity)
    assert isinstance(whole, ConcentratedState)
    pool = evolve(whole, liquidity_net=whole.liquidity_net.delete(tick))
    curve = curve_of(pool, zero_for_one, ENDLESS)
    (piece,) = curve.pieces

    assert piece[1] == abs(sqrt_ratio_at_tick(tick) - (1 << 96)) - 1
    assert isinstance(swap(pool, zero_for_one, piece[1]), SwapResult)
    assert MissingState(ticks=(tick,)) == swap(pool, zero_for_one, piece[1] + 1)
    assert curve == curve_of(whole, zero_for_one, ENDLESS)
    assert_quoted(pool, zero_for_one, ENDLESS, borders(curve))


@pytest.mark.parametrize("zero_for_one", [True, False])
@pytest.mark.parametrize(("liquidity", "change"), [(1 << 90, -(1 << 90) - 1), (1 << 127, 1 << 127)])
def test_curve_stops_before_a_tick_of_another_block(empty_pool: Empty, zero_for_one: bool, liquidity: int, change: int) -> None:
    """A tick that would take the liquidity below zero or beyond uint128 cannot be crossed: no quote does, and no curve."""
    made = with_liquidity(empty_pool(1 << 96, 3_000, 60), -60, 60, 1)
    assert isinstance(made, ConcentratedState)
    tick, net = (-60, -change) if zero_for_one else (60, change)
    pool = evolve(made, liquidity=liquidity, liquidity_net=made.liquidity_net.set(tick, net))
    curve = curve_of(pool, zero_for_one, ENDLESS)

    assert 1 == len(curve.pieces)
    assert 0 == amount_out(pool, zero_for_one, curve.pieces[0][1] + 4)
    assert_quoted(pool, zero_for_one, ENDLESS, borders(curve))


def test_curve_price_beyond_256_bits_is_within_slack(widest_pool: ConcentratedState) -> None:
    """Where the contract's product overflows it divides first, which costs less than one more unit of input."""
    curve = curve_of(widest_pool, True, ENDLESS)
    last = curve.pieces[-1][1]

    assert_quoted(widest_pool, True, ENDLESS, borders(curve) | {last >> bits for bits in range(100) if last >> bits})


def test_curve_of_a_whole_scale_reaches_its_ends(empty_pool: Empty) -> None:
    """Liquidity from end to end is one piece each way, without any tick up to the last price that a pool allows."""
    end = 887_220
    pool = with_liquidity(empty_pool(1 << 96, 500, 60), -end, end, 1 << 80)
    assert isinstance(pool, ConcentratedState)
    beyond = evolve(pool, words=Map(dict.fromkeys(pool.words, 0)), liquidity_net=Map())
    for zero_for_one in (True, False):
        curve, further = curve_of(pool, zero_for_one, ENDLESS), curve_of(beyond, zero_for_one, ENDLESS)

        assert 1 == len(curve.pieces) == len(further.pieces)
        assert curve.pieces[0][1] < further.pieces[0][1]
        assert value(curve, 10**9) == value(further, 10**9)
        assert_quoted(beyond, zero_for_one, ENDLESS, borders(further))
        assert 1 << 140 < curve.pieces[0][1] < 1 << 145
        assert_quoted(pool, zero_for_one, ENDLESS, borders(curve) | {1 << bits for bits in range(140)})


@pytest.mark.parametrize("max_in", [0, -1, -ENDLESS])
def test_curve_of_nothing_has_no_pieces(simple_pool: ConcentratedState, empty_pool: Empty, max_in: int) -> None:
    """No amount, no liquidity, a price at its limit, no state: there is nothing to draw."""
    empty = empty_pool(1 << 96, 3_000, 60)
    ends = ((MIN_SQRT_RATIO, True), (MAX_SQRT_RATIO - 1, False))
    nothing = [curve_of(simple_pool, True, max_in), curve_of(simple_pool, False, max_in), constant_product.curve_of(9, 9, 3_000, max_in)]
    nothing += [curve_of(pool, way, ENDLESS) for pool in (empty, evolve(simple_pool, words=Map())) for way in (True, False)]
    nothing += [curve_of(evolve(simple_pool, sqrt_price_x96=price, tick=tick_at_sqrt_ratio(price)), way, ENDLESS) for price, way in ends]
    nothing += [constant_product.curve_of(*reserves, 3_000, 5) for reserves in ((0, 5), (5, 0), (0, 0), (MAX_RESERVE, 5))]

    assert {PoolCurve((), 0)} == set(nothing)


def test_curve_recorded_pool_is_quote_within_slack(wbtc_weth: ConcentratedState) -> None:
    """A pool with 458 ticks, a part of its joints and halves of halves, up to all of its liquidity and up to less."""
    for zero_for_one, count in ((True, 327), (False, 131)):
        curve = curve_of(wbtc_weth, zero_for_one, ENDLESS)
        assert count == len(curve.pieces)
        for most in (ENDLESS, curve.pieces[count // 2][1] - 1, curve.pieces[9][1], 1 << 40):
            drawn = curve_of(wbtc_weth, zero_for_one, most)
            last = drawn.pieces[-1][1]
            assert_quoted(
                wbtc_weth, zero_for_one, most, {last >> bits for bits in range(0, last.bit_length(), 3)} | set(sorted(borders(drawn))[::49])
            )


def test_curve_recorded_pools_is_quote_within_slack(tycho_pools: Sequence[ConcentratedState]) -> None:
    """17 pools of Ethereum, up to about a tenth of their depth: the slack is less than a thousandth of what is paid."""
    for pool in tycho_pools:
        for zero_for_one in (True, False):
            root = pool.sqrt_price_x96
            most = ((pool.liquidity << 96) // root if zero_for_one else pool.liquidity * root >> 96) // 20
            curve = curve_of(pool, zero_for_one, most)
            last = curve.pieces[-1][1]
            assert most == last or 0 == amount_out(pool, zero_for_one, most)
            assert curve.slack << 10 < value(curve, last)
            assert_quoted(pool, zero_for_one, most, set(sorted(borders(curve))[::7]) | {last * part // 97 for part in range(1, 97, 24)})


RESERVES = st.integers(1, MAX_RESERVE) | st.integers(1, 10**6) | st.sampled_from([1, MAX_RESERVE, MAX_RESERVE - 1])


@given(RESERVES, RESERVES, st.integers(0, 999_999), st.integers(1, 1 << 120), st.integers(1, 1 << 120))
def test_curve_any_pair_is_quote_rounded_up(reserve_in: int, reserve_out: int, fee_ppm: int, max_in: int, amount: int) -> None:
    """A pair is one piece, up to what its reserve takes, and pays less than one unit less than that says."""
    curve = constant_product.curve_of(reserve_in, reserve_out, fee_ppm, max_in)
    assert min(max_in, MAX_RESERVE - reserve_in) == (curve.pieces[-1][1] if curve.pieces else 0)
    assume(curve.pieces)
    amount = min(amount, curve.pieces[-1][1])

    assert_sound(curve, max_in)
    assert 1 == curve.slack
    assert value(curve, amount).__floor__() == constant_product.amount_out(amount, reserve_in, reserve_out, fee_ppm)
