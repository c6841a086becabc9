"""Looks for secrets in bytes, in every spelling in which one could have been written down."""

import base64
import json
from collections.abc import Iterator, Mapping
from urllib.parse import quote

from attrs import frozen

_DIGITS = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"


@frozen
class Hit:
    """A secret that stands where it should not: which one, in which spelling, and where."""

    canary: str
    spelling: str
    place: str


def spellings(secret: bytes) -> Mapping[str, bytes]:
    """Return every way in which a secret is looked for, by name.

    Texts that embed it at any offset are found as well: of base64 the middle is looked for, which is the same whatever stands around.
    """
    backwards, numbers = secret[::-1], list(secret)
    found = {
        "raw": secret,
        "raw, bytes reversed": backwards,
        "hex": secret.hex().encode(),
        "hex, upper case": secret.hex().upper().encode(),
        "hex, bytes reversed": backwards.hex().encode(),
        "hex, bytes reversed, upper case": backwards.hex().upper().encode(),
        "base58": _base58(secret),
        "URL-encoded": quote(secret, safe="").encode(),
        "URL-encoded, every byte": "".join(f"%{byte:02X}" for byte in secret).encode(),
        "URL-encoded, lower case": "".join(f"%{byte:02x}" for byte in secret).encode(),
        "JSON-escaped": json.dumps(secret.decode("latin-1"))[1:-1].encode(),
        "list of numbers": json.dumps(numbers)[1:-1].encode(),
        "list of numbers, dense": json.dumps(numbers, separators=(",", ":"))[1:-1].encode(),
        "whole number": str(int.from_bytes(secret, "big")).encode(),
        "whole number, bytes reversed": str(int.from_bytes(secret, "little")).encode(),
        "repr": repr(secret)[2:-1].encode(),
        "UTF-16": secret.decode("latin-1").encode("utf-16-le"),
        "UTF-8 of its bytes": secret.decode("latin-1").encode("utf-8"),
    }
    for offset in range(3):
        middle = _base64_middle(secret, offset)
        found[f"base64, offset {offset}"] = middle
        found[f"base64 for URLs, offset {offset}"] = middle.replace(b"+", b"-").replace(b"/", b"_")
    return found


def hits(canaries: Mapping[str, bytes], places: Mapping[str, bytes]) -> Iterator[Hit]:
    """Yield where a secret stands."""
    for canary, secret in canaries.items():
        for spelling, written in spellings(secret).items():
            yield from (Hit(canary, spelling, place) for place, content in places.items() if written in content)


def _base58(secret: bytes) -> bytes:
    number, text = int.from_bytes(secret, "big"), ""
    while number:
        number, digit = divmod(number, 58)
        text = _DIGITS[digit] + text
    return (_DIGITS[0] * (len(secret) - len(secret.lstrip(b"\0"))) + text).encode()


def _base64_middle(secret: bytes, offset: int) -> bytes:
    """Return the characters that depend on the secret alone, where so many bytes stand before it in its group of three."""
    encoded = base64.b64encode(bytes(offset) + secret)
    first = -(-offset * 4 // 3)
    whole = (offset + len(secret)) * 8 // 6
    return encoded[first:whole]
