"""The installer of the environment in use: uv where uv made it, else pip."""

import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

from attrs import frozen

from tidemill.errors import TidemillError, UsageError

LAST_LINES = 12
TIMEOUT_S = 900
"""A resolver that has not come to an end by then waits for something that will not come."""


class InstallFailed(TidemillError):
    """pip or uv did not do what was asked; the message holds its last lines and what to do."""


@frozen
class Tool:
    """``name`` is ``uv`` or ``pip``, ``command`` how it is called, ``python`` the interpreter whose environment is changed."""

    name: str
    command: tuple[str, ...]
    python: str

    def run(self, arguments: Sequence[str], doing: str, remedy: str, given: str = "") -> subprocess.CompletedProcess[str]:
        """Run it and return what it said; ``given`` is what it reads from standard input.

        Raises:
            InstallFailed: it could not be started, took too long, or ended with an error.
        """
        call = [*self.command, *arguments]
        try:
            # Our own arguments, and no shell
            done = subprocess.run(call, capture_output=True, text=True, timeout=TIMEOUT_S, check=False, input=given)  # noqa: S603
        except OSError as error:
            raise InstallFailed(f"{doing} failed: {call[0]} cannot be started: {error.strerror}; {remedy}") from error
        except subprocess.TimeoutExpired as error:
            raise InstallFailed(f"{doing} failed: {self.name} was not done after {TIMEOUT_S} s; {remedy}") from error
        if done.returncode:
            said = [line for line in f"{done.stdout}\n{done.stderr}".splitlines() if line.strip()][-LAST_LINES:]
            raise InstallFailed("\n".join([f"{doing} failed; the last lines of {self.name}:", *(f"  {line}" for line in said), remedy]))
        return done


def tool_of(python: str = sys.executable) -> Tool:
    """Return the installer of an environment.

    Args:
        python: its interpreter; the one that runs this by default.

    Raises:
        UsageError: it has neither pip nor can uv be found.
    """
    uv = os.environ.get("UV") or shutil.which("uv")
    if uv is not None and (_is_of_uv(Path(python)) or not _has_pip(Path(python))):
        return Tool("uv", (uv, "--no-progress", "--color", "never"), python)
    if _has_pip(Path(python)):
        return Tool("pip", (python, "-m", "pip", "--disable-pip-version-check", "--no-input"), python)
    raise UsageError(f"{python}: its environment has no pip, and uv is not found: run `{python} -m ensurepip`, or install uv")


def _is_of_uv(python: Path) -> bool:
    """Tell whether uv made the environment: it says so in pyvenv.cfg."""
    try:
        lines = (python.parent.parent / "pyvenv.cfg").read_text("utf-8").splitlines()
    except OSError:
        return False
    return any(line.partition("=")[0].strip() == "uv" for line in lines)


def _has_pip(python: Path) -> bool:
    if python == Path(sys.executable):
        return find_spec("pip") is not None
    return any((python.parent.parent / "lib").glob("python*/site-packages/pip/__init__.py"))
