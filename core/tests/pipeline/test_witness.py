"""The witness of a run: a process that hangs is ended and says where, one that was stopped from outside goes on."""

import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest

from tidemill.pipeline import witness_main
from tidemill.pipeline.witness import Witness

SOURCE = """
import sys, time
from tidemill.pipeline.witness import Witness

def beat(seconds):
    for _ in range(int(seconds / 0.05)):
        witness.expect(1)
        time.sleep(0.05)

def hang_in_c():
    int("9" * 4000) ** (10 ** 9)

{before}
witness = Witness()
witness.open()
beat(0.5)
print("begun", flush=True)
{does}
"""
PATIENCE_S = 60
Starts = Callable[..., "subprocess.Popen[str]"]


@pytest.fixture
def fresh(tmp_path: Path) -> Iterator[Starts]:
    """Starts a process that is watched, and returns once it is."""
    begun: list[subprocess.Popen[str]] = []

    def start(does: str, before: str = "") -> "subprocess.Popen[str]":
        path = tmp_path / "watched.py"
        path.write_text(SOURCE.format(does=does, before=before))
        process = subprocess.Popen([sys.executable, str(path)], text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        begun.append(process)
        assert process.stdout is not None
        assert "begun\n" == process.stdout.readline()
        return process

    yield start
    for process in begun:
        process.kill()
        process.communicate()


def test_process_that_hangs_in_c_is_ended_with_one_sentence_and_its_stacks(fresh: Starts) -> None:
    """Nothing of the interpreter runs any more: it is killed, what is wrong is told first, then the line."""
    process = fresh("hang_in_c()")
    _, err = process.communicate(timeout=PATIENCE_S)
    lines = err.splitlines()

    assert -signal.SIGKILL == process.returncode
    assert lines[0].startswith("the run is ended: code that does not return, and never gives up the interpreter, nothing has moved for 1 s")
    assert "the stacks of its threads, the innermost line first:" in lines
    assert any(line.endswith(" in hang_in_c") for line in lines)


def test_process_that_was_stopped_from_outside_goes_on(fresh: Starts) -> None:
    """However long it was stopped: it has all its time again, and the witness still watches."""
    process = fresh("beat(1)\nprint('on', flush=True)\nhang_in_c()")
    process.send_signal(signal.SIGSTOP)
    time.sleep(3)
    process.send_signal(signal.SIGCONT)
    assert process.stdout is not None
    going = process.stdout.readline()
    _, err = process.communicate(timeout=PATIENCE_S)

    assert ("on\n", -signal.SIGKILL) == (going, process.returncode)
    assert 1 == err.count("the run is ended: ")


def test_process_that_cannot_write_its_stacks_is_ended_all_the_same(fresh: Starts) -> None:
    """Where the signal is blocked there are no stacks, and that is said."""
    process = fresh("import signal; signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGUSR2]); hang_in_c()")
    _, err = process.communicate(timeout=PATIENCE_S)

    assert -signal.SIGKILL == process.returncode
    assert err.startswith("the run is ended: ")
    assert err.endswith("its stacks could not be had\n")


@pytest.mark.parametrize("ends", ["witness.close(); time.sleep(2.5)", "witness.expect(0); time.sleep(2.5); witness.close()"])
def test_process_that_is_not_watched_may_be_silent(ends: str, fresh: Starts) -> None:
    """Once it is closed, and while nothing is expected; closed again it does no harm."""
    process = fresh(f"{ends}; witness.close()")
    _, err = process.communicate(timeout=PATIENCE_S)

    assert (0, "") == (process.returncode, err)


def test_witness_ends_with_its_process() -> None:
    """However that ends: nothing is left behind."""
    witness = Witness()
    witness.open()
    process = witness._process
    assert process is not None
    os.close(witness._input)
    witness._input = -1
    assert 0 == process.wait(PATIENCE_S)
    witness.expect(1)
    witness.close()


def test_witness_that_cannot_be_started_watches_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine without room for one more process runs all the same."""

    def refuses(*_: object, **__: object) -> None:
        raise OSError(11, "Resource temporarily unavailable")

    monkeypatch.setattr(subprocess, "Popen", refuses)
    witness = Witness()
    witness.open()
    witness.expect(1)
    witness.close()

    assert signal.SIG_DFL is signal.getsignal(signal.SIGUSR2)


class Told:
    """A run as its witness sees it: what comes over the input, look by look, and whether it is stopped."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *looks: bytes | bool) -> None:
        self.looks = list(looks)
        self.ended: list[float] = []
        monkeypatch.setattr(select, "select", self.select)
        monkeypatch.setattr(os, "read", lambda *_: self.looks.pop(0))
        monkeypatch.setattr(witness_main, "is_stopped", lambda _: self.looks.pop(0))
        monkeypatch.setattr(witness_main, "end", lambda process, stacks, seconds: self.ended.append(seconds))
        witness_main.watch(1, 2)

    def select(self, *_: object) -> tuple[list[int], list[int], list[int]]:
        return ([0] if isinstance(self.looks[0], bytes) else []), [], []


@pytest.mark.parametrize(
    ("looks", "ended"),
    [
        ((b"0.5\n", False, False), [0.5]),
        ((b"9\n0.5\n", False, b"0.5\n", False, False), [0.5]),
        ((b"0.5\n", False, *[True] * 50, False, False), [0.5]),
        ((b"0.5\n", False, *[True] * 50, False, b""), []),
        ((b"0\n", *[False] * 50, b""), []),
        ((*[False] * 50, b""), []),
    ],
    ids=["silent", "told", "stopped", "stopped, then ended", "resting", "before it is told"],
)
def test_witness_counts_its_own_looks(looks: tuple[bytes | bool, ...], ended: list[float], monkeypatch: pytest.MonkeyPatch) -> None:
    """While the process may run, since it was last told, and up to what it was told."""
    assert ended == Told(monkeypatch, *looks).ended


def test_state_of_a_process_is_known(fresh: Starts) -> None:
    """One that a signal stopped is stopped, and no longer once it goes on."""
    process = fresh("witness.close(); time.sleep(60)")
    states = []
    for number in (signal.SIGSTOP, signal.SIGCONT):
        process.send_signal(number)
        until = time.monotonic() + PATIENCE_S
        while witness_main.is_stopped(process.pid) != (number == signal.SIGSTOP) and time.monotonic() < until:
            time.sleep(0.01)
        states.append(witness_main.is_stopped(process.pid))

    assert [True, False] == states


@pytest.mark.parametrize(("told", "stopped"), [("T+\n", True), ("S\n", False), (None, False)])
def test_state_of_a_process_is_asked_where_there_is_no_folder_of_processes(
    told: str | None, stopped: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As on a Mac; where nobody knows it counts as running."""

    def missing(*_: object, **__: object) -> int:
        raise FileNotFoundError

    def asked(*_: object, **__: object) -> object:
        return missing() if told is None else SimpleNamespace(stdout=told)

    with monkeypatch.context() as patched:
        patched.setattr(os, "open", missing)
        patched.setattr(subprocess, "run", asked)
        found = witness_main.is_stopped(1)

    assert stopped == found
