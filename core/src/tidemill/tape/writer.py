"""Writing a tape: records gather into segments, segments go out as frames, the closing record ends it."""

import os
from collections.abc import Mapping
from io import FileIO
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from tidemill.domain.events import Batch, Found, Logs, States
from tidemill.errors import TapeError
from tidemill.tape.arrow import load_arrow
from tidemill.tape.codec import encode
from tidemill.tape.count import Tally
from tidemill.tape.frames import CLOSING, HEADER, SEGMENT, FrameWriter
from tidemill.tape.header import Closing, TapeHeader
from tidemill.tape.segment import TapeRecord, encode_segment

SEGMENT_RECORDS = 256
SEGMENT_WEIGHT = 65_536


class TapeWriter:
    """Writes one tape file. Every frame reaches the operating system at once: what a crash loses is the segment in memory.

    As a context manager it closes the tape on success; after an exception it writes what it holds and leaves the closing record out,
    so that the tape reads as cut.

    Args:
        path: the file to write; its folder must exist.
        header: what the tape is.
        overwrite: replace a file that is there and not empty.
        segment_records: records gathered before a segment is written (>= 1); a segment also ends after ``SEGMENT_WEIGHT`` values.

    Raises:
        TapeError: the file cannot be created, is there already, or pyarrow is not installed.
    """

    def __init__(self, path: str | Path, header: TapeHeader, *, overwrite: bool = False, segment_records: int = SEGMENT_RECORDS) -> None:
        load_arrow()
        self.path = Path(path)
        self.header = header
        self._frames = FrameWriter()
        self._tally = Tally()
        self._waiting: list[TapeRecord] = []
        self._weight = 0
        self._segment_records = segment_records
        self._file = _create(self.path, overwrite=overwrite)
        self._write(self._frames.preamble() + self._frames.frame(HEADER, encode(header)))

    def write(self, batch: Batch, decide: bool = True, digest: str = "") -> None:
        """Add one batch as it was folded, with its ``decide`` flag and the running digest of decisions.

        Raises:
            TapeError: the disk is full, the tape was closed, or the envelope cannot be stored.
        """
        self._waiting.append(TapeRecord(batch, decide, digest))
        self._weight += sum(map(_weight, batch.events))
        if len(self._waiting) >= self._segment_records or self._weight >= SEGMENT_WEIGHT:
            self.flush()

    def flush(self) -> None:
        """Write what waits in memory as a segment of its own."""
        waiting, self._waiting, self._weight = self._waiting, [], 0
        if waiting:
            self._write(self._frames.frame(SEGMENT, encode_segment(waiting)))
            for record in waiting:
                self._tally.add(record.batch)

    def close(self, *, ledger_hash: str = "", summary: Mapping[str, Any] | None = None, continues: bool = False) -> Closing:
        """Write what waits and the closing record, and close the file.

        Args:
            ledger_hash: of a recorded run.
            summary: the figures that a recorded run ended with: plain values, no floats.
            continues: another file of the same recording follows.

        Returns:
            The closing record.
        """
        self.flush()
        closing = self._tally.closing(
            frames=self._frames.frames, size=self._frames.size, ledger_hash=ledger_hash, summary=summary, continues=continues
        )
        self._write(self._frames.frame(CLOSING, encode(closing)))
        self._file.close()
        return closing

    def abandon(self) -> None:
        """Write what waits and close the file without a closing record: the tape reads as cut there."""
        try:
            self.flush()
        finally:
            self._file.close()

    def discard(self) -> None:
        """Close the file and remove it: nothing of it is wanted."""
        self._waiting = []
        self._file.close()
        self.path.unlink(missing_ok=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if self._file.closed:
            return
        if error is None:
            self.close()
        else:
            self.abandon()

    def _write(self, data: bytes) -> None:
        if self._file.closed:
            raise TapeError(f"{self.path}: the tape is closed")
        rest = memoryview(data)
        try:
            while rest:
                rest = rest[self._file.write(rest) :]
        except OSError as error:
            # A frame may be half written: nothing may follow it
            self._file.close()
            raise TapeError(f"{self.path}: the tape cannot be written: {error.strerror}; it ends here, without a closing record") from error


def _create(path: Path, *, overwrite: bool) -> FileIO:
    try:
        if not overwrite and path.exists() and path.stat().st_size:
            raise TapeError(f"{path} is there already and not empty: remove it, or choose another name")
        return FileIO(os.fspath(path), "w")
    except OSError as error:
        raise TapeError(f"{path}: the tape cannot be created: {error.strerror}") from error


def _weight(event: object) -> int:
    """Return about how many rows an event takes."""
    match event:
        case States():
            return len(event.values)
        case Logs():
            return len(event.logs)
        case Found():
            return len(event.assets) + len(event.pools)
    return 1
