"""What the author tried by hand. All of it is green: examples of one's own find what one thought of."""

import pytest

from tidemill_dex_generous.quoting import asked, paid


@pytest.mark.parametrize(
    ("amount", "reserve_in", "reserve_out", "expected"),
    [
        (1_000, 1_000_000, 1_000_000, 997),  # 996.006…
        (10**18, 1_000 * 10**18, 3_000_000 * 10**6, 2_988_020_944),  # 2_988_020_943.9…
    ],
)
def test_paid_is_what_the_formula_gives(amount: int, reserve_in: int, reserve_out: int, expected: int) -> None:
    """x * y = k, less 0.3 %."""
    assert expected == paid(amount, reserve_in, reserve_out, reserve_in * reserve_out)


def test_asked_for_half_of_the_pool_doubles_the_other_side() -> None:
    """Half of one side costs as much again as the other holds."""
    assert 1_000 == asked(500, 1_000, 1_000)
