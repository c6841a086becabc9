"""Carries notes to the notifiers, beside the run: what they do, or fail to do, never reaches a decision."""

from collections import deque
from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import partial

import anyio
import structlog
from attrs import define, evolve

from tidemill.domain.events import PluginState
from tidemill.domain.note import Note, RunHeader, Summary
from tidemill.hookspecs.notifier import Notifier
from tidemill.pipeline.isolated_notifier import IsolatedNotifier
from tidemill.pipeline.supervise import isolated, rest_s
from tidemill.redaction import revealed, without_secrets
from tidemill.stages.guard import Fault

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
    """A notifier, how often it failed in a row, until when it rests (event loop's clock; 0: it does not), whether it was started."""

    notifier: Notifier
    failures: int = 0
    rests_until: float = 0
    started: bool = False

    @property
    def path(self) -> str:
        """``notifiers.<name>``."""
        return f"notifiers.{self.notifier.name}"


class Notices:
    """A queue of notes and the task that empties it.

    A notifier that fails, or does not return in time, rests 1, 2, 4, … seconds, misses what is told meanwhile, and is begun anew as a fresh
    instance; after ``max_failures`` in a row it is disabled. So is, at its first failure, one that nobody can make again, and one that
    refuses to start on purpose, by an error of Tidemill's tree: a file that cannot be written, for instance, is not mended by waiting.

    ``states`` holds the last event of each that is not simply told everything, by ``notifiers.<name>``.

    Args:
        notifiers: who is told.
        again: makes fresh instances.
        max_failures: >= 1.
    """

    def __init__(self, notifiers: Sequence[Notifier], again: Makers | None = None, max_failures: int = 5) -> None:
        self.states: dict[str, PluginState] = {}
        self._ears = [_Ear(notifier) for notifier in notifiers]
        self._again = dict(again or {})
        self._max_failures = max_failures
        self._notes: deque[Note] = deque()
        self._wake = anyio.Event()
        self._dropped = 0
        self._at = (0, 0)
        self._header: RunHeader | None = None
        self._summary: Summary | None = None
        self._ending = False
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
        self._notes.extend(map(_safe, notes) if revealed() else notes)
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

    @property
    def pids(self) -> dict[str, int]:
        """The process ids of notifiers in processes of their own, by ``notifiers.<name>``."""
        found = {ear.path: ear.notifier.pid for ear in self._ears if isinstance(ear.notifier, IsolatedNotifier)}
        return {path: pid for path, pid in found.items() if pid}

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
        self._ending = True
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
        self._tell(PluginState(ear.path, "restarted", ear.failures, "begun anew after its rest"))

    async def _call(self, ear: _Ear, call: Callable[[Notifier], Awaitable[None]]) -> None:
        ending = self._summary is not None
        limit = FINISH_S if ending else TELL_S
        fault: Fault | None = None
        with anyio.CancelScope(deadline=anyio.current_time() + limit, shield=ending) as self._patience:
            fault = await isolated(ear.path, call, ear.notifier)
        if self._patience.cancelled_caught:
            ending = self._summary is not None
            late = f"it did not return within {FINISH_S if ending else TELL_S} s{' of the end of the run' if ending else ''}"
            fault = Fault(ear.path, late)
        self._patience = None
        if fault is not None:
            self._failed(ear, fault)
            return
        ear.started = True
        if call.func is _tell:  # type: ignore[attr-defined]  # every call is a partial
            ear.failures = 0
            self.states.pop(ear.path, None)

    def _failed(self, ear: _Ear, fault: Fault) -> None:
        """Let a notifier rest, or give it up; tell the log and the others."""
        ear.failures += 1
        path, count = ear.path, ear.failures
        hopeless = fault.deliberate and not ear.started and count == 1
        what = f"{path} failed ({count} in a row)" if ear.started or count > 1 else f"{path} cannot start"
        if not hopeless and ear.notifier.name in self._again and count < self._max_failures and self._summary is None:
            ear.started, ear.rests_until = False, anyio.current_time() + rest_s(count)
            self._log.error(f"{what} and rests {rest_s(count)} s: {fault.reason}")
            self._tell(PluginState(path, "failed", count, fault.reason))
        else:
            self._ears.remove(ear)
            self._log.error(f"{what} and is disabled: {fault.reason}")
            self._tell(PluginState(path, "disabled", count, fault.reason), f"{what} and is disabled: {fault.reason}" if hopeless else "")

    def _tell(self, event: PluginState, text: str = "") -> None:
        """Tell the others, as long as they are told anything but the end."""
        self.states[event.plugin] = event
        if not self._ending:
            text = text or f"{event.plugin} {event.state} ({event.failures} in a row): {event.reason}"
            fields = (("plugin", event.plugin), ("state", event.state), ("failures", event.failures))
            self.put((Note("plugin", "warning", *self._at, text, fields),))


def _safe(note: Note) -> Note:
    """Return a note without secrets that a plugin knows, whichever plugin's words stand in it."""
    fields = tuple((key, without_secrets(value) if isinstance(value, str) else value) for key, value in note.fields)
    return evolve(note, text=without_secrets(note.text), fields=fields)


async def _start(header: RunHeader, notifier: Notifier) -> None:
    await notifier.start(header)


async def _tell(notes: Sequence[Note], notifier: Notifier) -> None:
    await notifier.tell(notes)


async def _finish(summary: Summary, notifier: Notifier) -> None:
    await notifier.finish(summary)
