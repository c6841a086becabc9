"""Runs with real money are killed at random moments, on a chain that loses what is sent, whose node and signer are killed as well."""

from tests.faults.live_kills import try_stand
from tests.faults.live_weather import ALL_OF_IT


def test_runs_killed_at_random_lost_lose_nothing_and_double_nothing() -> None:
    """Whenever they are killed: every transaction is booked once, every balance is the chain's, ledger and audit trail are sound."""
    found = try_stand(9, 20, ALL_OF_IT)

    assert "20 kills: 0 lost, 0 doubled, ledger balanced" == str(found.tally), found.line
