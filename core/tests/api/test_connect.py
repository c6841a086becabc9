"""A real run in a thread, and an operator who speaks to it over its socket."""

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from attrs import frozen
from click.testing import CliRunner, Result

from tidemill.api import connect as connect_module
from tidemill.api.commanded import Commanded
from tidemill.api.connect import Instance, connect
from tidemill.api.emergency import stop_now
from tidemill.api.operator import _disk, _folder_bytes
from tidemill.api.run import RunOptions, run
from tidemill.cli.main import main
from tidemill.domain.events import Control
from tidemill.domain.note import Summary
from tidemill.errors import ControlError
from tidemill.tape.reader import TapeReader

CONFIG = """
seed = 7
speed = "60x"
[chains.sim]
tokens = 12
pools = 36
warmup_blocks = 10
[dex.uniswap]
[search.cycles]
{strategies}
[stores.sqlite]
[books.main]
base = "USDC"
"""
BOTH = "[strategies.spatial]\n[strategies.triangular]"


@frozen
class Running:
    """A run in a thread: its folder, and what it came to once it has ended."""

    data: Path
    thread: threading.Thread
    ended: list[Any]

    @property
    def instance(self) -> Instance:
        return connect(self.data)

    def end(self) -> Summary:
        """Wait for the end and return the summary."""
        self.thread.join(30)
        (summary,) = self.ended
        assert isinstance(summary, Summary), summary
        return summary


def started(folder: Path, strategies: str = BOTH) -> Running:
    (folder / "tidemill.toml").write_text(CONFIG.format(strategies=strategies))
    ended: list[Any] = []

    def work() -> None:
        try:
            ended.append(run(folder / "tidemill.toml", RunOptions(data=folder / "data", record=folder / "run.tape"), notifiers=[]))
        except BaseException as error:  # noqa: BLE001 whatever it is, the test must say so
            ended.append(error)

    thread = threading.Thread(target=work)
    thread.start()
    running = Running(folder / "data", thread, ended)
    while thread.is_alive():
        try:
            if running.instance.status().blocks:
                break
        except ControlError:
            thread.join(0.01)
    return running


@pytest.fixture
def running(tmp_path: Path) -> Iterator[Running]:
    """A run that goes on until it is stopped."""
    found = started(tmp_path)
    yield found
    if found.thread.is_alive():
        found.instance.stop()
        found.end()


def commands(folder: Path) -> list[Control]:
    """Every command on the tape."""
    records = TapeReader(folder / "run.tape").records()
    return [event for record in records for event in record.batch.events if isinstance(event, Control)]


def tidemill(*arguments: str) -> Result:
    return CliRunner().invoke(main, list(arguments), prog_name="tidemill")


def test_status_is_of_this_run(running: Running) -> None:
    """Figures of the process, the books and the market as they stand."""
    status = running.instance.status()

    assert ("paper", "sim:1", 7, "running", "", 1) == (status.mode, status.source, status.seed, status.state, status.reason, status.ledger)
    assert {"spatial", "triangular"} == {one.path.removeprefix("strategies.") for one in status.strategies}
    assert ({"running"}, ()) == ({one.state for one in status.strategies}, status.plugins)
    assert (["main"], {"USDC", "ETH"}) == ([book.id for book in status.books], {asset.symbol for asset in status.assets} & {"USDC", "ETH"})
    assert status.blocks == status.chains[0].height + 1
    assert status.data_bytes > 0
    assert status.memory_mb > 0
    assert status.block_age_s is not None
    assert str(running.data.parent / "run.tape") == status.record


def test_pause_and_resume_say_what_they_changed(running: Running, tmp_path: Path) -> None:
    """Pausing twice is pausing once: it is said, nothing is on the tape, and the first cause stays."""
    instance = running.instance
    one = instance.pause("spatial", "gas is dear")
    both = instance.pause("", "another")
    again = instance.pause("spatial", "third")
    paused = {status.path: (status.state, status.reason) for status in instance.status().strategies}
    back, none = instance.resume(), instance.resume("spatial")
    ended = instance.stop()
    running.end()

    assert ("pause", ("spatial",), ("spatial",), "paused spatial") == (one.command, one.strategies, one.changed, one.text)
    assert (("triangular",), "paused triangular; spatial is paused already") == (both.changed, both.text)
    assert ((), "spatial is paused already") == (again.changed, again.text)
    assert {"strategies.spatial": ("paused", "gas is dear"), "strategies.triangular": ("paused", "another")} == paused
    assert ({"spatial", "triangular"}, ()) == (set(back.changed), none.changed)
    assert ("spatial is not paused", ("run",)) == (none.text, ended.changed)
    assert [
        Control("pause", ("spatial",), "gas is dear"), Control("pause", (), "another"), Control("resume"), Control("stop")
    ] == commands(tmp_path)  # fmt: skip


def test_unknown_strategy_is_refused_before_any_event(running: Running, tmp_path: Path) -> None:
    """The known ones are named, the nearest first; nothing is on the tape."""
    with pytest.raises(ControlError, match=r"^no strategy 'triangle' is enabled here: did you mean triangular\? there are "):
        running.instance.pause("triangle")
    with pytest.raises(ControlError, match=r"^no strategy 'zzz' is enabled here: there are "):
        running.instance.resume("zzz")
    running.instance.stop()
    running.end()

    assert [Control("stop")] == commands(tmp_path)


def test_stop_is_answered_and_the_run_ends_with_its_summary(running: Running) -> None:
    """The same as a signal: everything settled, and then nobody answers there any more."""
    instance = running.instance
    done = instance.stop()
    summary = running.end()

    assert ("stop", "the run settles what is in flight, and ends with its summary") == (done.command, done.text)
    assert summary.plans == summary.fills + summary.reverts
    with pytest.raises(ControlError, match="no instance runs on this folder"):
        instance.status()
    with pytest.raises(ControlError, match="no instance runs on this folder"):
        connect(running.data)


def test_stops_at_the_same_time_all_end_well(running: Running) -> None:
    """One ends the run, the others are told that it is ending already, also those that it could not answer any more."""
    instance, done = running.instance, []
    begin = threading.Barrier(6)

    def stop() -> None:
        begin.wait()
        done.append(tidemill_stop(instance))

    threads = [threading.Thread(target=stop) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    running.end()

    changed = [one.changed for one in done if isinstance(one, Commanded)]
    others = [one.text if isinstance(one, Commanded) else str(one) for one in done if not (isinstance(one, Commanded) and one.changed)]
    assert (6, 1) == (len(done), changed.count(("run",)))
    # One that comes when all is over meets nobody
    assert [] == [text for text in others if not text.startswith("ending already: ") and "no instance runs on this folder" not in text]


def tidemill_stop(instance: Instance) -> Commanded | ControlError:
    try:
        return instance.stop()
    except ControlError as error:
        return error


def test_commands_print_what_the_functions_return(running: Running) -> None:
    """Sentences for people, one object for machines; exit code 1 with one sentence where nobody runs."""
    data = str(running.data)
    status, lines = tidemill("status", "--data", data, "--json"), tidemill("status", "--data", data)
    paused = tidemill("pause", "spatial", "--cause", "a drill", "--data", data)
    resumed = tidemill("resume", "--data", data, "--json")
    slip = tidemill("pause", "zzz", "--data", data)
    stopped = tidemill("stop", "--data", data)
    running.end()
    nobody = tidemill("status", "--data", data)

    assert (0, 0, 0, 0, 0, 1, 1) == tuple(one.exit_code for one in (status, lines, paused, resumed, stopped, slip, nobody))
    assert '"state": "running"' in status.stdout
    assert lines.stdout.startswith("paper · sim:1, seed 7 · up ")
    assert "paused spatial\n" == paused.stdout
    assert '"changed": ["spatial"]' in resumed.stdout
    assert "no strategy 'zzz' is enabled here" in slip.stderr
    assert "no instance runs on this folder" in nobody.stderr


def test_connect_finds_the_folder_of_the_configuration(running: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a folder that of ./tidemill.toml is meant, else tidemill-data."""
    monkeypatch.chdir(running.data.parent)
    with pytest.raises(ControlError, match=r"^tidemill-data: no instance runs on this folder"):
        connect()
    (running.data.parent / "tidemill.toml").write_text('data = "data"\n' + CONFIG.format(strategies=BOTH))

    assert Path("data") == connect().data
    assert running.data.samefile(connect().data)


def test_answer_of_another_version_is_told(running: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    """What cannot be read is no traceback."""
    instance = running.instance
    with monkeypatch.context() as patch:
        patch.setattr(connect_module, "decode_answer", lambda line: {"command": "pause"})
        with pytest.raises(ControlError, match="it is of another version of Tidemill"):
            instance.pause("spatial")


def test_run_without_a_strategy_has_nothing_to_pause(tmp_path: Path) -> None:
    """It is said, and not called a slip."""
    none = started(tmp_path, strategies="")
    try:
        with pytest.raises(ControlError, match=r"^this run has no strategy$"):
            none.instance.pause()
    finally:
        none.instance.stop()
    none.end()


def test_figures_of_a_folder_that_is_gone_are_zeros(tmp_path: Path) -> None:
    """Status never fails for want of a figure."""
    assert (0, (0, 0)) == (_folder_bytes(tmp_path / "gone"), _disk(tmp_path / "gone"))
    (tmp_path / "a").write_bytes(b"12345")
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "c").write_bytes(b"123")

    assert 8 == _folder_bytes(tmp_path)


def test_status_without_a_run_names_a_stop_that_holds(tmp_path: Path) -> None:
    """Who, why, since when, and how it goes on; it is still exit code 1."""
    stop_now(tmp_path, "a drill")
    said = CliRunner().invoke(main, ["status", "--data", str(tmp_path)])
    (tmp_path / "STOP").touch()
    by_file = CliRunner().invoke(main, ["status", "--data", str(tmp_path)])

    assert (1, 1) == (said.exit_code, by_file.exit_code)
    first, second = said.stderr.splitlines()
    assert "no instance runs on this folder" in first
    assert second.startswith("stopped by command at 2")
    assert second.endswith(": a drill: nothing leaves a run with real money; `tidemill resume --cause TEXT` lets trading go on")
    assert f"stopped by file: there is a file STOP in {tmp_path}: nothing leaves" in by_file.stderr
