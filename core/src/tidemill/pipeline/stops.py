"""What was done about emergency stops on a data folder, a line each: kept for good, and given to a signer for its audit trail."""

import json
import os
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

from attrs import frozen

FILE = "stops.jsonl"
SENT = "stops.sent"
"""Up to which byte of ``FILE`` a signer has taken it."""
StopEvent = Literal["stopped", "resumed", "resume-refused"]


@frozen
class StopNote:
    """One thing that was done: what, in which words, when (ISO 8601), and where its line ends in the file, bytes."""

    event: str
    text: str
    at: str
    end: int


class StopNotes:
    """The lines of one folder. Any process of its user may add some, one hands them on."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / FILE
        self._sent = folder / SENT

    def add(self, event: StopEvent, text: str) -> None:
        """Write a line. A disk that does not take it keeps nobody from stopping."""
        line = json.dumps({"event": event, "at": datetime.now(UTC).isoformat(timespec="milliseconds"), "text": text})
        with suppress(OSError):
            file = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
            try:
                os.write(file, f"{line}\n".encode())
            finally:
                os.close(file)

    def unsent(self) -> tuple[StopNote, ...]:
        """Return what no signer has taken yet, oldest first; a line that is not whole, or is none of ours, is left out."""
        try:
            lines = self._path.read_bytes()
        except OSError:
            return ()
        found: list[StopNote] = []
        end = self._taken(len(lines))
        for line in lines[end:].splitlines(keepends=True):
            end += len(line)
            with suppress(ValueError, KeyError, TypeError):
                fields = json.loads(line)
                if line.endswith(b"\n"):
                    found.append(StopNote(str(fields["event"]), str(fields["text"]), str(fields["at"]), end))
        return tuple(found)

    def take(self, note: StopNote) -> None:
        """Remember that a signer has this one, and all before it."""
        draft = self._sent.with_suffix(".draft")
        with suppress(OSError):
            draft.write_text(f"{note.end}\n", "ascii")
            draft.replace(self._sent)

    def _taken(self, most: int) -> int:
        try:
            taken = int(self._sent.read_text("ascii"))
        except (OSError, ValueError):
            return 0
        # A file that was put back from elsewhere is shorter: it is told anew
        return taken if 0 <= taken <= most else 0
