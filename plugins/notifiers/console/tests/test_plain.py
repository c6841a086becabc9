"""Without a terminal: plain lines, one for what matters."""

import io
import subprocess
import sys
from collections.abc import Sequence

import anyio
import pytest

from tidemill.domain.note import Note, RunHeader, Summary
from tidemill_notifier_console import ConsoleNotifier, ConsoleSettings, tidemill_register_notifiers


def told(notifier: ConsoleNotifier, header: RunHeader, notes: Sequence[Note], summary: Summary, backend: str = "asyncio") -> None:
    """Tell a whole run, note by note."""

    async def tell() -> None:
        await notifier.start(header)
        for note in notes:
            await notifier.tell([note])
        await notifier.finish(summary)

    anyio.run(tell, backend=backend)


def lines_of(settings: ConsoleSettings, header: RunHeader, notes: Sequence[Note], summary: Summary) -> list[str]:
    stream = io.StringIO()
    told(ConsoleNotifier(settings, stream), header, notes, summary)
    return stream.getvalue().splitlines()


def test_hook_registers_the_notifier() -> None:
    """The entry point's hook gives the one notifier class."""
    assert [ConsoleNotifier] == list(tidemill_register_notifiers())


def test_plugin_import_loads_no_rich() -> None:
    """R7: rich is imported only where there is a terminal."""
    code = "import sys, io, anyio, tidemill_notifier_console as t; t.ConsoleNotifier(stream=io.StringIO()); sys.exit('rich' in sys.modules)"
    assert 0 == subprocess.run([sys.executable, "-c", code], check=False).returncode


def test_lines_of_a_run_are_headline_events_progress_and_summary(header: RunHeader, notes: list[Note], summary: Summary) -> None:
    """A fill, a revert and a warning have a line each, figures come every 25 blocks, rejections have none."""
    expected = [
        "Tidemill 0.1.0 · paper · simulated market, seed 1 · 5 venues, 240 pools, 48 tokens · Ctrl-C ends · nothing here can spend money",
        "spatial  filled in block 10",
        "spatial  filled in block 20",
        "block 25 · 48 found, 24 taken, 2 filled, 0 reverted · +36.62 USDC after gas",
        "spatial  filled in block 30",
        "spatial  filled in block 40",
        "block 50 · 98 found, 49 taken, 4 filled, 0 reverted · +73.24 USDC after gas",
        "spatial  filled in block 50",
        "spatial  filled in block 60",
        "spatial  reverted",
        "warning: dex.orca failed",
    ]
    money = "+109.55 USDC after gas (+84.11 USDC, gas 0.003 ETH)"
    closing = f"212 blocks · 31 fills, 30 profitable, 1 revert · {money} · ledger tidemill-data (hash 5f2c5f2c5f2c…)"
    lines = lines_of(ConsoleSettings(), header, notes, summary)
    assert [*expected, closing] == lines[:-1]
    assert lines[-1].startswith("next: `tidemill explain` shows this pipeline · ")


def test_lines_when_quiet_are_warnings_and_figures(header: RunHeader, notes: list[Note], summary: Summary) -> None:
    """Quiet leaves what somebody must look at, and the progress that was asked for."""
    lines = lines_of(ConsoleSettings(verbosity="quiet", progress_blocks=1000), header, notes, summary)
    assert ["warning: dex.orca failed"] == lines[1:-2]


def test_lines_of_plans_that_one_policy_refuses_say_it_once_and_count(header: RunHeader, summary: Summary) -> None:
    """What is refused for one reason is refused again and again: the reason has one line, the figures say how often."""
    spend, lease = ((("reason", why),) for why in ("spend: it takes WETH", "lease: another holds it"))
    refused = [Note("refused", "warning", 1, 0, f"spatial  {number}", spend) for number in range(3)]
    lines = lines_of(
        ConsoleSettings(progress_blocks=1),
        header,
        [*refused, Note("refused", "warning", 1, 0, "other", lease), Note("head", "debug", 2, 0, "")],
        summary,
    )
    assert ["warning: spatial  0", "warning: other", "block 2 · 0 found, 0 taken, 0 filled, 0 reverted, 4 refused"] == lines[1:4]


def test_lines_when_verbose_hold_every_decision(header: RunHeader, notes: list[Note], summary: Summary) -> None:
    """Verbose shows rejections and plans as well, heads never."""
    lines = lines_of(ConsoleSettings(verbosity="verbose", progress_blocks=1000), header, notes, summary)
    assert (60, 60, 0) == tuple(sum(text in line for line in lines) for text in ("rejected: too little", "spatial  sent", "block 7"))


def test_lines_hold_no_control_codes(header: RunHeader, summary: Summary) -> None:
    """A token's symbol cannot write to the terminal or break a line."""
    note = Note("fill", "info", 1, 0, "buys \x1b[2J\x07\r\nEVIL\u202e")
    lines = lines_of(ConsoleSettings(), header, [note], summary)
    assert "buys �[2J���EVIL�" == lines[1]


def test_lines_on_a_narrow_encoding_are_written(header: RunHeader, summary: Summary) -> None:
    """A stream that knows only ASCII gets question marks instead of an error."""
    raw = io.BytesIO()
    stream = io.TextIOWrapper(raw, "ascii")
    told(ConsoleNotifier(None, stream), header, [], summary)
    assert b"Tidemill 0.1.0 ? paper" in raw.getvalue()


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
def test_lines_go_to_standard_output_by_default(
    capsys: pytest.CaptureFixture[str], header: RunHeader, summary: Summary, backend: str
) -> None:
    """Standard output is where people look, on any event loop."""
    told(ConsoleNotifier(), header, [], summary, backend)
    assert 3 == len(capsys.readouterr().out.splitlines())


def test_tell_before_start_says_nothing(summary: Summary, notes: list[Note]) -> None:
    """Without a run there is nothing to show."""
    stream = io.StringIO()
    notifier = ConsoleNotifier(stream=stream)
    anyio.run(notifier.tell, notes)
    anyio.run(notifier.finish, summary)
    assert "" == stream.getvalue()
