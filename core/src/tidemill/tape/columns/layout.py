"""What every layout of columns does, and the pieces that they share."""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import Any, Generic, TypeVar

from tidemill.domain.events import Event
from tidemill.tape.arrow import load_arrow

E = TypeVar("E", bound=Event)
INT64_MIN, INT64_MAX = -(1 << 63), (1 << 63) - 1


def is_text(texts: Iterable[str]) -> bool:
    """Tell whether all texts can be stored as UTF-8."""
    joined = "".join(texts)
    if joined.isascii():
        return True
    try:
        joined.encode()
    except UnicodeEncodeError:
        return False
    return True


def is_int64(numbers: Iterable[int]) -> bool:
    """Tell whether all numbers fit into 64 bits with sign."""
    return all(INT64_MIN <= number <= INT64_MAX for number in numbers)


class Layout(ABC, Generic[E]):
    """The columns of one kind of event."""

    def __init__(self, kind: type[E]) -> None:
        self.kind = kind

    @abstractmethod
    def fits(self, event: E) -> bool:
        """Tell whether the columns hold this event exactly."""

    @abstractmethod
    def array(self, events: Sequence[E]) -> Any:
        """Return a struct array with one row for each event, in order; each event fits."""

    @abstractmethod
    def events(self, rows: Any) -> list[E]:
        """Return the events of a struct array, in order."""


def listed(values: Any, lengths: Sequence[int]) -> Any:
    """Return a list array whose entries take so many of ``values`` each, in order."""
    pa = load_arrow()
    offsets = [0]
    for length in lengths:
        offsets.append(offsets[-1] + length)
    return pa.ListArray.from_arrays(pa.array(offsets, pa.int32()), values)


def cut(values: tuple[Any, ...], column: Any) -> list[tuple[Any, ...]]:
    """Return one tuple for each entry of a list array, out of its flattened ``values``."""
    offsets = column.offsets.to_pylist()
    return [values[start:end] for start, end in pairwise(offsets)]
