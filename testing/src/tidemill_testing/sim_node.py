"""A node of the simulated chain in a process of its own, for tests: the chain lives on while runs end, crash and begin again."""

import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

PATIENCE_S = 60


class SimNodeProcess:
    """A node that can be killed and started again.

    Attributes:
        socket: where it listens.
    """

    def __init__(self, socket: str, seed: int, settings: Mapping[str, Any], state: Path | None) -> None:
        self.socket = socket
        self._command = [sys.executable, "-m", "tidemill_chain_sim.node", "--socket", socket, "--seed", str(seed)]
        self._command += ["--settings", json.dumps(dict(settings)), *(["--state", str(state)] if state is not None else [])]
        self._process: subprocess.Popen[str] | None = None

    def start(self) -> dict[str, Any]:
        """Start it, and return what it says once it listens: its socket, height and block hash."""
        self._process = subprocess.Popen(  # noqa: S603  our own command
            self._command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise AssertionError(f"the node did not start: {self._process.communicate()[1]}")
        said: dict[str, Any] = json.loads(line)
        return said

    def kill(self) -> None:
        """End it as a crash does."""
        self._end(kill=True)

    def stop(self) -> int:
        """End it as an operator does, and return its exit code."""
        return self._end(kill=False)

    def _end(self, *, kill: bool) -> int:
        process, self._process = self._process, None
        if process is None:
            return 0
        if kill:
            process.kill()
        else:
            process.terminate()
        process.communicate(timeout=PATIENCE_S)
        return process.returncode


@contextmanager
def sim_node(*, seed: int = 1, settings: Mapping[str, Any] | None = None, state: Path | None = None) -> Iterator[SimNodeProcess]:
    """Start a node, and end it when the block is left.

    Args:
        seed: of the runs that ask it.
        settings: of ``[chains.sim]``; runs need the same.
        state: a file that keeps the chain.
    """
    # A socket's path has room for some hundred bytes, which a test's own folder may exceed
    with tempfile.TemporaryDirectory(prefix="sim-node-") as folder:
        node = SimNodeProcess(f"{folder}/node.sock", seed, settings or {}, state)
        try:
            node.start()
            yield node
        finally:
            node.kill()
