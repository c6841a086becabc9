"""Writing tapes: what reaches the disk when, and what happens when it cannot."""

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tidemill.domain.events import Batch, Event, Head, States
from tidemill.domain.ids import ChainId, Key
from tidemill.errors import TapeDamaged, TapeError
from tidemill.tape import writer
from tidemill.tape.header import Span, TapeHeader
from tidemill.tape.reader import TapeReader
from tidemill.tape.segment import TapeRecord
from tidemill.tape.writer import TapeWriter

CHAIN = ChainId("sim:1")
HEADER = TapeHeader("run", (CHAIN,))
BatchMaker = Callable[..., Batch]


def head(height: int) -> Event:
    return Head(CHAIN, height, f"0x{height:02x}", "", 1_000 + 12 * height)


def test_closed_tape_gives_back_records_and_flags(tmp_path: Path, make_batch: BatchMaker) -> None:
    """Batches, ``decide`` and ``digest`` are read as they were written, over several segments."""
    written = [(make_batch(seq, head(seq)), seq % 2 == 0, f"{seq:04x}") for seq in range(7)]
    with TapeWriter(tmp_path / "t", HEADER, segment_records=3) as tape:
        for batch, decide, digest in written:
            tape.write(batch, decide, digest)
    assert written == [tuple(record) for record in TapeReader(tmp_path / "t").records()]


def test_closing_record_counts_batches_answers_events_and_heads(
    tmp_path: Path, make_batch: BatchMaker, every_event: tuple[tuple[Event, ...], tuple[Event, ...]]
) -> None:
    """The closing record says what the tape holds, by kind and by chain."""
    tape = TapeWriter(tmp_path / "t", HEADER)
    tape.write(make_batch(1, head(9), head(4)))
    tape.write(make_batch(2, *every_event[1]))
    tape.write(make_batch(3, head(5)))
    closing = tape.close(ledger_hash="ff", summary={"fills": 2})
    assert (3, 1) == (closing.records, closing.answers)
    assert (Span(CHAIN, 3, 4, 9, 1_048, 1_108),) == closing.spans
    assert ("Head", 3) in closing.events
    assert ("Opening", 1) in closing.events
    assert list(closing.events) == sorted(closing.events)
    assert ("ff", {"fills": 2}) == (closing.ledger_hash, closing.summary)
    assert closing == TapeReader(tmp_path / "t").validate().closing


def test_what_was_flushed_is_on_disk_before_the_tape_is_closed(tmp_path: Path, make_batch: BatchMaker) -> None:
    """A crash loses the segment in memory and nothing before it."""
    tape = TapeWriter(tmp_path / "t", HEADER)
    tape.write(make_batch(1, head(1)))
    tape.flush()
    tape.write(make_batch(2, head(2)))
    read = list[TapeRecord]()
    with pytest.raises(TapeDamaged, match="the closing record is missing") as caught:
        read.extend(TapeReader(tmp_path / "t").records())
    assert [1] == [record.batch.seq for record in read]
    assert (tmp_path / "t").stat().st_size == caught.value.offset
    tape.close()
    assert [1, 2] == [record.batch.seq for record in TapeReader(tmp_path / "t").records()]


def test_segment_ends_after_many_values(tmp_path: Path, make_batch: BatchMaker, monkeypatch: pytest.MonkeyPatch) -> None:
    """A segment also ends when its events hold many values, so that memory stays bounded."""
    monkeypatch.setattr(writer, "SEGMENT_WEIGHT", 3)
    tape = TapeWriter(tmp_path / "t", HEADER)
    before = (tmp_path / "t").stat().st_size
    tape.write(make_batch(1, head(1)))
    assert before == (tmp_path / "t").stat().st_size
    tape.write(make_batch(2, States(CHAIN, ((Key("a"), b""), (Key("b"), b"")))))
    assert before < (tmp_path / "t").stat().st_size
    tape.close()


def test_error_inside_leaves_a_tape_that_reads_as_cut(tmp_path: Path, make_batch: BatchMaker) -> None:
    """After an exception what was written so far is kept, and the closing record is left out."""

    def failing() -> None:
        with TapeWriter(tmp_path / "t", HEADER) as tape:
            tape.write(make_batch(1, head(1)))
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        failing()
    reader, read = TapeReader(tmp_path / "t"), list[TapeRecord]()
    with pytest.raises(TapeDamaged, match="the closing record is missing"):
        read.extend(reader.records())
    assert 1 == len(read)


def test_file_that_is_there_is_not_overwritten_unless_asked(tmp_path: Path, small_tape: Path) -> None:
    """A recording never replaces another file by accident."""
    path = tmp_path / "t"
    path.write_bytes(small_tape.read_bytes())
    with pytest.raises(TapeError, match="is there already and not empty"):
        TapeWriter(path, HEADER)
    assert small_tape.read_bytes() == path.read_bytes()
    TapeWriter(path, HEADER, overwrite=True).close()
    assert 0 == TapeReader(path).validate().closing.records


def test_empty_file_is_used(tmp_path: Path) -> None:
    """A file without content, as ``mktemp`` makes it, may be written."""
    (tmp_path / "t").touch()
    TapeWriter(tmp_path / "t", HEADER).close()
    assert HEADER == TapeReader(tmp_path / "t").header


def test_folder_that_is_missing_is_named(tmp_path: Path) -> None:
    """A tape whose folder does not exist cannot be created, and the message names it."""
    with pytest.raises(TapeError, match=r"none/t: the tape cannot be created: No such file or directory"):
        TapeWriter(tmp_path / "none" / "t", HEADER)


def test_folder_in_place_of_a_file_is_refused(tmp_path: Path) -> None:
    """A folder cannot be written as a tape."""
    with pytest.raises(TapeError):
        TapeWriter(tmp_path, HEADER)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="/dev/full stands for a full disk")
def test_full_disk_is_an_error_that_names_the_tape(make_batch: BatchMaker) -> None:
    """No space left on the device is said at once, and nothing is written after it."""
    with pytest.raises(TapeError, match="/dev/full: the tape cannot be written: No space left on device"):
        TapeWriter("/dev/full", HEADER)


class Disk:
    """A file on a disk that takes ``room`` bytes, few at a time, and is then full."""

    def __init__(self, room: int) -> None:
        self.room, self.written, self.closed = room, b"", False

    def write(self, data: memoryview) -> int:
        if self.room == 0:
            raise OSError(28, "No space left on device")
        taken = min(self.room, 100, len(data))
        self.room -= taken
        self.written += bytes(data[:taken])
        return taken

    def close(self) -> None:
        self.closed = True


def test_disk_that_fills_up_ends_the_tape_inside_a_frame(tmp_path: Path, make_batch: BatchMaker, monkeypatch: pytest.MonkeyPatch) -> None:
    """Writing in pieces is whole; once it fails the tape is closed, and later batches are refused rather than misplaced."""
    disk = Disk(700)
    monkeypatch.setattr(writer, "_create", lambda path, overwrite: disk)
    tape = TapeWriter(tmp_path / "t", HEADER, segment_records=1)

    def fill() -> None:
        for seq in range(9):
            tape.write(make_batch(seq, head(seq)))

    with pytest.raises(TapeError, match="cannot be written: No space left"):
        fill()
    assert disk.closed
    with pytest.raises(TapeError, match="the tape is closed"):
        tape.write(make_batch(9, head(9)))
    with pytest.raises(TapeError, match="the tape is closed"):
        tape.close()
    (tmp_path / "t").write_bytes(disk.written)
    with pytest.raises(TapeDamaged, match="cut"):
        TapeReader(tmp_path / "t").validate()


def test_error_while_closing_leaves_the_file_closed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A context manager whose tape already failed adds no second error."""
    disk = Disk(400)
    monkeypatch.setattr(writer, "_create", lambda path, overwrite: disk)

    def failing() -> None:
        with TapeWriter(tmp_path / "t", HEADER) as tape:
            disk.room = 0
            tape.close()

    with pytest.raises(TapeError, match="cannot be written"):
        failing()
    assert disk.closed


def test_without_pyarrow_the_message_says_how_to_install_it(tmp_path: Path, small_tape: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Tapes are an extra: without it reading and writing say which one, and nothing is created."""
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    for use in (lambda: TapeWriter(tmp_path / "t", HEADER), lambda: TapeReader(small_tape)):
        with pytest.raises(TapeError, match=r'pip install "tidemill\[tape\]"'):
            use()
    assert not (tmp_path / "t").exists()
