"""Changes a configuration file in place: comments, order and spacing stay."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import tomlkit
from tomlkit.items import AoT

from tidemill.config.load import parse_config
from tidemill.config.read import read_file
from tidemill.errors import UsageError

Change = Mapping[tuple[str, ...], Any]
"""New values by the names that lead to them; None removes a key."""


def edit_text(text: str, changes: Change) -> str:
    """Return a TOML text with values set or removed; tables that are missing are added.

    In ``[[dex]]`` the second name is that of the DEX.

    Raises:
        UsageError: a name leads through something that is not a table.
    """
    document = tomlkit.parse(text)
    for keys, value in changes.items():
        table: Any = document
        for place, key in enumerate(keys[:-1]):
            table = _enter(table, key)
            if not isinstance(table, dict | AoT):
                raise UsageError(f"{'.'.join(keys[: place + 1])} is not a table: {keys[-1]} cannot be set in it")
        if value is None:
            table.pop(keys[-1], None)
        else:
            table[keys[-1]] = value
    return tomlkit.dumps(document)


def edit_config(path: Path, changes: Change) -> None:
    """Change a configuration file, in one step: a crash leaves the old file or the new one.

    Raises:
        ConfigError: the file cannot be read or written, or would not load afterwards; then it is as it was.
        UsageError: a name leads through something that is not a table.
    """
    text = edit_text(read_file(path), changes)
    parse_config(text, str(path), {})
    write_text(path, text)


def write_text(path: Path, text: str) -> None:
    """Write a file whole or not at all.

    Raises:
        UsageError: it cannot be written.
    """
    draft = path.with_name(f".{path.name}.new")
    try:
        draft.write_text(text, "utf-8")
        draft.replace(path)
    except OSError as error:
        raise UsageError(f"{path} cannot be written: {error.strerror}") from error


def _enter(table: Any, key: str) -> Any:
    if isinstance(table, AoT):
        for member in table:
            if member.get("name") == key:
                return member
        table.append(tomlkit.item({"name": key}))
        return table[-1]
    if key not in table:
        table[key] = tomlkit.table()
    return table[key]
