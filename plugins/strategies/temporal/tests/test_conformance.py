"""The strategy keeps the rules of its kind."""

from collections.abc import Sequence

import pytest

from tidemill import Snapshot
from tidemill.domain.records import OpportunityRow
from tidemill_strategy_temporal import Temporal
from tidemill_testing.conformance import StrategyConformance
from tidemill_testing.sim import run_strategy, sim_market


class TestTemporal(StrategyConformance):
    plugin = Temporal


class TestTemporalInAHurry(StrategyConformance):
    """Settings with which gaps of a few blocks count, so that there is something to hold the rules against."""

    plugin = Temporal
    settings = {"least_gaps": 1, "patience_ppm": 500_000, "window": 16, "min_profit_bps": 0, "widest_bps": 10_000}  # noqa: RUF012 read only

    @pytest.fixture
    def snapshots(self) -> Sequence[Snapshot]:
        return sim_market(blocks=60, needs=self.plugin.needs)[-40:]


def test_rules_are_held_against_something() -> None:
    """On the market that the suite shows, gaps are found."""
    strategy = Temporal(Temporal.settings_class()(**TestTemporalInAHurry.settings))

    assert any(list(strategy.find_opportunities(snapshot)) for snapshot in sim_market(blocks=60, needs=Temporal.needs)[-40:])


def test_run_trades_gaps_that_were_left_open() -> None:
    """The market of a run keeps the gaps, and after a while one is traded; the ledger says why."""
    run = run_strategy(Temporal, TestTemporalInAHurry.settings, blocks=100)
    taken = [row for row in run.rows if isinstance(row, OpportunityRow) and row.decision == "taken"]

    assert 0 < run.summary.fills < run.summary.plans == len(taken)
    assert all(row.height > 10 and "before it closed after" in row.reason for row in taken)
