"""Plain lines: for files, pipes and terminals that cannot move their cursor. No control codes."""

from collections.abc import Sequence
from typing import TextIO

from tidemill.domain.note import Note, RunHeader
from tidemill_notifier_console.counts import Counts
from tidemill_notifier_console.view import View
from tidemill_notifier_console.words import headline, printable


class PlainView(View):
    """One line for the run, one for each event that matters, one of figures every ``progress_blocks`` blocks, and the closing lines."""

    def __init__(self, stream: TextIO, progress_blocks: int) -> None:
        self._stream = stream
        self._every = progress_blocks
        self._said = 0

    def start(self, header: RunHeader) -> None:
        self._write([headline(header)])

    def show(self, counts: Counts, notes: Sequence[Note]) -> None:
        lines = [f"{note.level}: {note.text}" if note.level in ("warning", "error") else note.text for note in notes]
        if counts.blocks // self._every > self._said:
            self._said = counts.blocks // self._every
            lines.append(_progress(counts))
        self._write([printable(line) for line in lines])

    def finish(self, lines: Sequence[str]) -> None:
        self._write(lines)

    def _write(self, lines: Sequence[str]) -> None:
        if lines:
            text = "".join(f"{line}\n" for line in lines)
            encoding = self._stream.encoding or "utf-8"
            self._stream.write(text.encode(encoding, "replace").decode(encoding))
            self._stream.flush()


def _progress(counts: Counts) -> str:
    figures = f"{counts.found:,} found, {counts.taken:,} taken, {counts.filled:,} filled, {counts.reverted:,} reverted"
    if counts.refused:
        figures += f", {counts.refused:,} refused"
    profit = f" · {counts.profit} {counts.symbol} after gas" if counts.symbol else ""
    return f"block {counts.height:,} · {figures}{profit}"
