"""The fold, driven by hand over the toy chain."""

from collections.abc import Callable
from typing import Any

from tidemill.domain.outcome import OutcomeStatus
from tidemill.domain.records import EntryRow, IntentRow, OpportunityRow, ResultRow

Benches = Callable[..., Any]
DEEP = 10**21


def test_core_gap_between_two_pools_is_planned_and_filled(bench: Benches) -> None:
    """A gap beyond the fees is planned at its block and filled, by replay, at the next."""
    run = bench()
    pools = run.load({1: (DEEP, DEEP), 2: (DEEP, DEEP)})
    planned = run.block({pools[2]: (DEEP * 105 // 100, DEEP)})
    settled = run.block()

    assert 1 == len(planned.intents)
    result = next(row for row in settled.rows if isinstance(row, ResultRow))
    assert OutcomeStatus.FILLED.value == result.status
    assert 1 == run.summary().fills
    assert all(amount > 0 for amount in run.summary().pnl.values())
    assert {"planned", "filled"} == {row.state for effects in run.seen for row in effects.rows if isinstance(row, IntentRow)}


def test_core_competitor_closes_the_gap_plan_reverts_and_pays_gas(bench: Benches) -> None:
    """A plan whose market moved away reverts: no balance changes but the cost, and what it held is free again."""
    run = bench()
    pools = run.load({1: (DEEP, DEEP), 2: (DEEP, DEEP)})
    run.block({pools[2]: (DEEP * 105 // 100, DEEP)})
    run.block({pools[2]: (DEEP, DEEP)})

    summary = run.summary()
    assert (0, 1) == (summary.fills, summary.reverts)
    assert not any(summary.pnl.values())
    assert [run.rules.gas] == list(summary.cost.values())
    assert not run.core.books.states["main"].plans
    assert not run.core.books.states["main"].reserved


def test_core_second_idea_on_a_pool_in_flight_is_a_conflict(bench: Benches) -> None:
    """An idea that touches a pool of our own plan in flight is rejected by rule, and found again once that plan has settled."""
    run = bench(latency=2)
    pools = run.load({1: (DEEP, DEEP), 2: (DEEP, DEEP)})
    run.block({pools[2]: (DEEP * 105 // 100, DEEP)})
    run.block({pools[2]: (DEEP * 110 // 100, DEEP)})

    rejected = [row for effects in run.seen for row in effects.rows if isinstance(row, OpportunityRow) and row.decision == "rejected"]
    assert ["conflict"] == [row.rule for row in rejected]
    run.block()
    assert 2 == run.summary().plans


def test_core_stacking_second_plan_fills_on_the_overlay_of_the_first(bench: Benches) -> None:
    """With stacking, a plan on top of one in flight is sized on what that leaves, and both fill."""
    run = bench(latency=2, stacking=True)
    pools = run.load({1: (DEEP, DEEP), 2: (DEEP, DEEP)})
    first = run.block({pools[2]: (DEEP * 105 // 100, DEEP)})
    second = run.block({pools[2]: (DEEP * 110 // 100, DEEP)})

    assert [first.intents[0].plan.id] == list(second.intents[0].plan.basis[0].behind)
    run.block()
    run.block()
    assert (2, 0) == (run.summary().fills, run.summary().reverts)


def test_core_entries_sum_to_zero_per_asset(bench: Benches) -> None:
    """Every entry of a run is balanced."""
    run = bench()
    pools = run.load({1: (DEEP, DEEP), 2: (DEEP, DEEP)})
    for step in range(6):
        run.block({pools[2]: (DEEP * (100 + 2 * step) // 100, DEEP)})

    entries = [row for effects in run.seen for row in effects.rows if isinstance(row, EntryRow)]
    assert entries
    for entry in entries:
        totals: dict[str, int] = {}
        for line in entry.postings:
            totals[line.asset] = totals.get(line.asset, 0) + line.amount
        assert not any(totals.values())
