"""Contract ABI encoding: elementary types, ``bytes``, ``string``, arrays ``T[]`` and ``T[k]``, tuples ``(T1,T2)``, nested as they like.

Values of arrays and tuples are sequences, and are decoded as tuples. Decoding is exact: padding must be zero, numbers within their type,
dynamic parts in order without gaps or rests, so that ``encode(types, decode(types, data)) == data``; compilers write nothing else.
Specification: docs.soliditylang.org, "Contract ABI Specification".
"""

from collections.abc import Sequence
from typing import TypeAlias

from tidemill_evm.abi_types import WORD, Kind, argument_types, elementary, parse_type
from tidemill_evm.address import address_bytes
from tidemill_evm.errors import EncodeError, MalformedBytes
from tidemill_evm.keccak import keccak256

Value: TypeAlias = "int | bool | str | bytes | Sequence[Value]"
"""int for uintN and intN, bool, str for address (lower case) and string, bytes for bytesN and bytes, a sequence for arrays and tuples."""


def selector(signature: str) -> bytes:
    """Return the four bytes that name a function: ``selector("transfer(address,uint256)")``."""
    return keccak256(signature.encode())[:4]


def event_topic(signature: str) -> bytes:
    """Return the first topic of an event, 32 bytes: ``event_topic("Sync(uint112,uint112)")``."""
    return keccak256(signature.encode())


def encode(types: Sequence[str], values: Sequence[Value]) -> bytes:
    """Return the encoding of values, as the arguments of a function have it.

    Raises:
        EncodeError: a value does not fit its type, there are more or fewer than types, or there is no such type.
    """
    return _encode_sequence([parse_type(name) for name in types], values)


def encode_call(signature: str, values: Sequence[Value] = ()) -> bytes:
    """Return calldata: the selector of ``signature`` and its encoded arguments; a struct stands in it as a tuple of its fields.

    Raises:
        EncodeError: as ``encode``, or it is no signature.
    """
    return selector(signature) + encode(argument_types(signature), values)


def decode(types: Sequence[str], data: bytes) -> tuple[Value, ...]:
    """Return the values of an encoding.

    Raises:
        MalformedBytes: it is cut, has a rest, or holds anything that ``encode`` would not have written there.
        EncodeError: there is no such type.
    """
    values, end = _decode_sequence([parse_type(name) for name in types], data, 0)
    if end != len(data):
        raise MalformedBytes(f"({','.join(types)})", end, f"expected the end, found {len(data) - end} bytes more")
    return values


def decode_call(signature: str, calldata: bytes) -> tuple[Value, ...]:
    """Return the arguments of a call; offsets in errors count from the end of the selector.

    Raises:
        MalformedBytes: it calls another function, or as ``decode``.
        EncodeError: it is no signature.
    """
    types = argument_types(signature)
    if calldata[:4] != selector(signature):
        raise MalformedBytes(signature, 0, f"expected the selector {selector(signature).hex()}, found {calldata[:4].hex() or 'nothing'}")
    return decode(types, calldata[4:])


def word_offset(signature: str, calldata: bytes, path: Sequence[int]) -> int:
    """Return where in a call's bytes, selector included, the word of one elementary value begins.

    Args:
        signature: of the function.
        calldata: what ``encode_call`` gave for it.
        path: the argument's place, then the place of the component or element inside it, and so on; ``(0, 4)`` is the fifth field of a
            struct that is the first argument.

    Raises:
        MalformedBytes: the bytes are no such call.
        EncodeError: nothing stands there, or no single word does.
    """
    decode_call(signature, calldata)
    kinds: Sequence[Kind] = [parse_type(name) for name in argument_types(signature)]
    kind, start = Kind(signature, "tuple", tuple(kinds)), 4
    for place in path:
        count = kind.count if kind.shape == "array" else len(kind.parts)
        if count is None:
            count, start = decode_number(calldata, start), start + WORD
        if not 0 <= place < count:
            raise EncodeError(f"expected one of {count} places in {kind.name}, found {place} in {tuple(path)}")
        array = kind.shape == "array"
        head = start + (place * kind.parts[0].head if array else sum(part.head for part in kind.parts[:place]))
        kind = kind.parts[0 if array else place]
        start = start + decode_number(calldata, head) if kind.dynamic else head
    if kind.shape != "word":
        raise EncodeError(f"expected the path of an elementary value in {signature}, found {tuple(path)}: {kind.name}")
    return start


def encode_word(kind: str, value: Value) -> bytes:
    """Return the 32 bytes of one elementary value, as in a topic, a head or a mapping's key.

    Raises:
        EncodeError: the value does not fit, or the type is dynamic or unknown.
    """
    match elementary(kind), value:
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
    family, size = elementary(kind)
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


def _encode_sequence(kinds: Sequence[Kind], values: Sequence[Value]) -> bytes:
    if len(kinds) != len(values):
        raise EncodeError(f"expected {len(kinds)} values, found {len(values)}")
    heads: list[bytes] = []
    tails: list[bytes] = []
    end = sum(kind.head for kind in kinds)
    for kind, value in zip(kinds, values, strict=True):
        raw = _encode(kind, value)
        if kind.dynamic:
            heads.append(end.to_bytes(WORD, "big"))
            tails.append(raw)
            end += len(raw)
        else:
            heads.append(raw)
    return b"".join((*heads, *tails))


def _encode(kind: Kind, value: Value) -> bytes:
    if kind.shape == "word":
        return encode_word(kind.name, value)
    if kind.shape == "bytes":
        raw = value.encode() if kind.name == "string" and isinstance(value, str) else value
        if isinstance(raw, bytes) and (kind.name == "bytes" or isinstance(value, str)):
            return len(raw).to_bytes(WORD, "big") + raw + bytes(-len(raw) % WORD)
    elif isinstance(value, Sequence) and not isinstance(value, str | bytes):
        if kind.shape == "tuple":
            return _encode_sequence(kind.parts, value)
        if kind.count is None:
            return len(value).to_bytes(WORD, "big") + _encode_sequence(kind.parts * len(value), value)
        return _encode_sequence(kind.parts * kind.count, value)
    raise EncodeError(f"{value!r} is no {kind.name}")


def _decode_sequence(kinds: Sequence[Kind], data: bytes, base: int) -> tuple[tuple[Value, ...], int]:
    """Return the values whose heads begin at ``base``, and the offset behind the last byte they use."""
    values: list[Value] = []
    head, end = base, base + sum(kind.head for kind in kinds)
    for kind in kinds:
        if kind.dynamic:
            found = decode_number(data, head)
            if found != end - base:
                raise MalformedBytes(kind.name, head, f"expected its bytes at {end - base}, found a pointer to {found}")
            value, end = _decode(kind, data, end)
        else:
            value, _ = _decode(kind, data, head)
        values.append(value)
        head += kind.head
    return tuple(values), end


def _decode(kind: Kind, data: bytes, offset: int) -> tuple[Value, int]:
    """Return the value at ``offset``, and the offset behind the last byte it uses."""
    if kind.shape == "word":
        return decode_word(kind.name, data, offset), offset + WORD
    if kind.shape == "bytes":
        return _decode_bytes(kind, data, offset)
    if kind.shape == "tuple":
        return _decode_sequence(kind.parts, data, offset)
    count, start = (decode_number(data, offset), offset + WORD) if kind.count is None else (kind.count, offset)
    # A longer claim is a lie, and would be allocated before it is found out: each element takes a head.
    if count * kind.parts[0].head > len(data) - start:
        raise MalformedBytes(kind.name, offset, f"expected {count} elements, found {max(len(data) - start, 0)} bytes")
    return _decode_sequence(kind.parts * count, data, start)


def _decode_bytes(kind: Kind, data: bytes, offset: int) -> tuple[Value, int]:
    length, start = decode_number(data, offset), offset + WORD
    if length > len(data) - start:
        raise MalformedBytes(kind.name, offset, f"expected {length} elements, found {len(data) - start} bytes")
    stop = start + length
    end = stop + -length % WORD
    if end > len(data) or any(data[stop:end]):
        raise MalformedBytes(kind.name, stop, "expected zero padding up to a whole word")
    raw = data[start:stop]
    if kind.name == "bytes":
        return raw, end
    try:
        return raw.decode(), end
    except UnicodeDecodeError as error:
        raise MalformedBytes(kind.name, start + error.start, "expected UTF-8") from error
