"""How a run is asked to end: a signal, a time limit. The batch in hand is finished first."""

import signal
import threading
from contextlib import suppress

import anyio


class Stop:
    """Set once; asked after every batch. A second interrupt while the run drains counts as the first (runners forward their own)."""

    def __init__(self) -> None:
        self.reason = ""

    def __call__(self) -> bool:
        """Whether the run should end now."""
        return bool(self.reason)

    def ask(self, reason: str) -> None:
        """Ask for the end."""
        self.reason = self.reason or reason

    async def on_signals(self) -> None:
        """Ask for the end at SIGINT or SIGTERM, for as long as this is awaited."""
        # Not every platform, and no thread but the main one, can receive signals: then only limits end a run.
        if threading.current_thread() is not threading.main_thread():
            return
        with suppress(NotImplementedError), anyio.open_signal_receiver(signal.SIGINT, signal.SIGTERM) as signals:
            async for number in signals:
                self.ask(signal.Signals(number).name)

    async def after(self, seconds: int) -> None:
        """Ask for the end after so many seconds of wall time."""
        await anyio.sleep(seconds)
        self.ask(f"{seconds} s are over")
