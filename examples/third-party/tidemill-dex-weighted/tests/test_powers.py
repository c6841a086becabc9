"""Powers: against true values of sixty digits, and against the digits that the contract gives."""

from decimal import Decimal, localcontext

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tidemill_dex_weighted.powers import E18, E20, LARGE_POWERS, NEAR_ONE, POWERS, power

BASES = st.one_of(st.integers(7 * 10**17, 15 * 10**17), st.integers(10**17, 10**20))
EXPONENTS = st.integers(10**16, 10**19)


def true_power(base: int, exponent: int) -> Decimal:
    """Return the power with 18 decimals, and forty digits behind them."""
    with localcontext() as context:
        context.prec = 60
        return E18 * (Decimal(base) / E18) ** (Decimal(exponent) / E18)


@pytest.mark.parametrize(
    ("exponent", "constant", "scale"), [*((n, large, E18) for n, large in LARGE_POWERS), *((n, large, E20) for n, large in POWERS)]
)
def test_constants_are_powers_of_e(exponent: int, constant: int, scale: int) -> None:
    """Each is rounded to the last digit that is no zero; large ones are written without decimals."""
    digits = str(constant)
    unit = 10 ** (len(digits) - len(digits.rstrip("0")))
    with localcontext() as context:
        context.prec = 80
        true = (Decimal(exponent) / scale).exp() * (1 if scale == E18 else scale)
        assert abs(constant - true) <= Decimal(unit) / 2


@given(BASES, EXPONENTS)
@example(NEAR_ONE[0], E18)
@example(NEAR_ONE[0] + 1, E18)
@example(NEAR_ONE[1] - 1, E18)
@example(NEAR_ONE[1], E18)
def test_power_is_true_to_fourteen_digits(base: int, exponent: int) -> None:
    """What the contract allows for its error is never exceeded, nor is one unit of the last decimal in small powers."""
    true = true_power(base, exponent)

    assert abs(power(base, exponent) - true) <= true / 10**14 + 1


@pytest.mark.parametrize(("base", "exponent"), [(E18, 5 * E18), (2 * E18, 0), (E18, 0)])
def test_one_comes_out_exactly(base: int, exponent: int) -> None:
    """A base of one and an exponent of zero have no error at all."""
    assert power(base, exponent) == E18


@pytest.mark.parametrize(
    ("base", "exponent"),
    [
        (2718281828459045235, 65 * E18),
        (2718281828459045235, 129 * E18),
        (10**36 * E18, E18),
        (10**56 * E18, E18),
        (E18 // 10**17, E18),
    ],
)
def test_power_holds_over_the_whole_range(base: int, exponent: int) -> None:
    """Both large constants are used, in the logarithm and in the exponential; no pool goes so far."""
    true = true_power(base, exponent)

    assert abs(power(base, exponent) - true) <= true / 10**14
