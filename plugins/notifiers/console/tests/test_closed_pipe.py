"""Whoever reads through a pipe may leave: nothing more is written, and nothing is complained about."""

import io
import os
from collections.abc import Sequence

import anyio

from tidemill.domain.note import Note, RunHeader, Summary
from tidemill_notifier_console import ConsoleNotifier


class Leaving(io.StringIO):
    """A pipe whose reader leaves after so many writes."""

    def __init__(self, writes: int) -> None:
        super().__init__()
        self.left = writes
        self.refused = 0

    def write(self, text: str) -> int:
        if not self.left:
            self.refused += 1
            raise BrokenPipeError(32, "Broken pipe")
        self.left -= 1
        return super().write(text)


def tell(stream: io.TextIOBase, header: RunHeader, notes: Sequence[Note], summary: Summary) -> None:
    """Tell a whole run, note by note."""

    async def told() -> None:
        notifier = ConsoleNotifier(stream=stream)  # type: ignore[arg-type]  # it writes, which is all that is asked
        await notifier.start(header)
        for note in notes:
            await notifier.tell([note])
        await notifier.finish(summary)

    anyio.run(told)


def test_notifier_is_quiet_for_good_once_its_reader_has_gone(header: RunHeader, notes: list[Note], summary: Summary) -> None:
    """Whether at the headline, in the middle or at the summary: one write is refused, no other is tried, nothing is raised."""
    whole = Leaving(-1)
    tell(whole, header, notes, summary)
    lines = whole.getvalue().splitlines()
    for writes in (0, 1, 5, len(lines) - 2):
        stream = Leaving(writes)
        tell(stream, header, notes, summary)
        assert (1, lines[:writes]) == (stream.refused, stream.getvalue().splitlines())


def test_what_the_stream_still_holds_goes_nowhere(header: RunHeader, notes: list[Note], summary: Summary) -> None:
    """A real pipe: closing the stream afterwards, as the interpreter does at its end, raises nothing."""
    reader, writer = os.pipe()
    os.close(reader)
    stream = os.fdopen(writer, "w", encoding="utf-8")
    tell(stream, header, notes, summary)
    stream.write("more")
    stream.close()

    assert stream.closed
