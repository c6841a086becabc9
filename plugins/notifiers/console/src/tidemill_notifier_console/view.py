"""What every way to show a run does."""

from abc import ABC, abstractmethod
from collections.abc import Sequence

from tidemill.domain.note import Note, RunHeader
from tidemill_notifier_console.counts import Counts


class View(ABC):
    """A way to show a run: ``start`` once, ``show`` as it goes, ``finish`` once."""

    @abstractmethod
    def start(self, header: RunHeader) -> None:
        """Show what the run is."""

    @abstractmethod
    def show(self, counts: Counts, notes: Sequence[Note]) -> None:
        """Show the figures as they now are, and a line for each of the notes given."""

    @abstractmethod
    def finish(self, lines: Sequence[str]) -> None:
        """Show the last figures and the closing lines."""
