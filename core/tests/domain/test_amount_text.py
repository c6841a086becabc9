"""Amounts for people, exact at any size."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidemill.domain.amount_text import amount_text, exact_text


@pytest.mark.parametrize(
    ("amount", "decimals", "expected"),
    [
        (2_140_000_000, 6, "2,140.00"),
        (-1_234, 6, "-0.001234"),
        (1_000_001_000_000_000_000, 18, "1.000001"),
        (1_000_001_999_999_999_999, 18, "1.000001"),
        (999_999_999_999_999_999, 18, "0.999999"),
        (-999_999_999_999_999_999, 18, "-0.999999"),
        (113_626, 18, "0.000000000000113626"),
        (-999_999_999_999, 18, "-0.000000999999999999"),
        (0, 6, "0.00"),
        (0, 0, "0"),
        (1_234_567, 0, "1,234,567"),
        (5, 1, "0.5"),
        (10**40, 6, "10,000,000,000,000,000,000,000,000,000,000,000.00"),
    ],
)
def test_amount_text_of_base_units_is_whole_tokens(amount: int, decimals: int, expected: str) -> None:
    """Six places, at least two, cut towards zero, and never a zero for something."""
    assert expected == amount_text(amount, decimals)


def test_amount_text_with_sign_marks_gains() -> None:
    """A plus stands before what is positive, nothing before zero."""
    assert ["+0.01", "-0.01", "0.00"] == [amount_text(amount, 6, sign=True) for amount in (10_000, -10_000, 0)]


@given(st.integers(-(1 << 256), 1 << 256), st.integers(0, 36))
def test_amount_text_of_any_amount_is_never_more_than_it(amount: int, decimals: int) -> None:
    """What is shown lies between zero and the amount, less than one of its last place away, and is zero for zero alone."""
    shown = amount_text(amount, decimals).replace(",", "")
    whole, _, rest = shown.lstrip("-").partition(".")
    units = int(whole + rest) * 10 ** (decimals - len(rest))
    assert 0 <= abs(amount) - units < 10 ** max(decimals - 6, 0)
    assert (amount < 0) == shown.startswith("-")
    assert (amount == 0) == (Decimal(shown) == 0)


@pytest.mark.parametrize(
    ("amount", "decimals", "expected"),
    [(1_000_000_000, 6, "1000"), (5 * 10**16, 18, "0.05"), (-1, 18, "-0.000000000000000001"), (0, 6, "0"), (7, 0, "7")],
)
def test_exact_text_has_every_digit_that_counts(amount: int, decimals: int, expected: str) -> None:
    """No separators, no zeros at the end."""
    assert expected == exact_text(amount, decimals)


@given(st.integers(-(1 << 256), 1 << 256), st.integers(0, 36))
def test_exact_text_of_any_amount_is_it(amount: int, decimals: int) -> None:
    """No precision of a decimal context rounds it, however many digits there are."""
    whole, _, rest = exact_text(amount, decimals).partition(".")
    assert amount == int(whole + rest) * 10 ** (decimals - len(rest))
