"""Columns of plain values: one for each attribute of a class whose attributes are texts and integers, or None."""

from collections.abc import Iterator, Sequence
from itertools import repeat
from typing import Any, Generic, Literal, TypeVar, get_args, get_origin

import attrs

from tidemill.errors import InvariantError
from tidemill.tape.arrow import load_arrow
from tidemill.tape.columns.layout import is_int64, is_text

V = TypeVar("V", bound=attrs.AttrsInstance)


class Rows(Generic[V]):
    """The columns of one class; made from its attributes, so that one more of them is one more column.

    Raises:
        InvariantError: an attribute is neither text nor integer: the class needs a layout of its own.
    """

    def __init__(self, kind: type[V]) -> None:
        self.kind = kind
        self._is_number = {attribute.name: _is_number(kind, attribute.name, attribute.type) for attribute in attrs.fields(kind)}
        self._defaults = {attribute.name: attribute.default for attribute in attrs.fields(kind) if attribute.default is not attrs.NOTHING}
        self._texts = [name for name, is_number in self._is_number.items() if not is_number]
        self._numbers = [name for name, is_number in self._is_number.items() if is_number]

    def fits(self, values: Sequence[V]) -> bool:
        """Tell whether the columns hold these values exactly."""
        return is_text(_present(values, self._texts)) and is_int64(_present(values, self._numbers))

    def array(self, values: Sequence[V]) -> Any:
        """Return a struct array with one row for each value."""
        pa = load_arrow()
        columns = [
            pa.array([getattr(value, name) for value in values], pa.int64() if is_number else pa.string())
            for name, is_number in self._is_number.items()
        ]
        return pa.StructArray.from_arrays(columns, list(self._is_number))

    def values(self, rows: Any) -> list[V]:
        """Return the values of a struct array. An attribute that a tape was written without has its default."""
        there = {field.name for field in rows.type}
        columns = (rows.field(name).to_pylist() if name in there else repeat(self._defaults[name], len(rows)) for name in self._is_number)
        return list(map(self.kind, *columns))


def _present(values: Sequence[Any], names: Sequence[str]) -> Iterator[Any]:
    for value in values:
        for name in names:
            held = getattr(value, name)
            if held is not None:
                yield held


def _is_number(kind: type, name: str, annotation: Any) -> bool:
    """Tell an integer from a text."""
    plain = getattr(annotation, "__supertype__", annotation)
    if plain is int:
        return True
    if plain is str or get_origin(plain) is Literal:
        return False
    present = [part for part in get_args(plain) if part is not type(None)]
    if len(present) != 1:
        raise InvariantError(f"{kind.__name__}.{name} is neither text nor integer: give {kind.__name__} a layout of its own")
    return _is_number(kind, name, present[0])
