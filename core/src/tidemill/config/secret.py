"""Secrets by reference: the configuration names where a secret is kept, never the secret itself."""

import os
import re
from collections.abc import Mapping
from pathlib import Path

from tidemill.errors import ConfigError, Problem
from tidemill.redaction import remember_secret

_REFERENCE = re.compile(r"env:[A-Za-z_][A-Za-z0-9_]*|file:.+", re.DOTALL)
_TELLING = re.compile(
    r"(?i)(private_?key|secret|passw(or)?d|passphrase|mnemonic|seed_?phrase|api_?key|(auth|access|bot|api|bearer)_?token|credentials?)$"
)


class Secret:
    """A secret that is kept elsewhere: ``env:NAME`` (an environment variable) or ``file:PATH`` (the file's text without its last newline).

    It is read when ``reveal`` is called, not before. Printing, comparing, hashing and serialising know the reference alone.
    """

    __slots__ = ("_reference",)

    def __init__(self, reference: str) -> None:
        if not is_reference(reference):
            raise ConfigError([Problem("$", INLINE)])
        self._reference = reference

    @property
    def reference(self) -> str:
        """Where the secret is kept; safe to print."""
        return self._reference

    def reveal(self, environ: Mapping[str, str] | None = None) -> str:
        """Return the secret itself; from now on it is taken out of what is told.

        Raises:
            ConfigError: the variable is not set, the file cannot be read, or what is there is empty.
        """
        kind, _, place = self._reference.partition(":")
        if kind == "env":
            found = (os.environ if environ is None else environ).get(place, "")
        else:
            try:
                found = Path(place).expanduser().read_text("utf-8").rstrip("\r\n")
            except (OSError, UnicodeDecodeError) as error:
                raise ConfigError([Problem("$", f"the secret {self._reference} cannot be read: {type(error).__name__}")]) from error
        if not found:
            raise ConfigError([Problem("$", f"the secret {self._reference} is not set or empty")])
        remember_secret(found)
        return found

    def __repr__(self) -> str:
        return f"Secret({self._reference!r})"

    __str__ = __repr__

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and self._reference == other._reference

    def __hash__(self) -> int:
        return hash((Secret, self._reference))


INLINE = 'expected a reference, "env:NAME" or "file:PATH", found it inline; keep it there, and renew it, since it stood in the open'
"""What an inline secret is told; the secret is never repeated."""


def is_reference(text: object) -> bool:
    """Whether a value names where a secret is kept."""
    return isinstance(text, str) and _REFERENCE.fullmatch(text) is not None


def names_a_secret(key: str) -> bool:
    """Whether a key's name says that its value is secret (``private_key``, ``api_token``, …)."""
    return _TELLING.search(key) is not None
