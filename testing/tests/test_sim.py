"""The small simulated market: what an author's five lines run on."""

from collections.abc import Iterator
from typing import ClassVar

import pytest

from tidemill import Bps, Opportunity, RiskCheck, Snapshot, Strategy
from tidemill.domain.answers import Rejected
from tidemill.domain.book import BookState
from tidemill.domain.decision import Allowance
from tidemill.domain.history import Wants
from tidemill.domain.plan import Plan
from tidemill.domain.search import CycleQuery
from tidemill.errors import ConfigError, PluginError
from tidemill_strategy_spatial import Spatial, SpatialSettings
from tidemill_testing.pinned import Pinned
from tidemill_testing.sim import run_plugins, run_strategy, sim_market


class Fails(Strategy):
    name: ClassVar[str] = "fails"

    def find_opportunities(self, snapshot: Snapshot) -> Iterator[Opportunity]:
        raise RuntimeError("at its first call")


class NoneAtAll(RiskCheck):
    name: ClassVar[str] = "none_at_all"

    def allow(self, opportunity: Opportunity, book: BookState, snapshot: Snapshot) -> Allowance | Rejected:
        return Rejected("none_at_all", "nothing may be risked")

    def check(self, plan: Plan, book: BookState, snapshot: Snapshot) -> Rejected | None:
        return None


def test_run_strategy_equal_arguments_give_equal_ledgers() -> None:
    """A run repeats: the same rows, the same hash; another seed is another market."""
    one, again, other = (run_strategy(Spatial, blocks=6, seed=seed) for seed in (3, 3, 4))

    assert one.rows == again.rows
    assert one.summary.ledger_hash == again.summary.ledger_hash != other.summary.ledger_hash
    assert 6 == one.summary.blocks


def test_run_strategy_settings_as_mapping_and_as_instance_are_one() -> None:
    """Settings are given as in a file, or as the class makes them."""
    mapping = run_strategy(Spatial, {"top": 1, "min_profit_bps": 0}, blocks=6).summary
    instance = run_strategy(Spatial, SpatialSettings(top=1, min_profit_bps=Bps(0)), blocks=6).summary

    assert mapping.opportunities == instance.opportunities > 0


def test_run_strategy_wrong_settings_are_refused() -> None:
    """A misspelt setting is told with its path, as from a file."""
    with pytest.raises(ConfigError, match=r"\$\.strategies\.spatial\.tpo"):
        run_strategy(Spatial, {"tpo": 1})


def test_run_strategy_that_raises_is_named() -> None:
    """In a test nothing is isolated in silence: what a strategy raises ends the test."""
    with pytest.raises(PluginError, match=r"strategies\.fails.*at its first call"):
        run_strategy(Fails, blocks=2)


def test_run_plugins_with_a_risk_check_takes_its_word() -> None:
    """A check that allows nothing leaves its name in every rejection, and no plan."""
    run = run_plugins({Spatial: {"min_profit_bps": 0}, NoneAtAll: None}, blocks=6)

    assert 0 == run.summary.plans
    assert "none_at_all" in repr(run.rows)
    assert any(note.event == "rejected" for note in run.notes)


def test_sim_market_snapshots_stand_alone() -> None:
    """Each snapshot answers for cycles as it did in the run, also in another order."""
    market = sim_market(blocks=4)
    changed = [snapshot for snapshot in market if snapshot.changed.pools]

    def cycles(snapshot: Snapshot) -> list[object]:
        start = min(snapshot.books.values(), key=lambda book: book.id).base
        return list(snapshot.cycles(CycleQuery(min(snapshot.chains), (start,), changed_only=True)))

    forwards = [cycles(snapshot) for snapshot in changed]
    backwards = [cycles(snapshot) for snapshot in reversed(changed)]

    assert forwards == backwards[::-1]
    assert any(forwards)
    assert all(isinstance(snapshot.finder, Pinned) and snapshot.finder.max_hops == 12 for snapshot in market)


def test_sim_market_shows_each_snapshot_before_the_next_exists() -> None:
    """Who is shown snapshots in the run sees what is returned later, in order."""
    heights: list[int] = []
    market = sim_market(blocks=3, shown=lambda one: heights.extend(view.head.height for view in one.chains.values()))

    assert [view.head.height for one in market for view in one.chains.values()] == heights
    assert sorted(heights) == heights


def test_sim_market_keeps_the_history_that_is_wanted() -> None:
    """With ``needs`` a pair's prices stand in the history, no more of them than were asked for."""
    pair = min(sim_market(blocks=2)[-1].by_pair)
    last = sim_market(blocks=6, needs=Wants(pairs=(pair,), pair_length=3))[-1]
    heights = [point.height for point in last.history.pairs[pair]]

    assert [heights[0], heights[0] + 1, heights[0] + 2] == heights
    assert heights[-1] <= last.head(min(last.chains)).height


def test_asset_amounts_are_settings_too() -> None:
    """An amount in a table is read with the market's own symbols."""
    run = run_strategy(Spatial, {"min_net_profit": "1_000_000 USDC"}, blocks=4)

    assert 0 == run.summary.plans
