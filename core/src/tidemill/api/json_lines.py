"""``--json`` on standard output: one object a line; the command itself adds the summary."""

import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import TextIO

from tidemill.domain.note import Note, RunHeader, Summary
from tidemill.domain.note_json import header_json, note_json
from tidemill.hookspecs.notifier import Notifier


class JsonLines(Notifier):
    """Writes every note that matters to a stream; notes of level debug are left out but for what was turned away or sent.

    Where who reads a pipe has gone, nothing more is written and the run goes on: nobody is left to miss it.
    """

    name = "json"

    def __init__(self, stream: TextIO | None = None) -> None:
        super().__init__()
        self._stream = stream or sys.stdout
        self._read = True

    async def start(self, header: RunHeader) -> None:
        await self._write([header_json(header)], flush=False)

    async def tell(self, notes: Sequence[Note]) -> None:
        await self._write(note_json(note) for note in notes if note.event != "head")

    async def finish(self, summary: Summary) -> None:
        """Leave the summary to the caller, who must know whether it was written."""
        await self._write(())

    async def _write(self, lines: Iterable[Mapping[str, object]], *, flush: bool = True) -> None:
        if not self._read:
            return
        text = "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines)
        try:
            await self.aside(lambda: self._put(text, flush=flush))
        except OSError as error:
            if not self.is_gone(error):
                raise
            self._read = False

    def _put(self, text: str, *, flush: bool) -> None:
        self._stream.write(text)
        if flush:
            self._stream.flush()
