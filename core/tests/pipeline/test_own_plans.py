"""A strategy is shown its own plans that are over, where it asked for them: enough to wait after a trade without a memory of its own."""

import json
from collections.abc import Iterator

import pytest
from attrs import evolve

from tidemill import Bps, Opportunity, Snapshot, Strategy, settings
from tidemill.config.model import Config
from tidemill.domain.history import PastPlan, Wants
from tidemill.domain.ids import chain_of
from tidemill.domain.records import IntentRow, OpportunityRow, ResultRow
from tidemill_testing.sim import run_strategy, small_market


@settings
class PatientSettings:
    wait_blocks: int = 4


class Patient(Strategy):
    """Trades a pool that lags, and then leaves all pools of that plan alone for some blocks, whatever became of it."""

    name = "patient"
    settings: PatientSettings
    needs = Wants(own_plans=50)

    def find_opportunities(self, snapshot: Snapshot) -> Iterator[Opportunity]:
        past = snapshot.history.plans.get(self.name, ())
        for pair in snapshot.changed.pairs:
            cheap, dear = snapshot.cheapest(pair), snapshot.dearest(pair)
            if cheap.edge_bps(dear) < Bps(10):
                continue
            height = snapshot.head(chain_of(cheap.pool)).height
            if all(height - one.ended > self.settings.wait_blocks for one in past if {cheap.pool, dear.pool} & {*one.pools}):
                yield self.opportunity(buy=cheap, sell=dear)


SHOWN: list[tuple[int, tuple[PastPlan, ...]]] = []


class Watching(Patient):
    """Notes what it is shown; the test reads it after the run."""

    name = "watching"

    def find_opportunities(self, snapshot: Snapshot) -> Iterator[Opportunity]:
        height = max(view.head.height for view in snapshot.chains.values())
        SHOWN.append((height, snapshot.history.plans.get(self.name, ())))
        yield from super().find_opportunities(snapshot)


def market(reorganisation_ppm: int = 0) -> Config:
    usual = small_market()
    tables = (
        evolve(table, settings={**table.settings, "reorganisation_ppm": reorganisation_ppm}) if table.kind == "chain" else table
        for table in usual.tables
    )
    return evolve(usual, tables=tuple(tables))


def pools_of(row: IntentRow) -> set[str]:
    return {swap["pool"] for swap in json.loads(row.flow)["swaps"]}


@pytest.mark.parametrize("reorganisation_ppm", [0, 200_000])
def test_strategy_that_waits_after_its_own_plans_never_trades_a_pool_twice_within_the_wait(reorganisation_ppm: int) -> None:
    """Between the end of a plan and the next one over the same pool lie more blocks than it waits, blocks that came back left out."""
    run = run_strategy(Patient, {"wait_blocks": 6}, blocks=80, config=market(reorganisation_ppm))
    planned = [row for row in run.rows if isinstance(row, IntentRow) and row.state == "planned"]
    ended: dict[str, int] = {}

    assert len(planned) > 5
    for row in run.rows:
        if isinstance(row, IntentRow) and row.state == "reopened":
            ended.pop(row.plan, None)
        if isinstance(row, ResultRow):
            ended[row.plan] = row.height
        if isinstance(row, IntentRow) and row.state == "planned":
            before = [ended[one.plan] for one in planned if one.plan in ended and pools_of(one) & pools_of(row)]
            assert all(row.height - height > 6 for height in before)


def test_history_of_own_plans_is_what_the_ledger_says_of_them() -> None:
    """Status, heights, changes and cost are those of the ledger's results, oldest first."""
    SHOWN.clear()
    run = run_strategy(Watching, {"wait_blocks": 0}, blocks=40, config=market())
    height, past = SHOWN[-1]
    results = [row for row in run.rows if isinstance(row, ResultRow) and row.height <= height]

    assert len(past) > 5
    assert [(row.plan, row.status, row.height, row.changes, row.cost) for row in results] == [
        (one.plan, one.status, one.ended, one.changes, one.cost) for one in past
    ]
    assert all(one.sent < one.ended <= height and one.pools for one in past)


def test_history_of_own_plans_is_empty_for_who_did_not_ask() -> None:
    """Nothing is kept that nobody declared."""
    SHOWN.clear()

    class Indifferent(Watching):
        name = "watching"
        needs = Wants()

    run_strategy(Indifferent, {"wait_blocks": 0}, blocks=20, config=market())

    assert {()} == {past for _, past in SHOWN}


class Talking(Patient):
    """Says why it trades."""

    name = "talking"

    def find_opportunities(self, snapshot: Snapshot) -> Iterator[Opportunity]:
        for opportunity in super().find_opportunities(snapshot):
            yield evolve(opportunity, reason="one pool lags")


def test_reason_of_a_strategy_stands_in_the_ledger_and_in_the_note_of_the_plan() -> None:
    """Whoever reads the books months later sees why a plan was made."""
    run = run_strategy(Talking, {"wait_blocks": 0}, blocks=12, config=market())
    taken = [row.reason for row in run.rows if isinstance(row, OpportunityRow) and row.decision == "taken"]
    told = [note for note in run.notes if note.event == "plan"]

    assert len(taken) > 0
    assert {"one pool lags"} == {*taken}
    assert all(note.text.endswith(": one pool lags") and dict(note.fields)["why"] == "one pool lags" for note in told)
    assert len(taken) == len(told)
