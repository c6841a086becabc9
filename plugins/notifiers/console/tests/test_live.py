"""In a terminal: one picture that is drawn again."""

import io
import re

import anyio
import pytest

from tidemill.domain.note import Note, RunHeader, Summary
from tidemill_notifier_console import ConsoleNotifier, ConsoleSettings
from tidemill_notifier_console.notifier import is_terminal


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        return True


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> Terminal:
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("COLUMNS", "100")
    monkeypatch.setenv("LINES", "40")
    monkeypatch.delenv("NO_COLOR", raising=False)
    return Terminal()


def last_picture(terminal: Terminal) -> list[str]:
    """What stands on the screen at the end: the lines since the picture was last begun, codes removed."""
    text = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", terminal.getvalue().rpartition("\x1b[2K")[2])
    return [line.rstrip() for line in text.replace("\r", "").splitlines()]


def test_picture_at_the_end_has_figures_events_and_summary(
    terminal: Terminal, header: RunHeader, notes: list[Note], summary: Summary
) -> None:
    """The table shows the last figures, the newest events stand on top, and the closing lines follow."""

    async def tell() -> None:
        notifier = ConsoleNotifier(ConsoleSettings(lines=3), terminal)
        await notifier.start(header)
        for note in notes:
            await notifier.tell([note])
        await notifier.finish(summary)

    anyio.run(tell)
    shown = last_picture(terminal)
    assert "block    found    taken    filled    reverted    profit after gas (USDC)" == shown[0].strip()
    assert ["60", "120", "60", "6", "1", "+109.55"] == shown[1].split()
    assert ["00:01:00  dex.orca failed", "00:01:00  spatial  reverted", "00:01:00  spatial  filled in block 60"] == shown[3:6]
    assert "31 fills, 30 profitable" in " ".join(shown)
    assert "\x1b[?25h" in terminal.getvalue()


def test_picture_before_any_fill_says_so_and_why(terminal: Terminal, header: RunHeader, summary: Summary) -> None:
    """Until something fills, the last rejection explains the waiting."""
    rejection = Note("rejected", "debug", 1, 0, "triangular  rejected: too little")

    async def tell() -> None:
        notifier = ConsoleNotifier(None, terminal)
        await notifier.start(header)
        await notifier.tell([rejection])
        await anyio.sleep(0.3)
        await notifier.finish(summary)

    anyio.run(tell)
    assert "no fill yet" in terminal.getvalue()
    assert "last turned away: triangular  rejected: too little" in terminal.getvalue()


def test_picture_reads_no_markup_and_no_codes(terminal: Terminal, header: RunHeader, summary: Summary) -> None:
    """A token may call itself anything: it is shown, not obeyed."""
    note = Note("fill", "info", 7, 0, "buys [bold]X[/bold] \x1b]0;owned\x07")

    async def tell() -> None:
        notifier = ConsoleNotifier(None, terminal)
        await notifier.start(header)
        await notifier.tell([note])
        await notifier.finish(summary)

    anyio.run(tell)
    assert "       7  buys [bold]X[/bold] �]0;owned�" in last_picture(terminal)
    assert "\x1b]0;" not in terminal.getvalue()


@pytest.mark.parametrize(("term", "expected"), [("xterm", True), ("dumb", False), ("unknown", False), (None, False)])
def test_terminal_that_is_dumb_gets_plain_lines(term: str | None, expected: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """A terminal that cannot move its cursor is treated like a file."""
    monkeypatch.delenv("TERM", raising=False)
    if term is not None:
        monkeypatch.setenv("TERM", term)
    assert expected == is_terminal(Terminal())
    assert not is_terminal(io.StringIO())
