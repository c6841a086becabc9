"""A damaged tape is named with its offset and never half read in silence."""

from pathlib import Path

import pytest

from tidemill.domain.events import Batch
from tidemill.errors import TapeDamaged
from tidemill.tape.frames import CLOSING, HEADER, SEGMENT, FrameWriter, read_frames
from tidemill.tape.reader import TapeReader


def offsets(path: Path) -> list[int]:
    with path.open("rb") as file:
        return [0, *(frame.offset for frame in read_frames(file, "t"))]


def trusted(starts: list[int], place: int) -> int:
    return max(start for start in starts if start <= place)


def damage(path: Path, raw: bytes) -> TapeDamaged:
    path.write_bytes(raw)
    with pytest.raises(TapeDamaged) as caught:
        TapeReader(path).validate()
    return caught.value


def test_tape_cut_at_every_byte_names_its_offset(small_tape: Path, tmp_path: Path) -> None:
    """Whole reading fails at the start of the frame that the cut is in, wherever it is cut."""
    raw, starts = small_tape.read_bytes(), offsets(small_tape)
    for place in range(len(raw)):
        found = damage(tmp_path / "cut", raw[:place])
        assert trusted(starts, place) == found.offset, place


def test_tape_with_any_byte_flipped_names_its_offset(small_tape: Path, tmp_path: Path) -> None:
    """Whole reading fails at the start of the frame that holds the altered byte, whichever it is."""
    raw, starts = small_tape.read_bytes(), offsets(small_tape)
    for place in range(len(raw)):
        found = damage(tmp_path / "flipped", raw[:place] + bytes([raw[place] ^ 0x40]) + raw[place + 1 :])
        assert trusted(starts, place) == found.offset, place


def test_records_before_the_damage_are_exact_and_the_rest_is_refused(small_tape: Path, tmp_path: Path) -> None:
    """What is yielded before the error is what was written; the error comes at the end of what is sound."""
    whole = [record.batch for record in TapeReader(small_tape).records()]
    raw, starts = small_tape.read_bytes(), offsets(small_tape)
    cut = tmp_path / "cut"
    for place in (starts[2], starts[2] + 1, starts[3] + 40, starts[5], len(raw) - 1):
        cut.write_bytes(raw[:place])
        read: list[Batch] = []
        with pytest.raises(TapeDamaged):
            read.extend(record.batch for record in TapeReader(cut).records())
        complete = sum(start <= place for start in starts[3:])
        assert whole[:complete] == read


def test_message_gives_the_offset_in_plain_digits(small_tape: Path, tmp_path: Path) -> None:
    """People and scripts read ``offset N`` in the message, with the file's name."""
    found = damage(tmp_path / "cut", small_tape.read_bytes()[:-1])
    assert f"{tmp_path / 'cut'}: damaged at offset {offsets(small_tape)[-1]}: " in str(found)


def test_empty_file_is_damaged_at_its_start(tmp_path: Path) -> None:
    """A file without a byte is no tape."""
    assert damage(tmp_path / "empty", b"").offset == 0


def test_other_file_is_damaged_at_its_start(tmp_path: Path) -> None:
    """A file that is no tape is refused at its first byte."""
    assert damage(tmp_path / "text", b"[project]\nname = 'x'\n" * 9).offset == 0


def rebuilt(path: Path, target: Path, change: dict[bytes, bytes], extra: bytes | None = None) -> int:
    """Write the tape again with other bodies and right crcs; return the offset of the last frame."""
    with path.open("rb") as file:
        frames = list(read_frames(file, "t"))
    layout = FrameWriter()
    raw = layout.preamble()
    start = 0
    for frame in frames:
        if frame.kind == CLOSING and extra is not None:
            raw += layout.frame(SEGMENT, extra)
        start = len(raw)
        raw += layout.frame(frame.kind, change.get(frame.kind, frame.body))
    target.write_bytes(raw)
    return start


@pytest.mark.parametrize("body", [b"", b"not arrow", b"\xff\xff\xff\xff\x00\x00\x00\x00"])
def test_segment_that_is_no_arrow_is_damage(small_tape: Path, tmp_path: Path, body: bytes) -> None:
    """A segment whose bytes are whole but hold something else is damage at that segment."""
    rebuilt(small_tape, tmp_path / "t", {SEGMENT: body})
    with pytest.raises(TapeDamaged) as caught:
        TapeReader(tmp_path / "t").validate()
    assert offsets(tmp_path / "t")[2] == caught.value.offset


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b'{"kind":"run","chains":3}', b"\xff"])
def test_header_that_is_none_is_damage(small_tape: Path, tmp_path: Path, body: bytes) -> None:
    """A header frame that holds something else is damage at the header."""
    rebuilt(small_tape, tmp_path / "t", {HEADER: body})
    with pytest.raises(TapeDamaged) as caught:
        TapeReader(tmp_path / "t")
    assert offsets(tmp_path / "t")[1] == caught.value.offset


@pytest.mark.parametrize("body", [b"", b"{}"])
def test_closing_record_that_is_none_is_damage(small_tape: Path, tmp_path: Path, body: bytes) -> None:
    """A closing frame that holds something else is damage at the closing record."""
    last = rebuilt(small_tape, tmp_path / "t", {CLOSING: body})
    with pytest.raises(TapeDamaged) as caught:
        list(TapeReader(tmp_path / "t").records())
    assert last == caught.value.offset


def test_closing_record_that_counts_other_records_is_damage(small_tape: Path, tmp_path: Path) -> None:
    """The closing record's counts are compared with what was read, by every reading."""
    with small_tape.open("rb") as file:
        segment = next(frame.body for frame in read_frames(file, "t") if frame.kind == SEGMENT)
    last = rebuilt(small_tape, tmp_path / "t", {}, extra=segment)
    with pytest.raises(TapeDamaged, match="counts other things") as caught:
        list(TapeReader(tmp_path / "t").records())
    assert last == caught.value.offset


def test_closing_record_that_counts_other_events_is_damage(small_tape: Path, tmp_path: Path) -> None:
    """Validation compares every figure, not the number of records alone."""
    with small_tape.open("rb") as file:
        *_, closing = read_frames(file, "t")
    altered = closing.body.replace(b'["OutcomeSeen",1]', b'["OutcomeSeen",2]')
    assert altered != closing.body
    last = rebuilt(small_tape, tmp_path / "t", {CLOSING: altered})
    with pytest.raises(TapeDamaged, match="counts other events") as caught:
        TapeReader(tmp_path / "t").validate()
    assert last == caught.value.offset
