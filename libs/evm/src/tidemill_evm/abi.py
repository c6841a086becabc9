"""Contract ABI encoding: elementary types, ``bytes``, ``string`` and arrays ``T[]``.

Decoding is exact: padding must be zero, numbers within their type, dynamic parts in order without gaps or rests, so that
``encode(types, decode(types, data)) == data``. Tuples and arrays of fixed length do not occur in what is read here.
Specification: docs.soliditylang.org, "Contract ABI Specification".
"""

import re
from collections.abc import Sequence
from functools import lru_cache
from typing import Final, TypeAlias

from tidemill_evm.address import address_bytes
from tidemill_evm.errors import EncodeError, MalformedBytes
from tidemill_evm.keccak import keccak256

Value: TypeAlias = "int | bool | str | bytes | Sequence[Value]"
"""int for uintN and intN, bool, str for address (lower case) and string, bytes for bytesN and bytes, a sequence for ``T[]``."""

WORD: Final = 32
_NUMBER: Final = re.compile(r"(u?int)(\d+)")
_FIXED: Final = re.compile(r"bytes(\d+)")


def selector(signature: str) -> bytes:
    """Return the four bytes that name a function: ``selector("transfer(address,uint256)")``."""
    return keccak256(signature.encode())[:4]


def event_topic(signature: str) -> bytes:
    """Return the first topic of an event, 32 bytes: ``event_topic("Sync(uint112,uint112)")``."""
    return keccak256(signature.encode())


def encode(types: Sequence[str], values: Sequence[Value]) -> bytes:
    """Return the encoding of values, as the arguments of a function have it.

    Raises:
        EncodeError: a value does not fit its type, or there are more or fewer than types.
    """
    if len(types) != len(values):
        raise EncodeError(f"expected {len(types)} values, found {len(values)}")
    heads: list[bytes] = []
    tails: list[bytes] = []
    end = WORD * len(types)
    for kind, value in zip(types, values, strict=True):
        if _is_dynamic(kind):
            tail = _encode_dynamic(kind, value)
            heads.append(end.to_bytes(WORD, "big"))
            tails.append(tail)
            end += len(tail)
        else:
            heads.append(encode_word(kind, value))
    return b"".join((*heads, *tails))


def encode_call(signature: str, values: Sequence[Value] = ()) -> bytes:
    """Return calldata: the selector of ``signature`` and its encoded arguments.

    Raises:
        EncodeError: as ``encode``.
    """
    inside = signature[signature.index("(") + 1 : -1]
    return selector(signature) + encode(inside.split(",") if inside else (), values)


def decode(types: Sequence[str], data: bytes) -> tuple[Value, ...]:
    """Return the values of an encoding.

    Raises:
        MalformedBytes: it is cut, has a rest, or holds anything that ``encode`` would not have written there.
    """
    values, end = _decode_sequence(types, data, 0)
    if end != len(data):
        raise MalformedBytes(f"({','.join(types)})", end, f"expected the end, found {len(data) - end} bytes more")
    return values


def encode_word(kind: str, value: Value) -> bytes:
    """Return the 32 bytes of one elementary value, as in a topic, a head or a mapping's key.

    Raises:
        EncodeError: the value does not fit, or the type is dynamic or unknown.
    """
    match _elementary(kind), value:
        case ("uint", bits), int() if not isinstance(value, bool) and 0 <= value < 1 << bits:
            return value.to_bytes(WORD, "big")
        case ("int", bits), int() if not isinstance(value, bool) and -(1 << bits - 1) <= value < 1 << bits - 1:
            return value.to_bytes(WORD, "big", signed=True)
        case ("bool", _), bool():
            return value.to_bytes(WORD, "big")
        case ("address", _), str():
            return bytes(12) + address_bytes(value)
        case ("bytes", length), bytes() if len(value) == length:
            return value.ljust(WORD, b"\0")
    raise EncodeError(f"{value!r} is no {kind}")


def decode_word(kind: str, data: bytes, offset: int = 0) -> Value:
    """Return the elementary value in the 32 bytes at ``offset``.

    Raises:
        MalformedBytes: the bytes end before, or are not of that type.
        EncodeError: the type is dynamic or unknown.
    """
    family, size = _elementary(kind)
    raw = data[offset : offset + WORD]
    if len(raw) != WORD:
        raise MalformedBytes(kind, offset, f"expected 32 bytes, found {len(raw)}")
    if family == "int":
        signed = int.from_bytes(raw, "big", signed=True)
        if -(1 << size - 1) <= signed < 1 << size - 1:
            return signed
        raise MalformedBytes(kind, offset, f"{signed} is out of range")
    if family == "bytes":
        if any(raw[size:]):
            raise MalformedBytes(kind, offset + size, f"expected {WORD - size} bytes of zero padding, found {raw[size:].hex()}")
        return raw[:size]
    number = int.from_bytes(raw, "big")
    if number >> size:
        raise MalformedBytes(kind, offset, f"{number} is out of range")
    if family == "uint":
        return number
    return "0x" + raw[12:].hex() if family == "address" else bool(number)


def decode_number(data: bytes, offset: int) -> int:
    """Return the unsigned 256-bit number at ``offset``.

    Raises:
        MalformedBytes: the bytes end before its 32.
    """
    raw = data[offset : offset + WORD]
    if len(raw) != WORD:
        raise MalformedBytes("uint256", offset, f"expected 32 bytes, found {len(raw)}")
    return int.from_bytes(raw, "big")


@lru_cache(maxsize=256)
def _elementary(kind: str) -> tuple[str, int]:
    """Return the family of an elementary type and its size: bits, or bytes for ``bytesN``."""
    if kind in ("address", "bool"):
        return kind, 160 if kind == "address" else 1
    number = _NUMBER.fullmatch(kind)
    if number and int(number[2]) in range(8, 257, 8):
        return number[1], int(number[2])
    fixed = _FIXED.fullmatch(kind)
    if fixed and 1 <= int(fixed[1]) <= WORD:
        return "bytes", int(fixed[1])
    raise EncodeError(f"{kind!r} is no elementary type: expected uintN, intN, bool, address or bytesN")


def _is_dynamic(kind: str) -> bool:
    return kind in ("bytes", "string") or kind.endswith("[]")


def _encode_dynamic(kind: str, value: Value) -> bytes:
    if kind == "string" and isinstance(value, str):
        kind, value = "bytes", value.encode()
    if kind == "bytes" and isinstance(value, bytes):
        return len(value).to_bytes(WORD, "big") + value + bytes(-len(value) % WORD)
    if kind.endswith("[]") and isinstance(value, Sequence) and not isinstance(value, str | bytes):
        return len(value).to_bytes(WORD, "big") + encode((kind[:-2],) * len(value), value)
    raise EncodeError(f"{value!r} is no {kind}")


def _decode_sequence(types: Sequence[str], data: bytes, base: int) -> tuple[tuple[Value, ...], int]:
    """Return the values whose heads begin at ``base``, and the offset behind the last byte they use."""
    values: list[Value] = []
    end = base + WORD * len(types)
    for place, kind in enumerate(types):
        head = base + WORD * place
        if not _is_dynamic(kind):
            values.append(decode_word(kind, data, head))
            continue
        found = decode_number(data, head)
        if found != end - base:
            raise MalformedBytes(kind, head, f"expected its bytes at {end - base}, found a pointer to {found}")
        value, end = _decode_dynamic(kind, data, end)
        values.append(value)
    return tuple(values), end


def _decode_dynamic(kind: str, data: bytes, offset: int) -> tuple[Value, int]:
    length, start = decode_number(data, offset), offset + WORD
    # An element takes a word, a byte itself: a longer claim is a lie, and would be allocated before it is found out.
    if length * (WORD if kind.endswith("[]") else 1) > len(data) - start:
        raise MalformedBytes(kind, offset, f"expected {length} elements, found {len(data) - start} bytes")
    if kind.endswith("[]"):
        return _decode_sequence((kind[:-2],) * length, data, start)
    stop = start + length
    end = stop + -length % WORD
    if end > len(data) or any(data[stop:end]):
        raise MalformedBytes(kind, stop, "expected zero padding up to a whole word")
    raw = data[start:stop]
    if kind == "bytes":
        return raw, end
    try:
        return raw.decode(), end
    except UnicodeDecodeError as error:
        raise MalformedBytes(kind, start + error.start, "expected UTF-8") from error
