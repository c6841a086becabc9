"""Finds the line of every key in a TOML text: the parsers that Python has give values without places."""

import re
import tomllib
from bisect import bisect_right

from tidemill.config.place import Keys

_BLANK = re.compile(r"(?:[\s,]|#[^\n]*)*")
_KEY = re.compile(r"[ \t]*(?:(?P<bare>[A-Za-z0-9_-]+)|(?P<quoted>\"(?:\\.|[^\"\\])*\"|'[^']*'))[ \t]*(?P<dot>\.)?")
_SCALAR = re.compile(
    r'"""(?:\\.|[^\\])*?"""(?:"{0,2})'
    r"|'''.*?'''(?:'{0,2})"
    r'|"(?:\\.|[^"\\])*"'
    r"|'[^']*'"
    r"|\d{4}-\d\d-\d\d \d\d:[^\s,\]}#]*"
    r"|[^\s,\]}#]+",
    re.DOTALL,
)


def locate(text: str) -> dict[Keys, int]:
    """Return the line (from 1) at which each key, table and list element of a valid TOML text begins.

    A table that is only implied by a longer header stands where it is first implied.
    """
    return _Locator(text.replace("\r\n", "\n")).run()


class _Locator:
    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0
        self._newlines = [place for place, sign in enumerate(text) if sign == "\n"]
        self._lines: dict[Keys, int] = {}
        self._last: dict[Keys, int] = {}  # arrays of tables: the index that a header means now

    def run(self) -> dict[Keys, int]:
        table: Keys = ()
        while self._skip():
            if self._text.startswith("[[", self._at):
                self._at += 2
                table = self._open(self._keys(), array=True)
                self._at += 2
            elif self._text.startswith("[", self._at):
                self._at += 1
                table = self._open(self._keys(), array=False)
                self._at += 1
            else:
                self._pair(table)
        return self._lines

    def _skip(self) -> bool:
        """Pass blanks, commas and comments; False at the end."""
        found = _BLANK.match(self._text, self._at)
        self._at = found.end() if found else self._at
        return self._at < len(self._text)

    def _keys(self) -> Keys:
        keys: list[str] = []
        while found := _KEY.match(self._text, self._at):
            self._at = found.end()
            keys.append(found["bare"] or next(iter(tomllib.loads(f"{found['quoted']} = 0"))))
            if not found["dot"]:
                break
        return tuple(keys)

    def _open(self, keys: Keys, *, array: bool) -> Keys:
        path: Keys = ()
        for key in keys[:-1]:
            path = self._enter((*path, key))
        path = (*path, keys[-1])
        if not array:
            return self._enter(path)
        self._mark(path)
        self._last[path] = self._last.get(path, -1) + 1
        path = (*path, self._last[path])
        self._mark(path)
        return path

    def _enter(self, path: Keys) -> Keys:
        self._mark(path)
        return (*path, self._last[path]) if path in self._last else path

    def _pair(self, table: Keys) -> None:
        path = table
        for key in self._keys():
            path = (*path, key)
            self._mark(path)
        self._at = self._text.index("=", self._at) + 1
        self._value(path)

    def _value(self, path: Keys) -> None:
        self._skip()
        sign = self._text[self._at]
        if sign == "[":
            self._at += 1
            index = 0
            while self._skip() and self._text[self._at] != "]":
                self._mark((*path, index))
                self._value((*path, index))
                index += 1
            self._at += 1
        elif sign == "{":
            self._at += 1
            while self._skip() and self._text[self._at] != "}":
                self._pair(path)
            self._at += 1
        else:
            found = _SCALAR.match(self._text, self._at)
            self._at = found.end() if found else len(self._text)

    def _mark(self, path: Keys) -> None:
        self._lines.setdefault(path, bisect_right(self._newlines, self._at - 1) + 1)
