"""Reading a tape, or a folder of tapes that one recording rotated through."""

from collections.abc import Iterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import TypeVar

from tidemill.errors import DecodeError, TapeDamaged, TapeError, UsageError
from tidemill.tape.arrow import load_arrow
from tidemill.tape.codec import decode
from tidemill.tape.count import Tally
from tidemill.tape.frames import CLOSING, SEGMENT, Frame, read_frames
from tidemill.tape.header import SCHEMA, Closing, TapeHeader, TapeSummary, joined
from tidemill.tape.segment import TapeRecord, decode_segment

T = TypeVar("T")


class TapeReader:
    """A tape, or a folder of the files of one recording. Opening it reads the header of each file.

    Args:
        path: a tape file, or a folder that holds nothing but the files of one recording.

    Attributes:
        header: what the tape says it is; of a folder, that of its first file.

    Raises:
        UsageError: there is nothing at that path.
        TapeDamaged: the start of a file cannot be trusted.
        TapeError: it cannot be read, is of another version, the files of a folder do not belong together, or pyarrow is not installed.
    """

    def __init__(self, path: str | Path) -> None:
        load_arrow()
        self.path = Path(path)
        self._parts = _parts(self.path)
        self.header = self._parts[0].header

    def records(self) -> Iterator[TapeRecord]:
        """Yield the records in order, each after the bytes of its frame were checked.

        Raises:
            TapeDamaged: where the tape ends before its closing record, or a frame cannot be trusted; all that was yielded is sound.
        """
        for part in self._parts:
            yield from part.records()

    @cached_property
    def closing(self) -> Closing:
        """The closing record, after the bytes of every frame were checked; of a folder, that of all files together.

        Raises:
            TapeDamaged: a frame cannot be trusted, or the closing record is missing.
        """
        return _joined([part.closing() for part in self._parts], self.path)

    def validate(self) -> TapeSummary:
        """Read everything, events included, compare it with the closing record, and say what the tape holds.

        Raises:
            TapeDamaged: the first place that cannot be trusted.
        """
        for part in self._parts:
            part.validate()
        return self.summary()

    def summary(self) -> TapeSummary:
        """Say what the tape holds by its own account, after the bytes of every frame were checked; see ``validate``.

        Raises:
            TapeDamaged: a frame cannot be trusted, or the closing record is missing.
        """
        closing = self.closing
        size = sum(part.path.stat().st_size for part in self._parts)
        return TapeSummary(str(self.path), self.header, closing, size, len(self._parts))


class _Part:
    """One file."""

    def __init__(self, path: Path) -> None:
        self.path = path
        first = next(self._frames())
        self.header = self._decode(first, TapeHeader)
        if self.header.schema != SCHEMA:
            found = self.header.schema
            raise TapeError(f"{path}: events of schema {found}, this version of tidemill reads schema {SCHEMA}: update tidemill")

    def records(self) -> Iterator[TapeRecord]:
        """Yield the file's records; its end is compared with the closing record."""
        records = 0
        for frames, frame in enumerate(self._frames()):
            if frame.kind == SEGMENT:
                decoded = self._segment(frame)
                records += len(decoded)
                yield from decoded
            elif frame.kind == CLOSING:
                closing = self._decode(frame, Closing)
                if (closing.frames, closing.size, closing.records) != (frames, frame.offset, records):
                    raise TapeDamaged(str(self.path), frame.offset, "the closing record counts other things than the tape holds")

    def validate(self) -> None:
        """Read everything and compare each figure of the closing record."""
        tally = Tally()
        for record in self.records():
            tally.add(record.batch)
        told = self.closing()
        counted = tally.closing(
            frames=told.frames, size=told.size, ledger_hash=told.ledger_hash, summary=told.summary, continues=told.continues
        )
        if counted != told:
            raise TapeDamaged(str(self.path), told.size, "the closing record counts other events than the tape holds")

    def closing(self) -> Closing:
        """Check the bytes of every frame and return the closing record."""
        *_, last = self._frames()
        return self._decode(last, Closing)

    def _frames(self) -> Iterator[Frame]:
        try:
            with self.path.open("rb") as file:
                yield from read_frames(file, str(self.path))
        except FileNotFoundError as error:
            raise UsageError(f"there is no tape at {self.path}") from error
        except OSError as error:
            raise TapeError(f"{self.path}: the tape cannot be read: {error.strerror}") from error

    def _segment(self, frame: Frame) -> list[TapeRecord]:
        try:
            return list(decode_segment(frame.body))
        except DecodeError as error:
            raise TapeDamaged(str(self.path), frame.offset, str(error)) from error

    def _decode(self, frame: Frame, kind: type[T]) -> T:
        try:
            return decode(frame.body, kind)
        except DecodeError as error:
            raise TapeDamaged(str(self.path), frame.offset, str(error)) from error


def _parts(path: Path) -> list[_Part]:
    if not path.is_dir():
        return [_Part(path)]
    parts = [_Part(file) for file in sorted(path.iterdir()) if file.is_file() and not file.name.startswith(".")]
    if not parts:
        raise UsageError(f"there is no tape in the folder {path}")
    parts.sort(key=lambda part: part.header.part)
    for place, part in enumerate(parts):
        if part.header.part != place:
            raise TapeError(f"{path}: file {place} of the recording is missing; found file {part.header.part}, {part.path.name}")
        if (part.header.kind, part.header.chains) != (parts[0].header.kind, parts[0].header.chains):
            raise TapeError(f"{path}: {part.path.name} and {parts[0].path.name} are of different recordings")
    return parts


def _joined(closings: Sequence[Closing], path: Path) -> Closing:
    if len(closings) == 1:
        return closings[0]
    for place, closing in enumerate(closings):
        last = place == len(closings) - 1
        if closing.continues is last:
            what = f"file {place + 1} of the recording is missing" if last else f"file {place} ends the recording, and more follow it"
            raise TapeError(f"{path}: {what}")
    return joined(tuple(closings))
