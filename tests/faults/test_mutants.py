"""The crash lane can fail: it notices each mistake that it is there for, on a chain that gives the mistake its chance."""

from pathlib import Path
from typing import Any

from tests.faults.live_judge import Tally, judged
from tests.faults.live_mutants import BROADCASTS_BEFORE_IT_WRITES, SIGNS_ANEW_ON_UNKNOWN, TRUSTS_A_TIMEOUT
from tests.faults.live_points import POINTS, ending_at
from tests.faults.live_stand import live_stand

UNANSWERED: dict[str, Any] = {"broadcast_unknown_ppm": 1_000_000, "node_timeout_ms": 100}
"""A node that takes every transaction and never says so."""
SENT = "sent, before that is kept"


def judged_with(folder: Path, mutant: str, *, killed_at: str = "", **settings: Any) -> Tally:
    """Run with a mistake in the code, killed at a named point or not, and judge what it leaves."""
    with live_stand(folder, **settings) as stand:
        stand.always = mutant
        if killed_at:
            status, _, err = stand.run("--blocks", "20", first=ending_at(*POINTS[killed_at], 1))
            assert -9 == status, err
            # The chain goes on meanwhile
            stand.chain.mine()
        return judged(stand, 0)


def test_run_that_broadcasts_before_it_writes_is_caught(tmp_path: Path) -> None:
    """Killed between the two, it has sent what no book knows."""
    tally = judged_with(tmp_path, BROADCASTS_BEFORE_IT_WRITES, killed_at=SENT)

    assert not tally.clean
    assert 1 <= len(tally.lost)


def test_run_that_signs_anew_where_nobody_answers_is_caught(tmp_path: Path) -> None:
    """The node had taken the first one: the plan happens twice."""
    tally = judged_with(tmp_path, SIGNS_ANEW_ON_UNKNOWN, **UNANSWERED)

    assert not tally.clean
    assert 1 <= len(tally.doubled)


def test_run_that_trusts_a_timeout_is_caught(tmp_path: Path) -> None:
    """What it forgot as failed stands in a block."""
    tally = judged_with(tmp_path, TRUSTS_A_TIMEOUT, **UNANSWERED)

    assert not tally.clean
    assert 1 <= len(tally.lost)


def test_run_without_a_mistake_is_judged_clean_where_the_others_are_caught(tmp_path: Path) -> None:
    """The same chain and the same kill leave nothing wrong in the books of the code as it is."""
    tally = judged_with(tmp_path, "", killed_at=SENT, **UNANSWERED)

    assert "0 kills: 0 lost, 0 doubled, ledger balanced" == str(tally)
