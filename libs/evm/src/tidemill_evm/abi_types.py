"""Types of the contract ABI, taken apart: words, ``bytes`` and ``string``, arrays ``T[]`` and ``T[k]``, tuples ``(T1,T2)``."""

import re
from functools import lru_cache
from typing import Final, Literal

from attrs import frozen

from tidemill_evm.errors import EncodeError

WORD: Final = 32
_NUMBER: Final = re.compile(r"(u?int)(\d+)")
_FIXED: Final = re.compile(r"bytes(\d+)")
_ARRAY: Final = re.compile(r"(.+)\[([1-9]\d{0,4})?\]")
_FUNCTION: Final = re.compile(r"[A-Za-z_$][A-Za-z0-9_$]*(\(.*\))")


@frozen
class Kind:
    """A type: its name as it stands in signatures, and how its values are laid out.

    Attributes:
        name: the canonical name, such as ``(uint256,bytes)[2]``.
        shape: a ``word`` is an elementary value of 32 bytes; ``bytes`` stands for ``string`` too.
        parts: of a tuple its components, of an array the one type of its elements.
        count: how many elements an array has, None where its encoding says so.
        dynamic: the head holds a pointer, the value stands behind all heads.
        head: bytes it takes among the heads: 32 where it is dynamic, else all of it.
    """

    name: str
    shape: Literal["word", "bytes", "array", "tuple"]
    parts: "tuple[Kind, ...]" = ()
    count: int | None = None
    dynamic: bool = False
    head: int = WORD


@lru_cache(maxsize=1024)
def parse_type(name: str) -> Kind:
    """Return a type by its name; aliases (``uint``), spaces, empty tuples and arrays of no element are no types here.

    Raises:
        EncodeError: there is no such type.
    """
    if name in ("bytes", "string"):
        return Kind(name, "bytes", dynamic=True)
    array = _ARRAY.fullmatch(name)
    if array:
        item, count = parse_type(array[1]), int(array[2]) if array[2] else None
        dynamic = item.dynamic or count is None
        return Kind(name, "array", (item,), count, dynamic, WORD if dynamic else item.head * (count or 0))
    if name.startswith("(") and name.endswith(")") and name != "()":
        parts = tuple(parse_type(part) for part in _split(name[1:-1]))
        dynamic = any(part.dynamic for part in parts)
        return Kind(name, "tuple", parts, None, dynamic, WORD if dynamic else sum(part.head for part in parts))
    elementary(name)
    return Kind(name, "word")


@lru_cache(maxsize=1024)
def argument_types(signature: str) -> tuple[str, ...]:
    """Return the types of a function's arguments: ``f(uint8,(bool,bytes)[])`` has two.

    Raises:
        EncodeError: it is no signature; of its types nothing is said.
    """
    found = _FUNCTION.fullmatch(signature)
    if not found:
        raise EncodeError(f"expected a signature such as transfer(address,uint256), found {signature!r}")
    inside = found[1][1:-1]
    return _split(inside) if inside else ()


@lru_cache(maxsize=256)
def elementary(kind: str) -> tuple[str, int]:
    """Return the family of an elementary type and its size: bits, or bytes for ``bytesN``.

    Raises:
        EncodeError: it is none.
    """
    if kind in ("address", "bool"):
        return kind, 160 if kind == "address" else 1
    number = _NUMBER.fullmatch(kind)
    if number and kind == f"{number[1]}{int(number[2])}" and int(number[2]) in range(8, 257, 8):
        return number[1], int(number[2])
    fixed = _FIXED.fullmatch(kind)
    if fixed and kind == f"bytes{int(fixed[1])}" and 1 <= int(fixed[1]) <= WORD:
        return "bytes", int(fixed[1])
    raise EncodeError(f"{kind!r} is no elementary type: expected uintN, intN, bool, address or bytesN")


def _split(names: str) -> tuple[str, ...]:
    """Return the types in a list at whose commas no bracket is open."""
    found, depth, start = [], 0, 0
    for place, sign in enumerate(names):
        depth += (sign == "(") - (sign == ")")
        if depth < 0:
            raise EncodeError(f"{names!r} closes a bracket that it does not open")
        if sign == "," and not depth:
            found.append(names[start:place])
            start = place + 1
    if depth:
        raise EncodeError(f"{names!r} opens a bracket that it does not close")
    return (*found, names[start:])
