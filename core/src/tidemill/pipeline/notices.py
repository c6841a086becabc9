"""Carries notes to the notifiers, beside the run: what they do, or fail to do, never reaches a decision."""

from collections import deque
from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import partial

import anyio
import structlog
from attrs import define

from tidemill.domain.note import Note, RunHeader, Summary
from tidemill.hookspecs.notifier import Notifier
from tidemill.pipeline.isolated_notifier import IsolatedNotifier
from tidemill.pipeline.supervise import isolated, rest_s

WAITING_NOTES = 65_536
"""So many notes may wait for slow notifiers; beyond that those of level debug are dropped, and it is told how many."""
TELL_S = 30
"""A notifier that takes longer for one call has failed."""
FINISH_S = 5
"""At the run's end it has no more than this."""

Makers = Mapping[str, Callable[[], Notifier]]
"""How a fresh instance of a notifier is made, by its name."""


@define
class _Ear:
    """A notifier, how often it failed in a row, and until when it rests (event loop's clock; 0: it does not)."""

    notifier: Notifier
    failures: int = 0
    rests_until: float = 0


class Notices:
    """A queue of notes and the task that empties it.

    A notifier that fails, or does not return in time, rests 1, 2, 4, … seconds, misses what is told meanwhile, and is begun anew as a fresh
    instance; after ``max_failures`` in a row it is dropped. So is, at its first failure, one that nobody can make again.

    Args:
        notifiers: who is told.
        again: makes fresh instances.
        max_failures: >= 1.
    """

    def __init__(self, notifiers: Sequence[Notifier], again: Makers | None = None, max_failures: int = 5) -> None:
        self._ears = [_Ear(notifier) for notifier in notifiers]
        self._again = dict(again or {})
        self._max_failures = max_failures
        self._notes: deque[Note] = deque()
        self._wake = anyio.Event()
        self._dropped = 0
        self._at = (0, 0)
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
        if not (notes and self._ears):
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
            self._patience.deadline = min(self._patience.deadline, anyio.current_time() + FINISH_S)
        self._wake.set()

    async def run(self) -> None:
        """Serve until the summary has been told; however this ends, no notifier's own process is left behind."""
        try:
            await self._serve()
        finally:
            for ear in self._ears:
                if isinstance(ear.notifier, IsolatedNotifier):
                    ear.notifier.close()

    async def _serve(self) -> None:
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
                self._at = notes[-1].height, notes[-1].unix_time
                await self._return()
                await self._each(partial(_tell, notes))
            if self._summary is not None and not self._notes:
                await self._end(self._summary)
                return

    async def _end(self, summary: Summary) -> None:
        if self._dropped:
            self._log.warning("notes were dropped because notifiers were too slow", count=self._dropped)
        await self._each(partial(_finish, summary))

    async def _each(self, call: Callable[[Notifier], Awaitable[None]]) -> None:
        for ear in list(self._ears):
            if not ear.rests_until:
                await self._call(ear, call)

    async def _return(self) -> None:
        """Begin those anew whose rest is over."""
        for ear in list(self._ears):
            if ear.rests_until and ear.rests_until <= anyio.current_time() and self._header is not None:
                ear.rests_until = 0
                await self._call(ear, partial(self._begin, ear, self._header))

    async def _begin(self, ear: _Ear, header: RunHeader, _: Notifier) -> None:
        """Put a fresh instance in a notifier's place and start it; what its constructor raises is the notifier's failure."""
        ear.notifier = self._again[ear.notifier.name]()
        await ear.notifier.start(header)
        self._tell("restarted", ear, "begun anew after its rest")

    async def _call(self, ear: _Ear, call: Callable[[Notifier], Awaitable[None]]) -> None:
        failed, ending = "", self._summary is not None
        limit = FINISH_S if ending else TELL_S
        with anyio.CancelScope(deadline=anyio.current_time() + limit, shield=ending) as self._patience:
            failed = await isolated(call, ear.notifier)
        if self._patience.cancelled_caught:
            ending = self._summary is not None
            failed = f"it did not return within {FINISH_S if ending else TELL_S} s{' of the end of the run' if ending else ''}"
        self._patience = None
        if not failed:
            ear.failures = 0 if call.func is _tell else ear.failures  # type: ignore[attr-defined]  # every call is a partial
            return
        ear.failures += 1
        name = ear.notifier.name
        if name in self._again and ear.failures < self._max_failures and self._summary is None:
            ear.rests_until = anyio.current_time() + rest_s(ear.failures)
            self._log.error("a notifier failed and rests", notifier=name, reason=failed, seconds=rest_s(ear.failures))
            self._tell("failed", ear, failed)
        else:
            self._ears.remove(ear)
            self._log.error("a notifier failed and was dropped", notifier=name, reason=failed)
            self._tell("disabled", ear, failed)

    def _tell(self, state: str, ear: _Ear, reason: str) -> None:
        """Tell the others."""
        if self._summary is None:
            name = f"notifiers.{ear.notifier.name}"
            fields = (("plugin", name), ("state", state), ("failures", ear.failures))
            self.put((Note("plugin", "warning", *self._at, f"{name} {state} ({ear.failures} in a row): {reason}", fields),))


async def _start(header: RunHeader, notifier: Notifier) -> None:
    await notifier.start(header)


async def _tell(notes: Sequence[Note], notifier: Notifier) -> None:
    await notifier.tell(notes)


async def _finish(summary: Summary, notifier: Notifier) -> None:
    await notifier.finish(summary)
