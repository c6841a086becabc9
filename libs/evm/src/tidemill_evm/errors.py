"""Errors of this library, below ``tidemill.errors``."""

from tidemill.errors import DecodeError, TidemillError


class MalformedBytes(DecodeError):
    """Bytes are not what they claim to be; ``offset`` is the first byte that is wrong, ``what`` names the value read there."""

    def __init__(self, what: str, offset: int, reason: str) -> None:
        self.what = what
        self.offset = offset
        self.reason = reason
        super().__init__(what, offset, reason)

    def __str__(self) -> str:
        return f"{self.what}: at offset {self.offset}: {self.reason}"


class EncodeError(TidemillError):
    """A value has no place in the encoding asked for: out of range, of another type, or too many of them."""
