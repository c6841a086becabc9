"""Paper fills: when they are due, what they pay, and that each meets what the one before left."""

from collections.abc import Callable
from typing import Any

from attrs import evolve

from tidemill.domain.ids import PlanId
from tidemill.domain.outcome import OutcomeStatus
from tidemill.domain.plan import Flow
from tidemill.planning.replay import Replayed, replay_flow
from tidemill.stages.effects import Intent
from tidemill_testing.market import SIM
from tidemill_testing.toy import GAS

Benches = Callable[..., Any]
DEEP = 10**21
GAP = DEEP * 105 // 100


def sent(run: Any) -> Intent:
    """Load a gap and return the plan that comes of it, taken up by the desk for the next height."""
    pools = run.load({1: (DEEP, DEEP), 2: (DEEP, DEEP)})
    intent: Intent = run.block({pools[2]: (GAP, DEEP)}).intents[0]
    return intent


def test_paper_plan_is_due_latency_blocks_after_it_was_made(bench: Benches) -> None:
    """Not a block earlier, and for its own chain only; a reopened one at the next head."""
    run = bench(latency=3)
    intent = sent(run)
    made = run.blocks.height

    assert [False, False, True, True] == [run.paper.due(SIM, made + step) for step in (1, 2, 3, 4)]
    assert not run.paper.due(None, made + 9)
    assert (SIM,) == run.paper.waiting
    run.paper.take(evolve(intent, reopened=True), made)
    assert [False, True] == [run.paper.due(SIM, made + step) for step in (0, 1)]


def test_paper_fill_equals_the_replay_on_the_market_of_its_height(bench: Benches) -> None:
    """Swaps, balance changes and cost are those of the one replay at the head."""
    run = bench()
    intent = sent(run)
    assert isinstance(intent.plan, Flow)
    run.feed(run.blocks.head(), decide=False)
    snapshot = run.core.snapshot()
    replayed = replay_flow(intent.plan, snapshot.pools, snapshot.head(SIM))
    batch = run.paper.settle(SIM, snapshot, "0xhash", 7)

    assert isinstance(replayed, Replayed)
    (event,) = batch.events
    outcome = event.outcome
    assert (OutcomeStatus.FILLED, replayed.fills, replayed.changes, GAS) == (outcome.status, outcome.fills, outcome.changes, outcome.cost)
    assert (3, "0xhash", "paper:3") == (outcome.height, outcome.block_hash, outcome.proof)
    assert ("paper", SIM, 3, 7) == (batch.source, batch.chain, batch.height, batch.local_ns)
    assert () == run.paper.waiting


def test_paper_plan_that_does_not_hold_reverts_costs_gas_and_changes_nothing(bench: Benches) -> None:
    """Too late is reverted, with the reason of the replay."""
    run = bench(latency=3)
    sent(run)
    for _ in range(3):
        run.block()
    (event,) = next(batch for batch, _ in run.tape if batch.source == "paper").events

    assert (OutcomeStatus.REVERTED, (), (), GAS) == (
        event.outcome.status, event.outcome.fills, event.outcome.changes, event.outcome.cost,
    )  # fmt: skip
    assert "valid up to height" in event.outcome.reason


def test_paper_plans_of_one_block_fill_in_the_order_sent_each_on_what_the_last_left(bench: Benches) -> None:
    """The same plan twice: the second meets the moved pools and reverts."""
    run = bench(latency=1)
    intent = sent(run)
    twin = evolve(intent, plan=evolve(intent.plan, id=PlanId("twin")))
    run.paper.take(twin, run.blocks.height)
    run.feed(run.blocks.head(), decide=False)
    batch = run.paper.settle(SIM, run.core.snapshot(), "", 0)

    assert [(intent.plan.id, "filled"), ("twin", "reverted")] == [(event.plan, event.outcome.status.value) for event in batch.events]


def test_paper_settles_everything_at_the_end_as_if_the_next_block_came(bench: Benches) -> None:
    """At a tape's end what is not due yet fills on the last market."""
    run = bench(latency=50)
    sent(run)
    assert () == run.paper.settle(SIM, run.core.snapshot(), "", 0).events
    batch = run.paper.settle(SIM, run.core.snapshot(), "", 0, last=True)

    assert [OutcomeStatus.FILLED] == [event.outcome.status for event in batch.events]
