"""Reads a table into an attrs class: unknown keys, missing keys, wrong types and what validators refuse, all at once."""

import re
from collections.abc import Collection, Mapping
from functools import partial
from typing import Any

import attrs
from cattrs import BaseConverter

from tidemill.config.misfit import Fault, Faults, Misfit, describe, expected, one_of
from tidemill.config.place import unknown_key

_ATTRS_SAYS = re.compile(r"(?:'\w+' |\w+: )(?P<rule>.+?)(?:: (?P<found>[^:]*)| \(got (?P<got>.*)\))?", re.DOTALL)


def read_class(kind: type[Any], value: Any, converter: BaseConverter, also_known: tuple[str, ...] = ()) -> Any:
    """Return an instance made from a table.

    Args:
        kind: an attrs class; its attributes are the keys.
        value: what stands in the configuration.
        converter: reads the values.
        also_known: keys of the same table that others read, for the hint at a misspelt one.

    Raises:
        Misfit: with every fault found.
    """
    if not isinstance(value, Mapping):
        raise expected("a table", value)
    attributes = {_key(attribute): attribute for attribute in attrs.fields(attrs.resolve_types(kind)) if attribute.init}
    faults, given = Faults(), {}
    for name in value:
        if name not in attributes:
            faults.add(unknown_key(name, sorted({*attributes, *also_known})), name)
    for name, attribute in attributes.items():
        if name in value:
            before = len(faults.found)
            read = faults.read(name, partial(converter.structure, value[name], attribute.type))
            if len(faults.found) == before:
                given[name] = read
        elif attribute.default is attrs.NOTHING:
            faults.add("is missing: it has no default", name)
    _validate(kind, attributes, given, faults)
    faults.raise_if_any()
    try:
        return kind(**given)
    except (ValueError, TypeError) as error:
        raise Misfit(Fault((), _said(error))) from None


def _key(attribute: "attrs.Attribute[Any]") -> str:
    return attribute.alias or attribute.name


def _validate(kind: type[Any], attributes: Mapping[str, "attrs.Attribute[Any]"], given: Mapping[str, Any], faults: Faults) -> None:
    """Ask each validator on its own: the class would stop at the first that refuses."""
    bare = object.__new__(kind)
    for name, found in given.items():
        object.__setattr__(bare, attributes[name].name, found)
    for name, found in given.items():
        attribute = attributes[name]
        if attribute.validator is None or attribute.converter is not None:
            continue
        try:
            attribute.validator(bare, attribute, found)
        except (ValueError, TypeError) as error:
            faults.add(_said(error), name)
        except AttributeError:
            continue  # it compares with another key, which is missing or wrong itself: the class asks again


def _said(error: Exception) -> str:
    """Return a validator's message; those of attrs repeat the key, which stands before every message of ours, and show Python's ranges."""
    choices, found = error.args[2:] if len(error.args) == 4 else (None, None)
    if isinstance(choices, range | tuple | list | set | frozenset) and choices:
        return f"must be {_listed(choices)}, found {describe(found) if isinstance(found, str) else found}"
    text = str(error.args[0]) if error.args else type(error).__name__
    matched = _ATTRS_SAYS.fullmatch(text)
    if matched is None:
        return text
    value = matched["found"] or matched["got"]
    return f"{matched['rule']}, found {value.strip()}" if value else matched["rule"]


def _listed(choices: Collection[Any]) -> str:
    """Return what may be chosen as people say it: ``2 to 12`` of a range, else every choice."""
    if not isinstance(choices, range) or len(choices) < 3:
        return one_of(choices if isinstance(choices, range | tuple | list) else sorted(choices, key=_by_number))
    low, high = min(choices), max(choices)
    return f"{low} to {high}" if abs(choices.step) == 1 else f"{low} to {high} in steps of {abs(choices.step)}"


def _by_number(choice: Any) -> tuple[int, int, str]:
    return (0, choice, "") if isinstance(choice, int) else (1, 0, str(choice))
