"""The one error of this package."""

from tidemill.errors import DecodeError


class MalformedMessage(DecodeError):
    """Bytes are no message, or one that is not understood whole; the text says what was expected and what was found."""
