"""The emergency stop of a run with real money: whichever way it is pulled nothing leaves any more, until it is released with a cause."""

import json
import signal
import time
from pathlib import Path

import pytest

import tidemill as tm
from tests.commands import run_fresh
from tests.faults.live_judge import judged
from tests.faults.live_stand import live_stand, wait_until
from tests.faults.stop_stand import OUT, PATIENCE_S, Busy, busy_stand
from tidemill.domain.intent import IntentState
from tidemill_simworld import HUBS

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


def test_stop_that_flattens_leaves_base_and_native_coin_alone(tmp_path: Path) -> None:
    """Everything else is sold back, nothing but that leaves, the books are the chain's, and then the brake holds that back as well."""
    with live_stand(tmp_path, account_usd=300) as stand:
        out = tmp_path / "out"
        process = stand.start_writing(out, "--blocks", "100000", "--record", "run.tape")
        try:
            wait_until(lambda: '"event": "fill"' in out.read_text(), out)
            status, said = stand.command("stop", "--now", "--flatten", "--cause", "a drill")
            wait_until(lambda: '"event": "flattened"' in out.read_text(), out)
            state = tm.connect(tmp_path / "data").status()
            assert 0 == stand.command("stop")[0]
            assert 0 == process.wait(PATIENCE_S), out.read_text()[-2_000:]
        finally:
            process.kill()
            process.wait()
        events = [json.loads(line) for line in out.read_text().splitlines()]
        replayed = run_fresh("replay", "run.tape", "--json", cwd=tmp_path)
        view, kept = stand.chain.account(stand.account), stand.booked()
        refused = stand.run("--blocks", "2")
        released = stand.command("resume", "--cause", "the drill is over")
        tally = judged(stand, 0)

    place = next(at for at, event in enumerate(events) if event["event"] == "stopped")
    left = next(event for event in events if event["event"] == "flattened")
    base = next(hub for hub in HUBS if hub.symbol == "USDC")
    sold = [one for one in kept.intents if one.strategy == "flatten"]
    assert (0, True) == (status, "sells everything but the base asset back" in said), said
    assert ("stopped", 0) == (state.state, state.open_plans)
    assert ([], {base.address}) == (left["left"], {token for token, amount in view.tokens if amount}), left
    assert len(HUBS) - 1 <= len([one for one in sold if one.state is IntentState.FINAL])
    assert [] == [event for event in events[place:] if event["event"] == "plan"]
    assert (0, events[-1]["ledger_hash"]) == (replayed.code, replayed.summary["ledger_hash"])
    assert (2, True) == (refused[0], "stopped by command at " in refused[2]), refused
    assert (0, "0 kills: 0 lost, 0 doubled, ledger balanced") == (released[0], str(tally))
