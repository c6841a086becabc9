"""Ticks and sqrt prices against decimals of high precision."""

from decimal import Decimal, localcontext

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tidemill_amm.concentrated.tick_math import (
    _POWERS,
    MAX_SQRT_RATIO,
    MAX_TICK,
    MIN_SQRT_RATIO,
    MIN_TICK,
    sqrt_ratio_at_tick,
    tick_at_sqrt_ratio,
)
from tidemill_amm.errors import InvalidPrice, InvalidTick

TICKS = st.integers(MIN_TICK, MAX_TICK - 1)


def exact_ratio(tick: int) -> Decimal:
    """sqrt(1.0001) ** tick * 2**96 to 120 digits."""
    with localcontext() as context:
        context.prec = 120
        return Decimal("1.0001").sqrt() ** tick * 2**96


def test_powers_are_those_of_the_tick_base() -> None:
    """The protocol's constants are sqrt(1.0001) ** -(2**i) in Q128, each rounded to nearest."""
    with localcontext() as context:
        context.prec = 120
        base = Decimal("1.0001").sqrt()
        expected = tuple(int((Decimal(2**128) / base ** (1 << index)).to_integral_value()) for index in range(20))

    assert expected == _POWERS


@given(TICKS)
def test_sqrt_ratio_any_tick_is_close_to_exact(tick: int) -> None:
    """Each of at most twenty products loses at most 1.5 units of 2**-128, which a positive tick then inverts."""
    exact, actual = exact_ratio(tick), sqrt_ratio_at_tick(tick)
    with localcontext() as context:
        context.prec = 120
        lost = 30 * exact * exact / 2**224 if tick > 0 else Decimal(30) / 2**32

        assert abs(actual - exact) <= 1 + lost


@pytest.mark.parametrize(
    ("tick", "expected"),
    [
        (MIN_TICK, MIN_SQRT_RATIO),
        (MIN_TICK + 1, 4_295_343_490),
        (0, 1 << 96),
        (MAX_TICK - 1, 1_461_373_636_630_004_318_706_518_188_784_493_106_690_254_656_249),
        (MAX_TICK, MAX_SQRT_RATIO),
    ],
)
def test_sqrt_ratio_known_tick_equals_contract(tick: int, expected: int) -> None:
    """The values that v3-core's own tests state."""
    assert expected == sqrt_ratio_at_tick(tick)


@given(TICKS)
@example(MIN_TICK)
@example(MAX_TICK - 1)
def test_tick_of_its_ratio_is_the_tick(tick: int) -> None:
    """A tick's own price has that tick; one unit less has the tick below."""
    ratio = sqrt_ratio_at_tick(tick)

    assert tick == tick_at_sqrt_ratio(ratio)
    if tick > MIN_TICK:
        assert tick - 1 == tick_at_sqrt_ratio(ratio - 1)


@given(st.integers(MIN_SQRT_RATIO, MAX_SQRT_RATIO - 1) | st.integers(32, 160).flatmap(lambda n: st.integers(1 << n - 1, 1 << n)))
def test_tick_any_price_is_the_greatest_not_above(sqrt_price: int) -> None:
    """The price lies at or above the ratio of its tick and below that of the next."""
    sqrt_price = min(max(sqrt_price, MIN_SQRT_RATIO), MAX_SQRT_RATIO - 1)
    tick = tick_at_sqrt_ratio(sqrt_price)

    assert sqrt_ratio_at_tick(tick) <= sqrt_price < sqrt_ratio_at_tick(tick + 1)


@pytest.mark.parametrize("tick", [MIN_TICK - 1, MAX_TICK + 1])
def test_sqrt_ratio_tick_out_of_range_raises(tick: int) -> None:
    """Beyond the last ticks there is no price."""
    with pytest.raises(InvalidTick, match=f"found {tick}"):
        sqrt_ratio_at_tick(tick)


@pytest.mark.parametrize("sqrt_price", [0, -1, MIN_SQRT_RATIO - 1, MAX_SQRT_RATIO])
def test_tick_price_out_of_range_raises(sqrt_price: int) -> None:
    """The highest ratio itself has no tick, nor has anything below the lowest."""
    with pytest.raises(InvalidPrice, match=f"found {sqrt_price}"):
        tick_at_sqrt_ratio(sqrt_price)
