"""Amounts against the whitepaper's formula in sixty digits: rounding favours the pool, and by no more than is said."""

from decimal import Decimal, localcontext

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidemill_dex_weighted.formula import MOST, ONE, POWER_ERROR, in_given_out, out_given_in, power_up

BALANCES = st.integers(10**12, 10**32)
WEIGHTS = st.integers(ONE // 100, ONE - ONE // 100)
PARTS = st.integers(1, MOST)


def true_out(amount: int, balance_in: int, weight_in: int, balance_out: int, weight_out: int) -> Decimal:
    """Return what the formula pays, unrounded."""
    with localcontext() as context:
        context.prec = 60
        rest = (Decimal(balance_in) / (balance_in + amount)) ** (Decimal(weight_in) / weight_out)
        return balance_out * (1 - rest)


def true_in(amount: int, balance_in: int, weight_in: int, balance_out: int, weight_out: int) -> Decimal:
    """Return what the formula asks, unrounded."""
    with localcontext() as context:
        context.prec = 60
        grown = (Decimal(balance_out) / (balance_out - amount)) ** (Decimal(weight_out) / weight_in)
        return balance_in * (grown - 1)


@given(PARTS, BALANCES, WEIGHTS, BALANCES, st.booleans())
def test_paid_is_at_most_the_true_amount(part: int, balance_in: int, weight: int, balance_out: int, squares: bool) -> None:
    """The power is taken too large by its error twice, and the base by one unit, which the exponent multiplies."""
    amount, other = balance_in * part // ONE, ONE - weight
    true = true_out(amount, balance_in, weight, balance_out, other)
    error = Decimal(balance_out) * (2 * POWER_ERROR + 3 + weight // other) / ONE + 1

    assert true - error <= out_given_in(amount, balance_in, weight, balance_out, other, squares) <= true


@given(PARTS, BALANCES, WEIGHTS, BALANCES, st.booleans())
def test_asked_is_at_least_the_true_amount(part: int, balance_in: int, weight: int, balance_out: int, squares: bool) -> None:
    """The same the other way; errors count in parts of the power, which is large where a heavy token goes out."""
    amount, other = balance_out * part // ONE, ONE - weight
    true = true_in(amount, balance_in, weight, balance_out, other)
    error = (true + balance_in) * (2 * POWER_ERROR + 3 + 2 * (other // weight + 1)) / ONE + 1

    assert true <= in_given_out(amount, balance_in, weight, balance_out, other, squares) <= true + error


@pytest.mark.parametrize(("exponent", "expected"), [(1, 11 * 10**17), (2, 121 * 10**16), (4, 14641 * 10**14)])
def test_simple_powers_are_exact_in_later_contracts_alone(exponent: int, expected: int) -> None:
    """1.1 to the power of 1, 2 and 4; contracts of 2021 add the error to an approximation."""
    base = 11 * 10**17

    assert expected == power_up(base, exponent * ONE, True)
    assert expected < power_up(base, exponent * ONE, False) <= expected + 3 * POWER_ERROR
    assert expected * base // ONE < power_up(base, (exponent + 1) * ONE, True) or exponent == 1


def test_exponents_round_against_the_trader() -> None:
    """Down where the base is below one, up where it is above: to 1/3 and to 32/3, each in a place where the last digit shows."""
    down, up = 333333333333333333, 10666666666666666667
    low, high = 72 * 10**16, 1282051282051282052  # 72 / 100 and 100 / 78, rounded up
    paid = out_given_in(28 * ONE, 72 * ONE, ONE // 4, 10**36, 3 * ONE // 4, False)
    asked = in_given_out(22 * ONE, 10**36, 3 * ONE, 100 * ONE, 32 * ONE, False)

    assert ONE * (ONE - power_up(low, down, False)) == paid != ONE * (ONE - power_up(low, down + 1, False))
    assert ONE * (power_up(high, up, False) - ONE) == asked != ONE * (power_up(high, up - 1, False) - ONE)
