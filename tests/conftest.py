"""Fixtures of the tests that cross packages: the command line, and runs that many tests look at."""

from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from tests.commands import LEAN, Forks, Tidemill, run_fresh


@pytest.fixture(scope="session")
def forks() -> Iterator[Forks]:
    """Starts commands as forks of a warm process."""
    server = Forks()
    yield server
    server.close()


@pytest.fixture
def tidemill(forks: Forks, tmp_path: Path) -> Tidemill:
    """Runs a command line to its end in an empty folder."""
    return partial(forks.run, cwd=tmp_path)


@pytest.fixture(scope="session")
def simulated_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a recorded run of 24 blocks of a small simulated market, by the installed command.

    In it: the tape ``run.tape``, the ledger's folder ``data``, and ``run.jsonl``, what the run printed.
    """
    folder = tmp_path_factory.mktemp("simulated")
    command = ("run", "--blocks", "24", "--seed", "7", "--speed", "max", "--json", "--record", "run.tape", "--data", "data")
    done = run_fresh(*command, cwd=folder, env={**LEAN, "PYTHONHASHSEED": "1"})
    assert (0, "") == (done.code, done.err)
    (folder / "run.jsonl").write_text(done.out, "utf-8")
    return folder
