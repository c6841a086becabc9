"""Keeps Python's garbage collector from looking again and again at a market that stays."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager

from tidemill.domain.events import Batch, Found, States

LARGE = 1_000
"""A batch that brings so many pools and values loads a market: what comes of it stays."""


class Collector:
    """Pauses the collector while a market is loaded, and tells it afterwards that all there is will stay.

    Pools are values without cycles, and go when nobody holds them: collecting finds nothing among them. With ten thousand of them it
    doubles the time of their load, and later stops a run for a tenth of a second now and then.
    """

    def __init__(self) -> None:
        self._froze = False

    @contextmanager
    def around(self, batch: Batch) -> Iterator[None]:
        """Fold a batch inside this."""
        if _entries(batch) < LARGE or not gc.isenabled():
            yield
            return
        gc.disable()
        try:
            yield
        finally:
            gc.enable()
            # Whoever froze what there was before us wants that to stay so
            self._froze = self._froze or not gc.get_freeze_count()
            gc.freeze()

    def close(self) -> None:
        """Let the collector look at everything again: a process may go on after a run."""
        if self._froze:
            gc.unfreeze()
            self._froze = False


def _entries(batch: Batch) -> int:
    return sum(
        len(event.pools) if isinstance(event, Found) else len(event.values) for event in batch.events if isinstance(event, Found | States)
    )
