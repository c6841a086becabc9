"""Notifiers run beside the pipeline: slow, raising or hanging ones reach no decision and hold nobody up."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Any

import anyio
import anyio.lowlevel
import pytest
from structlog.testing import capture_logs

from tidemill.domain.events import PluginState
from tidemill.domain.note import Level, Note, RunHeader, Summary
from tidemill.errors import PluginError
from tidemill.hookspecs.notifier import Notifier
from tidemill.pipeline import notices as module
from tidemill.pipeline.notices import WAITING_NOTES, Notices

pytestmark = pytest.mark.anyio
Benches = Callable[..., Any]
Rigs = Callable[..., Any]
HEADER = RunHeader("0", "paper", "toy", 1, ())
SUMMARY = Summary(0, 0, 0, 0, 0, 0, 0, {}, {}, "")


class Hearing(Notifier):
    """Writes down what it hears; waits or raises first, where it is told to."""

    def __init__(self, name: str = "hearing", *, fails: str = "", hangs: str = "", slow: float = 0) -> None:
        super().__init__()
        self.name, self.fails, self.hangs, self.slow = name, fails, hangs, slow  # type: ignore[misc]
        self.heard: list[str] = []

    async def _at(self, place: str) -> None:
        if self.fails == place:
            raise ConnectionError("no route")
        if self.hangs == place:
            await anyio.sleep_forever()
        if self.slow:
            await anyio.sleep(self.slow)

    async def start(self, header: RunHeader) -> None:
        await self._at("start")
        self.heard.append("start")

    async def tell(self, notes: Sequence[Note]) -> None:
        await self._at("tell")
        self.heard.extend(note.text for note in notes)

    async def finish(self, summary: Summary) -> None:
        await self._at("finish")
        self.heard.append("finish")


def note(text: str, level: Level = "info") -> Note:
    return Note("x", level, 0, 0, text)


async def told(notifiers: Sequence[Notifier], *groups: Sequence[Note]) -> Notices:
    """Tell groups of notes, then the end, and wait until it was told."""
    notices = Notices(notifiers)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(notices.run)
        notices.start(HEADER)
        for group in groups:
            notices.put(group)
            await anyio.lowlevel.checkpoint()
        notices.finish(SUMMARY)
    return notices


async def test_notes_are_told_in_order_between_start_and_finish() -> None:
    """Everyone hears the header, all notes in order, and the summary last."""
    one, two = Hearing("one"), Hearing("two")
    await told([one, two], [note("a"), note("b")], [note("c")])

    assert ["start", "a", "b", "c", "finish"] == one.heard == two.heard


async def test_notes_before_the_header_wait_for_it() -> None:
    """The first block's notes are not told before the run was announced."""
    hearing = Hearing()
    notices = Notices([hearing])
    notices.put([note("early")])
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(notices.run)
        await anyio.wait_all_tasks_blocked()
        assert [] == hearing.heard
        notices.start(HEADER)
        notices.finish(SUMMARY)

    assert ["start", "early", "finish"] == hearing.heard


@pytest.mark.parametrize("place", ["start", "tell", "finish"])
async def test_notifier_that_raises_is_dropped_and_the_others_go_on(place: str) -> None:
    """What one raises is logged with its name; the next one hears everything."""
    bad, good = Hearing("bad", fails=place), Hearing("good")
    with capture_logs() as logs:
        await told([bad, good], [note("a")], [note("b")])

    others = [text for text in good.heard if not text.startswith("notifiers.bad")]
    assert ["start", "a", "b", "finish"] == others
    assert "finish" not in bad.heard
    what = "cannot start" if place == "start" else "failed (1 in a row)"
    assert [f"notifiers.bad {what} and is disabled: ConnectionError: no route"] == [log["event"] for log in logs]


@pytest.mark.parametrize("place", ["start", "tell", "finish"])
async def test_notifier_that_hangs_holds_up_neither_the_end_nor_the_others(place: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """From the run's end on it has so many seconds; then it is dropped and the others hear the rest."""
    monkeypatch.setattr(module, "FINISH_S", 0.05)
    stuck, good = Hearing("stuck", hangs=place), Hearing("good")
    with capture_logs() as logs, anyio.fail_after(5):
        await told([stuck, good], [note("a")], [note("b")])

    assert ["start", "a", "b", "finish"] == [text for text in good.heard if not text.startswith("notifiers.stuck")]
    assert "did not return within" in logs[-1]["event"]


class Leaving(Hearing):
    """Cancels its own task, or raises what a cancelled task raises."""

    async def _at(self, place: str) -> None:
        if self.fails == place == "tell":
            raise asyncio.CancelledError
        if self.hangs == place == "tell":
            task = asyncio.current_task()
            assert task is not None
            task.cancel()
            await anyio.sleep_forever()


@pytest.mark.parametrize("anyio_backend", ["asyncio"])
@pytest.mark.parametrize("way", ["fails", "hangs"])
async def test_notifier_that_cancels_itself_costs_only_itself(way: str) -> None:
    """No cancellation but the run's own ends the run."""
    leaving, other = Leaving("leaving", fails="tell") if way == "fails" else Leaving("leaving", hangs="tell"), Hearing("other")
    notices = await told([leaving, other], [note("a")])

    assert ["start", "a", "finish"] == [text for text in other.heard if "leaving" not in text]
    assert "it cancelled itself" == notices.states["notifiers.leaving"].reason


async def test_putting_notes_never_waits_and_drops_debug_first() -> None:
    """Beyond the bound notes of level debug go first; what matters stays, and at the end it is told how many were dropped."""
    hearing = Hearing()
    notices = Notices([hearing])
    notices.put([note(str(number), "debug") for number in range(WAITING_NOTES)])
    notices.put([note("kept")])
    with capture_logs() as logs:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(notices.run)
            notices.start(HEADER)
            notices.finish(SUMMARY)

    assert ["start", "kept", "finish"] == hearing.heard
    assert [WAITING_NOTES] == [log["count"] for log in logs]


async def test_notes_without_anyone_to_tell_are_not_kept() -> None:
    """Nobody listens: nothing is queued, and the end still comes."""
    notices = await told([], [note("a")])

    assert not notices._notes


async def test_r1_slow_and_raising_notifiers_reach_no_decision(bench: Benches, rig: Rigs) -> None:
    """The same batches give the same digest whoever listens, and the driver never waits for a notifier."""
    digests = []
    for notifiers in ([], [Hearing(slow=0.01)], [Hearing(fails="tell")], [Hearing(hangs="tell")]):
        made = rig(bench(), notifiers=notifiers)
        made.script_of(10, {3: 105, 6: 95})
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(made.notices.run)
            made.notices.start(HEADER)
            with anyio.fail_after(5):
                await made.play()
            tasks.cancel_scope.cancel()
        digests.append(made.driver.digest.hexdigest())

    assert 1 == len(set(digests))


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """A rest is over at once."""
    monkeypatch.setattr(module, "rest_s", lambda failures: 0)


async def again_and_again(first: Hearing, fresh: list[Hearing], good: Hearing, count: int) -> None:
    """Tell notes one by one to a notifier that has successors, and to a good one."""
    notices = Notices([first, good], {"bad": lambda: fresh.pop(0)}, max_failures=3)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(notices.run)
        notices.start(HEADER)
        for number in range(count):
            notices.put([note(str(number))])
            await anyio.wait_all_tasks_blocked()
        notices.finish(SUMMARY)


@pytest.mark.usefixtures("quick")
async def test_notifier_that_failed_is_begun_anew_with_a_fresh_instance() -> None:
    """It hears the header again and what comes after its rest; the others hear that it failed and came back."""
    second, good = Hearing("bad"), Hearing("good")
    await again_and_again(Hearing("bad", fails="tell"), [second], good, 3)

    assert ["start", "finish"] == [second.heard[0], second.heard[-1]]
    assert "2" in second.heard
    told = [text for text in good.heard if text.startswith("notifiers.bad")]
    assert [
        "notifiers.bad failed (1 in a row): ConnectionError: no route",
        "notifiers.bad restarted (1 in a row): begun anew after its rest",
    ] == told


@pytest.mark.usefixtures("quick")
async def test_notifier_that_keeps_failing_is_dropped_at_last() -> None:
    """A fresh instance that fails, or cannot be made, counts in the same row."""
    good = Hearing("good")
    fresh = [Hearing("bad", fails="start")]
    await again_and_again(Hearing("bad", fails="tell"), fresh, good, 6)

    assert [] == fresh
    assert "notifiers.bad disabled (3 in a row): IndexError: pop from empty list" in good.heard
    assert "finish" == good.heard[-1]


async def test_notifier_that_does_not_return_from_one_call_has_failed(monkeypatch: pytest.MonkeyPatch) -> None:
    """So many seconds a call, also while the run goes on: the others are told on time."""
    monkeypatch.setattr(module, "TELL_S", 0.05)
    stuck, good = Hearing("stuck", hangs="tell"), Hearing("good")
    with capture_logs() as logs, anyio.fail_after(5):
        notices = Notices([stuck, good])
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(notices.run)
            notices.start(HEADER)
            notices.put([note("a")])
            while "a" not in good.heard:  # noqa: ASYNC110 - a notifier tells nobody that it heard
                await anyio.sleep(0.01)
            notices.finish(SUMMARY)

    assert ["notifiers.stuck failed (1 in a row) and is disabled: it did not return within 0.05 s"] == [log["event"] for log in logs]


class Refusing(Hearing):
    """Refuses to start on purpose, and names itself as plugins do."""

    async def start(self, header: RunHeader) -> None:
        raise PluginError("notifiers.bad", "/x/y: cannot be written; set path", distribution="acme")


@pytest.mark.parametrize("early", [True, False], ids=["at-once", "as-it-goes"])
async def test_notifier_that_cannot_start_is_disabled_and_told_once(early: bool) -> None:
    """One sentence in the log and one to the others, its name and reason once in each; it is not begun anew, however long the run."""
    bad, good = Refusing("bad"), Hearing("good")
    notices = Notices([bad, good], {"bad": lambda: Refusing("bad")}, 5)
    with capture_logs() as logs:
        async with anyio.create_task_group() as tasks:
            if not early:
                tasks.start_soon(notices.run)
            notices.start(HEADER)
            for text in ("a", "b"):
                notices.put([note(text)])
                await anyio.wait_all_tasks_blocked()
            notices.finish(SUMMARY)
            if early:
                tasks.start_soon(notices.run)

    sentence = "notifiers.bad cannot start and is disabled: /x/y: cannot be written; set path"
    assert [(sentence, "error")] == [(log["event"], log["log_level"]) for log in logs]
    assert [sentence] == [text for text in good.heard if "bad" in text]
    assert ["start", "finish"] == [good.heard[0], good.heard[-1]]
    event = PluginState("notifiers.bad", "disabled", 1, "/x/y: cannot be written; set path")
    assert {"notifiers.bad": event} == notices.states


async def test_notifier_that_cannot_start_without_saying_why_rests_and_is_begun_anew() -> None:
    """A server that is not there yet may come: only who refuses on purpose is given up at once."""
    bad, good, later = Hearing("bad", fails="start"), Hearing("good"), Hearing("bad")
    notices = Notices([bad, good], {"bad": lambda: later}, 5)
    with capture_logs() as logs:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(notices.run)
            notices.start(HEADER)
            await anyio.wait_all_tasks_blocked()
            assert "failed" == notices.states["notifiers.bad"].state
            await anyio.sleep(1.05)
            notices.put([note("a")])
            await anyio.wait_all_tasks_blocked()
            notices.finish(SUMMARY)

    assert ["notifiers.bad cannot start and rests 1 s: ConnectionError: no route"] == [log["event"] for log in logs]
    assert ["start", "a"] == later.heard[:2]
    assert {} == notices.states
