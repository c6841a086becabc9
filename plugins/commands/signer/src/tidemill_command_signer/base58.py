"""Base58 in the alphabet of Bitcoin and Solana, without a checksum."""

from typing import Final

ALPHABET: Final = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
_VALUES: Final = {sign: value for value, sign in enumerate(ALPHABET)}


def encode_base58(raw: bytes) -> str:
    """Return bytes as text; each leading zero byte is a leading 1."""
    zeros = len(raw) - len(raw.lstrip(b"\0"))
    number, digits = int.from_bytes(raw, "big"), []
    while number:
        number, digit = divmod(number, 58)
        digits.append(ALPHABET[digit])
    return ALPHABET[0] * zeros + "".join(reversed(digits))


def decode_base58(text: str) -> bytes | None:
    """Return the bytes of a text, None where it holds anything else than the alphabet."""
    number = 0
    for sign in text:
        value = _VALUES.get(sign)
        if value is None:
            return None
        number = number * 58 + value
    zeros = len(text) - len(text.lstrip(ALPHABET[0]))
    return bytes(zeros) + number.to_bytes((number.bit_length() + 7) // 8, "big")
