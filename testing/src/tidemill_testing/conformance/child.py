"""Runs a piece of a suite in a forked process: what is killed there, or locked there, leaves the author's test run alone."""

import os
import select
import signal
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import NoReturn, Self

Say = Callable[[str], None]


class Child:
    """A forked process that says lines; use it in a ``with`` block, which kills it at the end. POSIX only."""

    def __init__(self, work: Callable[[Say], None]) -> None:
        self._work = work
        self._pid = 0
        self._reader = -1
        self._rest = b""

    def __enter__(self) -> Self:
        self._reader, writer = os.pipe()
        with _without_fork_warning():
            self._pid = os.fork()
        if self._pid == 0:
            os.close(self._reader)
            _work(self._work, writer)
        os.close(writer)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.kill()
        os.close(self._reader)

    def line(self, patience_s: int) -> str | None:
        """Return the next line that it says, or None where it ended, or said none in time."""
        deadline = time.monotonic() + patience_s
        while b"\n" not in self._rest:
            ready, _, _ = select.select([self._reader], [], [], max(0, deadline - time.monotonic()))
            heard = os.read(self._reader, 65_536) if ready else b""
            if not heard:
                return None
            self._rest += heard
        line, _, self._rest = self._rest.partition(b"\n")
        return line.decode("utf-8", "replace")

    def kill(self) -> None:
        """Kill it, as a power cut of the process would; may be called twice."""
        if self._pid:
            os.kill(self._pid, signal.SIGKILL)
            os.waitpid(self._pid, 0)
            self._pid = 0


def _work(work: Callable[[Say], None], writer: int) -> NoReturn:
    """Do the work in the child and end it there: nothing of the parent's test run goes on in it."""

    def say(text: str) -> None:
        os.write(writer, text.replace("\n", " ").encode("utf-8", "replace") + b"\n")

    try:
        work(say)
    except BaseException as error:  # noqa: BLE001  whatever it is, it must be said and must not run the parent's tests on
        say(f"{type(error).__name__}: {error}")
    finally:
        os._exit(0)


@contextmanager
def _without_fork_warning() -> Iterator[None]:
    """The child does nothing but its work: that other threads are not there does no harm."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        yield
