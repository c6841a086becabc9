"""Bare virtual environments that hold nothing but wheels, as those of users do."""

import fcntl
import os
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

from attrs import frozen

from tests.commands import Ended

ROOT = Path(__file__).parents[1]
PATIENCE_S = 300
PINS = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["uv"]


@frozen
class Bare:
    """A virtual environment; ``wheels`` is where our distributions are found, ``pins`` the versions of all others."""

    folder: Path
    wheels: Path
    pins: Path

    @property
    def bin(self) -> Path:
        """Where its commands are."""
        return self.folder / "bin"

    def install(self, *packages: str) -> Ended:
        """Install distributions by name, wheels or folders."""
        command = ["uv", "pip", "install", "-q", "--python", str(self.bin / "python"), "--find-links", str(self.wheels)]
        return _ended([*command, "--constraints", str(self.pins), *packages], self.folder)

    def run(self, *command: str, cwd: Path) -> Ended:
        """Run one of its commands to its end, with nothing else on the path of Python."""
        return _ended([str(self.bin / command[0]), *command[1:]], cwd)


def build(project: Path, into: Path, *options: str) -> None:
    """Build wheels of a project; a copy of it where it lies outside the workspace, so that nothing is written there."""
    constraints = into / "build-pins.txt"
    constraints.write_text("\n".join(PINS["build-constraint-dependencies"]), "utf-8")
    command = ["uv", "build", "--quiet", "--wheel", "--out-dir", str(into), "--build-constraints", str(constraints), *options, str(project)]
    ended = _ended(command, into)
    assert 0 == ended.code, ended.err


def build_workspace(into: Path) -> Path:
    """Build the wheels of all members, once however many processes ask for it at the same time."""
    into.mkdir(parents=True, exist_ok=True)
    with (into / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (into / "done").exists():
            build(ROOT, into, "--all-packages")
            (into / "done").touch()
    return into


def bare(folder: Path, wheels: Path) -> Bare:
    """Make an empty environment."""
    ended = _ended(["uv", "venv", "-q", "--python", sys.executable, str(folder)], wheels)
    assert 0 == ended.code, ended.err
    pins = folder / "pins.txt"
    pins.write_text("\n".join(PINS["constraint-dependencies"]), "utf-8")
    return Bare(folder, wheels, pins)


def _ended(command: list[str], cwd: Path) -> Ended:
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST_", "COV_", "COVERAGE_", "VIRTUAL_ENV"))}
    inherited.pop("PYTHONPATH", None)
    assert shutil.which("uv"), "these tests build and install with uv, which is not on the path: pip install uv"
    done = subprocess.run(command, cwd=cwd, env=inherited, capture_output=True, text=True, timeout=PATIENCE_S, check=False)
    return Ended(done.returncode, done.stdout, done.stderr)
