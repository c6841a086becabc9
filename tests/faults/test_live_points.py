"""Runs with real money are killed at every named point of an intent's way, twice: nothing is lost, nothing happens twice."""

from pathlib import Path

from tests.faults.live_judge import judged
from tests.faults.live_kills import kill_at_points
from tests.faults.live_stand import live_stand


def test_runs_killed_at_every_point_of_an_intent_lose_nothing_and_double_nothing(tmp_path: Path) -> None:
    """kill -9 before and after each step, at its first call and at its second: every transaction is booked once, every balance is right."""
    with live_stand(tmp_path) as stand:
        reached = dict(kill_at_points(stand, calls=2))
        tally = judged(stand, sum(reached.values()))

    assert all(reached.values()), [point for point, hit in reached.items() if not hit]
    assert "20 kills: 0 lost, 0 doubled, ledger balanced" == str(tally)
