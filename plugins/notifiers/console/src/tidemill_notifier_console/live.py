"""A live table in a terminal: figures, then the last events, newest first."""

import atexit
from collections import deque
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TextIO

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.table import Table
from rich.text import Text

from tidemill.domain.note import Note, RunHeader
from tidemill_notifier_console.counts import Counts
from tidemill_notifier_console.view import View
from tidemill_notifier_console.words import headline, printable

REFRESHES_PER_S = 8
_STYLES = {"fill": "green", "revert": "red", "rejected": "dim", "plan": "dim"}
_LEVELS = {"warning": "yellow", "error": "bold red"}


class LiveView(View):
    """Draws into one place of the screen; the last picture stays when the run ends."""

    def __init__(self, stream: TextIO, lines: int) -> None:
        self._console = Console(file=stream, highlight=False)
        self._events: deque[Text] = deque(maxlen=lines)
        self._live = Live(console=self._console, refresh_per_second=REFRESHES_PER_S, transient=False)
        self._counts = Counts()

    def start(self, header: RunHeader) -> None:
        self._console.print(Text(headline(header), style="bold"))
        self._console.print()
        self._live.start()
        # A run that ends by an error tells nobody: the cursor must come back all the same
        atexit.register(self._live.stop)
        self._draw()

    def show(self, counts: Counts, notes: Sequence[Note]) -> None:
        self._counts = counts
        self._events.extendleft(_line(note) for note in notes)
        self._draw()

    def finish(self, lines: Sequence[str]) -> None:
        self._live.update(self._picture(closing=True), refresh=True)
        self._live.stop()
        atexit.unregister(self._live.stop)
        self._console.print()
        for line in lines:
            self._console.print(Text(line))

    def _draw(self) -> None:
        # A finished picture: Live draws it from a thread of its own, while the figures go on
        self._live.update(self._picture())

    def _picture(self, *, closing: bool = False) -> RenderableType:
        counts = self._counts
        parts: list[RenderableType] = [_table(counts), Text()]
        parts += list(self._events) or [Text("no fill yet", style="dim")]
        if counts.rejection and not closing:
            parts += [Text(), _cut(Text(f"last turned away: {printable(counts.rejection)}", style="dim"))]
        return Group(*parts)


def _table(counts: Counts) -> Table:
    table = Table(box=None, header_style="dim", padding=(0, 4, 0, 0))
    profit = f"profit after gas ({printable(counts.symbol)})" if counts.symbol else "profit after gas"
    figures = {"block": counts.height, "found": counts.found, "taken": counts.taken, "filled": counts.filled, "reverted": counts.reverted}
    if counts.refused:
        figures["refused"] = counts.refused
    for name in (*figures, profit):
        table.add_column(name, justify="right", no_wrap=True)
    colour = "green" if counts.net > 0 else "red" if counts.net < 0 else ""
    table.add_row(*(f"{figure:,}" for figure in figures.values()), Text(counts.profit or "–", style=colour))
    return table


def _line(note: Note) -> Text:
    """Return an event's line; the text is never read as markup."""
    clock = datetime.fromtimestamp(note.unix_time, UTC).strftime("%H:%M:%S") if note.unix_time else f"{note.height:>8}"
    style = _LEVELS.get(note.level) or _STYLES.get(note.event, "")
    return _cut(Text.assemble((clock, "dim"), "  ", (printable(note.text), style)))


def _cut(text: Text) -> Text:
    """Let a line end at the edge of the screen: the picture keeps its height."""
    text.no_wrap, text.overflow = True, "ellipsis"
    return text
