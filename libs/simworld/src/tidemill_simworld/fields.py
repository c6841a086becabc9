"""Fields of the simulated plugins' settings: numbers with a range, words out of a list, and text, each with a sentence."""

from collections.abc import Callable, Sequence
from typing import Any, Final

import attrs

PPM: Final = 1_000_000


def whole(default: int, low: int, high: int, doc: str) -> int:
    """Return a field of a settings class that takes ``low .. high``, both included; ``doc`` says what it means."""
    field: int = attrs.field(default=default, validator=_within(low, high), metadata={"doc": doc})
    return field


def chance(default: int, doc: str) -> int:
    """Return a field that takes parts per million."""
    return whole(default, 0, PPM, doc)


def choice(default: str, words: Sequence[str], doc: str) -> str:
    """Return a field that takes one of some words."""
    field: str = attrs.field(default=default, validator=_one_of(tuple(words)), metadata={"doc": doc})
    return field


def text(default: str, doc: str) -> str:
    """Return a field that takes any text."""
    field: str = attrs.field(default=default, validator=attrs.validators.instance_of(str), metadata={"doc": doc})
    return field


def _one_of(words: tuple[str, ...]) -> Callable[[Any, "attrs.Attribute[str]", str], None]:
    def check(_instance: object, _attribute: "attrs.Attribute[str]", value: str) -> None:
        if value not in words:
            # What attrs asks of a validator; whoever reads the configuration gives it the place
            raise ValueError(f"expected {' or '.join(words)}, found {value!r}")

    return check


def _within(low: int, high: int) -> Callable[[Any, "attrs.Attribute[int]", int], None]:
    def check(_instance: object, _attribute: "attrs.Attribute[int]", value: int) -> None:
        if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
            # What attrs asks of a validator; whoever reads the configuration gives it the place
            raise ValueError(f"expected a whole number from {low} to {high}, found {value!r}")

    return check
