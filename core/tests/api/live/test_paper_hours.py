"""How long a configuration ran on paper: what counts as the same one, which runs count, and for how long."""

import json
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tidemill.api.live.paper_hours import PaperHours, paper_findings, paper_hours
from tidemill.config.deciding import deciding_digest
from tidemill.config.load import parse_config
from tidemill.domain.ids import MAIN_BOOK, ChainId, OpportunityId
from tidemill.domain.records import EntryRow, OpportunityRow, Row
from tidemill.hookspecs.store import RunInfo
from tidemill.pipeline.assemble import Pipeline

Made = Callable[..., Pipeline]
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
SIM = ChainId("sim:1")
OPENING = EntryRow(1, "a", MAIN_BOOK, SIM, 0, "opening", "", ())
SEEN = OpportunityRow(2, OpportunityId("o"), MAIN_BOOK, "s", "arbitrage", SIM, 7, "sim:1/erc20:0x1", (), 1, 1, "rejected", "r", "", None)  # type: ignore[arg-type]


class Runs:
    """A ledger with runs of our choice."""

    def __init__(self, *runs: tuple[RunInfo, tuple[Row, ...]]) -> None:
        self._runs = runs

    def runs(self) -> Sequence[RunInfo]:
        return [info for info, _ in self._runs]

    def rows(self, run: int) -> Iterator[Row]:
        yield from next(rows for info, rows in self._runs if info.run == run)


def at(hours: int) -> str:
    """Return so many hours before noon, as a ledger has it."""
    return (NOON - timedelta(hours=hours)).isoformat(timespec="seconds")


@pytest.fixture
def pipeline(made: Made) -> Pipeline:
    """One on a chain that counts as one of worth."""
    found: Any = made()
    found.parts.market.rules[SIM].play_money = False
    assert isinstance(found, Pipeline)
    return found


def run_of(
    pipeline: Pipeline, number: int, started: str, ended: str, rows: tuple[Row, ...] = (OPENING, SEEN), **header: object
) -> tuple[RunInfo, tuple[Row, ...]]:
    told = {"mode": "paper", "tape": False, "deciding": deciding_digest(pipeline.config)} | header
    return RunInfo(number, started, ended, json.dumps(told), len(rows), "hash" if ended else ""), rows


def seconds(pipeline: Pipeline, *runs: tuple[RunInfo, tuple[Row, ...]]) -> int:
    return paper_hours(pipeline, Runs(*runs), NOON).seconds


def test_closed_paper_runs_of_the_same_configuration_are_added_up(pipeline: Pipeline) -> None:
    """By the wall clock, each from its start to its end."""
    found = paper_hours(pipeline, Runs(run_of(pipeline, 1, at(40), at(30)), run_of(pipeline, 2, at(20), at(5))), NOON)

    assert PaperHours(24, 25 * 3_600, 2) == found
    assert (True, "25.0 h in 2 runs") == (found.enough, found.shown)


def test_hours_are_enough_from_the_second_on_that_makes_them_full(pipeline: Pipeline) -> None:
    """Not a second less; what is shown is never rounded up to what it is not."""
    begun = NOON - timedelta(hours=24)
    almost = paper_hours(pipeline, Runs(run_of(pipeline, 1, (begun + timedelta(seconds=1)).isoformat(), NOON.isoformat())), NOON)
    full = paper_hours(pipeline, Runs(run_of(pipeline, 1, begun.isoformat(), NOON.isoformat())), NOON)

    assert ((False, "23.9 h in 1 run"), (True, "24.0 h in 1 run")) == ((almost.enough, almost.shown), (full.enough, full.shown))


def test_runs_that_show_nothing_do_not_count(pipeline: Pipeline) -> None:
    """Live runs, tapes, other configurations, runs that were broken off or saw no block, headers and clocks that cannot be."""
    one, other = at(40), at(5)

    assert 0 == seconds(pipeline, run_of(pipeline, 1, one, other, mode="live"))
    assert 0 == seconds(pipeline, run_of(pipeline, 1, one, other, tape=True))
    assert 0 == seconds(pipeline, run_of(pipeline, 1, one, other, deciding="another"))
    assert 0 == seconds(pipeline, run_of(pipeline, 1, one, ""))
    assert 0 == seconds(pipeline, run_of(pipeline, 1, one, other, (OPENING,)))
    assert 0 == seconds(pipeline, run_of(pipeline, 1, one, other, ()))
    assert 0 == seconds(pipeline, run_of(pipeline, 1, other, one))
    assert 0 == seconds(pipeline, run_of(pipeline, 1, "yesterday", other))
    assert 0 == seconds(pipeline, run_of(pipeline, 1, "2026-02-01T00:00:00", other))
    for header in ("", "[]", "{", '{"mode":"paper"}'):
        assert 0 == seconds(pipeline, (RunInfo(1, one, other, header, 2, "hash"), (OPENING, SEEN)))
    assert 0 == paper_hours(pipeline, None, NOON).seconds


def test_time_counts_once_and_none_of_the_future(pipeline: Pipeline) -> None:
    """Of runs that overlap, as where the clock stepped back, the shared hours count once; what lies ahead of now does not."""
    assert 20 * 3_600 == seconds(
        pipeline, run_of(pipeline, 1, at(30), at(15)), run_of(pipeline, 2, at(20), at(10)), run_of(pipeline, 3, at(29), at(28))
    )
    assert 2 * 3_600 == seconds(pipeline, run_of(pipeline, 1, at(2), at(-5)), run_of(pipeline, 2, at(-1), at(-9)))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('mode = "live"', 'mode = "paper"'),
        ('mode = "live"', 'mode = "live"\nseed = 7\nspeed = "max"\ndata = "elsewhere"\n[live]\nrequire_paper_hours = 3'),
        ("[stores.sqlite]", "[stores.sqlite]\n[notifiers.console]"),
        ("[codecs.sim]", "[execution]\nlatency_blocks = 1\n[strategies.spatial]\nenabled = false"),
        ("[books.main.accounts]", "[books.main.capital]\nUSDC = 5\n[books.main.accounts]"),
        ("max_fee = ", "max_value_per_day = 3\nmax_fee = "),
    ],
)
def test_what_decides_nothing_makes_no_other_configuration(old: str, new: str, made: Made, named: Any) -> None:
    """Mode, seed, speed, folder, notifiers, signer, what is off, what has its default, what books start with."""
    text = named.config
    assert old in text
    changed = parse_config(text.replace(old, new), "tidemill.toml", {})

    assert deciding_digest(made().config) == deciding_digest(changed)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("[strategies.triangular]", "[strategies.triangular]\ntop = 3"),
        ("[strategies.triangular]", "[strategies.triangular]\npriority = 3"),
        ("[strategies.triangular]", "[strategies.triangular]\n[strategies.spatial]"),
        ("[strategies.triangular]", "[strategies.triangular]\n[prices.sim]"),
        ("[dex.uniswap]", "[dex.uniswap]\nmax_slippage_bps = 7"),
        ("[chains.sim]", "[chains.sim]\ntokens = 12"),
        ('"1_000 USDC"', '"1_001 USDC"'),
        ('base = "USDC"', 'base = "USDC"\nstrategies = ["triangular"]'),
        ("[codecs.sim]", "[execution]\nstacking = true"),
        ("[codecs.sim]", '[assets]\nACME = { id = "sim:1/erc20:0x01", decimals = 3 }'),
    ],
)
def test_what_decides_makes_another_configuration(old: str, new: str, made: Made, named: Any) -> None:
    """Strategies, their order, chains, DEXs, prices, limits, books, execution, assets."""
    text = named.config
    assert old in text
    changed = parse_config(text.replace(old, new), "tidemill.toml", {})

    assert deciding_digest(made().config) != deciding_digest(changed)


def findings(pipeline: Pipeline, hours: PaperHours) -> tuple[str, str]:
    (found,) = paper_findings(pipeline, hours)
    assert bool(found.remedy) == (found.severity != "ok")
    return found.severity, found.message


def test_finding_says_what_was_found_and_what_is_needed(pipeline: Pipeline, made: Made) -> None:
    """Too few is an error, unless the operator goes without; on play money none are needed; asked for none, that is told."""
    few, none = PaperHours(24, 3_600, 1), made(('mode = "live"', 'mode = "live"\n[live]\nrequire_paper_hours = 0'))
    said = "1.0 h in 1 run of this configuration are in the ledger, 24 h are needed"
    assert ("error", said) == findings(pipeline, few)
    assert ("warning", said) == findings(pipeline, PaperHours(24, 3_600, 1, waived=True))
    assert ("ok", "30.0 h in 2 runs of this configuration, 24 h are needed") == findings(pipeline, PaperHours(24, 30 * 3_600, 2))
    assert ("ok", "none are needed: nothing on these chains is worth anything") == findings(pipeline, PaperHours(0, 0, 0))
    assert ("warning", "none are asked for: nothing shows what this configuration does") == findings(none, PaperHours(0, 0, 0))


def test_play_money_needs_no_hours(made: Made) -> None:
    """Where one chain is of worth, they are needed."""
    assert 0 == paper_hours(made(), None, NOON).required
    pipeline: Any = made()
    pipeline.parts.market.rules[SIM].play_money = False
    assert 24 == paper_hours(pipeline, None, NOON).required
