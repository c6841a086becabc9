"""Runs with real money are killed at random moments, of accounts with block hashes, on a chain that loses what is sent."""

from tests.faults.live_kills import try_stand
from tests.faults.live_weather import BLOCK_HASHES_LOST


def test_runs_killed_at_random_hashes_lose_nothing_and_double_nothing() -> None:
    """Whenever they are killed: every transaction is booked once, every balance is the chain's, ledger and audit trail are sound."""
    found = try_stand(6, 20, BLOCK_HASHES_LOST)

    assert "20 kills: 0 lost, 0 doubled, ledger balanced" == str(found.tally), found.line
