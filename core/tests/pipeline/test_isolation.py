"""Strategies in processes of their own: the copy that a child gets, the core that follows, what passes between, how a process dies."""

import json
import os
import signal
import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import anyio
import pytest
from attrs import evolve
from structlog.testing import capture_logs

from tidemill.api.replay import replay
from tidemill.api.run import RunOptions, run
from tidemill.config.load import load_config
from tidemill.domain import events as ev
from tidemill.domain.note import RunHeader
from tidemill.domain.offer import Offer
from tidemill.domain.opportunity import Opportunity, Signal
from tidemill.domain.snapshot import Snapshot
from tidemill.errors import DecodeError, PluginError
from tidemill.hookspecs.strategy import Strategy
from tidemill.pipeline import child_main
from tidemill.pipeline.answer import ASKING, NONE, Answer, decode_answer, encode_answer
from tidemill.pipeline.apart import isolation_of
from tidemill.pipeline.assemble import assemble
from tidemill.pipeline.brief import brief_of
from tidemill.pipeline.child import Child
from tidemill.pipeline.core import Core
from tidemill.pipeline.core_copy import copy_core, read_core, shared
from tidemill.pipeline.frames import HEAD, MAX_ANSWER, frame
from tidemill.pipeline.isolated_notifier import IsolatedNotifier
from tidemill.pipeline.memory import resident_mb
from tidemill.pipeline.notices import Notices
from tidemill.stages.guard import Fault
from tidemill_testing.toy import USD, WETH

Benches = Callable[..., Any]
DEEP = 10**21
GAP = DEEP * 105 // 100
CONFIG = """
[chains.sim]
tokens = 12
pools = 36
warmup_blocks = 10
[dex.uniswap]
[dex.sushiswap]
[dex.quickswap]
[dex.pancakeswap]
[search.cycles]
[strategies.triangular]
isolation = "process"
[notifiers.jsonl]
path = "notes.jsonl"
isolation = "process"
[books.main]
base = "USDC"
[books.main.capital]
USDC = 50_000
WETH = 20
ETH = 10
"""


class Lagging(Strategy):
    """Buys on the cheaper of two pools and sells on the dearer."""

    name = "lagging"

    def find_opportunities(self, snapshot: Snapshot) -> Iterator[Opportunity]:
        for pair in snapshot.changed.pairs:
            offers = snapshot.offers(pair)
            if len(offers) > 1 and offers[0].edge_bps(offers[-1]) > 0:
                yield self.opportunity(buy=offers[0], sell=offers[-1])


def state_of(core: Core) -> Any:
    """Return what a strategy can see of a core."""
    view = core.snapshot()
    return dict(view.pools), dict(view.versions), dict(view.books), dict(view.chains), core.waiting


def test_copy_of_a_core_joined_with_other_plugins_folds_on_alike(bench: Benches) -> None:
    """Pools, versions, books, overlay and plans in flight are the same after the copy and after more blocks."""
    run, other = bench((Lagging(),)), bench((Lagging(),))
    pools = run.load({1: (DEEP, DEEP), 2: (DEEP, DEEP)})
    run.block({pools[2]: (GAP, DEEP)})
    copy = read_core(copy_core(run.core, run.parts), shared(other.core, other.parts))
    assert state_of(run.core) == state_of(copy)
    assert copy.roster is other.core.roster
    copy.roster.follow("strategies.lagging", run.core.roster.idle)
    fed = len(run.tape)
    run.block()
    run.block({pools[1]: (DEEP + 5, DEEP)})
    for batch, _ in run.tape[fed:]:
        copy.on_batch(batch, False)

    assert 1 == run.summary().fills
    assert state_of(run.core) == state_of(copy)


def test_copy_cannot_go_back_behind_itself_and_says_so(bench: Benches) -> None:
    """It holds no checkpoints: a rollback halts it, and whoever follows it must be told everything again."""
    run, other = bench((Lagging(),)), bench((Lagging(),))
    run.load({1: (DEEP, DEEP), 2: (DEEP, DEEP)})
    run.block()
    copy = read_core(copy_core(run.core, run.parts), shared(other.core, other.parts))
    height = run.blocks.height - 1
    rollback = ev.Rollback(run.rules.id, height, "0x")
    batch = ev.Batch("toy", 99, run.rules.id, height, "", "", "confirmed", 0, 0, (rollback,))
    run.core.on_batch(batch, False)
    copy.on_batch(batch, False)

    assert ("", True) == (run.core.halted, copy.halted != "")


def test_core_that_follows_proposes_what_it_finds_and_plans_nothing(bench: Benches) -> None:
    """What one core sent the other takes over: books and overlay stay the same, found ideas leave as proposals."""
    run, other = bench((Lagging(),), isolated=["lagging"]), bench((Lagging(),), isolated=["lagging"])
    following: Core = other.core
    following.roster.follow("strategies.lagging", ((), ()))
    intents: list[Any] = []
    proposed: list[ev.Proposals] = []

    fold = run.core.on_batch

    class Both:
        """Feeds both cores what the bench makes."""

        def __call__(self, batch: ev.Batch, decide: bool) -> Any:
            following.follow(intents, run.core.waiting)
            answers = following.on_batch(batch, decide).proposals
            effects = fold(batch, decide)
            intents[:] = effects.intents
            if answers:
                proposed.extend(answers)
                run.answer(*answers, decide=True)
            return effects

    run.core.on_batch = Both()
    pools = run.load({1: (DEEP, DEEP), 2: (DEEP, DEEP)})
    run.block({pools[2]: (GAP, DEEP)})
    run.block()
    run.block()

    assert (1, 1) == (run.summary().plans, run.summary().fills)
    assert ["lagging"] * len(proposed) == [one.strategy for one in proposed]
    following.follow(intents, run.core.waiting)
    assert state_of(run.core)[0] == state_of(following)[0]
    assert state_of(run.core)[2] == state_of(following)[2]
    assert 0 == following.tally.plans


def test_answer_travels_as_json_and_nothing_as_nothing() -> None:
    """What was found and what went wrong comes back equal; nothing at all is no bytes."""
    signal_found = Signal("i", "s", "sim:1", "m", WETH, USD, "buy", 10**40, 1, 1)  # type: ignore[arg-type]
    arbitrage = Lagging().opportunity(buy=_offer(), sell=_offer())
    answer = Answer((signal_found, arbitrage), (Fault("dex.a", "x", blamed=False),), "lost")

    assert answer == decode_answer(encode_answer(answer))
    assert json.loads(encode_answer(answer))
    assert (b"", NONE) == (encode_answer(NONE), decode_answer(b""))


def _offer() -> Any:
    return Offer("sim:1/toy:0x1", USD, WETH, 1, 1, 0, 1)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "data", [b"{", b'{"found": 3}', b"\x80\x04.", b'{"found":[{"_type":"os"}]}', b"[" * 100_000, b'{"faults":[["a"]]}']
)
def test_answer_that_is_none_is_refused(data: bytes) -> None:
    """Nothing of it is run or believed: it is an error of decoding."""
    with pytest.raises(DecodeError):
        decode_answer(data)


class Wire:
    """The other end of a child's connection, in a test's hands."""

    def __init__(self, child: Child) -> None:
        child._socket.close()
        child._socket, self.end = socket.socketpair()
        child._socket.setblocking(False)
        child._held.clear()


@pytest.fixture
def child() -> Iterator[Child]:
    """A process that waits for its first message."""
    made = Child("strategies.acme", {"kind": "strategy"})
    yield made
    made.kill()
    made.kill()


@pytest.mark.anyio
async def test_frames_arrive_whole_however_they_were_cut(child: Child) -> None:
    """Two frames in three pieces are two contents, in order."""
    wire = Wire(child)
    data = HEAD.pack(3) + b"one" + HEAD.pack(0) + HEAD.pack(2) + b"22"
    async with anyio.create_task_group() as tasks:

        async def late() -> None:
            for piece in (data[:2], data[2:9], data[9:]):
                await anyio.sleep(0.01)
                wire.end.sendall(piece)

        tasks.start_soon(late)
        assert [b"one", b"", b"22"] == [await child.receive(5) for _ in range(3)]
    wire.end.close()


@pytest.mark.anyio
async def test_answer_that_does_not_come_or_is_too_big_or_ends_is_an_error(child: Child) -> None:
    """Each says what happened: who waits knows what to tell."""
    wire = Wire(child)
    with pytest.raises(PluginError, match=r"did not answer within 0\.05 s"):
        await child.receive(0.05)
    wire.end.sendall(HEAD.pack(MAX_ANSWER + 1))
    with pytest.raises(PluginError, match=f"at most {MAX_ANSWER} are taken"):
        await child.receive(5)
    wire.end.close()
    wire = Wire(child)
    with pytest.raises(PluginError, match=r"took nothing for 0\.05 s"):
        await child.send(bytes(50_000_000), 0.05)
    os.kill(child.pid, signal.SIGKILL)
    wire.end.close()
    with pytest.raises(PluginError, match="ended by SIGKILL"):
        await child.receive(5)
    with pytest.raises(PluginError, match="ended by SIGKILL"):
        await child.send(b"x" * 10_000_000, 5)


@pytest.mark.anyio
async def test_process_that_cannot_make_its_plugin_says_why(tmp_path: Path) -> None:
    """The error is that of the configuration, told by the process that read it."""
    config = evolve(load_config(_file(tmp_path)), tables=())
    child = Child("strategies.triangular", {"kind": "strategy", "config": config})
    with pytest.raises(PluginError, match=r"cannot begin: .*no chain is enabled"):
        await child.ready()
    child.kill()


def _file(folder: Path) -> Path:
    path = folder / "tidemill.toml"
    path.write_text(CONFIG)
    return path


def test_run_with_everything_apart_leaves_no_process_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Strategy and notifier in processes of their own: it trades, the notes are written, all have ended; a replay starts none."""
    monkeypatch.chdir(tmp_path)
    summary = run(_file(tmp_path), RunOptions(blocks=12, speed="max", data=tmp_path / "data", record=tmp_path / "run.tape"))
    monkeypatch.setattr("tidemill.pipeline.child.subprocess.Popen", _refused)

    assert summary.plans > 0
    assert summary.ledger_hash == replay(tmp_path / "run.tape").summary.ledger_hash
    lines = [json.loads(line) for line in (tmp_path / "notes.jsonl").read_text().splitlines()]
    assert ("run", "summary") == (lines[0]["event"], lines[-1]["event"])
    assert [] == _children()


@pytest.mark.anyio
async def test_process_of_a_plugin_tells_whose_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In the list of processes, before anything else, and without anything of the configuration; the run knows its id while it lives."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOOK_TOKEN", "s3cr3t-value")
    notifier = IsolatedNotifier(brief_of(load_config(_file(tmp_path)), "notifiers.jsonl"))
    notices = Notices([notifier])
    assert {} == notices.pids
    await notifier.start(RunHeader("0", "paper", "toy", 1, ()))
    (pid,) = notices.pids.values()
    words = (await anyio.Path(f"/proc/{pid}/cmdline").read_bytes()).split(b"\0")

    assert [b"-X", b"tidemill: notifiers.jsonl"] == words[1:3]
    assert not any(b"s3cr3t" in word or b"notes.jsonl" in word for word in words)
    assert resident_mb(pid) > 10
    notifier.close()
    assert {} == notices.pids


@pytest.mark.parametrize("apart", [False, True], ids=["inline", "apart"])
def test_run_tells_of_a_notifier_that_cannot_start_alike_wherever_it_runs(
    apart: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """One sentence with its name and its reason, each once: in the log and, as a warning, through the console."""
    monkeypatch.chdir(tmp_path)
    gone = tmp_path / "no" / "such" / "notes.jsonl"
    kept = "".join(f"{line}\n" for line in CONFIG.splitlines() if not line.startswith(("isolation", "path")))
    process = 'isolation = "process"' if apart else ""
    _file(tmp_path).write_text(kept.replace("[notifiers.jsonl]", f'[notifiers.console]\n[notifiers.jsonl]\npath = "{gone}"\n{process}'))
    with capture_logs() as logs:
        run(tmp_path / "tidemill.toml", RunOptions(blocks=8, speed="max", data=tmp_path / "data"))

    reason = f"{gone}: cannot be written: No such file or directory; set path to a file that can be"
    sentence = f"notifiers.jsonl cannot start and is disabled: {reason}"
    assert [sentence] == [log["event"] for log in logs if "jsonl" in log["event"]]
    assert [f"warning: {sentence}"] == [line for line in capsys.readouterr().out.splitlines() if "jsonl" in line]


def _refused(*arguments: object, **named: object) -> None:
    raise AssertionError("a replay starts no process")


def _children() -> list[str]:
    return [pid for pid in Path(f"/proc/self/task/{os.getpid()}/children").read_text().split() if _is_ours(pid)]


def _is_ours(pid: str) -> bool:
    return b"child_main" in Path(f"/proc/{pid}/cmdline").read_bytes()


@pytest.mark.anyio
async def test_isolated_notifier_that_fails_ends_its_process(tmp_path: Path) -> None:
    """What the notifier raises there is raised here, in words; nothing of it runs on, and a new start makes a new process."""
    config = load_config(_file(tmp_path))
    table = next(table for table in config.tables if table.kind == "notifier")
    wrong = evolve(table, settings={"path": str(tmp_path / "no" / "such" / "folder" / "x")})
    config = evolve(config, tables=tuple(wrong if one is table else one for one in config.tables))
    notifier = IsolatedNotifier(brief_of(config, "notifiers.jsonl"))
    header = RunHeader("0", "paper", "toy", 1, ())
    with pytest.raises(PluginError, match="jsonl"):
        await notifier.start(header)
    with pytest.raises(PluginError, match="its process has ended"):
        await notifier.tell([])
    assert [] == _children()


def test_child_serves_a_strategy_over_its_line(tmp_path: Path) -> None:
    """Told a core and batches it answers each that decides, says before that its strategy is asked, and ends with the connection."""
    config = load_config(_file(tmp_path))
    ours, theirs = socket.socketpair()
    line = child_main._Line(theirs.detach())
    serve = child_main._strategy({"config": config, "plugin": "strategies.triangular"}, line)
    thread = threading.Thread(target=serve)
    thread.start()
    pipeline = assemble(config)
    ours.sendall(frame(("core", copy_core(pipeline.core, pipeline.parts), ((), ()))))
    head = ev.Head(next(iter(pipeline.chains)), 1, "0x1", "0x0", 1)
    batch = ev.Batch("sim", 1, head.chain, 1, "0x1", "0x0", "confirmed", 1, 1, (head,))
    ours.sendall(frame(("batch", False, (), (), batch)))
    ours.sendall(frame(("batch", True, (), None, evolve(batch, events=(evolve(head, height=2),)))))
    contents = []
    for _ in range(2):
        (size,) = HEAD.unpack(ours.recv(HEAD.size, socket.MSG_WAITALL))
        contents.append(ours.recv(size, socket.MSG_WAITALL) if size else b"")
    ours.close()
    thread.join(10)
    line._socket.close()

    assert ([ASKING, b""], False) == (contents, thread.is_alive())


def test_pipeline_without_isolation_has_none(tmp_path: Path) -> None:
    """Nothing is started, and the driver asks nobody."""
    path = tmp_path / "tidemill.toml"
    path.write_text(CONFIG.replace('isolation = "process"', ""))
    assert isolation_of(assemble(load_config(path))) is None


@pytest.mark.anyio
async def test_process_that_dies_is_begun_anew_and_told_everything(tmp_path: Path) -> None:
    """Its death is a fault; a new one starts while it rests, is asked after its restart, follows a rollback, and ends when disabled."""
    pipeline = assemble(load_config(_file(tmp_path)))
    isolation = isolation_of(pipeline)
    assert isolation is not None
    path, chain = "strategies.triangular", next(iter(pipeline.chains))
    seq = 0

    async def fold(*events: Any) -> tuple[Fault, ...]:
        nonlocal seq
        seq += 1
        batch = ev.Batch("x", seq, chain, 1, "", "", "confirmed", 1, 1, events)
        await isolation.send(batch, True)
        isolation.folded(batch, pipeline.core.on_batch(batch, True))
        assert () == await isolation.answers()
        return isolation.take_faults()

    def head(height: int) -> ev.Head:
        return ev.Head(chain, height, f"0x{height}", "", height)

    isolation.start()
    try:
        assert [(), ()] == [await fold(head(1)), await fold(head(2))]
        first = isolation.pids[path]
        os.kill(first, signal.SIGKILL)
        (fault,) = await fold(head(3))
        assert (path, "its process was ended by SIGKILL", {}) == (fault.plugin, fault.reason, isolation.pids)
        assert () == await fold(ev.PluginState(path, "failed", 1))
        assert first != isolation.pids[path]
        assert () == await fold(head(4))
        assert [(), ()] == [await fold(ev.PluginState(path, "restarted", 1)), await fold(head(5))]
        second = isolation.pids[path]
        assert [(), (), ()] == [await fold(ev.Rollback(chain, 3, "0x3")), await fold(head(4)), await fold(head(5))]
        assert {path: second} == isolation.pids
        assert () == await fold(ev.PluginState(path, "disabled", 3))
        assert {} == isolation.pids
    finally:
        isolation.close()
