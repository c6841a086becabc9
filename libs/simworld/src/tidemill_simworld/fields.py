"""Fields of the simulated plugins' settings: whole numbers with a range and a sentence."""

from collections.abc import Callable
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


def _within(low: int, high: int) -> Callable[[Any, "attrs.Attribute[int]", int], None]:
    def check(_instance: object, _attribute: "attrs.Attribute[int]", value: int) -> None:
        if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
            # What attrs asks of a validator; whoever reads the configuration gives it the place
            raise ValueError(f"expected a whole number from {low} to {high}, found {value!r}")

    return check
