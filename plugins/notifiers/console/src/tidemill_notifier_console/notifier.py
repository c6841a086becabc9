"""Chooses how a run is shown, by where it is shown."""

import os
import sys
from collections.abc import Callable, Sequence
from functools import partial
from typing import ClassVar, Literal, TextIO

from attrs import field, validators

from tidemill import Notifier, settings
from tidemill.domain.note import Note, RunHeader, Summary
from tidemill_notifier_console.counts import Counts
from tidemill_notifier_console.view import View
from tidemill_notifier_console.words import next_line, stays_lines, summary_line

Verbosity = Literal["quiet", "normal", "verbose"]
_LEAST = {"quiet": ("warning", "error"), "normal": ("info", "warning", "error"), "verbose": ("debug", "info", "warning", "error")}


@settings
class ConsoleSettings:
    """How much is shown."""

    verbosity: Verbosity = field(
        default="normal",
        metadata={"doc": "quiet: warnings and the summary; normal: fills, reverts and what matters; verbose: every decision."},
    )
    progress_blocks: int = field(
        default=25, validator=validators.ge(1), metadata={"doc": "Without a terminal, one line of figures every so many blocks."}
    )
    lines: int = field(default=10, validator=validators.in_(range(1, 101)), metadata={"doc": "In a terminal, so many lines of events."})


class ConsoleNotifier(Notifier):
    """Writes to standard output, or to a stream that is given: a live table in a terminal, plain lines elsewhere.

    Where who reads a pipe has gone (``| head``), nothing more is written and the run goes on: nobody is left to miss it.
    """

    name: ClassVar[str] = "console"
    settings: ConsoleSettings

    def __init__(self, settings: object | None = None, stream: TextIO | None = None) -> None:
        super().__init__(settings)
        self._stream = stream
        self._counts = Counts()
        self._view: View | None = None
        self._refusals: set[str] = set()

    async def start(self, header: RunHeader) -> None:
        stream = self._stream or sys.stdout
        self._counts = Counts()
        self._view = self._live(stream) if is_terminal(stream) else self._plain(stream)
        await self._show(partial(self._view.start, header))

    async def tell(self, notes: Sequence[Note]) -> None:
        if self._view is None:
            return
        shown = _LEAST[self.settings.verbosity]
        for note in notes:
            self._counts.add(note)
        worth = [note for note in notes if note.event != "head" and note.level in shown and self._is_new(note)]
        await self._show(partial(self._view.show, self._counts, worth))

    async def finish(self, summary: Summary) -> None:
        if self._view is not None:
            net = f"{self._counts.profit} {self._counts.symbol}".strip()
            await self._show(partial(self._view.finish, [summary_line(summary, net), *stays_lines(summary), next_line(summary)]))
            self._view = None

    def _is_new(self, note: Note) -> bool:
        """Whether a note says something new: what a policy refuses it refuses each time, which the figures count."""
        if note.event != "refused":
            return True
        why = str(dict(note.fields).get("reason", note.text))
        known = why in self._refusals
        self._refusals.add(why)
        return not known

    async def _show(self, show: Callable[[], None]) -> None:
        # A terminal that is stopped, or a pipe that nobody reads, holds up who writes to it
        try:
            await self.aside(show)
        except OSError as error:
            if not self.is_gone(error):
                raise
            self._view = None
            self.let_go(self._stream or sys.stdout)

    def _live(self, stream: TextIO) -> View:
        from tidemill_notifier_console.live import LiveView

        return LiveView(stream, self.settings.lines)

    def _plain(self, stream: TextIO) -> View:
        from tidemill_notifier_console.plain import PlainView

        return PlainView(stream, self.settings.progress_blocks)


def is_terminal(stream: TextIO) -> bool:
    """Whether a stream can move its cursor: a terminal that does not call itself dumb."""
    return stream.isatty() and os.environ.get("TERM", "dumb" if os.name == "posix" else "") not in ("dumb", "unknown")
