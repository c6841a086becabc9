"""Standstills that are no hang: a slow disk, a debugger, output that nobody reads, Ctrl-Z."""

import select
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

WRITERS = ("tidemill.pipeline.writer", "tidemill.tape.writer")
"""Modules that wait for a disk."""
DEBUGGERS = frozenset({"bdb", "debugpy", "pdb", "pydevd", "_pydevd_bundle"})
JSON_LINES = "tidemill.api.json_lines"
"""It writes to a descriptor of its own."""
_OUTPUTS = (1, 2)


def frames(frame: FrameType | None) -> Iterator[FrameType]:
    """Yield frames from the innermost outwards."""
    while frame is not None:
        yield frame
        frame = frame.f_back


def module_of(frame: FrameType) -> str:
    """Return the name of the module whose code a frame runs."""
    return str(frame.f_globals.get("__name__", ""))


def waits_rightly(frame: FrameType | None) -> bool:
    """Whether a thread waits for a disk, or for a person at a debugger's prompt."""
    modules = [module_of(one) for one in frames(frame)]
    return any(module in WRITERS or module.partition(".")[0] in DEBUGGERS for module in modules)


def output_is_full(frame: FrameType | None) -> bool:
    """Whether whoever reads our output has stopped to (a pager that waits for a key, a terminal at Ctrl-S), so that writing waits."""
    if frame is not None and module_of(frame) == JSON_LINES:
        return True
    return not all(takes_more(output) for output in _OUTPUTS)


def takes_more(descriptor: int) -> bool:
    """Whether a few lines can be written to a descriptor without waiting; also true where writing fails at once."""
    poll = select.poll()
    poll.register(descriptor, select.POLLOUT)
    return bool(poll.poll(0))


@contextmanager
def suspendable(before: Callable[[], None], after: Callable[[], None]) -> Iterator[None]:
    """Call ``before`` when Ctrl-Z stops this process and ``after`` when it goes on; only in the main thread.

    A stop from outside (SIGSTOP) cannot be heard.
    """

    def stopped(number: int, frame: FrameType | None) -> None:
        before()
        signal.raise_signal(signal.SIGSTOP)
        after()

    mine = threading.current_thread() is threading.main_thread() and signal.getsignal(signal.SIGTSTP) is signal.SIG_DFL
    if mine:
        signal.signal(signal.SIGTSTP, stopped)
    try:
        yield
    finally:
        if mine:
            signal.signal(signal.SIGTSTP, signal.SIG_DFL)
