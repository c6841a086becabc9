"""kill -9 at any moment: the ledger verifies, and the next run opens with what was left."""

import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.commands import LEAN, Forks, Running, Tidemill

ENDLESS = ("run", "--seed", "7", "--speed", "max")
NEXT = ("run", "--seed", "8", "--blocks", "2", "--speed", "max", "--json")
Seen = Callable[[Running, Path], bool]


def printed(text: str, times: int = 1) -> Seen:
    """The run has printed a text so many times."""
    return lambda running, folder: running.out.count(text) >= times


def written(name: str, size: int = 0) -> Seen:
    """A file of the run has this size."""
    return lambda running, folder: (path := folder / name).exists() and path.stat().st_size >= size


MOMENTS: dict[str, Seen] = {
    "the lock is there": written("tidemill-data/ledger.lock"),
    "the log of writes is there": written("tidemill-data/ledger.db-wal", 1),
    "the tape has begun": written("run.tape", 1),
    "it is announced": printed("Ctrl-C ends"),
    "a plan was settled": printed("in block"),
    "a plan was filled": printed("filled in block"),
    "five were settled": printed("in block", 5),
}


def balances(tidemill: Tidemill) -> dict[tuple[str, str], int]:
    """What the ledger says is held."""
    shown = tidemill("ledger", "show", "--json").lines[0]
    return {(one["book"], one["asset"]): int(one["amount"]) for one in shown["balances"]}


def opened(tidemill: Tidemill, run: int) -> dict[tuple[str, str], int]:
    """What a run opened with, from its exported rows."""
    rows = tidemill("ledger", "export", "--run", str(run)).lines
    openings = [row for row in rows if row.get("kind") == "opening"]
    return {
        (row["book"], posting["asset"]): int(posting["amount"])
        for row in openings
        for posting in row["postings"]
        if posting["account"] == "wallet"
    }


@pytest.mark.parametrize("moment", MOMENTS)
def test_r13_kill_leaves_a_sound_ledger_that_the_next_run_continues(moment: str, forks: Forks, tidemill: Tidemill, tmp_path: Path) -> None:
    """R13: whenever the process is killed, every run verifies, the next run opens with exactly what the books hold, and closes."""
    running = forks.start([*ENDLESS, "--record", "run.tape"], cwd=tmp_path, env=LEAN)
    running.wait_for(lambda: MOMENTS[moment](running, tmp_path))
    running.signal(signal.SIGKILL)
    assert -signal.SIGKILL == running.end().code

    verified = tidemill("ledger", "verify", "--json")
    begun = not verified.code and bool(verified.lines[0]["runs"])
    assert verified.code == 0 or "there is no ledger here" in verified.err
    assert [False] * begun == [run["closed"] for run in (verified.lines[0]["runs"] if begun else [])]
    held = balances(tidemill) if begun else {}
    following = tidemill(*NEXT, env=LEAN)
    again = tidemill("ledger", "verify", "--json").lines[0]

    assert (0, True, [1, 2] if begun else [1]) == (following.code, again["sound"], [run["run"] for run in again["runs"]])
    assert (True, following.summary["ledger_hash"]) == (again["runs"][-1]["closed"], again["runs"][-1]["ledger_hash"])
    if held:
        assert held == opened(tidemill, 2)


def test_kill_leaves_a_tape_that_reads_as_cut(forks: Forks, tidemill: Tidemill, tmp_path: Path) -> None:
    """A tape whose writer was killed names the offset where it ends, is never taken for a whole one, and what is refused is not begun."""
    running = forks.start([*ENDLESS, "--record", "run.tape"], cwd=tmp_path, env=LEAN)
    running.wait_for(lambda: written("run.tape", 20_000)(running, tmp_path))
    running.signal(signal.SIGKILL)
    running.end()
    size = (tmp_path / "run.tape").stat().st_size

    for command in (("tape", "validate", "run.tape"), ("replay", "run.tape"), ("run", "--tape", "run.tape", "--data", "other")):
        done = tidemill(*command)
        assert (1, "", True) == (done.code, done.out, f"run.tape: damaged at offset {size}: " in done.err), command
    assert not (tmp_path / "other").exists()
    assert 0 == tidemill("ledger", "verify").code
