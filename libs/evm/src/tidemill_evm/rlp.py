"""Recursive length prefix, exact: what is decoded encodes to the same bytes again, every other spelling is refused.

Specification: Ethereum yellow paper, appendix B.
"""

from collections.abc import Sequence
from typing import Final, TypeAlias

from tidemill_evm.errors import EncodeError, MalformedBytes

Item: TypeAlias = "bytes | Sequence[Item]"
"""A string of bytes, or a list of items."""

DEEPEST: Final = 16
"""How deep lists may stand inside each other; a transaction has four."""
_STRING, _LONG_STRING, _LIST, _LONG_LIST = 0x80, 0xB7, 0xC0, 0xF7
_SHORT: Final = 55
_WHAT: Final = "rlp"


def encode(item: Item) -> bytes:
    """Return the encoding of bytes, or of lists of them nested as they like."""
    if isinstance(item, bytes):
        return item if len(item) == 1 and item[0] < _STRING else _head(len(item), _STRING) + item
    content = b"".join(encode(part) for part in item)
    return _head(len(content), _LIST) + content


def encode_number(value: int) -> bytes:
    """Return the bytes by which a number stands in an item: big-endian, without leading zeros, none for 0.

    Raises:
        EncodeError: it is negative.
    """
    if value < 0:
        raise EncodeError(f"expected a number of at least 0, found {value}")
    return value.to_bytes((value.bit_length() + 7) // 8, "big")


def decode(raw: bytes) -> Item:
    """Return the item that an encoding is; lists are tuples.

    Raises:
        MalformedBytes: it is cut, has a rest, is not the shortest encoding of its item, or nests more than ``DEEPEST`` lists.
    """
    item, end = _decode(raw, 0, len(raw), DEEPEST)
    if end != len(raw):
        raise MalformedBytes(_WHAT, end, f"expected the end, found {len(raw) - end} bytes more")
    return item


def decode_number(raw: bytes, bits: int, what: str) -> int:
    """Return the number that an item's bytes are, of at most ``bits`` bits; ``what`` names it in errors.

    Raises:
        MalformedBytes: it has leading zeros, or is larger.
    """
    value = int.from_bytes(raw, "big")
    if raw[:1] == b"\0":
        raise MalformedBytes(what, 0, "expected a number without leading zeros")
    if value >> bits:
        raise MalformedBytes(what, 0, f"expected a number of {bits} bits, found {value.bit_length()}")
    return value


def _head(length: int, base: int) -> bytes:
    if length <= _SHORT:
        return bytes((base + length,))
    size = encode_number(length)
    return bytes((base + _SHORT + len(size),)) + size


def _decode(raw: bytes, at: int, end: int, depth: int) -> tuple[Item, int]:
    """Return the item at ``at`` and the offset behind it; it must end at ``end`` or before."""
    if at >= end:
        raise MalformedBytes(_WHAT, at, "cut: expected an item, found the end")
    head = raw[at]
    if head < _STRING:
        return raw[at : at + 1], at + 1
    is_list = head >= _LIST
    start, length = _length(raw, at, end, head - (_LIST if is_list else _STRING))
    stop = start + length
    if not is_list:
        if length == 1 and raw[start] < _STRING:
            raise MalformedBytes(_WHAT, at, f"expected the byte {raw[start]:#04x} to stand for itself, found a length before it")
        return raw[start:stop], stop
    if not depth:
        raise MalformedBytes(_WHAT, at, f"expected at most {DEEPEST} lists inside each other")
    items: list[Item] = []
    while start < stop:
        item, start = _decode(raw, start, stop, depth - 1)
        items.append(item)
    return tuple(items), stop


def _length(raw: bytes, at: int, end: int, head: int) -> tuple[int, int]:
    """Return where the content of the item at ``at`` begins, and its length; ``head`` is its first byte less that of an empty one."""
    start, length = at + 1, head
    if head > _SHORT:
        size = raw[start : start + head - _SHORT]
        start += head - _SHORT
        length = int.from_bytes(size, "big")
        if start > end or size[:1] == b"\0" or length <= _SHORT:
            raise MalformedBytes(_WHAT, at, "expected the shortest length, found a longer one or the end")
    if length > end - start:
        raise MalformedBytes(_WHAT, at, f"cut: expected {length} bytes from {start} on, found {end - start}")
    return start, length
