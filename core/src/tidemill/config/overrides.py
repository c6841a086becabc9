"""Environment variables over the file: ``TIDEMILL__DEX__UNISWAP__FEE_BPS=30`` sets ``dex.uniswap.fee_bps``."""

import re
import tomllib
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from tidemill.config.place import Keys, Places
from tidemill.errors import Problem

PREFIX = "TIDEMILL__"
_WORD = re.compile(r"[A-Za-z0-9_][\w.:/+-]*")
_AS_WRITTEN = ("assets", "capital", "accounts", "targets", "spends")
"""Tables whose keys are symbols and ids: a variable's spelling is kept there, elsewhere keys are lower case."""


def override(values: dict[str, Any], places: Places, environ: Mapping[str, str]) -> tuple[Places, list[Problem]]:
    """Set what variables say in ``values`` and return the places with them, and what is wrong with them.

    A value is a TOML value; a bare word that is none (``paper``, ``4x``) is text. Keys are found whatever their case. Variables are
    taken in order of their names.
    """
    problems: list[Problem] = []
    variables: dict[Keys, str] = dict(places.variables)
    for name in sorted(name for name in environ if name.startswith(PREFIX)):
        steps = name.removeprefix(PREFIX).split("__")
        try:
            value = _value(environ[name])
            if not all(steps):
                raise _Wrong("expected TIDEMILL__TABLE__KEY with single names between double underscores")
            variables[_put(values, steps, value)] = name
        except _Wrong as wrong:
            problems.append(Problem("$", str(wrong), name))
    return Places(places.file, places.lines, variables, places.root), problems


class _Wrong(Exception):
    """What a variable gets wrong; never leaves this module."""


def _value(text: str) -> Any:
    """Return the TOML value of a text; the message never repeats it, since it may be a secret in the wrong place."""
    text = text.strip()
    try:
        parsed = tomllib.loads(f"value = {text}", parse_float=Decimal)
    except tomllib.TOMLDecodeError:
        if _WORD.fullmatch(text):
            return text
        raise _Wrong('expected a TOML value: a number, true, false, "text" in double quotes or ["a", "list"]') from None
    if set(parsed) != {"value"}:
        raise _Wrong("expected one TOML value, found several lines")
    found = parsed["value"]
    if isinstance(found, Decimal) and not found.is_finite():
        raise _Wrong("expected a finite number")
    return found


def _put(values: dict[str, Any], steps: list[str], value: Any) -> Keys:
    table: Any = values
    path: Keys = ()
    for step in steps[:-1]:
        key = _enter(table, path, step)
        path = (*path, key)
        table = table[key]
        if not isinstance(table, dict | list):
            raise _Wrong(f"{'.'.join(map(str, path))} is a value, not a table: {steps[-1].lower()} cannot be set in it")
    if isinstance(table, list):
        raise _Wrong(f"{'.'.join(map(str, path))} is a list: set the whole list")
    last = _spelling(table, path, steps[-1])
    table[last] = value
    return (*path, last)


def _enter(table: Any, path: Keys, step: str) -> str | int:
    """Return the key of an inner table, which is made where there is none; in ``[[dex]]`` it is found by its name."""
    if isinstance(table, list):
        for index, member in enumerate(table):
            if isinstance(member, dict) and str(member.get("name", "")).lower() == step.lower():
                return index
        if path != ("dex",):
            raise _Wrong(f"{'.'.join(map(str, path))} is a list: set the whole list")
        table.append({"name": step.lower()})
        return len(table) - 1
    key = _spelling(table, path, step)
    table.setdefault(key, {})
    return key


def _spelling(table: Mapping[str, Any], path: Keys, step: str) -> str:
    for key in table:
        if key.lower() == step.lower():
            return key
    return step if path and path[-1] in _AS_WRITTEN else step.lower()
