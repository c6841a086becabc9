"""Base58 as Solana writes keys and signatures: no 0, O, I and l; a leading zero byte is a leading 1."""

from typing import Final

_DIGITS: Final = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"


def base58(raw: bytes) -> str:
    """Return bytes as text."""
    number, digits = int.from_bytes(raw, "big"), []
    while number:
        number, digit = divmod(number, 58)
        digits.append(_DIGITS[digit])
    return _DIGITS[0] * (len(raw) - len(raw.lstrip(b"\0"))) + "".join(reversed(digits))
