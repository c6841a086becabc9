"""The emergency stop of a run with real money: whichever way it is pulled nothing leaves any more, until it is released with a cause."""

import signal
import time
from pathlib import Path

import pytest

import tidemill as tm
from tests.faults.stop_stand import OUT, Busy, busy_stand

MORE_BLOCKS = 12
"""Enough for everything that is out to be sent again, were it not for the brake."""
WAYS = ("command", "socket", "signal", "file")


def pull(busy: Busy, way: str) -> None:
    """Pull the brake in one way, and return once the run has heard of it."""
    match way:
        case "command":
            status, said = busy.stand.command("stop", "--now", "--cause", "a drill")
            assert (0, True) == (status, said.startswith("nothing leaves any more; 1")), said
        case "socket":
            assert ("broadcast",) == tm.connect(busy.data).stop_now("a drill").changed
        case "signal":
            busy.signal(signal.SIGUSR1)
            busy.wait_for((busy.data / "stopped.json").exists)
        case "file":
            (busy.data / "STOP").touch()
            busy.wait_for((busy.data / "stopped.json").exists)


@pytest.mark.parametrize("way", WAYS)
def test_stop_with_a_hundred_in_flight_lets_nothing_leave_any_more(way: str, tmp_path: Path) -> None:
    """Not one broadcast after it, though the run goes on and watches; none after a restart; and none without a cause named."""
    with busy_stand(tmp_path) as busy:
        busy.start()
        pull(busy, way)
        pulled, height = time.monotonic_ns(), busy.blocks()
        busy.wait_for(lambda: busy.blocks() > height + MORE_BLOCKS)
        status = tm.connect(busy.data).status()
        late = [sent for sent in busy.sent() if sent > pulled]
        busy.kill()
        refused = busy.stand.run("--blocks", "2")
        without = busy.stand.command("resume")
        (busy.data / "STOP").unlink(missing_ok=True)
        released = busy.stand.command("resume", "--cause", "the drill is over")
        before = len(busy.sent())
        ended = busy.stand.run("--blocks", "8")

    assert [] == late
    assert ("stopped", True) == (status.state, status.open_plans >= OUT)
    assert status.reason.startswith({"command": "command: a drill", "socket": "command: a drill", "signal": "signal: "}.get(way, "file: "))
    assert (2, True) == (refused[0], "live trading does not start:\nstopped by" in refused[2]), refused
    assert (1, True) == (without[0], "say why it may go on with --cause TEXT" in without[1] or "remove it first" in without[1]), without
    assert 0 == released[0], released
    assert before == len(busy.sent()), "the run that was refused sent something"
    assert 0 == ended[0], ended[2]


def test_stop_of_a_run_that_hangs_holds_it_back_by_a_file(tmp_path: Path) -> None:
    """Who does not answer is not trusted to have heard: the file STOP is there when it goes on, and nothing leaves."""
    with busy_stand(tmp_path) as busy:
        busy.start()
        busy.signal(signal.SIGSTOP)
        status, said = busy.stand.command("stop", "--now")
        pulled, height = time.monotonic_ns(), busy.blocks()
        busy.signal(signal.SIGCONT)
        busy.wait_for(lambda: busy.blocks() > height + MORE_BLOCKS)
        late = [sent for sent in busy.sent() if sent > pulled]

    assert (0, True) == (status, f"{Path('data', 'STOP')} holds it back: remove it before" in said), said
    assert 1 >= len(late), "only what was being sent when it was held may have left"
