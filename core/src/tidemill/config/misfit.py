"""What does not fit: collected with the way to it, so that one reading finds every fault."""

from collections.abc import Callable, Iterable
from decimal import Decimal
from typing import Any, TypeVar

from attrs import frozen

from tidemill.config.place import Keys

T = TypeVar("T")


@frozen
class Fault:
    """One fault at ``keys``, seen from the value that was read."""

    keys: Keys
    message: str


class Misfit(ValueError):
    """A value is not what its place demands; holds every fault in it. Never leaves ``tidemill.config``."""

    def __init__(self, *faults: Fault) -> None:
        self.faults = faults
        super().__init__(*faults)


class Faults:
    """Collects faults while the parts of one value are read."""

    def __init__(self) -> None:
        self.found: list[Fault] = []

    def add(self, message: str, *keys: str | int) -> None:
        """Note a fault at a key of the value."""
        self.found.append(Fault(keys, message))

    def read(self, key: str | int, read: Callable[[], T]) -> T | None:
        """Return what ``read`` gives, or None after noting what it raised, below ``key``."""
        try:
            return read()
        except Misfit as misfit:
            self.found += [Fault((key, *fault.keys), fault.message) for fault in misfit.faults]
            return None

    def read_here(self, read: Callable[[], T]) -> T | None:
        """Return what ``read`` gives, or None after noting what it raised, where the value itself stands."""
        try:
            return read()
        except Misfit as misfit:
            self.found += misfit.faults
            return None

    def add_below(self, inner: "Faults", *keys: str | int) -> None:
        """Note what was found in a part of the value."""
        self.found += [Fault((*keys, *fault.keys), fault.message) for fault in inner.found]

    def raise_if_any(self) -> None:
        """Raise ``Misfit`` with what was found."""
        if self.found:
            raise Misfit(*self.found)


def expected(what: str, found: Any) -> Misfit:
    """Return the misfit that says what was expected and what was found instead."""
    return Misfit(Fault((), f"expected {what}, found {describe(found)}"))


def describe(value: Any) -> str:
    """Return a value as people read it: what it is, and the value itself where it is short and cannot be a secret."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return f'text "{value}"' if len(value) <= 24 and value.isprintable() else f"text of {len(value)} characters"
    if isinstance(value, int | float | Decimal):
        kind = "whole number" if isinstance(value, int) else "number"
        return f"the {kind} {value}" if len(str(value)) <= 24 else f"a {kind} of {len(str(value))} digits"
    if isinstance(value, list | tuple):
        return "a list" if value else "an empty list"
    if isinstance(value, dict):
        return "a table"
    return f"a {type(value).__name__}"


def one_of(choices: Iterable[object]) -> str:
    """Return choices as a sentence's part: ``"paper" or "live"``."""
    words = [f'"{choice}"' if isinstance(choice, str) else str(choice) for choice in choices]
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} or {words[-1]}"
