"""A running instance under control from another process: what the operator sees, what the run does, what its tape keeps."""

import json
import os
import signal
import stat
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import tidemill as tm
from tests.commands import LEAN, Forks, Running, Tidemill

ENDLESS = ("run", "--seed", "7", "--speed", "60x", "--json")
NOBODY = "tidemill-data: no instance runs on this folder; `tidemill run` starts one, --data names another folder\n"
STOPPING = "the run settles what is in flight, and ends with its summary"
Start = Callable[..., Running]


def events(running: Running, *kinds: str) -> list[dict[str, Any]]:
    """What the run has told of these kinds, whole lines only."""
    whole = running.out.rpartition("\n")[0]
    return [line for line in map(json.loads, whole.splitlines()) if line["event"] in kinds]


@pytest.fixture
def start(forks: Forks, tmp_path: Path) -> Iterator[Start]:
    """Starts an endless run and returns once it can be reached; whatever still runs at the end is ended."""
    started: list[Running] = []

    def begin(*arguments: str, data: str = "tidemill-data", **how: Any) -> Running:
        env = {**LEAN, **how.pop("env", {})}
        running = forks.start([*ENDLESS, *arguments], cwd=tmp_path, env=env, **how)
        started.append(running)
        running.wait_for(lambda: bool(events(running, "run")))
        return running

    yield begin
    for running in started:
        try:
            running.signal(signal.SIGKILL)
        except ProcessLookupError:
            continue


def test_paused_strategies_plan_nothing_until_they_are_resumed_and_the_tape_replays(
    start: Start, tidemill: Tidemill, tmp_path: Path
) -> None:
    """R1, R5: pause, resume and stop stand on the tape as events; between pause and resume no plan is made, blocks go on."""
    running = start("--record", "run.tape")
    running.wait_for(lambda: bool(events(running, "plan")))
    paused = tidemill("pause", "--cause", "a drill", "--json")
    status = tidemill("status", "--json").lines[0]
    running.wait_for(lambda: tidemill("status", "--json").lines[0]["blocks"] > status["blocks"] + 20)
    again, later = tidemill("pause"), tidemill("status", "--json").lines[0]
    resumed = tidemill("resume", "--json")
    running.wait_for(lambda: events(running, "plan", "control")[-1]["event"] == "plan")
    stopped = tidemill("stop")
    ended = running.end()
    replayed = tidemill("replay", "run.tape", "--json")

    names = ["spatial", "triangular"]
    assert {"command": "pause", "strategies": names, "changed": names, "text": "paused spatial, triangular"} == {
        **paused.lines[0], "strategies": sorted(paused.lines[0]["strategies"]), "changed": sorted(paused.lines[0]["changed"]),
        "text": "paused spatial, triangular",
    }  # fmt: skip
    assert (0, 0, 0, f"{STOPPING}\n") == (again.code, resumed.code, stopped.code, stopped.out)
    assert "are paused already" in again.out
    assert [("paused", "a drill")] * 2 == [(one["state"], one["reason"]) for one in status["strategies"]]
    assert (status["plans"], 0) == (later["plans"], later["open_plans"])
    assert (0, "") == (ended.code, ended.err)
    told = [line for line in ended.lines if line["event"] in ("plan", "control")]
    commands = [place for place, line in enumerate(told) if line["event"] == "control"]
    assert ["pause", "resume", "stop"] == [told[place]["command"] for place in commands]
    assert commands[1] == commands[0] + 1, "no plan between pause and resume"
    assert "summary" == ended.summary["event"]
    assert (0, ended.summary["ledger_hash"]) == (replayed.code, replayed.summary["ledger_hash"])
    assert not (tmp_path / "tidemill-data" / "control.sock").exists()


def test_tape_with_commands_gives_them_again_at_the_same_blocks(start: Start, tidemill: Tidemill) -> None:
    """R5: ``run --tape`` pauses, resumes and ends where the recorded run did, and twice the same."""
    running = start("--record", "run.tape")
    running.wait_for(lambda: bool(events(running, "plan")))
    for command in (("pause", "spatial"), ("resume",), ("stop",)):
        assert 0 == tidemill(*command).code
    recorded = running.end()
    played = [tidemill("run", "--tape", "run.tape", "--data", name, "--speed", "max", "--json") for name in ("one", "two")]

    def commands(lines: list[dict[str, Any]]) -> list[tuple[Any, ...]]:
        return [(line["command"], line["strategies"], line["height"]) for line in lines if line["event"] == "control"]

    assert 3 == len(commands(recorded.lines))
    assert [commands(recorded.lines)] * 2 == [commands(one.lines) for one in played]
    assert recorded.summary["blocks"] == played[0].summary["blocks"]
    assert played[0].summary["ledger_hash"] == played[1].summary["ledger_hash"]


def test_status_says_what_runs(start: Start, tidemill: Tidemill, tmp_path: Path) -> None:
    """For people a few lines, for machines every figure; the socket is for its user alone."""
    running = start()
    running.wait_for(lambda: bool(events(running, "revert", "fill")))
    tidemill("pause", "spatial", "--cause", "gas is dear")
    spoken, written = tidemill("status"), tidemill("status", "--json").lines[0]

    assert 0 == spoken.code
    first, second, third, *rest = spoken.out.splitlines()
    assert first.startswith("paper · sim:1, seed 7 · up ")
    assert first.endswith(" s ago · 1 of 2 strategies not asked")
    assert second.startswith("open plans ")
    assert "ledger tidemill-data, run 1 (" in third
    assert f"process {running.pid}" in third
    assert "strategies.spatial paused: gas is dear" in rest
    assert "strategies.triangular running" in rest
    assert (running.pid, "paper", 7, 1) == tuple(written[key] for key in ("process", "mode", "seed", "ledger"))
    assert written["plans"] >= written["fills"] + written["reverts"] > 0
    assert all(isinstance(amount, str) for amount in (*written["pnl"].values(), *written["cost"].values()))
    assert 0o600 == stat.S_IMODE((tmp_path / "tidemill-data" / "control.sock").stat().st_mode)


def test_connect_from_python_gives_frozen_values(start: Start, tmp_path: Path) -> None:
    """What the commands print is what a notebook gets."""
    running = start()
    instance = tm.connect(tmp_path / "tidemill-data")
    status, paused = instance.status(), instance.pause("spatial", "a look")

    assert (running.pid, "running", "sim:1") == (status.process, status.state, status.source)
    assert (("spatial",), ("spatial",), "paused spatial") == (paused.strategies, paused.changed, paused.text)
    assert () == instance.pause("spatial").changed
    assert ("run",) == instance.stop().changed
    assert 0 == running.end().code


def test_unknown_strategy_is_told_with_the_known_ones_and_nothing_happens(start: Start, tidemill: Tidemill) -> None:
    """A slip pauses nobody, and leaves no trace on the run."""
    running = start()
    slip = tidemill("pause", "spatail")
    resumed = tidemill("resume", "spatial")
    tidemill("stop")

    assert (1, "") == (slip.code, slip.out)
    assert "no strategy 'spatail' is enabled here: did you mean spatial? there are " in slip.err
    assert (0, "spatial is not paused\n") == (resumed.code, resumed.out)
    assert ["stop"] == [line["command"] for line in running.end().lines if line["event"] == "control"]


@pytest.mark.parametrize("command", ["status", "pause", "resume", "stop"])
def test_without_an_instance_one_sentence_and_exit_code_1(command: str, tidemill: Tidemill, tmp_path: Path) -> None:
    """Nothing is made, nothing is guessed."""
    done = tidemill(command)

    assert (1, "", NOBODY) == (done.code, done.out, done.err)
    assert [] == list(tmp_path.iterdir())


def test_folder_is_that_of_the_configuration(start: Start, tidemill: Tidemill, tmp_path: Path) -> None:
    """Beside the same tidemill.toml, no command needs to be told where the run is."""
    (tmp_path / "tidemill.toml").write_text(
        'data = "books"\nspeed = "60x"\n[chains.sim]\n[dex.uniswap]\n[strategies.spatial]\n[search.cycles]\n[notifiers.console]\n'
        '[books.main]\nbase = "USDC"\n'
    )
    running = start()
    found = tidemill("status", "--json").lines[0]
    elsewhere = tidemill("status", "--data", "tidemill-data")

    assert (running.pid, "books", 1) == (found["process"], found["data"], found["ledger"])
    assert (1, NOBODY) == (elsewhere.code, elsewhere.err)


def test_second_instance_without_a_ledger_is_refused_too(start: Start, tidemill: Tidemill, tmp_path: Path) -> None:
    """One instance a folder, whether it writes a ledger or not; the first goes on."""
    none = {"TIDEMILL__STORES__SQLITE__ENABLED": "false"}
    running = start(env=none)
    second = tidemill("run", "--blocks", "1", "--speed", "max", env={**LEAN, **none})

    assert (1, "") == (second.code, second.out)
    assert "tidemill-data: another instance runs on this folder; stop it with `tidemill stop --data tidemill-data`" in second.err
    assert running.pid == tidemill("status", "--json").lines[0]["process"]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL], ids=lambda number: number.name)
def test_socket_of_an_ended_run_is_gone_or_replaced(number: signal.Signals, start: Start, tidemill: Tidemill, tmp_path: Path) -> None:
    """After SIGTERM none is left; what a kill -9 leaves is no instance, and the next run takes its place."""
    running = start()
    running.signal(number)
    running.end()
    left = (tmp_path / "tidemill-data" / "control.sock").exists()
    nobody = tidemill("status")
    following = start()

    assert (number == signal.SIGKILL) == left
    assert (1, NOBODY) == (nobody.code, nobody.err)
    assert following.pid == tidemill("status", "--json").lines[0]["process"]


def test_folder_of_a_long_name_is_reached(start: Start, tidemill: Tidemill) -> None:
    """A socket's address ends at some hundred bytes; nobody needs to know."""
    deep = "/".join(["a-rather-long-name-of-a-folder"] * 6)
    running = start("--data", deep)

    assert running.pid == tidemill("status", "--data", deep, "--json").lines[0]["process"]


def test_folder_that_cannot_hold_a_socket_costs_the_control_alone(start: Start, tidemill: Tidemill, tmp_path: Path) -> None:
    """Without a ledger a run needs no folder: it says once that it cannot be reached, and trades on."""
    (tmp_path / "tidemill-data").mkdir(mode=0o555)
    running = start(env={"TIDEMILL__STORES__SQLITE__ENABLED": "false"}, unprivileged=True)
    running.wait_for(lambda: bool(events(running, "plan")))
    running.signal(signal.SIGINT)
    ended = running.end()

    assert (0, 1) == (ended.code, len(ended.err.splitlines()))
    assert "no control socket: status, pause, resume and stop cannot reach this run; Ctrl-C ends it" in ended.err
    assert "Permission denied" in ended.err


@pytest.mark.parametrize("how", ["stop", "Ctrl-C"])
def test_stop_at_real_speed_does_not_wait_for_the_next_block(how: str, forks: Forks, tidemill: Tidemill, tmp_path: Path) -> None:
    """An hour a block is too long for somebody who wants it to end."""
    env = {**LEAN, "TIDEMILL__CHAINS__SIM__BLOCK_TIME_S": "3600", "TIDEMILL__PRICES__SIM__BLOCK_TIME_S": "3600"}
    running = forks.start(["run", "--seed", "7", "--json"], cwd=tmp_path, env=env)
    running.wait_for((tmp_path / "tidemill-data" / "control.sock").exists)
    running.wait_for(lambda: bool(events(running, "run")))

    if how == "stop":
        assert 0 == tidemill("stop").code
    else:
        running.signal(signal.SIGINT)
    assert (0, "summary") == ((ended := running.end()).code, ended.summary["event"])


def test_trace_tells_every_call_and_changes_nothing(tidemill: Tidemill) -> None:
    """Lines on standard error, from registration to the end; standard output and the ledger's hash are those of a run without."""
    command = ("run", "--seed", "7", "--blocks", "4", "--speed", "max", "--json")
    plain, traced = tidemill(*command, "--data", "one", env=LEAN), tidemill(*command, "--data", "two", "--trace-hooks", env=LEAN)
    lines = traced.err.splitlines()

    assert (0, 0, "") == (plain.code, traced.code, plain.err)
    assert plain.out == traced.out
    assert all(line.startswith("trace ") and line.endswith(" µs") for line in lines)
    assert any(line.startswith("trace hook tidemill_register_strategies() of strategies.spatial → [Spatial]") for line in lines)
    assert any(line.startswith("trace strategies.spatial.find_opportunities(snapshot of sim:1 at ") for line in lines)
    assert {"chains.sim", "dex.uniswap", "search.cycles", "stores.sqlite", "prices.sim"} <= {
        ".".join(line.split()[1].split(".")[:2]) for line in lines
    }
    assert os.linesep not in "".join(lines)
