"""Fields of a recording, each read with its place, so that an error says where it stands."""

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final, Self

from attrs import frozen

from tidemill.errors import DecodeError

_ADDRESS: Final = re.compile(r"0x[0-9a-fA-F]{40}")
_DIGITS: Final = re.compile(r"-?[0-9]{1,78}")
_HEX: Final = re.compile(r"0x[0-9a-fA-F]{0,64}")


@frozen
class Entry:
    """One object of a recording, and where it stands: the file, then the path from its top, ``pools.json $.v3[4]``."""

    fields: Mapping[str, Any]
    where: str

    @classmethod
    def of(cls, value: Any, where: str) -> Self:
        """Return what must be an object.

        Raises:
            DecodeError: it is none.
        """
        if not isinstance(value, Mapping):
            raise DecodeError(f"{where}: expected an object, found {shown(value)}")
        return cls(value, where)

    def has(self, name: str) -> bool:
        """Tell whether a field is there and not null."""
        return self.fields.get(name) is not None

    def value(self, name: str) -> Any:
        """Return a field as it is.

        Raises:
            DecodeError: it is missing.
        """
        if name not in self.fields:
            raise DecodeError(f"{self.where}: {name} is missing")
        return self.fields[name]

    def entry(self, name: str) -> "Entry":
        """Return a field that is an object.

        Raises:
            DecodeError: it is missing, or none.
        """
        return Entry.of(self.value(name), self._at(name))

    def items(self, name: str) -> list[Any]:
        """Return a field that is a list.

        Raises:
            DecodeError: it is missing, or none.
        """
        found = self.value(name)
        if not isinstance(found, list):
            raise DecodeError(f"{self._at(name)}: expected a list, found {shown(found)}")
        return found

    def entries(self, name: str) -> Iterator["Entry"]:
        """Yield the objects of a list.

        Raises:
            DecodeError: it is missing, or no list of objects.
        """
        return (Entry.of(value, f"{self._at(name)}[{place}]") for place, value in enumerate(self.items(name)))

    def text(self, name: str) -> str:
        """Return a field that is text.

        Raises:
            DecodeError: it is missing, or none.
        """
        found = self.value(name)
        if not isinstance(found, str):
            raise DecodeError(f"{self._at(name)}: expected text, found {shown(found)}")
        return found

    def address(self, name: str) -> str:
        """Return an address in lower case.

        Raises:
            DecodeError: it is missing, or none.
        """
        return address(self.value(name), self._at(name))

    def whole(self, name: str, low: int, high: int) -> int:
        """Return a whole number from ``low`` to ``high``: a JSON integer, decimal digits as text, or hexadecimal ones behind 0x.

        Raises:
            DecodeError: it is missing, none, or out of range.
        """
        return whole(self.value(name), low, high, self._at(name))

    def unsigned(self, name: str, bits: int) -> int:
        """Return a whole number of so many bits, written as for ``whole``.

        Raises:
            DecodeError: as ``whole``.
        """
        return whole(self.value(name), 0, (1 << bits) - 1, self._at(name))

    def signed(self, name: str, bits: int) -> int:
        """Return the number in a field of big-endian bytes, two's complement over as many bytes as there are: ``0xff`` is -1.

        Raises:
            DecodeError: it is missing, is no such bytes, or takes more than ``bits``.
        """
        found, limit = self.text(name), 1 << bits - 1
        if not _HEX.fullmatch(found) or len(found) % 2:
            raise DecodeError(f"{self._at(name)}: expected bytes as hexadecimal text behind 0x, found {shown(found)}")
        number = int.from_bytes(bytes.fromhex(found[2:]), "big", signed=True)
        if not -limit <= number < limit:
            raise DecodeError(f"{self._at(name)}: expected a number of {bits} bits with its sign, found {number}")
        return number

    def _at(self, name: str) -> str:
        return f"{self.where}.{name}"


def address(value: Any, where: str) -> str:
    """Return an address in lower case.

    Raises:
        DecodeError: it is none.
    """
    if not isinstance(value, str) or not _ADDRESS.fullmatch(value):
        raise DecodeError(f"{where}: expected an address of 0x and 40 hexadecimal digits, found {shown(value)}")
    return value.lower()


def whole(value: Any, low: int, high: int, where: str) -> int:
    """Return a whole number from ``low`` to ``high``; see ``Entry.whole``.

    Raises:
        DecodeError: it is none, or out of range.
    """
    number = value
    if isinstance(value, str) and _DIGITS.fullmatch(value):
        number = int(value)
    elif isinstance(value, str) and _HEX.fullmatch(value):
        number = int(value[2:] or "0", 16)
    if not isinstance(number, int) or isinstance(number, bool) or not low <= number <= high:
        raise DecodeError(f"{where}: expected a whole number from {low} to {high}, found {shown(value)}")
    return number


def shown(value: Any) -> str:
    """Return a value for a message, cut where it is long."""
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
