"""Passphrases: typed at a terminal, or read from a file or an open file descriptor; never from an argument or the environment."""

import os
import stat
import unicodedata
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Any, Final

import click
from attrs import frozen

from tidemill.errors import UsageError
from tidemill_command_signer.keystore.secret import SecretBytes

SHORTEST: Final = 12
"""Characters of a new passphrase, at least: shorter ones are guessed, whatever a guess costs."""
_LONGEST: Final = 4_096


@frozen
class PassphraseSource:
    """Where a passphrase comes from: file descriptor, file, or, where neither is named, the terminal.

    ``options`` are the names of the two options, for messages.
    """

    fd: int | None = None
    file: Path | None = None
    options: tuple[str, str] = ("--passphrase-fd", "--passphrase-file")

    def read(self, prompt: str, *, new: bool = False) -> SecretBytes:
        """Return the passphrase, its last newline left out, in Unicode's composed form: systems differ in what a key types.

        Args:
            prompt: what is asked at a terminal.
            new: it will be used from now on: asked for twice, and not shorter than ``SHORTEST`` characters.

        Raises:
            UsageError: none is given, a new one is too short or no UTF-8, others can read its file, or there is nowhere to ask.
        """
        if self.fd is not None and self.file is not None:
            raise UsageError(f"{self.options[0]} and {self.options[1]} are two ways to say the same: give one")
        if self.fd is not None:
            found = _composed(self._of_fd(self.fd))
        elif self.file is not None:
            found = _composed(self._of_file(self.file))
        else:
            found = self._asked(prompt, twice=new)
        if not len(found):
            raise UsageError("the passphrase is empty")
        if new and not _is_text(found):
            # What other programs sealed under such bytes must open; for what is sealed from now on there is a choice
            raise UsageError(
                "the passphrase is no UTF-8 text, so that no terminal could ever type it: save its file as UTF-8 (an editor calls that an "
                "encoding), or choose other words"
            )
        if new and _characters(found) < SHORTEST:
            raise UsageError(
                f"the passphrase has {_characters(found)} characters: a new one needs {SHORTEST}; four or five random words do"
            )
        return found

    def _of_fd(self, fd: int) -> SecretBytes:
        try:
            with os.fdopen(fd, "rb", closefd=False) as file:
                return SecretBytes(file.read(_LONGEST))
        except OSError as error:
            raise UsageError(f"{self.options[0]} {fd} cannot be read: {error.strerror}") from error

    def _of_file(self, path: Path) -> SecretBytes:
        try:
            with path.open("rb") as file:
                found = os.fstat(file.fileno())
                mode = stat.S_IMODE(found.st_mode)
                if stat.S_ISREG(found.st_mode) and mode & 0o077:
                    raise UsageError(f"others may read the passphrase in {path} (mode {mode:04o}): type `chmod 600 {path}`, and change it")
                return SecretBytes(file.read(_LONGEST))
        except OSError as error:
            raise UsageError(f"{self.options[1]} {path} cannot be read: {error.strerror}") from error

    def _asked(self, prompt: str, *, twice: bool) -> SecretBytes:
        if not _has_terminal():
            raise UsageError(f"there is no terminal to ask for the {prompt}: name {self.options[0]} N or {self.options[1]} F")
        found = _typed(prompt)
        if twice and _typed(f"{prompt} again") != found:
            raise UsageError("the two passphrases differ: nothing was done")
        return found


Function = Callable[..., Any]


def passphrase_options(of: str, prefix: str = "") -> Callable[[Function], Function]:
    """Return a decorator that gives a command the two options of a passphrase, and its function a ``PassphraseSource``.

    Args:
        of: whose passphrase it is, for the help.
        prefix: what the names of options (``--<prefix>-passphrase-fd``) and argument (``<prefix>_passphrase``) begin with.
    """
    name = f"{prefix}-passphrase" if prefix else "passphrase"
    argument, options = name.replace("-", "_"), (f"--{name}-fd", f"--{name}-file")

    def add(command: Function) -> Function:
        @wraps(command)
        def call(**given: Any) -> Any:
            source = PassphraseSource(given.pop(f"{argument}_fd"), given.pop(f"{argument}_file"), options)
            return command(**given, **{argument: source})

        fd = click.option(options[0], type=click.IntRange(min=0), metavar="N", help=f"Read the passphrase of {of} from this open file.")
        file = click.option(
            options[1], type=click.Path(path_type=Path), metavar="F", help="Read it from this file, which you alone can read."
        )
        return fd(file(call))

    return add


def _has_terminal() -> bool:
    try:
        os.close(os.open("/dev/tty", os.O_RDWR | os.O_NOCTTY | os.O_CLOEXEC))
    except OSError:
        return False
    return True


def _typed(prompt: str) -> SecretBytes:
    from getpass import getpass

    try:
        return _composed(SecretBytes(getpass(f"{prompt}: ").encode("utf-8", "surrogateescape")))
    except EOFError as error:
        raise click.Abort from error


def _composed(raw: SecretBytes) -> SecretBytes:
    return SecretBytes(unicodedata.normalize("NFC", _line(raw)).encode("utf-8", "surrogateescape"))


def _line(raw: SecretBytes) -> str:
    return raw.reveal().decode("utf-8", "surrogateescape").removesuffix("\n").removesuffix("\r")


def _is_text(passphrase: SecretBytes) -> bool:
    try:
        passphrase.reveal().decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def _characters(passphrase: SecretBytes) -> int:
    return len(passphrase.reveal().decode("utf-8", "surrogateescape"))
