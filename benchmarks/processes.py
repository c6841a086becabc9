"""Runs whole commands and says what each took: time on the wall, processor time, the most memory.

Every process finds its modules compiled, as after any installation: they are kept in a folder of this benchmark's own, which the first,
uncounted round fills. Where the environment forbids compiled files, each command would otherwise compile everything anew.
"""

import os
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from shutil import which
from tempfile import TemporaryDirectory
from time import perf_counter

from attrs import frozen

TOOLS = Path(sys.executable).parent
"""Where this environment's commands are."""
_MAXRSS_UNIT = 1 if sys.platform == "darwin" else 1024
_COMPILED = TemporaryDirectory(prefix="tidemill-bench-")
_ENVIRONMENT = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
_ENVIRONMENT["PYTHONPYCACHEPREFIX"] = _COMPILED.name
_SPAWN = "import os,sys; p=os.posix_spawn(sys.argv[1],sys.argv[1:],os.environ); r=os.wait4(p,0); print(r[1],r[2].ru_maxrss,file=sys.stderr)"


Wall = Callable[[], float]
"""Runs something and returns its seconds on the wall."""


@frozen
class Cost:
    """What one process cost: seconds on the wall and of the processor."""

    wall_s: float
    cpu_s: float


def run(command: Sequence[str], folder: Path | None = None, environment: Mapping[str, str] | None = None) -> Cost:
    """Run a command to its end and return its cost; what it prints is thrown away. ``environment`` is added to that of the benchmark.

    Raises:
        RuntimeError: it failed.
    """
    started = perf_counter()
    process = subprocess.Popen(  # noqa: S603 - this benchmark's own command
        command, cwd=folder, env={**_ENVIRONMENT, **(environment or {})}, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
    )
    with process:
        errors = process.stderr.read() if process.stderr is not None else b""
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise RuntimeError(f"{' '.join(command)} ended with {process.returncode}: {errors.decode(errors='replace').strip()[-300:]}")
    return Cost(perf_counter() - started, usage.ru_utime + usage.ru_stime)


class Command:
    """Runs a command in one case and gives its processor time in the next."""

    def __init__(self, command: Sequence[str], folder: Path | None = None, environment: Mapping[str, str] | None = None) -> None:
        self._command = command
        self._folder = folder
        self._environment = environment
        self._cost = Cost(0.0, 0.0)

    def wall_s(self) -> float:
        """Run it: seconds on the wall."""
        self._cost = run(self._command, self._folder, self._environment)
        return self._cost.wall_s

    def cpu_s(self) -> float:
        """Return the processor time of the run before."""
        return self._cost.cpu_s


def most_memory_mb(command: Sequence[str], folder: Path) -> float:
    """Run a command and return the most memory that it held, in megabytes of 10^6 bytes.

    A process starts with its parent's high-water mark, so that a small Python stands between.

    Raises:
        RuntimeError: it failed.
    """
    small = [sys.executable, "-S", "-I", "-c", _SPAWN, *command]
    done = subprocess.run(  # noqa: S603 - this benchmark's own command
        small, cwd=folder, env=_ENVIRONMENT, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, check=False
    )
    status, _, most = done.stderr.strip().rpartition("\n")[2].partition(" ")
    if done.returncode or status != "0":
        raise RuntimeError(f"{' '.join(command)} failed: {done.stderr.strip()[-300:]}")
    return int(most) * _MAXRSS_UNIT / 1e6


def tidemill(*arguments: str) -> list[str]:
    """Return the command line of this environment's `tidemill`."""
    return [str(TOOLS / "tidemill"), *arguments]


def pip() -> list[str] | None:
    """Return the command of the pip that belongs to the Python below this environment; None where it has none."""
    base = Path(sys.base_prefix, "bin", "python3")
    return [str(base), "-m", "pip"] if any(Path(sys.base_prefix, "lib").glob("python3*/site-packages/pip")) else None


def uv() -> list[str] | None:
    """Return the command of uv itself, not of a shim before it; None where there is none."""
    named = os.environ.get("UV") or which("uv")
    return [named] if named is not None else None
