"""Minting, burning, and the amounts they cost and free."""

from collections.abc import Callable
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidemill_amm.concentrated import (
    MAX_TICK,
    MIN_SQRT_RATIO,
    MIN_TICK,
    ConcentratedState,
    MissingState,
    amounts_for_liquidity,
    liquidity_for_amounts,
    max_liquidity_per_tick,
    sqrt_ratio_at_tick,
    with_liquidity,
)
from tidemill_amm.errors import AmmError, InvalidAmount, InvalidPrice, InvalidTick, LiquidityOverflow

Pools = st.SearchStrategy[ConcentratedState]
EmptyPool = Callable[[int, int, int], ConcentratedState]
TICKS = st.integers(-800_000, 800_000)
Q96 = 1 << 96


def changed(pool: ConcentratedState, lower: int, upper: int, delta: int) -> ConcentratedState:
    result = with_liquidity(pool, lower, upper, delta)
    assert isinstance(result, ConcentratedState)
    return result


@given(st.data(), st.integers(-50, 50), st.integers(1, 100), st.integers(1, 10**30))
def test_with_liquidity_mint_and_burn_is_identity(pools: Pools, data: st.DataObject, offset: int, width: int, liquidity: int) -> None:
    """Burning what was minted gives the pool back, bit for bit, and every sum still agrees."""
    pool = data.draw(pools)
    lower = (pool.tick // pool.tick_spacing + offset) * pool.tick_spacing
    upper = lower + width * pool.tick_spacing
    minted = changed(pool, lower, upper, liquidity)

    assert pool == changed(minted, lower, upper, -liquidity)
    assert 0 == sum(minted.liquidity_net.values())
    assert minted.liquidity == sum(net for tick, net in minted.liquidity_net.items() if tick <= minted.tick)
    assert set(minted.liquidity_net) == set(minted.liquidity_gross)


def test_with_liquidity_second_position_adds_up(empty_pool: EmptyPool) -> None:
    """Positions that share a tick add gross and subtract net there; a bit falls only with the last of them."""
    pool = changed(changed(empty_pool(1 << 96, 3_000, 60), -60, 60, 7), 60, 120, 5)

    assert ({-60: 7, 60: -2, 120: -5}, {-60: 7, 60: 12, 120: 5}) == (dict(pool.liquidity_net), dict(pool.liquidity_gross))
    assert (7, 0b110, 1 << 255) == (pool.liquidity, pool.words[0], pool.words[-1])
    left = changed(pool, -60, 60, -7)
    assert ({60: 5, 120: -5}, 0, 0b110, 0) == (dict(left.liquidity_net), left.liquidity, left.words[0], left.words[-1])


def test_with_liquidity_equal_and_opposite_keeps_the_tick(empty_pool: EmptyPool) -> None:
    """A tick whose net is 0 stays initialized while liquidity refers to it: a swap crosses it."""
    pool = changed(changed(empty_pool(1 << 96, 3_000, 60), -60, 60, 7), 60, 120, 7)

    assert (0, 14, 0b110) == (pool.liquidity_net[60], pool.liquidity_gross[60], pool.words[0])


@pytest.mark.parametrize(("lower", "upper", "in_range"), [(0, 60, 9), (-60, 0, 0), (-60, 60, 9), (60, 120, 0)])
def test_with_liquidity_counts_in_range_from_lower_to_below_upper(empty_pool: EmptyPool, lower: int, upper: int, in_range: int) -> None:
    """A position is in range while lower <= tick < upper."""
    assert in_range == changed(empty_pool(1 << 96, 3_000, 60), lower, upper, 9).liquidity


def test_with_liquidity_zero_changes_nothing(simple_pool: ConcentratedState) -> None:
    """A change of 0 is the same pool."""
    assert simple_pool is with_liquidity(simple_pool, -60, 60, 0)


def test_with_liquidity_missing_state_is_a_value(simple_pool: ConcentratedState) -> None:
    """Words are asked for first; then gross and net of the ticks whose bits are set."""
    nothing = ConcentratedState(1 << 96, 0, 10**18, 3_000, 60, {}, {})
    words_only = ConcentratedState(1 << 96, 0, 10**18, 3_000, 60, simple_pool.words, {})
    no_gross = ConcentratedState(1 << 96, 0, 10**18, 3_000, 60, simple_pool.words, simple_pool.liquidity_net)

    assert MissingState(words=(-1, 0)) == with_liquidity(nothing, -60, 60, 1)
    assert MissingState(words=(0,)) == with_liquidity(nothing, 60, 120, 1)
    assert MissingState(ticks=(-600, 600)) == with_liquidity(words_only, -600, 600, 1)
    assert MissingState(ticks=(600,)) == with_liquidity(no_gross, 60, 600, 1)
    assert isinstance(with_liquidity(words_only, -60, 60, 1), ConcentratedState)


@pytest.mark.parametrize(
    ("lower", "upper", "delta", "error"),
    [
        (60, 60, 1, InvalidTick),
        (120, 60, 1, InvalidTick),
        (61, 120, 1, InvalidTick),
        (-887_280, 60, 1, InvalidTick),
        (60, 887_280, 1, InvalidTick),
        (-600, 600, -(10**18) - 1, LiquidityOverflow),
        (-60, 60, -1, LiquidityOverflow),
        (-60, 60, 1 << 127, LiquidityOverflow),
    ],
)
def test_with_liquidity_refused_by_contract_raises(
    simple_pool: ConcentratedState, lower: int, upper: int, delta: int, error: type[AmmError]
) -> None:
    """Ticks out of order, off the spacing or out of range, burning what is not there, and too much for one tick."""
    with pytest.raises(error, match=r"expected .* found"):
        with_liquidity(simple_pool, lower, upper, delta)


def test_with_liquidity_in_range_overflow_raises() -> None:
    """A state whose ticks do not carry its liquidity is refused when the sum leaves uint128."""
    pool = ConcentratedState(1 << 96, 0, (1 << 128) - 1, 3_000, 60, {0: 0, -1: 0}, {})
    with pytest.raises(LiquidityOverflow, match="liquidity in range"):
        with_liquidity(pool, -60, 60, 1)


def test_with_liquidity_net_beyond_int128_raises() -> None:
    """Net liquidity of a tick is an int128; with a spacing this wide its gross limit does not protect it."""
    pool = ConcentratedState(1 << 96, 0, 0, 3_000, 16_383, {0: 0b10, -1: 0}, {16_383: -(1 << 127)}, {16_383: 5})
    with pytest.raises(LiquidityOverflow, match="int128"):
        with_liquidity(pool, 0, 16_383, 1)


@pytest.mark.parametrize(
    ("spacing", "expected"),
    [(10, 1917569901783203986719870431555990), (60, 11505743598341114571880798222544994), (200, 38350317471085141830651933667504588)],
)
def test_max_liquidity_per_tick_known_spacings_equal_contract(spacing: int, expected: int) -> None:
    """The values that v3-core's own tests state for its three fees."""
    assert expected == max_liquidity_per_tick(spacing)


@given(TICKS, TICKS, TICKS, st.integers(1, (1 << 128) - 1))
def test_amounts_for_liquidity_are_exact_rounded_for_the_pool(tick: int, end_a: int, end_b: int, liquidity: int) -> None:
    """A mint costs the exact amounts rounded up, a burn frees them rounded down."""
    lower, upper = sorted((end_a, end_b))
    if lower == upper:
        return
    price = sqrt_ratio_at_tick(tick) + 12_345
    low, high = sqrt_ratio_at_tick(lower), sqrt_ratio_at_tick(upper)
    inside = min(max(price, low), high)
    exact = liquidity * (Fraction(Q96, inside) - Fraction(Q96, high)), Fraction(liquidity * (inside - low), Q96)

    assert tuple(-int(-amount // 1) for amount in exact) == amounts_for_liquidity(price, lower, upper, liquidity)
    assert tuple(-int(amount // 1) for amount in exact) == amounts_for_liquidity(price, lower, upper, -liquidity)


@given(TICKS, TICKS, TICKS, st.integers(0, 1 << 90), st.integers(0, 1 << 90))
def test_liquidity_for_amounts_is_affordable(tick: int, end_a: int, end_b: int, amount0: int, amount1: int) -> None:
    """The liquidity that amounts can mint asks for no more than those amounts."""
    lower, upper = sorted((end_a, end_b))
    if lower == upper:
        return
    price = sqrt_ratio_at_tick(tick)
    try:
        liquidity = liquidity_for_amounts(price, lower, upper, amount0, amount1)
    except LiquidityOverflow:
        return
    cost0, cost1 = amounts_for_liquidity(price, lower, upper, liquidity)

    assert cost0 <= amount0
    assert cost1 <= amount1


@pytest.mark.parametrize(
    ("price", "expected"),
    # v3-periphery's own tests: prices 1, 99/110 and 111/100 over the range 100/110 .. 110/100, for 100 and 200 tokens.
    [(1 << 96, 2_148), (sqrt_ratio_at_tick(-1_054), 1_048), (sqrt_ratio_at_tick(1_045), 2_097)],
)
def test_liquidity_for_amounts_near_periphery_examples(price: int, expected: int) -> None:
    """Inside, below and above the range: both tokens, only token0, only token1 decide."""
    assert abs(expected - liquidity_for_amounts(price, -953, 953, 100, 200)) <= 1


def test_amounts_impossible_arguments_raise() -> None:
    """Ticks out of order or range, a price that no pool has, amounts below zero, liquidity above uint128."""
    with pytest.raises(InvalidTick, match="lower < upper"):
        amounts_for_liquidity(1 << 96, 60, 60, 1)
    with pytest.raises(InvalidTick, match="found"):
        amounts_for_liquidity(1 << 96, MIN_TICK - 1, MAX_TICK, 1)
    with pytest.raises(InvalidPrice, match="found"):
        liquidity_for_amounts(MIN_SQRT_RATIO - 1, -60, 60, 1, 1)
    with pytest.raises(InvalidAmount, match="found -1"):
        liquidity_for_amounts(1 << 96, -60, 60, -1, 1)
    with pytest.raises(LiquidityOverflow, match="uint128"):
        amounts_for_liquidity(1 << 96, -60, 60, 1 << 128)
    with pytest.raises(LiquidityOverflow, match="offer less"):
        liquidity_for_amounts(1 << 96, -60, 60, 1 << 200, 1 << 200)
