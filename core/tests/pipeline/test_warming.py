"""A searcher is warmed beside the run: nobody waits for it, it decides nothing, and the tape and the user hear of it once."""

import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tidemill.domain.events import Batch, PluginState
from tidemill.domain.note import Note
from tidemill.domain.search import Candidate, CycleQuery
from tidemill.domain.snapshot import Snapshot
from tidemill.hookspecs.search import Searcher
from tidemill.pipeline.memory import MemoryWatch
from tidemill.pipeline.warming import MOST_TEXT, Warming

pytestmark = pytest.mark.anyio
Benches = Callable[..., Any]
Rigs = Callable[..., Any]
EARLIER: set[threading.Thread] = set()
PATIENCE_S = 20
DONE = "the test kernels are ready"


class Slow(Searcher):
    """Finds nothing, and is warm when it is let."""

    name = "slow"

    def __init__(self, said: object = DONE) -> None:
        super().__init__()
        self.let = threading.Event()
        self.said = said

    def update(self, snapshot: Snapshot) -> None:
        pass

    def find(self, query: CycleQuery) -> Iterator[Candidate]:
        yield from ()

    def warm(self) -> str:
        assert self.let.wait(PATIENCE_S)
        if isinstance(self.said, BaseException):
            raise self.said
        return self.said  # type: ignore[return-value]  # what a plugin should not say is tried too


@pytest.fixture
def slow() -> Iterator[Slow]:
    """A searcher that is let go at the end at the latest: its thread is left behind by no test."""
    searcher = Slow()
    yield searcher
    searcher.let.set()


def started(searcher: Searcher | None) -> Warming:
    warming = Warming(searcher)
    warming.start()
    return warming


@pytest.fixture(autouse=True)
def earlier() -> None:
    """Notes the threads that runs before this test left behind: nobody waits for these."""
    EARLIER.clear()
    EARLIER.update(threading.enumerate())


def finish() -> None:
    """Wait until the threads that warm have ended."""
    for thread in threading.enumerate():
        if thread.name == "warming" and thread not in EARLIER:
            thread.join(PATIENCE_S)
            assert not thread.is_alive()


def told(rig: Any) -> list[Note]:
    return [note for note in rig.notices._notes if note.event == "warmed"]


def told_of(rig: Any) -> list[tuple[int, Batch]]:
    """The batches that say that it was warmed, each with the number of heads before it."""
    return [
        (sum(before.source == "toy" for before, _ in rig.fed[:place]), batch) for place, (batch, _) in enumerate(rig.fed) if batch.is_aside
    ]


async def played(bench: Benches, rig: Rigs, warming: Warming, at_head: Callable[[int], None] = lambda head: None) -> Any:
    """Play six blocks of a market that trades; ``at_head`` is called before each head is folded."""
    run = rig(bench(), notifiers=[Deaf()], warming=warming)
    run.script_of(6, {2: 110, 4: 95})
    fold = run.driver.core.on_batch

    def watched(batch: Batch, decide: bool) -> Any:
        if batch.source == "toy":
            at_head(batch.height)
        return fold(batch, decide)

    run.driver.core.on_batch = watched
    await run.play()
    return run


class Deaf:
    """A notifier that is never started: what it would be told stays in the queue."""

    name = "deaf"


async def test_run_does_not_wait_for_a_searcher_that_warms(bench: Benches, rig: Rigs, slow: Slow) -> None:
    """The run is over while the searcher still warms, and nothing was recorded or told of it."""
    warming = started(slow)
    run = await played(bench, rig, warming)

    assert (True, [], []) == (warming.active, told_of(run), told(run))
    assert run.run.core.tally.fills > 0


async def test_searcher_that_is_warm_in_the_middle_is_recorded_once(bench: Benches, rig: Rigs, slow: Slow) -> None:
    """One answer between the batches where it was seen, and one note; it asks for no ideas."""
    warming = started(slow)

    def let_at_third(height: int) -> None:
        if height == 3:
            slow.let.set()
            finish()

    run = await played(bench, rig, warming, let_at_third)

    assert [(3, (PluginState("search.slow", "warmed", 0, DONE),))] == [(heads, batch.events) for heads, batch in told_of(run)]
    assert [("info", 3, f"search.slow: {DONE}")] == [(note.level, note.height, note.text) for note in told(run)]
    assert [False] == [decide for batch, decide in run.fed if batch.is_aside]
    assert all(batch.is_answer for _, batch in told_of(run))


@pytest.mark.parametrize("said", [DONE, RuntimeError("no compiler"), 7], ids=["warm", "raises", "no text"])
async def test_warming_changes_nothing_that_is_counted_or_kept(bench: Benches, rig: Rigs, slow: Slow, said: object) -> None:
    """R4: whether and when a searcher was warmed, and whether it failed, the ledger and every figure are those of a run without it."""
    slow.said = said
    slow.let.set()
    warming = started(slow)
    finish()
    with_it, without = await played(bench, rig, warming), await played(bench, rig, Warming(None))

    assert (1, 0) == (len(told_of(with_it)), len(told_of(without)))
    assert without.driver.digest.hexdigest() == with_it.driver.digest.hexdigest()
    assert without.run.core.tally == with_it.run.core.tally
    assert without.run.core.tally.fills > 0


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        (RuntimeError("no compiler"), "it could not be warmed and goes on as it is: RuntimeError: no compiler"),
        (SystemExit(3), "it could not be warmed and goes on as it is: SystemExit: 3"),
        (7, "it could not be warmed and goes on as it is: PluginContractError: plugin slow: warm gave 7: expected a sentence"),
        ("w" * 9_999, "w" * MOST_TEXT),
    ],
    ids=["raises", "ends", "no text", "long"],
)
async def test_warming_that_goes_wrong_says_why(slow: Slow, said: object, reason: str) -> None:
    """What a searcher raises, or should not say, is its sentence; the sentence has a limit."""
    slow.said = said
    slow.let.set()
    warming = started(slow)
    finish()

    assert reason == getattr(warming.take(), "reason", "").replace("search.slow", "slow")
    assert None is warming.take()


async def test_searcher_with_nothing_to_warm_says_nothing(slow: Slow) -> None:
    """An empty sentence is no event; nor is the want of a searcher, or a warming that was never begun."""
    slow.said = ""
    slow.let.set()
    warming = started(slow)
    finish()

    assert [None, None, None] == [warming.take(), started(None).take(), Warming(slow).take()]


async def test_memory_that_a_warming_takes_is_no_leak(bench: Benches, rig: Rigs, slow: Slow, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is held is not compared while the searcher warms, and afterwards with what is held from then on."""
    monkeypatch.setattr("tidemill.pipeline.memory.EVERY_HEADS", 1)
    monkeypatch.setattr("tidemill.pipeline.memory.WARM_UP_HEADS", 1)
    held = [100]
    monkeypatch.setattr("tidemill.pipeline.memory.resident_mb", lambda: held[0])
    warming = Warming(slow)
    run = rig(bench(), notifiers=[Deaf()], memory=MemoryWatch(50), warming=warming)
    run.script_of(8)
    fold = run.driver.core.on_batch

    def watched(batch: Batch, decide: bool) -> Any:
        if batch.source == "toy" and batch.height == 3:
            warming.start()
        if batch.source == "toy" and batch.height == 5:
            held[0] = 900
            slow.let.set()
            finish()
        return fold(batch, decide)

    run.driver.core.on_batch = watched
    await run.play()

    assert (1, []) == (len(told_of(run)), [note for note in run.notices._notes if note.event == "memory"])
