"""How a run is asked to end: a signal, a time limit. The batch in hand is finished first."""

import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from types import FrameType

import anyio

ENDS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
"""Signals that ask for the end: Ctrl-C, a service manager, a terminal that is closed."""


class Stop:
    """Set once; asked after every batch. A second interrupt while the run drains counts as the first (runners forward their own).

    ``on_ask`` is called at every asking, from a task of the run: what only waits for input need not wait for it any longer. ``on_signal``
    is called at every signal, at once, wherever the program is.
    """

    def __init__(self) -> None:
        self.reason = ""
        self.on_ask: Callable[[], None] | None = None
        self.on_signal: Callable[[], None] | None = None

    def __call__(self) -> bool:
        """Whether the run should end now."""
        return bool(self.reason)

    def ask(self, reason: str) -> None:
        """Ask for the end."""
        self.reason = self.reason or reason
        if self.on_ask is not None:
            self.on_ask()

    async def on_signals(self) -> None:
        """Ask for the end at SIGINT, SIGTERM, or SIGHUP where it is not ignored (``nohup``), for as long as this is awaited."""
        # Not every platform, and no thread but the main one, can receive signals: then only limits end a run.
        if threading.current_thread() is not threading.main_thread():
            return
        # A shell lets what it starts in the background ignore SIGINT: whoever sends it to a run means the run all the same
        heard = tuple(number for number in ENDS if number != signal.SIGHUP or signal.getsignal(number) is not signal.SIG_IGN)
        with suppress(NotImplementedError), anyio.open_signal_receiver(*heard) as signals, self._noticing(heard):
            async for number in signals:
                self.ask(signal.Signals(number).name)

    @contextmanager
    def _noticing(self, numbers: Sequence[signal.Signals]) -> Iterator[None]:
        """Note a signal as soon as it comes: a plugin that never returns keeps the event loop from hearing of it, not from this."""
        before = {number: signal.getsignal(number) for number in numbers}

        def notice(number: int, frame: FrameType | None) -> None:
            self.reason = self.reason or signal.Signals(number).name
            if self.on_signal is not None:
                self.on_signal()
            heard = before[signal.Signals(number)]
            if callable(heard):
                heard(number, frame)

        for number in numbers:
            signal.signal(number, notice)
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    async def after(self, seconds: int) -> None:
        """Ask for the end after so many seconds of wall time."""
        await anyio.sleep(seconds)
        self.ask(f"{seconds} s are over")


def interrupts_are_received() -> bool:
    """Whether Ctrl-C reaches the run as a request to end, so that a ``KeyboardInterrupt`` is somebody's own."""
    if threading.current_thread() is not threading.main_thread():
        return True
    return signal.getsignal(signal.SIGINT) is not signal.default_int_handler
