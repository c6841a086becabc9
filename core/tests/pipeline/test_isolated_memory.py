"""A plugin in a process of its own that takes more than ``memory_mb`` at once: the user is told which setting stopped it."""

from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from tidemill.api.run import RunOptions, run
from tidemill.domain.note import Note, RunHeader, Summary
from tidemill.hookspecs.notifier import Notifier

Install = Callable[..., Path]
STRATEGY = """
from tidemill import Strategy, hookimpl


class Greedy(Strategy):
    name = "greedy"

    def find_opportunities(self, snapshot):
        self.held = bytearray(2_000_000_000)
        return iter(())


@hookimpl
def tidemill_register_strategies():
    return [Greedy]
"""
NOTIFIER = """
from tidemill import Notifier, hookimpl


class Greedy(Notifier):
    name = "greedy"

    async def start(self, header):
        self.held = bytearray(2_000_000_000)

    async def tell(self, notes):
        pass

    async def finish(self, summary):
        pass


@hookimpl
def tidemill_register_notifiers():
    return [Greedy]
"""
CONFIG = """
speed = "max"
[chains.sim]
tokens = 10
pools = 20
[dex.uniswap]
[search.cycles]
[{folder}.greedy]
isolation = "process"
memory_mb = 200
[books.main]
base = "USDC"
"""
SAID = "MemoryError: memory_mb = 200 allows its process no more"


class Hearing(Notifier):
    """Keeps the texts of notes."""

    name = "hearing"

    def __init__(self) -> None:
        super().__init__()
        self.texts: list[str] = []

    async def start(self, header: RunHeader) -> None:
        assert "sim:1" == header.source

    async def tell(self, notes: Sequence[Note]) -> None:
        self.texts.extend(note.text for note in notes)

    async def finish(self, summary: Summary) -> None:
        assert 3 == summary.blocks


def test_isolated_strategy_over_its_memory_is_told_with_the_setting(
    install: Install, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its failure names ``memory_mb`` and its value."""
    monkeypatch.chdir(tmp_path)
    install("acme-greedy", "acme_greedy", STRATEGY, names=("greedy",))
    (tmp_path / "tidemill.toml").write_text(CONFIG.format(folder="strategies"))
    hearing = Hearing()
    run(tmp_path / "tidemill.toml", RunOptions(blocks=3), notifiers=[hearing])

    assert f"strategies.greedy failed (1 in a row): {SAID}" in hearing.texts


def test_isolated_notifier_over_its_memory_is_told_with_the_setting(
    install: Install, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same for a notifier, whose own words nobody else would pass on."""
    monkeypatch.chdir(tmp_path)
    install("acme-greedy", "acme_greedy", NOTIFIER, kind="notifier", names=("greedy",))
    (tmp_path / "tidemill.toml").write_text(CONFIG.format(folder="notifiers"))
    with capture_logs() as logs:
        run(tmp_path / "tidemill.toml", RunOptions(blocks=3))

    assert [True] == [SAID in str(log) for log in logs if "greedy" in str(log)][:1], logs
