"""The watchdog: what counts as life, who is named, and that the ledger is written before the end."""

import os
import signal
import threading
import time
from collections.abc import Callable
from contextlib import suppress

import anyio
import pytest

from tidemill.pipeline import standstill
from tidemill.pipeline import watchdog as module
from tidemill.pipeline.stop import Stop
from tidemill.pipeline.supervise import Supervisor
from tidemill.pipeline.watchdog import Watchdog
from tidemill.pipeline.witness import Witness


class Watched:
    """A watchdog whose end is written down, over a supervisor of one plugin whose code is this module's."""

    def __init__(self, seconds: int = 1) -> None:
        self.supervisor = Supervisor({__name__.partition(".")[0]: ("strategies.acme",)}, 3)
        self.stop = Stop()
        self.rescued: list[float] = []
        self.ended: list[int] = []
        self.dog = Watchdog(seconds, self.supervisor, self.stop, self.rescued.append, self.ended.append)


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Looks are frequent, and the witness waits long: it would end the tests."""
    monkeypatch.setattr(module, "LOOK_S", 0.02)
    monkeypatch.setattr(module, "INTERRUPTED_S", 0.2)
    monkeypatch.setattr(module, "LAST_RESORT_S", 600)


def hang(until: Callable[[], object], limit_s: float = 10) -> None:
    """Do not return until something is there."""
    end = time.monotonic() + limit_s
    while not until() and time.monotonic() < end:
        pass


def test_call_that_does_not_return_ends_the_process_once_the_ledger_is_written(capfd: pytest.CaptureFixture[str]) -> None:
    """Plugin and innermost line are named, what waits is written first, the exit code is 1."""
    watched = Watched()
    with watched.dog:
        watched.supervisor.call("strategies.acme", hang, lambda: watched.ended)

    assert ([1], [module.FINISH_S]) == (watched.ended, watched.rescued)
    lines = capfd.readouterr().err.splitlines()
    assert "the run is ended: plugin strategies.acme does not return, nothing has moved for 1 s" == lines[0]
    assert "test_watchdog.py:" in lines[1]
    assert 'isolation = "process"' in lines[-1]


def test_run_that_was_asked_to_end_has_less_time(capfd: pytest.CaptureFixture[str]) -> None:
    """Who asks for the end does not wait for the whole deadline."""
    watched = Watched(600)
    watched.stop.ask("SIGINT")
    with watched.dog:
        watched.supervisor.call("strategies.acme", hang, lambda: watched.ended)

    assert [1] == watched.ended
    assert "it was asked to end (SIGINT)" in capfd.readouterr().err


def test_calls_and_turns_are_signs_of_life() -> None:
    """Many short calls, or an event loop that turns, are no hang however long they go on."""
    watched = Watched(1)
    with watched.dog:
        end = time.monotonic() + 1.4
        while time.monotonic() < end:
            watched.supervisor.call("strategies.acme", time.sleep, 0.005)

        async def turning() -> None:
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(watched.dog.turn)
                await anyio.sleep(1.4)
                tasks.cancel_scope.cancel()

        anyio.run(turning)
    assert [] == watched.ended


@pytest.mark.parametrize("asked", [True, False])
def test_end_that_never_comes_is_a_hang_though_the_loop_turns(asked: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """Something that a run awaits at its end, asked for or not, may swallow every request to stop: the run ends without it."""
    monkeypatch.setattr(module, "END_S", 0.3)
    watched = Watched(600)
    if asked:
        watched.stop.ask("SIGTERM")
    else:
        watched.dog.closing = True

    async def waiting() -> None:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(watched.dog.turn)
            with anyio.move_on_after(10):
                while not watched.ended:  # noqa: ASYNC110 - the watchdog's thread sets it
                    await anyio.sleep(0.01)
            tasks.cancel_scope.cancel()

    with watched.dog:
        anyio.run(waiting)
    assert [1] == watched.ended


def test_waiting_for_the_ledger_is_no_hang(monkeypatch: pytest.MonkeyPatch) -> None:
    """A slow disk ends no run."""
    monkeypatch.setattr(standstill, "WRITERS", (__name__,))
    watched = Watched(1)
    with watched.dog:
        hang(lambda: False, 1.5)

    assert [] == watched.ended


def test_watchdog_of_no_seconds_watches_nothing() -> None:
    """0 turns it off: no thread, no timer."""
    watched = Watched(0)
    before = threading.active_count()
    with watched.dog:
        assert before == threading.active_count()


def test_code_that_is_nobodys_is_named_by_its_line(capfd: pytest.CaptureFixture[str]) -> None:
    """Where no plugin is at work the line alone says where the run hangs."""
    watched = Watched()
    watched.supervisor = Supervisor({}, 3)
    dog = Watchdog(1, watched.supervisor, watched.stop, watched.rescued.append, watched.ended.append)
    with dog:
        hang(lambda: watched.ended)

    err = capfd.readouterr().err
    assert "code of the run does not return" in err
    assert "test_watchdog.py:" in err


@pytest.mark.anyio
async def test_signal_is_noticed_while_nothing_turns(anyio_backend: str) -> None:
    """The request to end is known at once, before the event loop hears of it, and the loop hears of it afterwards."""
    stop, told, asked = Stop(), list[str](), anyio.Event()
    stop.on_signal = lambda: told.append("signal")
    stop.on_ask = asked.set
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(stop.on_signals)
        await anyio.sleep(0.05)
        signal.raise_signal(signal.SIGINT)
        assert ("SIGINT", ["signal"]) == (stop.reason, told)
        with anyio.fail_after(5):
            await asked.wait()
        tasks.cancel_scope.cancel()


def test_code_at_a_debuggers_prompt_is_no_hang(monkeypatch: pytest.MonkeyPatch) -> None:
    """A person thinks for longer than any deadline."""
    monkeypatch.setattr(standstill, "DEBUGGERS", frozenset({__name__.partition(".")[0]}))
    watched = Watched(1)
    with watched.dog:
        hang(lambda: False, 1.5)

    assert [] == watched.ended


def test_output_that_nobody_reads_is_told_once_and_ends_nothing(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> None:
    """A pager that waits for a key holds a run up: that is no plugin's fault. Who asks for the end still gets it."""
    monkeypatch.setattr(module, "output_is_full", lambda frame: True)
    watched = Watched(1)
    with watched.dog:
        hang(lambda: False, 2.5)
        assert [] == watched.ended
        watched.stop.ask("SIGINT")
        hang(lambda: watched.ended)

    assert [1] == watched.ended
    assert 1 == capfd.readouterr().err.count(module.UNREAD)


def test_output_is_full_when_its_reader_stops_and_free_when_it_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    """A pipe that takes no more; one whose reader went away is no reason to wait."""
    reading, writing = os.pipe()
    monkeypatch.setattr(standstill, "_OUTPUTS", (writing,))
    os.set_blocking(writing, False)
    assert not standstill.output_is_full(None)
    with suppress(BlockingIOError):
        while True:
            os.write(writing, bytes(65_536))
    assert standstill.output_is_full(None)
    os.close(reading)
    assert not standstill.output_is_full(None)
    os.close(writing)


def test_time_in_which_the_run_was_stopped_from_the_terminal_does_not_count(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ctrl-Z lets the witness rest, and going on gives it the whole time again."""
    told: list[str] = []
    monkeypatch.setattr(Witness, "expect", lambda self, seconds: told.append("set" if seconds else "away"))
    monkeypatch.setattr(module, "LOOK_S", 600)
    monkeypatch.setattr(signal, "raise_signal", lambda number: told.append(signal.Signals(number).name))
    watched = Watched(600)
    with watched.dog:
        os.kill(os.getpid(), signal.SIGTSTP)
        assert ["set", "away", "SIGSTOP", "set"] == told
        watched.dog._suspend()
        watched.dog._interrupted()
        assert ["away"] == told[4:]
        watched.dog._done.set()
    assert signal.SIG_DFL is signal.getsignal(signal.SIGTSTP)
