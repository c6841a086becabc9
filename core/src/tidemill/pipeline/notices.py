"""Carries notes to the notifiers, beside the run: what they do, or fail to do, never reaches a decision."""

import math
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from functools import partial

import anyio
import structlog

from tidemill.domain.note import Note, RunHeader, Summary
from tidemill.hookspecs.notifier import Notifier
from tidemill.pipeline.supervise import isolated

WAITING_NOTES = 65_536
"""So many notes may wait for slow notifiers; beyond that those of level debug are dropped, and it is told how many."""
FINISH_S = 5


class Notices:
    """A queue of notes and the task that empties it."""

    def __init__(self, notifiers: Sequence[Notifier]) -> None:
        self._notifiers = list(notifiers)
        self._notes: deque[Note] = deque()
        self._wake = anyio.Event()
        self._dropped = 0
        self._header: RunHeader | None = None
        self._summary: Summary | None = None
        self._patience: anyio.CancelScope | None = None
        self._log = structlog.get_logger("tidemill.notices")

    def start(self, header: RunHeader) -> None:
        """Tell what the run is."""
        self._header = header
        self._wake.set()

    def put(self, notes: Sequence[Note]) -> None:
        """Queue notes; never waits. Where too many wait already, those of level debug are dropped."""
        if not (notes and self._notifiers):
            return
        self._notes.extend(notes)
        if len(self._notes) > WAITING_NOTES:
            kept = [note for note in self._notes if note.level != "debug"][-WAITING_NOTES:]
            self._dropped += len(self._notes) - len(kept)
            self._notes = deque(kept)
        self._wake.set()

    def finish(self, summary: Summary) -> None:
        """Tell what the run came to, after all notes that wait; from here on a notifier that does not return in time is dropped."""
        self._summary = summary
        if self._patience is not None:
            self._patience.deadline = anyio.current_time() + FINISH_S
        self._wake.set()

    async def run(self) -> None:
        """Serve until the summary has been told."""
        started = False
        while True:
            await self._wake.wait()
            self._wake = anyio.Event()
            if self._header is not None and not started:
                started = True
                await self._each(partial(_start, self._header))
            if started and self._notes:
                notes = tuple(self._notes)
                self._notes.clear()
                await self._each(partial(_tell, notes))
            if self._summary is not None and not self._notes:
                await self._end(self._summary)
                return

    async def _end(self, summary: Summary) -> None:
        if self._dropped:
            self._log.warning("notes were dropped because notifiers were too slow", count=self._dropped)
        await self._each(lambda notifier: notifier.finish(summary))

    async def _each(self, call: Callable[[Notifier], Awaitable[None]]) -> None:
        for notifier in list(self._notifiers):
            failed, ending = "", self._summary is not None
            deadline = anyio.current_time() + FINISH_S if ending else math.inf
            with anyio.CancelScope(deadline=deadline, shield=ending) as self._patience:
                failed = await isolated(call, notifier)
            if self._patience.cancelled_caught:
                failed = f"it did not return within {FINISH_S} s of the run's end"
            self._patience = None
            if failed:
                self._notifiers.remove(notifier)
                self._log.error("a notifier failed and was dropped", notifier=notifier.name, reason=failed)


async def _start(header: RunHeader, notifier: Notifier) -> None:
    await notifier.start(header)


async def _tell(notes: Sequence[Note], notifier: Notifier) -> None:
    await notifier.tell(notes)
