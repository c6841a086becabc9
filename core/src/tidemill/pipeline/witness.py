"""A small process beside a run that ends it where nothing inside it can: code in C that keeps the interpreter's lock for good.

A timer of the interpreter's own (``faulthandler.dump_traceback_later``) could do so from inside, but it cannot tell a hang from a process
that was stopped from outside (SIGSTOP, a container that is frozen) and went on: it ends both. Who stands outside can.

It asks for the stacks of all threads by SIGUSR2, to which ``faulthandler`` answers without the interpreter, and kills the run.
"""

import faulthandler
import os
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO

STACKS = signal.SIGUSR2
"""At this signal a run that is watched writes where all its threads are, and goes on."""
SCRIPT = Path(__file__).with_name("witness_main.py")
_KEPT = ("LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH")
"""All that an interpreter may need to start: secrets in the environment are none of its business."""


class Witness:
    """Watches this process while it is open: who says ``expect`` must say it again in time."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None
        self._stacks: IO[bytes] | None = None
        self._input = -1

    def open(self) -> None:
        """Start it. Where no process can be started nothing is watched from outside."""
        reading, self._input = os.pipe()
        os.set_blocking(self._input, False)
        self._stacks = TemporaryFile()  # noqa: SIM115 it lasts as long as this
        faulthandler.register(STACKS, file=self._stacks, all_threads=True)
        command = [sys.executable, "-I", "-S", str(SCRIPT), str(os.getpid()), str(self._stacks.fileno())]
        env = {name: os.environ[name] for name in _KEPT if name in os.environ}
        with suppress(OSError):
            self._process = subprocess.Popen(  # noqa: S603 our own script
                command,
                stdin=reading,
                stdout=subprocess.DEVNULL,
                pass_fds=(self._stacks.fileno(),),
                env=env,
                start_new_session=True,
            )
        os.close(reading)

    def expect(self, seconds: float) -> None:
        """End this process where this is not called again within so many seconds (0: whenever); time in which it is stopped counts none."""
        # A pipe that is full, or that nobody reads any more: what is told already holds
        with suppress(OSError):
            os.write(self._input, f"{seconds}\n".encode())

    def close(self) -> None:
        """Watch no more; may be called twice."""
        process, self._process = self._process, None
        if process is not None:
            process.kill()
            process.wait()
        if self._input >= 0:
            os.close(self._input)
            self._input = -1
        if self._stacks is not None:
            faulthandler.unregister(STACKS)
            self._stacks.close()
            self._stacks = None
