"""One JSON object a line: the run, its notes, the summary last."""

import json
import sys
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import ClassVar, TextIO

from attrs import field

from tidemill import Notifier, settings
from tidemill.domain.note import Note, RunHeader, Summary
from tidemill.domain.note_json import header_json, note_json, summary_json
from tidemill.errors import PluginError


@settings
class JsonLinesSettings:
    """Where lines go, and what is left out."""

    path: str = field(default="-", metadata={"doc": "The file that lines are appended to; - is standard output."})
    skip: tuple[str, ...] = field(default=("head",), metadata={"doc": "Events that are left out."})


class JsonLinesNotifier(Notifier):
    """Appends to a file, or writes to standard output or a stream that is given; what it was told is flushed before it returns.

    Where who reads a pipe has gone (``| head``), nothing more is written and the run goes on: nobody is left to miss it. A file of its own
    that can no longer be written is a failure.
    """

    name: ClassVar[str] = "jsonl"
    settings: JsonLinesSettings

    def __init__(self, settings: object | None = None, stream: TextIO | None = None) -> None:
        super().__init__(settings)
        self._stream = stream
        self._is_ours = False

    async def start(self, header: RunHeader) -> None:
        if self._stream is None:
            self._stream = self._open()
        await self._write([header_json(header)])

    async def tell(self, notes: Sequence[Note]) -> None:
        await self._write([note_json(note) for note in notes if note.event not in self.settings.skip])

    async def finish(self, summary: Summary) -> None:
        await self._write([summary_json(summary)])
        if self._is_ours and self._stream is not None:
            self._stream.close()
        self._stream, self._is_ours = None, False

    def _open(self) -> TextIO:
        if self.settings.path == "-":
            return sys.stdout
        path = Path(self.settings.path)
        try:
            stream = path.open("a", encoding="utf-8")
        except OSError as error:
            message = f"{path}: cannot be written: {error.strerror}; set path to a file that can be"
            raise PluginError("notifiers.jsonl", message, distribution="tidemill-notifier-jsonl") from error
        self._is_ours = True
        return stream

    async def _write(self, lines: Sequence[Mapping[str, object]]) -> None:
        if self._stream is None or not lines:
            return
        try:
            # ASCII: a line then goes through any encoding that standard output may have, and odd characters stay what they are
            await self.aside(partial(_put, self._stream, "".join(json.dumps(line) + "\n" for line in lines)))
        except BrokenPipeError:
            if self._is_ours:
                raise
            self.let_go(self._stream)
            self._stream = None


def _put(stream: TextIO, text: str) -> None:
    stream.write(text)
    stream.flush()
