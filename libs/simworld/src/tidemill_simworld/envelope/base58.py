"""Base58 as Bitcoin and Solana write it: no 0, O, I and l; a leading zero byte is a leading 1."""

from typing import Final

from tidemill_evm.errors import MalformedBytes

_DIGITS: Final = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
_VALUES: Final = {digit: value for value, digit in enumerate(_DIGITS)}


def encode_base58(raw: bytes) -> str:
    """Return bytes as text."""
    number, text = int.from_bytes(raw, "big"), ""
    while number:
        number, digit = divmod(number, 58)
        text = _DIGITS[digit] + text
    return _DIGITS[0] * (len(raw) - len(raw.lstrip(b"\0"))) + text


def decode_base58(text: str) -> bytes:
    """Return the bytes of a text.

    Raises:
        MalformedBytes: a character is none of the 58 digits.
    """
    number = 0
    for place, digit in enumerate(text):
        if digit not in _VALUES:
            raise MalformedBytes("base58", place, f"{digit!r} is no digit of base58")
        number = number * 58 + _VALUES[digit]
    zeros = len(text) - len(text.lstrip(_DIGITS[0]))
    return bytes(zeros) + number.to_bytes((number.bit_length() + 7) // 8, "big")
