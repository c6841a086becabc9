"""A run whose searcher is warmed beside it: recorded on its tape, told to the user, and of no weight in anything that follows."""

from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from tidemill.api.replay import replay
from tidemill.api.run import RunOptions, run
from tidemill.domain.events import Batch, PluginState
from tidemill.domain.note import Note, RunHeader, Summary
from tidemill.hookspecs.notifier import Notifier
from tidemill.tape.reader import TapeReader
from tidemill_search_cycles import Cycles

SENTENCE = "the test kernels are ready"
MARKET = """
seed = 7
speed = "max"
[chains.sim]
tokens = 12
pools = 40
competitor_share_ppm = 300_000
[prices.sim]
[lenders.sim]
[dex.uniswap]
[dex.sushiswap]
[dex.quickswap]
[dex.pancakeswap]
[search.cycles]
[strategies.spatial]
[stores.sqlite]
[books.main]
base = "USDC"
[execution]
warm = {warm}
"""
FIGURES = ("blocks", "events", "opportunities", "plans", "fills", "reverts", "rejected", "pnl", "cost", "ledger_hash")


class Hearing(Notifier):
    """Keeps what it is told."""

    name = "hearing"

    def __init__(self) -> None:
        super().__init__()
        self.notes: list[Note] = []

    async def start(self, header: RunHeader) -> None:
        pass

    async def tell(self, notes: Sequence[Note]) -> None:
        self.notes.extend(notes)

    async def finish(self, summary: Summary) -> None:
        pass


@pytest.fixture
def played(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., tuple[Summary, list[Note], Path]]:
    """Record a run of twelve blocks whose searcher says at once that it is warm."""
    monkeypatch.setattr(Cycles, "warm", lambda searcher: SENTENCE)
    monkeypatch.delenv("TIDEMILL__EXECUTION__WARM", raising=False)

    def play(name: str, *, warm: bool = True, tape: Path | None = None) -> tuple[Summary, list[Note], Path]:
        config, hearing, made = tmp_path / f"{name}.toml", Hearing(), tmp_path / f"{name}.tape"
        config.write_text(MARKET.format(warm=str(warm).lower()))
        options = RunOptions(blocks=12, record=made, data=tmp_path / name, tape=tape)
        return run(None if tape is not None else config, options, notifiers=[hearing]), hearing.notes, made

    return play


def figures(summary: Summary) -> list[object]:
    return [getattr(summary, name) for name in FIGURES]


def asides(tape: Path) -> list[Batch]:
    return [record.batch for record in TapeReader(tape).records() if record.batch.is_aside]


def test_run_records_and_tells_once_that_its_searcher_is_warm(played: Callable[..., tuple[Summary, list[Note], Path]]) -> None:
    """One answer on the tape, one note, with the searcher's sentence."""
    _, notes, tape = played("one")

    assert [(PluginState("search.cycles", "warmed", 0, SENTENCE),)] == [batch.events for batch in asides(tape)]
    assert [f"search.cycles: {SENTENCE}"] == [note.text for note in notes if note.event == "warmed"]


def test_r4_run_that_warms_comes_to_what_one_that_does_not_comes_to(played: Callable[..., tuple[Summary, list[Note], Path]]) -> None:
    """R4: the same ledger hash and figures, and but for that one record the same tape; `warm = false` records nothing."""
    (with_it, _, tape), (without, notes, other) = played("warm"), played("plain", warm=False)

    assert figures(without) == figures(with_it)
    assert without.fills > 0
    assert list(TapeReader(other).records()) == [record for record in TapeReader(tape).records() if not record.batch.is_aside]
    assert [] == [note for note in notes if note.event == "warmed"]


def test_r5_replay_of_a_run_that_warmed_is_the_same(played: Callable[..., tuple[Summary, list[Note], Path]]) -> None:
    """R5: what was recorded of the warming is folded again and changes nothing."""
    made, _, tape = played("one")
    again = replay(tape)

    assert (None, figures(made)) == (again.difference, figures(again.summary))


def test_r5_market_of_a_run_that_warmed_is_played_without_it(played: Callable[..., tuple[Summary, list[Note], Path]]) -> None:
    """R5: it is an answer: a run over the tape warms its own searcher and records that, and trades the same."""
    made, _, tape = played("one")
    again, notes, own = played("two", tape=tape)

    assert [made.plans, made.fills, made.pnl, made.cost] == [again.plans, again.fills, again.pnl, again.cost]
    assert (1, 1) == (len(asides(own)), len([note for note in notes if note.event == "warmed"]))
