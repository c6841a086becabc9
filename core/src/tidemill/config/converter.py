"""The converter from TOML values to settings: strict, and with every fault at its place.

cattrs chooses the hook of a type; the hooks here are ours, since cattrs' own take ``"3"`` for a number and stop at a value's first fault.
"""

import types
from collections.abc import Callable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from contextlib import suppress
from datetime import date, datetime, time
from decimal import Decimal, InvalidOperation
from difflib import get_close_matches
from enum import Enum
from functools import partial
from pathlib import Path
from typing import Any, Literal, Union, get_args, get_origin

import attrs
from cattrs import BaseConverter, Converter

from tidemill.config.misfit import Fault, Faults, Misfit, describe, expected, one_of
from tidemill.config.secret import INLINE, Secret, is_reference
from tidemill.config.tables import read_class

Read = Callable[[Any, Any], Any]


def make_converter() -> Converter:
    """Return a converter for values, containers, unions and attrs classes; what it raises is ``Misfit`` and nothing else."""
    converter = Converter()
    for kind, read in _LEAVES.items():
        converter.register_structure_hook(kind, read)
    converter.register_structure_hook_factory(_is_enum, _enum)
    converter.register_structure_hook_factory(_is_literal, _literal)
    converter.register_structure_hook_factory(_is_list, _list)
    converter.register_structure_hook_factory(_is_table, _table)
    converter.register_structure_hook_factory(_is_union, _union)
    converter.register_structure_hook_factory(_is_settings, _settings)
    return converter


def _text(value: Any, _: Any) -> str:
    if not isinstance(value, str):
        raise expected("text", value)
    return value


def _whole(value: Any, _: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise expected("a whole number", value)
    return value


def _switch(value: Any, _: Any) -> bool:
    if not isinstance(value, bool):
        raise expected("true or false", value)
    return value


def _number(value: Any, _: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal):
        raise expected("a number", value)
    return float(value)


def _decimal(value: Any, _: Any) -> Decimal:
    found = None
    if isinstance(value, int | float | Decimal | str) and not isinstance(value, bool):
        with suppress(InvalidOperation):
            found = Decimal(str(value))
    if found is None or not found.is_finite():
        raise expected('a number such as 0.5 or "0.5"', value)
    return found


def _path(value: Any, _: Any) -> Path:
    return Path(_text(value, None))


def _moment(value: Any, kind: type[date | time]) -> Any:
    if isinstance(value, str):
        try:
            return kind.fromisoformat(value)
        except ValueError:
            raise expected(f"a {kind.__name__} as in ISO 8601", value) from None
    if type(value) is not kind:
        raise expected(f"a {kind.__name__}", value)
    return value


def _secret(value: Any, _: Any) -> Secret:
    if isinstance(value, str) and not is_reference(value):
        raise Misfit(Fault((), INLINE))
    if not isinstance(value, str):
        raise Misfit(Fault((), 'expected a reference, "env:NAME" or "file:PATH"'))
    return Secret(value)


_LEAVES: dict[Any, Read] = {
    str: _text,
    int: _whole,
    bool: _switch,
    float: _number,
    Decimal: _decimal,
    Path: _path,
    Secret: _secret,
    datetime: _moment,
    date: _moment,
    time: _moment,
}


def _is_enum(kind: Any) -> bool:
    return isinstance(kind, type) and get_origin(kind) is None and issubclass(kind, Enum)


def _is_literal(kind: Any) -> bool:
    origin: Any = get_origin(kind)
    return origin is Literal


def _is_union(kind: Any) -> bool:
    origin: Any = get_origin(kind)
    return origin is Union or origin is types.UnionType


def _is_settings(kind: Any) -> bool:
    return isinstance(kind, type) and attrs.has(kind)


def _is_list(kind: Any) -> bool:
    origin = get_origin(kind) or kind
    return isinstance(origin, type) and issubclass(origin, list | tuple | AbstractSet | Sequence) and not issubclass(origin, str | bytes)


def _is_table(kind: Any) -> bool:
    origin = get_origin(kind) or kind
    return isinstance(origin, type) and issubclass(origin, Mapping)


def _settings(kind: type[Any], converter: BaseConverter) -> Read:
    return lambda value, _: read_class(kind, value, converter)


def _enum(kind: type[Enum], converter: BaseConverter) -> Read:
    choices = {member.value if isinstance(member.value, str | int) else member.name: member for member in kind}

    def read(value: Any, _: Any) -> Any:
        return _choose(value, choices)

    return read


def _literal(kind: Any, converter: BaseConverter) -> Read:
    choices = {choice: choice for choice in get_args(kind)}

    def read(value: Any, _: Any) -> Any:
        return _choose(value, choices)

    return read


def _choose(value: Any, choices: Mapping[Any, Any]) -> Any:
    for choice, meant in choices.items():
        if type(choice) is type(value) and choice == value:
            return meant
    near = get_close_matches(value, [choice for choice in choices if isinstance(choice, str)], n=1) if isinstance(value, str) else []
    hint = f'; did you mean "{near[0]}"?' if near else ""
    raise Misfit(Fault((), f"expected {one_of(choices)}, found {describe(value)}{hint}"))


def _list(kind: Any, converter: BaseConverter) -> Read:
    origin = get_origin(kind) or kind
    arguments = get_args(kind)
    fixed = origin is tuple and bool(arguments) and arguments[-1] is not Ellipsis
    make: Callable[[Any], Any] = {list: list, set: set}.get(origin, frozenset if issubclass(origin, AbstractSet) else tuple)

    def read(value: Any, _: Any) -> Any:
        if not isinstance(value, list | tuple):
            raise expected("a list", value)
        if fixed and len(value) != len(arguments):
            raise Misfit(Fault((), f"expected a list of {len(arguments)}, found one of {len(value)}"))
        inner = arguments if fixed else [arguments[0] if arguments else Any] * len(value)
        faults = Faults()
        members = [
            faults.read(place, partial(converter.structure, member, member_kind))
            for place, (member, member_kind) in enumerate(zip(value, inner, strict=True))
        ]
        faults.raise_if_any()
        return make(members)

    return read


def _table(kind: Any, converter: BaseConverter) -> Read:
    key_kind, value_kind = get_args(kind) or (str, Any)

    def read(value: Any, _: Any) -> dict[Any, Any]:
        if not isinstance(value, Mapping):
            raise expected("a table", value)
        faults, table = Faults(), {}
        for name, inner in value.items():
            key = faults.read(name, partial(converter.structure, name, key_kind))
            table[key] = faults.read(name, partial(converter.structure, inner, value_kind))
        faults.raise_if_any()
        return table

    return read


def _union(kind: Any, converter: BaseConverter) -> Read:
    members = [member for member in get_args(kind) if member is not type(None)]
    members.sort(key=lambda member: member is not Secret)  # "env:NAME" is a reference wherever a Secret may stand

    def read(value: Any, _: Any) -> Any:
        said: list[Misfit] = []
        for member in members:
            try:
                return converter.structure(value, member)
            except Misfit as misfit:
                said.append(misfit)
        raise said[-1] if len(said) == 1 else _none_fits(said, value)

    return read


def _none_fits(said: Sequence[Misfit], value: Any) -> Misfit:
    """Return the faults of the member that was entered furthest, else all that was expected."""
    deepest = max(said, key=lambda misfit: max(len(fault.keys) for fault in misfit.faults))
    if any(fault.keys for fault in deepest.faults):
        return deepest
    wanted = [fault.message.removeprefix("expected ").partition(", found")[0] for misfit in said for fault in misfit.faults]
    return expected(" or ".join(dict.fromkeys(wanted)), value)
