"""Reads a TOML text into plain values and the places where they stand."""

import re
import tomllib
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

from tidemill.config.locate import locate
from tidemill.config.place import Keys, Places
from tidemill.errors import ConfigError, Problem

_AT = re.compile(r" \(at (?:line (?P<line>\d+), column (?P<column>\d+)|end of document)\)$")


def read_file(path: Path) -> str:
    """Return the text of a configuration file.

    Raises:
        ConfigError: it is not there, cannot be read, or is not UTF-8.
    """
    try:
        return path.read_text("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ConfigError([Problem("$", f"is not UTF-8 text (byte {error.start})", str(path))]) from error
    except FileNotFoundError as error:
        message = "there is no such file; `tidemill config init` writes one"
        raise ConfigError([Problem("$", message, str(path))]) from error
    except OSError as error:
        raise ConfigError([Problem("$", f"cannot be read: {error.strerror}", str(path))]) from error


def read_toml(text: str, file: str) -> tuple[dict[str, Any], Places]:
    """Return the values of a TOML text and their places; numbers with a point are ``Decimal``, exactly as written.

    Raises:
        ConfigError: the text is not TOML, or holds ``inf`` or ``nan``, which no setting means.
    """
    try:
        values = tomllib.loads(text, parse_float=Decimal)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError([_not_toml(str(error), text, file)]) from error
    except RecursionError as error:
        raise ConfigError([Problem("$", "is not usable TOML: nested too deeply", file)]) from error
    places = Places(file, locate(text))
    endless = [places.problem("expected a finite number", *keys) for keys, value in leaves(values) if not _finite(value)]
    if endless:
        raise ConfigError(endless)
    return values, places


def leaves(value: Any, keys: Keys = ()) -> list[tuple[Keys, Any]]:
    """Return every value that is not a table or a list, with its path, in the order of the text."""
    if isinstance(value, Mapping):
        return [leaf for key, inner in value.items() for leaf in leaves(inner, (*keys, key))]
    if isinstance(value, list):
        return [leaf for index, inner in enumerate(value) for leaf in leaves(inner, (*keys, index))]
    return [(keys, value)]


def _finite(value: Any) -> bool:
    return not isinstance(value, Decimal) or value.is_finite()


def _not_toml(message: str, text: str, file: str) -> Problem:
    found = _AT.search(message)
    said = message[: found.start()] if found else message
    line = int(found["line"]) if found and found["line"] else text.count("\n") + 1
    column = f" (column {found['column']})" if found and found["column"] else ""
    return Problem("$", f"is not TOML: {said}{column}", file, line)
