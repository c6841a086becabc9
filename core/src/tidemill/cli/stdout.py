"""Keeps standard output for our own JSON lines: whatever else writes there while a run is on goes to standard error."""

import io
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import TextIO

from tidemill.cli.log import note_stray_output

_STDOUT, _STDERR = 1, 2


class _Stray(io.TextIOBase):
    """Stands in for ``sys.stdout``: passes on to standard error, and says so once."""

    encoding = "utf-8"

    def __init__(self) -> None:
        super().__init__()
        self._told = False

    def writable(self) -> bool:
        return True

    def isatty(self) -> bool:
        return False

    def fileno(self) -> int:
        return sys.stderr.fileno()

    def write(self, text: str) -> int:
        if not self._told:
            self._told = True
            note_stray_output()
        sys.stderr.write(text)
        return len(text)

    def flush(self) -> None:
        sys.stderr.flush()


@contextmanager
def own_stdout() -> Iterator[TextIO]:
    """Give the real standard output to the caller alone, and everyone else standard error.

    Both what Python code prints and what is written to file descriptor 1 (an extension in C, a program that a plugin starts) is diverted,
    where standard output is that descriptor; only the first is told of.
    """
    before = sys.stdout
    before.flush()
    try:
        real = os.dup(_STDOUT) if before.fileno() == _STDOUT else None
    except (OSError, ValueError):
        real = None
    if real is None:
        ours = before
    else:
        os.dup2(_STDERR, _STDOUT)
        ours = os.fdopen(real, "w", encoding=before.encoding, errors=before.errors)
    sys.stdout = _Stray()
    try:
        yield ours
    finally:
        sys.stdout = before
        if real is not None:
            # Lines that could not be written were told when the notifier failed; the summary is printed by the caller, who checks
            with suppress(OSError, ValueError):
                ours.flush()
            os.dup2(real, _STDOUT)
            with suppress(OSError, ValueError):
                ours.close()
