"""A plugin in a process of its own that lies, floods, or starts others; and what it is told: nothing that it can turn against the run."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from attrs import evolve

from tidemill.config.defaults import default_text
from tidemill.config.load import load_config
from tidemill.config.model import Config, PluginTable
from tidemill.config.secret import Secret
from tidemill.errors import PluginError
from tidemill.pipeline import child as module
from tidemill.pipeline import isolation as isolating
from tidemill.pipeline.answer import Answer, Reply, encode_answer
from tidemill.pipeline.assemble import assemble
from tidemill.pipeline.brief import brief_of
from tidemill.pipeline.child import Child
from tidemill.pipeline.frames import HEAD
from tidemill.pipeline.isolated_notifier import IsolatedNotifier
from tidemill.pipeline.isolation import Isolation
from tidemill.stages.guard import Fault

PATH = "strategies.triangular"
NONSENSE = [b"", b"\xff", b"{", b"[]", b"3", b'{"error": "x"}', b'{"fault": 3}', b"[" * 100_000, b"\x80\x04."]


def descriptors() -> int:
    """Return how many files and sockets this process holds open."""
    return sum(1 for _ in Path("/proc/self/fd").iterdir())


class Liar(Child):
    """A child whose other end is in a test's hands."""

    def __init__(self, *arguments: object) -> None:
        super().__init__(*arguments)  # type: ignore[arg-type]  # as given
        self._socket.close()
        self._socket, self.end = socket.socketpair()
        self._socket.setblocking(False)

    def say(self, content: bytes) -> None:
        """Put an answer on the line."""
        self.end.sendall(HEAD.pack(len(content)) + content)

    def kill(self) -> None:
        self.end.close()
        super().kill()


@pytest.fixture
def config(tmp_path: Path) -> Config:
    """The default configuration with one strategy apart."""
    path = tmp_path / "tidemill.toml"
    path.write_text(default_text("sim").replace("[strategies.triangular]", '[strategies.triangular]\nisolation = "process"'))
    return load_config(path)


@pytest.fixture
def liar() -> Iterator[Liar]:
    """A child that says what a test makes it say."""
    made = Liar(PATH, {"kind": "strategy"})
    yield made
    made.kill()


@pytest.mark.anyio
@pytest.mark.parametrize("content", NONSENSE, ids=range(len(NONSENSE)))
async def test_first_word_that_is_none_is_the_plugins_failure(content: bytes, liar: Liar) -> None:
    """Whatever comes in place of it: one error of ours that names the plugin, never one of the decoder."""
    liar.say(content)
    with pytest.raises(PluginError, match=r"strategies\.triangular: its process sent what is no answer"):
        await liar.ready()


@pytest.mark.anyio
async def test_notifier_whose_process_lies_fails_alone(config: Config, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is ended, and the error says what came."""
    monkeypatch.setattr("tidemill.pipeline.isolated_notifier.Child", Liar)
    notifier = IsolatedNotifier(brief_of(config, "notifiers.console"))
    made = Liar("notifiers.console", {"kind": "notifier"})
    notifier._child = made
    made.say(b'{"fault": ""}')
    made.say(b"nonsense")
    with pytest.raises(PluginError, match="no answer"):
        await notifier.tell([])

    assert made._process.returncode is not None


@pytest.mark.anyio
async def test_process_that_accuses_others_is_at_fault_itself(config: Config, monkeypatch: pytest.MonkeyPatch) -> None:
    """What it says of a risk check disables no risk check; long words are cut, many are not all told."""
    monkeypatch.setattr(isolating, "Child", Liar)
    pipeline = assemble(config)
    isolation = Isolation(pipeline.core, pipeline.parts, pipeline.supervisor, config)
    isolation.start()
    (seat,) = isolation._seats
    assert isinstance(seat.child, Liar)
    said = (Fault("risk.limits", "x" * 10_000), *(Fault("dex.uniswap", "stale", blamed=False) for _ in range(1_000)))
    seat.child.say(encode_answer(Answer((), said)))
    seat.owes = True
    assert () == await isolation.answers()
    faults = isolation.take_faults()
    isolation.close()

    assert {PATH} == {fault.plugin for fault in faults}
    assert [True] == [fault.blamed for fault in faults if fault.reason.startswith("risk.limits failed in its process: xxx")]
    assert (isolating.MOST_FAULTS, isolating.MOST_REASON) == (len(faults), max(len(fault.reason) for fault in faults))
    assert {} == isolation.pids


@pytest.mark.anyio
async def test_answer_that_lay_there_while_the_run_was_stopped_counts(liar: Liar) -> None:
    """Its time is over when the run goes on, but it had answered: no false alarm."""
    liar.say(b'{"fault": ""}')
    assert Reply() == await liar.reply(0)


def test_process_is_told_no_secret_of_another_plugin(config: Config) -> None:
    """Neither in its environment nor in what it is told; its own stay, and nothing of it can be seen from outside."""
    own = PluginTable("notifier", "own", settings={"token": Secret("env:OWN"), "all": ["env:BOTH"]})
    other = PluginTable("notifier", "other", settings={"deep": {"token": Secret("env:OTHER")}, "both": "env:BOTH", "file": "file:/x"})
    both = evolve(config, tables=(*config.tables, own, other))
    environ = {"OWN": "a-secret", "OTHER": "b-secret", "BOTH": "c-secret", "PATH": "/bin"}
    notifier, strategy = brief_of(both, "notifiers.own", environ), brief_of(both, PATH, environ)

    assert {"OWN": "a-secret", "BOTH": "c-secret", "PATH": "/bin"} == notifier.environ
    assert {"PATH": "/bin"} == strategy.environ
    assert not [table.path for table in strategy.config.tables if table.kind in {"notifier", "risk", "price", "store"}]
    assert ["notifiers.own"] == [table.path for table in notifier.config.tables if table.kind != "chain"]
    assert "secret" not in repr(notifier)
    child = Child("notifiers.own", notifier.hello, {**os.environ, **notifier.environ, "PATH": os.environ["PATH"]})
    command = Path(f"/proc/{child.pid}/cmdline").read_bytes()
    child.kill()
    assert b"secret" not in command
    assert b"OWN" not in command


def test_process_that_cannot_be_started_leaves_no_descriptor(monkeypatch: pytest.MonkeyPatch) -> None:
    """Both ends of its socket are closed again."""
    monkeypatch.setattr(sys, "executable", "/no/such/interpreter")
    before = descriptors()
    with pytest.raises(OSError, match="No such file"):
        Child(PATH, {"kind": "strategy"})

    assert before == descriptors()


def test_many_processes_leave_no_descriptor_and_no_zombie() -> None:
    """Whoever is killed is waited for."""
    before = descriptors()
    pids = []
    for _ in range(5):
        child = Child(PATH, {"kind": "strategy"})
        pids.append(child.pid)
        child.kill()

    assert (before, []) == (descriptors(), [pid for pid in pids if Path(f"/proc/{pid}").exists()])


def wait(until: Callable[[], bool], seconds: float = 20) -> bool:
    """Return whether something came about in time."""
    end = time.monotonic() + seconds
    while not until() and time.monotonic() < end:
        time.sleep(0.02)
    return until()


def test_what_a_process_has_started_ends_with_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Programs of a plugin's are in its process group; Ctrl-C in a terminal, which goes to ours, does not reach them."""
    boot = f"import os, subprocess, time; subprocess.Popen(['sleep', '600']); open({str(tmp_path / 'up')!r}, 'w').close(); time.sleep(600)"
    monkeypatch.setattr(module, "_BOOT", boot)
    child = Child(PATH, {"kind": "strategy"})
    assert wait((tmp_path / "up").exists)
    (started,) = Path(f"/proc/{child.pid}/task/{child.pid}/children").read_text().split()
    group = os.getpgid(int(started))
    child.kill()

    assert (child.pid, True) == (group, group != os.getpgid(0))
    assert wait(lambda: not Path(f"/proc/{started}").exists() or b"sleep" not in Path(f"/proc/{started}/cmdline").read_bytes())


def test_process_whose_parent_ended_before_it_began_ends_too() -> None:
    """Nobody would end it later: it looks whose child it is before it runs any plugin."""
    ours, theirs = socket.socketpair()
    code = f"from tidemill.pipeline.child_main import main; main({theirs.fileno()}, 1)"
    with ours, theirs:
        assert 1 == subprocess.run([sys.executable, "-c", code], pass_fds=(theirs.fileno(),), timeout=60, check=False).returncode


def test_requests_to_end_are_the_parents_business(config: Config) -> None:
    """A signal that reaches a child, as a supervisor of services sends it to all, ends nothing before the run does."""
    child = Child(PATH, brief_of(config, PATH).hello)
    status = Path(f"/proc/{child.pid}/status")

    def caught(number: int) -> bool:
        (mask,) = [line.split()[1] for line in status.read_text().splitlines() if line.startswith("SigCgt")]
        return bool(int(mask, 16) >> (number - 1) & 1)

    assert wait(lambda: caught(signal.SIGTERM))
    os.kill(child.pid, signal.SIGTERM)
    os.kill(child.pid, signal.SIGINT)
    time.sleep(0.2)
    running = child._process.poll() is None
    child.kill()

    assert running
