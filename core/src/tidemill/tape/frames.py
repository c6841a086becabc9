"""Frames: how a tape's bytes are laid out, so that no byte of it is unprotected.

A tape is a preamble of 16 bytes and then frames, little-endian throughout:

    preamble   magic (8 bytes), version (u16), zero (u16), crc32 of these 12 bytes (u32)
    frame      kind (4 bytes), length of the body (u32), crc32 of the body (u32), crc32 of these 12 bytes (u32), body

The crc of a frame's header goes on from that of the frame before it (``zlib.crc32(header, previous)``), the first from the preamble's:
a frame that is missing, repeated or moved is found at its own offset. The last frame is the closing record, and the file ends with it.
"""

import struct
import zlib
from collections.abc import Iterator
from typing import BinaryIO

from attrs import frozen

from tidemill.errors import TapeDamaged, TapeError

MAGIC = b"TIDEMILL"
VERSION = 1
HEADER = b"HEAD"
SEGMENT = b"SEGM"
CLOSING = b"DONE"
BODY_MAX = (1 << 32) - 1

_PREAMBLE = struct.Struct("<8sHH")
_FRAME = struct.Struct("<4sII")
_CRC = struct.Struct("<I")
PREAMBLE_SIZE = _PREAMBLE.size + _CRC.size
FRAME_HEADER_SIZE = _FRAME.size + _CRC.size


@frozen
class Frame:
    """A frame whose bytes were checked. ``offset`` is where it begins in the file, ``end`` the first byte after it."""

    kind: bytes
    offset: int
    body: bytes

    @property
    def end(self) -> int:
        """The offset of the first byte after the frame."""
        return self.offset + FRAME_HEADER_SIZE + len(self.body)


class FrameWriter:
    """Lays out frames one after another; gives bytes, writes nothing itself."""

    def __init__(self) -> None:
        self._previous = 0
        self.size = 0
        self.frames = 0

    def preamble(self) -> bytes:
        """Return the bytes that a tape begins with."""
        start = _PREAMBLE.pack(MAGIC, VERSION, 0)
        self._previous = zlib.crc32(start)
        self.size = PREAMBLE_SIZE
        return start + _CRC.pack(self._previous)

    def frame(self, kind: bytes, body: bytes) -> bytes:
        """Return the bytes of the next frame.

        Raises:
            TapeError: the body is longer than a frame holds (4 GiB).
        """
        if len(body) > BODY_MAX:
            raise TapeError(f"a frame holds at most {BODY_MAX} bytes, found {len(body)}: split the batch")
        header = _FRAME.pack(kind, len(body), zlib.crc32(body))
        self._previous = zlib.crc32(header, self._previous)
        self.size += FRAME_HEADER_SIZE + len(body)
        self.frames += 1
        return b"".join((header, _CRC.pack(self._previous), body))


def read_frames(file: BinaryIO, path: str) -> Iterator[Frame]:
    """Yield the frames of a tape, each once its bytes are checked; the closing record comes last.

    Args:
        file: open at its start, binary.
        path: names the tape in errors.

    Raises:
        TapeDamaged: at the first frame that cannot be trusted, or that should be there and is not.
        TapeError: it is a tape of another format version.
    """
    previous = _read_preamble(file, path)
    offset, kind = PREAMBLE_SIZE, b""
    while kind != CLOSING:
        frame, previous = _read_frame(file, path, offset, previous)
        kind, offset = frame.kind, frame.end
        yield frame
    if file.read(1):
        raise TapeDamaged(path, offset, "there are bytes after the closing record")


def _read_preamble(file: BinaryIO, path: str) -> int:
    """Return the preamble's crc."""
    found = file.read(PREAMBLE_SIZE)
    start, crc = found[: _PREAMBLE.size], found[_PREAMBLE.size :]
    if not found.startswith(MAGIC[: len(found)]) or not found:
        raise TapeDamaged(path, 0, "it does not begin as a tape does")
    if len(found) < PREAMBLE_SIZE:
        raise TapeDamaged(path, 0, f"cut: a tape begins with {PREAMBLE_SIZE} bytes, found {len(found)}")
    if _CRC.unpack(crc)[0] != zlib.crc32(start):
        raise TapeDamaged(path, 0, "the bytes that it begins with were altered")
    _, version, _ = _PREAMBLE.unpack(start)
    if version != VERSION:
        raise TapeError(f"{path}: tape format {version}, this version of tidemill reads format {VERSION}: update tidemill")
    return zlib.crc32(start)


def _read_frame(file: BinaryIO, path: str, offset: int, previous: int) -> tuple[Frame, int]:
    """Return the frame that begins at ``offset`` and the crc of its header."""
    found = file.read(FRAME_HEADER_SIZE)
    if not found:
        raise TapeDamaged(path, offset, "cut: the closing record is missing")
    if len(found) < FRAME_HEADER_SIZE:
        raise TapeDamaged(path, offset, f"cut: the header of a frame has {FRAME_HEADER_SIZE} bytes, found {len(found)}")
    header = found[: _FRAME.size]
    crc = zlib.crc32(header, previous)
    if _CRC.unpack_from(found, _FRAME.size)[0] != crc:
        raise TapeDamaged(path, offset, "the header of a frame was altered, or frames before it are missing")
    kind, length, body_crc = _FRAME.unpack(header)
    body = file.read(length)
    if len(body) < length:
        raise TapeDamaged(path, offset, f"cut: the frame has {length} bytes, found {len(body)}")
    if zlib.crc32(body) != body_crc:
        raise TapeDamaged(path, offset, "the bytes of the frame were altered")
    if kind not in (HEADER, SEGMENT, CLOSING) or (kind == HEADER) != (offset == PREAMBLE_SIZE):
        raise TapeDamaged(path, offset, f"a frame of kind {kind!r} does not belong there")
    return Frame(kind, offset, body), crc
