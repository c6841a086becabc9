"""Notices code that never returns, and ends the process: inside one process nothing else can stop it.

While it hangs the fold stands still, so no plan can leave. A thread looks at two signs of life, calls of plugins and turns of the event
loop. Where both stand still for too long it lets the ledger's own thread finish, says who hangs and where, and ends the process with exit
code 1. A plugin that hangs in C without giving up the interpreter's lock stops that thread too: then a witness, a process of its own, says
so, kills the process a few seconds later, and shows every thread's stack.

What is no hang is in ``standstill``; and time in which the process was stopped counts nowhere, whoever stopped it.
"""

import os
import sys
import threading
import traceback
from collections.abc import Callable
from contextlib import ExitStack, suppress
from types import FrameType, TracebackType
from typing import Self

import anyio
from attrs import frozen

from tidemill.pipeline.standstill import frames, module_of, output_is_full, suspendable, takes_more, waits_rightly
from tidemill.pipeline.stop import Stop
from tidemill.pipeline.supervise import Supervisor
from tidemill.pipeline.witness import Witness

LOOK_S = 0.25
"""The watchdog looks so often, and a sign of life is given so often. It counts its own looks: a machine that slept is no hang."""
INTERRUPTED_S = 3
"""A run that was asked to end and does not move is given so long."""
END_S = 60
"""A run that was asked to end, whose event loop turns but which calls nobody any more, has so long: what it awaits never comes."""
FINISH_S = 5
"""So long the ledger may take to write what waits."""
LAST_RESORT_S = 5
"""So much later than this thread would, the witness that needs none ends the process."""
UNREAD = "the run stands still: nobody reads its output; it goes on when somebody does, and ends at Ctrl-C\n"
_FAILED = 1
_STDERR = 2


@frozen
class Hang:
    """Who does not return: the plugin, "" where it is the kernel's own code, and the innermost line of it."""

    plugin: str
    place: str


class Watchdog:
    """Watches one run, from the thread that folds.

    Args:
        seconds: how long nothing may move; 0: nothing is watched.
        supervisor: counts calls, and knows whose code is where.
        stop: whether the run was asked to end.
        rescue: writes what must not be lost; called from the watchdog's thread, given ``FINISH_S``.
        end: ends the process; replaced in tests.

    Attributes:
        closing: the market has ended, and notifiers hear the summary: as after a request to end, what is awaited must come in ``END_S``.
    """

    def __init__(
        self, seconds: int, supervisor: Supervisor, stop: Stop, rescue: Callable[[float], None], end: Callable[[int], None] = os._exit
    ) -> None:
        self._seconds = seconds
        self._supervisor = supervisor
        self._stop = stop
        self._rescue = rescue
        self._end = end
        self.closing = False
        self._turns = 0
        self._watched = threading.get_ident()
        self._done = threading.Event()
        self._suspended = False
        self._unread = False
        self._witness = Witness()
        self._around = ExitStack()
        self._thread = threading.Thread(target=self._watch, name="watchdog", daemon=True)

    def __enter__(self) -> Self:
        if self._seconds:
            self._stop.on_signal = self._interrupted
            self._witness.open()
            self._around.callback(self._witness.close)
            self._around.enter_context(suspendable(self._suspend, self._resume))
            self._arm(self._seconds + LAST_RESORT_S)
            self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if self._seconds:
            self._stop.on_signal = None
            self._done.set()
            self._thread.join()
            self._around.close()

    async def turn(self) -> None:
        """Give signs of life for as long as this is awaited: the event loop turns."""
        while True:
            self._turns += 1
            await anyio.sleep(LOOK_S)

    def _interrupted(self) -> None:
        """Called where a signal is handled, which also happens inside some C code: from now on a hang has less time."""
        self._arm(INTERRUPTED_S + LAST_RESORT_S)

    def _suspend(self) -> None:
        self._suspended = True
        self._witness.expect(0)

    def _resume(self) -> None:
        self._suspended = False
        self._arm(self._seconds + LAST_RESORT_S)

    def _arm(self, seconds: float) -> None:
        if not self._suspended:
            self._witness.expect(seconds)

    def _watch(self) -> None:
        calls, turns, still, idle, armed = -1, -1, 0, 0, 0
        while not self._done.wait(LOOK_S):
            lives = self._supervisor.calls != calls or waits_rightly(self._frame())
            still = 0 if lives or self._turns != turns else still + 1
            idle = 0 if lives or not (self._stop() or self.closing) else idle + 1
            calls, turns, armed = self._supervisor.calls, self._turns, armed + 1
            limit = INTERRUPTED_S if self._stop() else self._seconds
            if still * LOOK_S >= min(limit, self._seconds) or idle * LOOK_S >= END_S:
                if not self._waits_for_a_reader():
                    self._arm(FINISH_S + LAST_RESORT_S)
                    self._finish(max(still, idle) * LOOK_S)
                    return
                still = idle = 0
            if armed * LOOK_S >= 1:
                armed = 0
                self._arm(self._seconds + LAST_RESORT_S)

    def _waits_for_a_reader(self) -> bool:
        """Whether nothing moves because nobody reads our output, and nobody has asked for the end; it is told once."""
        if self._stop() or not output_is_full(self._frame()):
            return False
        if not self._unread and takes_more(_STDERR):
            self._unread = True
            with suppress(OSError):
                os.write(_STDERR, UNREAD.encode())
        return True

    def _frame(self) -> FrameType | None:
        return sys._current_frames().get(self._watched)

    def _finish(self, seconds: float) -> None:
        hang = self.look()
        asked = f"; it was asked to end ({self._stop.reason})" if self._stop() else ""
        who = f"plugin {hang.plugin} does" if hang.plugin else "code of the run does"
        lines = [
            f"the run is ended: {who} not return, nothing has moved for {seconds:.0f} s{asked}",
            f"  {hang.place}",
            "what was decided before is in the ledger, which `tidemill ledger verify` checks; the next run goes on from it",
        ]
        if hang.plugin.startswith(("strategies.", "notifiers.")):
            lines.append(f'mend the plugin, or give it a process of its own: [{hang.plugin}] isolation = "process"')
        elif hang.plugin:
            lines.append(f"mend the plugin, or disable it: [{hang.plugin}] enabled = false")
        self._rescue(FINISH_S)
        with suppress(OSError, ValueError):
            os.write(_STDERR, ("\n".join(lines) + "\n").encode("utf-8", "replace"))
        with suppress(OSError, ValueError):
            sys.stdout.flush()
        self._end(_FAILED)

    def look(self) -> Hang:
        """Return who is at work on the watched thread, and where: the innermost plugin, else the one that is called."""
        called, place = self._supervisor.running, ""
        for one in frames(self._frame()):
            owners = self._supervisor.owner(module_of(one))
            if owners:
                return Hang(called if called in owners else owners[0], _place(one))
            place = place or _place(one)
        return Hang(called, place)


def _place(frame: FrameType) -> str:
    (found,) = traceback.StackSummary.extract([(frame, frame.f_lineno)])
    return f"{found.filename}:{found.lineno} in {found.name}: {found.line or ''}".rstrip(": ")
