"""Where each key of a configuration was written: a line of a file, or an environment variable."""

import re
from collections.abc import Mapping
from difflib import get_close_matches
from typing import Any

from attrs import field, frozen

from tidemill.errors import Problem

Keys = tuple[str | int, ...]
"""The way to a value: names of tables and keys, and places in lists."""

_BARE = re.compile(r"[A-Za-z0-9_-]+")


def json_path(keys: Keys) -> str:
    """Return keys as people are shown them: ``$.dex[0].fee_bps``."""
    return "$" + "".join(_step(key) for key in keys)


def _step(key: str | int) -> str:
    if isinstance(key, int):
        return f"[{key}]"
    return f".{key}" if _BARE.fullmatch(key) else f'."{key}"'


@frozen
class Places:
    """Says where keys stand. ``root`` is put before every key asked for; ``lines`` and ``variables`` hold whole paths.

    ``variables``: the environment variable that set a path, which then counts before the file's line.
    """

    file: str = ""
    lines: Mapping[Keys, int] = field(factory=dict)
    variables: Mapping[Keys, str] = field(factory=dict)
    root: Keys = ()

    def below(self, *keys: str | int) -> "Places":
        """Return the same places as seen from a table in it."""
        return Places(self.file, self.lines, self.variables, self.root + keys)

    def problem(self, message: str, *keys: str | int) -> Problem:
        """Return a problem at a key, or at the nearest table around it that was written somewhere."""
        path = self.root + keys
        for end in range(len(path), 0, -1):
            variable = self.variables.get(path[:end])
            if variable is not None:
                return Problem(json_path(path), message, variable)
            line = self.lines.get(path[:end])
            if line is not None:
                return Problem(json_path(path), message, self.file, line)
            # A table that only variables made has no line of its own, and the one around it has nothing to do with it
            inside = sorted(name for keys, name in self.variables.items() if keys[:end] == path[:end])
            if inside:
                return Problem(json_path(path), message, inside[0])
        return Problem(json_path(path), message, self.file)


def in_file_order(problem: Problem) -> tuple[bool, int]:
    """Sort key of problems: by line; what has none (environment variables) last."""
    return problem.line == 0, problem.line


def unknown_key(key: Any, known: list[str]) -> str:
    """Return the message for a key that means nothing here, with the nearest that does."""
    near = get_close_matches(str(key), known, n=1, cutoff=0.6)
    if near:
        return f"unknown key; did you mean {near[0]}?"
    return f"unknown key; known are {', '.join(known)}" if known else "unknown key; there is nothing to set here"
