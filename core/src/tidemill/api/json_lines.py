"""``--json`` on standard output: one object a line; the command itself adds the summary."""

import json
import sys
from collections.abc import Mapping, Sequence
from typing import TextIO

from tidemill.domain.note import Note, RunHeader, Summary
from tidemill.domain.note_json import header_json, note_json
from tidemill.hookspecs.notifier import Notifier


class JsonLines(Notifier):
    """Writes every note that matters to a stream; notes of level debug are left out but for what was turned away or sent."""

    name = "json"

    def __init__(self, stream: TextIO | None = None) -> None:
        super().__init__()
        self._stream = stream or sys.stdout

    async def start(self, header: RunHeader) -> None:
        self._write(header_json(header))

    async def tell(self, notes: Sequence[Note]) -> None:
        for note in notes:
            if note.event != "head":
                self._write(note_json(note))
        self._stream.flush()

    async def finish(self, summary: Summary) -> None:
        """Leave the summary to the caller, who must know whether it was written."""
        self._stream.flush()

    def _write(self, line: Mapping[str, object]) -> None:
        self._stream.write(json.dumps(line, ensure_ascii=False) + "\n")
