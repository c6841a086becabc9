"""Command lines as a user types them, and what came of them."""

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from attrs import frozen

from tests.forked import Forked

Environment = Mapping[str, str]
PATIENCE_S = 120
LEAN: Environment = {
    "TIDEMILL__CHAINS__SIM__TOKENS": "12",
    "TIDEMILL__CHAINS__SIM__POOLS": "36",
    "TIDEMILL__CHAINS__SIM__WARMUP_BLOCKS": "10",
}
"""A small simulated market: a block takes milliseconds, and there are fills and reverts all the same."""


@frozen
class Ended:
    """A command that has ended: its exit code (below zero: the signal that ended it) and what it wrote."""

    code: int
    out: str
    err: str

    @property
    def lines(self) -> list[dict[str, Any]]:
        """Standard output, one JSON object a line."""
        return [json.loads(line) for line in self.out.splitlines()]

    @property
    def summary(self) -> dict[str, Any]:
        """The last line of a run's ``--json``."""
        return self.lines[-1]


Tidemill = Callable[..., Ended]
"""``tidemill(*arguments, cwd=…, env=…)``: runs a command to its end."""


class Running:
    """A command that runs in a fork; what it writes can be read while it does."""

    def __init__(self, process: Forked, folder: Path) -> None:
        self.pid = process.pid
        self._process = process
        self._folder = folder

    @property
    def out(self) -> str:
        """What it has written so far."""
        return (self._folder / "out").read_text("utf-8")

    def wait_for(self, seen: Callable[[], bool]) -> None:
        """Return as soon as something can be seen; a command that does not get there fails the test."""
        until = time.monotonic() + PATIENCE_S
        while not seen():
            assert time.monotonic() < until, f"nothing came within {PATIENCE_S} s; it wrote {self.out[-2000:]!r}"
            time.sleep(0.005)

    def signal(self, number: signal.Signals) -> None:
        """Send it a signal."""
        os.kill(self.pid, number)

    def end(self) -> Ended:
        """Return what came of it once it has ended."""
        code = self._process.wait()
        return Ended(code, self.out, (self._folder / "err").read_text("utf-8"))


class Forks:
    """Starts command lines as forks of one warm process: see ``tests.forked``."""

    def __init__(self) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="tidemill-forks-")
        self._count = 0

    def start(
        self,
        arguments: Sequence[str],
        *,
        cwd: Path,
        env: Environment | None = None,
        out: str = "",
        file_size: int | None = None,
        unprivileged: bool = False,
    ) -> Running:
        """Start a command.

        Args:
            arguments: after ``tidemill``.
            cwd: its folder.
            env: variables beside this process's own.
            out: where its standard output goes; "": kept, for ``Ended.out``.
            file_size: the most bytes of a file that it may write.
            unprivileged: whether permissions bind it, also where we are root.
        """
        self._count += 1
        folder = Path(self._folder.name) / str(self._count)
        folder.mkdir()
        (folder / "out").touch()
        with Path(out or folder / "out").open("w") as written, (folder / "err").open("w") as said:
            options: dict[str, Any] = {"cwd": cwd, "env": environment(env or {}), "stdout": written, "stderr": said}
            return Running(Forked(arguments, file_size=file_size, unprivileged=unprivileged, **options), folder)

    def run(self, *arguments: str, **how: Any) -> Ended:
        """Run a command to its end; ``how`` as for ``start``."""
        return self.start(arguments, **how).end()

    def close(self) -> None:
        """Remove what was kept of them."""
        self._folder.cleanup()


def environment(changes: Environment) -> dict[str, str]:
    """Return this process's variables without those that would set a configuration, and with ``changes``.

    No run compiles kernels on the side: most are shorter than that, and many run at once.
    """
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("TIDEMILL__", "COVERAGE", "COV_"))}
    return {**kept, "PYTHONIOENCODING": "utf-8", "TIDEMILL__EXECUTION__WARM": "false", **changes}


def console_script() -> str:
    """Return the path of the command that an installation puts beside its Python."""
    return str(Path(sys.executable).with_name("tidemill"))


def run_fresh(*arguments: str, cwd: Path, env: Environment | None = None) -> Ended:
    """Run the installed command in an interpreter of its own, as a shell does."""
    done = subprocess.run(
        [console_script(), *arguments],
        cwd=cwd,
        env=environment(env or {}),
        capture_output=True,
        encoding="utf-8",
        timeout=PATIENCE_S,
        check=False,
    )
    return Ended(done.returncode, done.stdout, done.stderr)
