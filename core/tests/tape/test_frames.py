"""No byte of a tape is unprotected."""

from io import BytesIO
from itertools import pairwise
from pathlib import Path

import pytest

from tidemill.errors import TapeDamaged, TapeError
from tidemill.tape import frames
from tidemill.tape.frames import CLOSING, FRAME_HEADER_SIZE, HEADER, PREAMBLE_SIZE, SEGMENT, FrameWriter, read_frames


@pytest.fixture
def parts() -> list[bytes]:
    """The preamble and the frames of a tape whose bodies are short."""
    layout = FrameWriter()
    bodies = ((HEADER, b"{}"), (SEGMENT, b"one"), (SEGMENT, b""), (SEGMENT, b"three"), (CLOSING, b"end"))
    return [layout.preamble(), *(layout.frame(kind, body) for kind, body in bodies)]


def damage(raw: bytes) -> TapeDamaged:
    with pytest.raises(TapeDamaged) as caught:
        list(read_frames(BytesIO(raw), "t"))
    return caught.value


def starts(parts: list[bytes]) -> list[int]:
    return [sum(map(len, parts[:place])) for place in range(1, len(parts) + 1)]


def trusted(parts: list[bytes], place: int) -> int:
    """Return where the preamble or frame begins that holds the byte at ``place``."""
    return max(start for start in (0, *starts(parts)[:-1]) if start <= place)


def test_frames_read_back_equal_what_was_written(parts: list[bytes]) -> None:
    """Kind, offset and body of every frame are read as they were written."""
    read = list(read_frames(BytesIO(b"".join(parts)), "t"))
    assert [HEADER, SEGMENT, SEGMENT, SEGMENT, CLOSING] == [frame.kind for frame in read]
    assert [b"{}", b"one", b"", b"three", b"end"] == [frame.body for frame in read]
    assert starts(parts)[:-1] == [frame.offset for frame in read]
    assert all(one.end == other.offset for one, other in pairwise(read))


def test_cut_at_every_byte_names_the_frame_that_is_cut(parts: list[bytes]) -> None:
    """A tape that ends early is damaged at the start of the first frame that is not whole."""
    raw = b"".join(parts)
    for place in range(len(raw)):
        found = damage(raw[:place])
        assert trusted(parts, place) == found.offset, place
        assert found.offset <= place


def test_every_bit_flipped_names_the_frame_that_is_altered(parts: list[bytes]) -> None:
    """A tape with any bit turned is damaged at the start of the frame that holds it."""
    raw = b"".join(parts)
    for place in range(len(raw)):
        for bit in range(8):
            altered = raw[:place] + bytes([raw[place] ^ (1 << bit)]) + raw[place + 1 :]
            assert trusted(parts, place) == damage(altered).offset, (place, bit)


def test_bytes_after_the_closing_record_are_damage(parts: list[bytes]) -> None:
    """Whatever follows the closing record begins where the damage is."""
    raw = b"".join(parts)
    assert len(raw) == damage(raw + b"\x00").offset


@pytest.mark.parametrize("order", [(0, 1, 3, 4, 5), (0, 1, 2, 2, 3, 4, 5), (0, 1, 3, 2, 4, 5), (0, 2, 1, 3, 4, 5), (0, 1, 2, 5)])
def test_frames_moved_missing_or_repeated_are_damage(parts: list[bytes], order: tuple[int, ...]) -> None:
    """A frame stands only behind the one that it was written behind."""
    first = next(place for place, part in enumerate(order) if part != place)
    found = damage(b"".join(parts[part] for part in order))
    assert sum(len(parts[part]) for part in order[:first]) == found.offset


def test_frame_of_unknown_kind_is_damage() -> None:
    """A frame of a kind that this format does not have cannot be trusted, even with a right crc."""
    layout = FrameWriter()
    raw = layout.preamble() + layout.frame(HEADER, b"") + layout.frame(b"WHAT", b"")
    assert PREAMBLE_SIZE + FRAME_HEADER_SIZE == damage(raw).offset


def test_first_frame_other_than_the_header_is_damage() -> None:
    """A tape begins with its header."""
    layout = FrameWriter()
    assert PREAMBLE_SIZE == damage(layout.preamble() + layout.frame(SEGMENT, b"")).offset


def test_other_version_is_named_and_is_not_damage(monkeypatch: pytest.MonkeyPatch) -> None:
    """A tape of another format version is whole, but not for this program."""
    monkeypatch.setattr(frames, "VERSION", 2)
    raw = FrameWriter().preamble()
    monkeypatch.undo()
    with pytest.raises(TapeError, match=r"format 2.*reads format 1") as caught:
        list(read_frames(BytesIO(raw), "t"))
    assert not isinstance(caught.value, TapeDamaged)


def test_body_beyond_a_frame_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """A body that the length field cannot hold is refused, not wrapped around."""
    monkeypatch.setattr(frames, "BODY_MAX", 3)
    with pytest.raises(TapeError, match="at most 3 bytes, found 4"):
        FrameWriter().frame(SEGMENT, b"four")


def test_small_tape_frames_cover_the_whole_file(small_tape: Path) -> None:
    """Preamble and frames leave no byte of the file between or behind them."""
    with small_tape.open("rb") as file:
        read = list(read_frames(file, "t"))
    assert small_tape.stat().st_size == read[-1].end
