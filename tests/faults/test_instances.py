"""Two instances never write one ledger."""

import signal
from pathlib import Path

from tests.commands import LEAN, Forks, Tidemill


def test_second_instance_on_the_same_ledger_is_refused_with_the_process(forks: Forks, tidemill: Tidemill, tmp_path: Path) -> None:
    """The second is told which process holds the ledger and what to do, with exit code 1; the first neither notices nor loses a row."""
    first = forks.start(("run", "--seed", "7", "--speed", "8x"), cwd=tmp_path, env=LEAN)
    first.wait_for(lambda: "Ctrl-C ends" in first.out)
    second = tidemill("run", "--blocks", "1", "--speed", "max", "--record", "second.tape", env=LEAN)
    looked = tidemill("ledger", "show", "--json")
    first.signal(signal.SIGINT)

    assert (1, "") == (second.code, second.out)
    assert (
        f"tidemill-data: process {first.pid} is writing this ledger; stop it, or give this run a folder of its own with --data\n"
        == second.err
    )
    assert (0, False) == (looked.code, looked.lines[0]["closed"])
    assert 0 == first.end().code
    assert [1] == [run["run"] for run in tidemill("ledger", "verify", "--json").lines[0]["runs"]]


def test_second_instance_with_a_folder_of_its_own_runs_beside_the_first(forks: Forks, tidemill: Tidemill, tmp_path: Path) -> None:
    """What the refusal proposes works."""
    first = forks.start(("run", "--seed", "7", "--speed", "8x"), cwd=tmp_path, env=LEAN)
    first.wait_for(lambda: "Ctrl-C ends" in first.out)
    second = tidemill("run", "--blocks", "1", "--speed", "max", "--data", "other", env=LEAN)
    first.signal(signal.SIGINT)

    assert (0, 0) == (second.code, first.end().code)


def test_ledger_is_free_after_a_killed_instance(forks: Forks, tidemill: Tidemill, tmp_path: Path) -> None:
    """The lock goes with the process, whatever ended it; the file that is left of it locks nobody out."""
    first = forks.start(("run", "--seed", "7", "--speed", "8x"), cwd=tmp_path, env=LEAN)
    first.wait_for(lambda: "Ctrl-C ends" in first.out)
    first.signal(signal.SIGKILL)
    first.end()

    assert (tmp_path / "tidemill-data" / "ledger.lock").exists()
    assert 0 == tidemill("run", "--blocks", "1", "--speed", "max", env=LEAN).code
