"""A small process beside a run that ends it where nothing inside it can: code in C that keeps the interpreter's lock for good.

A timer of the interpreter's own (``faulthandler.dump_traceback_later``) could do so from inside, but it cannot tell a hang from a process
that was stopped from outside (SIGSTOP, a container that is frozen) and went on: it ends both. Who stands outside can.

It ends the run by SIGHUP. While it watches, that signal writes the stacks of all threads and ends the process with exit code 1, without
the interpreter: the C function ``_exit`` takes the number of its signal, 1, as exit code. To a terminal that hangs up that is the same end.
Where SIGHUP is taken already (``nohup``) the process is killed, without its stacks.
"""

import ctypes
import faulthandler
import os
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO

SCRIPT = Path(__file__).with_name("witness_main.py")
_KEPT = ("LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH")
"""All that an interpreter may need to start: secrets in the environment are none of its business."""


class Witness:
    """Watches this process while it is open: who says ``expect`` must say it again in time."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None
        self._stacks: IO[bytes] | None = None
        self._handles = False
        self._input = -1

    def open(self) -> None:
        """Start it. Where no process can be started nothing is watched from outside."""
        reading, self._input = os.pipe()
        os.set_blocking(self._input, False)
        self._stacks = TemporaryFile()  # noqa: SIM115 it lasts as long as this
        self._handles = signal.getsignal(signal.SIGHUP) is signal.SIG_DFL
        if self._handles:
            _end_at_hangup()
            faulthandler.register(signal.SIGHUP, file=self._stacks, all_threads=True, chain=True)
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
        if self._handles:
            faulthandler.unregister(signal.SIGHUP)
            _end_at_hangup(again=True)
            self._handles = False
        if self._stacks is not None:
            self._stacks.close()
            self._stacks = None


def _end_at_hangup(*, again: bool = False) -> None:
    """Let SIGHUP end this process with exit code 1, whatever holds the interpreter; ``again``: as it ever did."""
    libc = ctypes.CDLL(None)
    libc.signal.restype = ctypes.c_void_p
    libc.signal(int(signal.SIGHUP), ctypes.c_void_p(None) if again else libc._exit)
