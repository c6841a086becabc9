"""Legs that are not atomic together, from the idea to the way back: folded from batches alone."""

from collections.abc import Callable, Iterator
from typing import Any, ClassVar, Literal

import pytest
from attrs import evolve

from tidemill.domain.answers import Rejected
from tidemill.domain.asset import AssetAmount
from tidemill.domain.decision import Allowance, Sized
from tidemill.domain.events import Control, Head, OpenGroup, Opening, OpenIntent, OutcomeSeen, RefusedSeen, Rollback
from tidemill.domain.ids import MAIN_BOOK, AssetId, MarketId, PlanId, PoolId
from tidemill.domain.note import Note
from tidemill.domain.opportunity import Arbitrage, Opportunity
from tidemill.domain.outcome import Outcome, OutcomeStatus
from tidemill.domain.plan import Flow, Group, Plan
from tidemill.domain.records import IntentRow, OpportunityRow
from tidemill.domain.snapshot import Snapshot
from tidemill.hookspecs.strategy import Strategy
from tidemill.ledger.plan_text import plan_from_text
from tidemill.ledger.verify import verify
from tidemill.pipeline.core import Core
from tidemill.planning.desk import Desk
from tidemill.planning.legs import build_group, size_group
from tidemill.stages.effects import Intent
from tidemill.stages.market import Market
from tidemill_testing.market import ETHER, SIM
from tidemill_testing.toy import BLOCK_S, USD, WETH

DEEP = 10**24
POOLS = {1: (DEEP, DEEP), 2: (DEEP * 11 // 10, DEEP)}
LIMIT = AssetAmount(USD, 10**23)
MONEY = {USD: 10**22, WETH: 10**22, ETHER: 10**9}


class Split(Strategy):
    """Buys at the pool that lags and sells at the other, in two transactions."""

    name = "split"
    unwind: ClassVar[Literal["sell_back", "keep"]] = "sell_back"
    within_s: ClassVar[int] = 10 * BLOCK_S
    once = False

    def find_opportunities(self, snapshot: Snapshot) -> Iterator[Opportunity]:
        if snapshot.head(SIM).height > 1:
            return
        for pair in snapshot.changed.pairs:
            offers = snapshot.offers(pair)
            if len(offers) > 1 and offers[0].edge_bps(offers[-1]) > 0:
                yield self.opportunity(buy=offers[0], sell=offers[-1])

    def calculate_position_size(self, opportunity: Opportunity, allowance: Allowance, desk: Desk) -> Sized | Rejected:
        assert isinstance(opportunity, Arbitrage)
        return size_group(opportunity, allowance, desk)

    def build_execution_plan(self, opportunity: Opportunity, size: Sized, desk: Desk) -> Plan | Rejected:
        assert isinstance(opportunity, Arbitrage)
        return build_group(opportunity, size, desk, within_s=self.within_s, unwind=self.unwind)


class Keeping(Split):
    """The same, and keeps what filled."""

    unwind = "keep"


class Hasty(Split):
    """The same, with a deadline before the next block."""

    within_s = 1


Make = Callable[..., Any]


@pytest.fixture
def start(bench: Make) -> Make:
    """A bench whose strategy has just sent a group over two pools."""

    def made(strategy: Strategy | None = None, **options: Any) -> tuple[Any, dict[int, PoolId], Group]:
        run = bench([strategy or Split()], **{"capital": MONEY, "max_exposure": LIMIT, **options})
        pools = run.load(POOLS)
        (row,) = [row for row in rows(run, IntentRow) if row.flow and row.state == "planned" and '"type":"Group"' in row.flow]
        group = plan_from_text(row.flow)
        assert isinstance(group, Group)
        return run, pools, group

    return made


def rows(run: Any, kind: type) -> list[Any]:
    return [row for effects in run.seen for row in effects.rows if isinstance(row, kind)]


def notes(run: Any, event: str) -> list[Note]:
    return [note for effects in run.seen for note in effects.notes if note.event == event]


def states(run: Any, plan: PlanId) -> list[str]:
    return [row.state for row in rows(run, IntentRow) if row.plan == plan]


def told(note: Note) -> dict[str, Any]:
    return dict(note.fields)


def held(run: Any) -> dict[AssetId, int]:
    return dict(run.core.books.states[MAIN_BOOK].balances)


def sound(run: Any) -> None:
    """The rows can be true, nothing is reserved, and folding the same batches again gives the same rows."""
    every = [row for effects in run.seen for row in effects.rows]
    assert [] == verify(every)
    assert {} == dict(run.core.books.states[MAIN_BOOK].reserved)


def intents(run: Any) -> list[Intent]:
    return [intent for effects in run.seen for intent in effects.intents]


def legs(group: Group) -> tuple[Flow, Flow]:
    first, second = group.plans
    assert isinstance(first, Flow)
    assert isinstance(second, Flow)
    return first, second


def break_leg(run: Any, leg: Flow) -> None:
    """Let a competitor move the pool of one leg, so that it pays less than its minimum."""
    (swap,) = leg.swaps
    pool = run.core.view()[swap.pool]
    worse = {swap.sell: pool.holdings[swap.sell] * 12 // 10, swap.buy: pool.holdings[swap.buy] * 10 // 12}
    run.block({swap.pool: tuple(worse[asset] for asset in pool.assets)})


def drain(run: Any, leg: Flow) -> None:
    """Let the pool of one leg be left with next to nothing."""
    run.block({leg.swaps[0].pool: (10**12, 10**12)})


def settled(leg: Flow, height: int) -> OutcomeSeen:
    """The leg filled at its minimum."""
    (swap,) = leg.swaps
    changes = tuple(sorted(((swap.sell, -(swap.amount_in or 0)), (swap.buy, swap.min_out))))
    return OutcomeSeen(leg.id, Outcome(OutcomeStatus.FILLED, height, f"0x{height:x}", (), changes, 5))


def test_group_leaves_as_a_row_of_its_own_and_all_legs_behind_it(start: Make) -> None:
    """The group is written down before its legs, each leg names it, and each reserves what it uses."""
    run, pools, group = start()
    first, second = legs(group)

    assert [group.id, first.id, second.id] == [row.plan for row in rows(run, IntentRow)]
    assert [(first.id, group.id), (second.id, group.id)] == [(intent.plan.id, intent.group) for intent in intents(run)]
    assert set(pools.values()) == {*first.pools, *second.pools}
    (taken,) = rows(run, OpportunityRow)
    assert ("taken", group.id) == (taken.decision, taken.plan)
    reserved = dict(run.core.books.states[MAIN_BOOK].reserved)
    assert dict((*first.funds, *second.funds)).items() <= reserved.items()


def test_group_whose_legs_all_fill_is_complete_and_its_profit_counted_once(start: Make) -> None:
    """The legs' own notes tell of no profit; the group's does, when the last one has filled."""
    run, _, group = start()
    before = held(run)
    run.block()
    after = held(run)

    assert ["planned", "complete"] == states(run, group.id)
    assert (2, 1) == (run.core.tally.fills, run.core.tally.profitable)
    assert ["0", "0"] == [told(note)["net"] for note in notes(run, "fill")]
    (end,) = notes(run, "group")
    assert "complete" == told(end)["state"]
    assert 0 < int(told(end)["net"])
    assert after[USD] > before[USD]
    assert after[WETH] == before[WETH]
    assert () == run.core.groups.exposure
    sound(run)


@pytest.mark.parametrize("leg", [1, 2])
def test_leg_without_its_counterpart_is_exposed_and_sold_back(start: Make, leg: int) -> None:
    """A competitor takes one leg: the other is told as exposure with its numbers, sold back, and nothing stands open at the end."""
    run, _, group = start(unwind_loss_bps=2_000)
    before = held(run)
    break_leg(run, legs(group)[leg - 1])
    (begun, sent) = notes(run, "exposure")
    exposure = run.core.groups.exposure
    run.block()
    asset = legs(group)[2 - leg].swaps[0].buy  # what the leg that filled brought in

    assert ["planned", "exposed", "unwinding", "unwound"] == states(run, group.id)
    assert ("error", "exposed", "warning", "unwinding") == (begun.level, told(begun)["state"], sent.level, told(sent)["state"])
    assert int(told(begun)["open"][asset]) > 0
    (one,) = exposure
    assert (group.id, MAIN_BOOK, "split", "unwinding") == (one.group, one.book, one.strategy, one.state)
    assert {asset: int(amount) for asset, amount in told(begun)["open"].items()} == dict(one.amounts)
    back = intents(run)[-1].plan
    assert isinstance(back, Flow)
    assert (group.id, ((asset, dict(one.amounts)[asset]),)) == (back.opportunity, back.funds)
    assert () == run.core.groups.exposure
    (end,) = notes(run, "group")
    assert ("unwound", "warning") == (told(end)["state"], end.level)
    assert (0, 1) == (run.core.tally.profitable, run.core.tally.reverts)
    after = held(run)
    assert after[asset] == before[asset]
    sound(run)


def test_group_none_of_whose_legs_fill_has_failed(start: Make) -> None:
    """Where nothing filled nothing stands open: no exposure is told."""
    run, pools, group = start()
    run.block(dict.fromkeys(pools.values(), (10**12, 10**12)))

    assert ["planned", "failed"] == states(run, group.id)
    assert [] == notes(run, "exposure")
    assert ("failed", "info") == (told(notes(run, "group")[0])["state"], notes(run, "group")[0].level)
    sound(run)


def test_group_is_refused_where_no_exposure_is_allowed(bench: Make) -> None:
    """Without a limit the rejection says which key to set; above it, it has the numbers."""
    for limit in (None, AssetAmount(USD, 0), AssetAmount(USD, 10**18)):
        run = bench([Split()], capital=MONEY, max_exposure=limit)
        run.load(POOLS)
        (row,) = rows(run, OpportunityRow)

        assert "exposure" == row.rule
        assert ("set max_exposure in [execution]" in row.reason) == (limit is None or not limit.amount)
        (note,) = notes(run, "rejected")
        assert (limit is not None and limit.amount > 0) == ("limit" in told(note))


def test_leg_that_was_never_sent_exposes_the_other(start: Make) -> None:
    """A refusal is as final as a revert; the sale waits for the other leg's proof."""
    run, _, group = start(latency=50)
    first, second = legs(group)
    run.answer(RefusedSeen(second.id, "node", "no"))

    assert ["planned"] == states(run, group.id)
    run.block()
    run.answer(settled(first, 2), decide=True)
    assert ["planned", "exposed", "unwinding"] == states(run, group.id)
    assert "node: no" in run.core.groups.exposure[0].reason


def test_unknown_leg_at_the_deadline_counts_and_is_never_taken_for_failed(start: Make) -> None:
    """Nothing is sold while a leg may still fill; when it has, the group is complete."""
    run, _, group = start(Hasty(), latency=50)
    first, second = legs(group)
    run.block()

    assert ["planned", "exposed"] == states(run, group.id)
    assert (first.id, second.id) == run.core.groups.exposure[0].unproven
    run.answer(OutcomeSeen(second.id, Outcome(OutcomeStatus.UNKNOWN, 2, "")), settled(first, 2), decide=True)
    run.block()
    (one,) = run.core.groups.exposure
    assert ((second.id,), "exposed", 2) == (one.unproven, one.state, len(intents(run)))
    run.answer(settled(second, 3), decide=True)
    assert ["planned", "exposed", "complete"] == states(run, group.id)
    assert () == run.core.groups.exposure
    assert verify([row for effects in run.seen for row in effects.rows]) == []


def test_policy_keep_leaves_what_filled_and_flags_it(start: Make) -> None:
    """Nothing is sold; what stands open is told as an error, and counts against the limit as long as the run lasts."""
    run, _, group = start(Keeping())
    break_leg(run, legs(group)[1])
    run.block()

    assert ["planned", "kept"] == states(run, group.id)
    assert 2 == len(intents(run))
    (note,) = notes(run, "exposure")
    assert ("error", "kept") == (note.level, told(note)["state"])
    assert "its policy keeps what filled" in note.text
    for _ in range(100):
        run.block()
    (one,) = run.core.groups.exposure
    assert "kept" == one.state
    (stake,) = run.core.groups.stakes
    assert one.amounts == stake.settled


def test_policy_hedge_without_a_venue_keeps_and_says_so(start: Make) -> None:
    """There is nowhere to hedge: the same as keep, with that as the reason."""

    class Hedging(Split):
        def build_execution_plan(self, opportunity: Opportunity, size: Sized, desk: Desk) -> Plan | Rejected:
            group = super().build_execution_plan(opportunity, size, desk)
            assert isinstance(group, Group)
            return evolve(group, unwind="hedge", hedge=MarketId("perp:1"))

    run, _, group = start(Hedging())
    break_leg(run, legs(group)[1])

    assert ["planned", "kept"] == states(run, group.id)
    assert "nothing is hedged" in notes(run, "exposure")[0].text


def test_sale_beyond_the_loss_bound_waits_and_is_tried_at_each_head(start: Make) -> None:
    """What would lose too much is not sold; once told why, it is sold when the market lets it."""
    run, _, group = start(unwind_loss_bps=10)
    first, second = legs(group)
    drain(run, second)
    run.block()

    assert ["planned", "exposed"] == states(run, group.id)
    assert ["loss"] == [told(note)["rule"] for note in notes(run, "exposure")[1:]]
    swap = first.swaps[0]
    better = {swap.sell: DEEP * 2, swap.buy: DEEP}
    run.block({second.swaps[0].pool: tuple(better[asset] for asset in run.core.view()[swap.pool].assets)})
    run.block()
    assert ["planned", "exposed", "unwinding", "unwound"] == states(run, group.id)


def test_sale_that_reverts_is_sent_again(start: Make) -> None:
    """A way back that a competitor broke is planned anew on the next market, under another name."""
    run, pools, group = start(unwind_loss_bps=3_000)
    break_leg(run, legs(group)[1])
    first = intents(run)[-1].plan
    assert isinstance(first, Flow)
    break_leg(run, first)
    second = intents(run)[-1].plan
    run.block()

    assert {*pools.values()} >= {*first.pools}
    assert first.id != second.id
    assert ["planned", "exposed", "unwinding", "exposed", "unwinding", "unwound"] == states(run, group.id)
    assert ["exposed", "unwinding", "unwinding"] == [told(note)["state"] for note in notes(run, "exposure")]
    sound(run)


def test_rolled_back_leg_reopens_its_group(start: Make) -> None:
    """A leg whose block is dropped is out again: the profit is taken back, and counted once when it has filled again."""
    run, _, group = start()
    run.block()
    assert (2, 1) == (run.core.tally.fills, run.core.tally.profitable)
    run.blocks.height = 1
    run.feed(run.blocks.batch(Rollback(SIM, 1, run.blocks.hash_of(1))))
    assert (0, 0) == (run.core.tally.fills, run.core.tally.profitable)
    assert ["planned", "complete", "reopened"] == states(run, group.id)
    run.blocks.fork = "b"
    run.block()

    assert ["planned", "complete", "reopened", "complete"] == states(run, group.id)
    assert (2, 1) == (run.core.tally.fills, run.core.tally.profitable)
    sound(run)


def test_emergency_stop_holds_the_way_back_too(start: Make) -> None:
    """While trading is held nothing leaves, the sale included; after the release it goes out."""
    run, _, group = start(unwind_loss_bps=2_000)
    run.feed(run.blocks.batch(Control("hold", (), "look")))
    break_leg(run, legs(group)[1])
    run.block()
    assert ["planned", "exposed"] == states(run, group.id)
    run.feed(run.blocks.batch(Control("release")))
    run.block()
    run.block()

    assert ["planned", "exposed", "unwinding", "unwound"] == states(run, group.id)


def test_core_that_follows_another_sells_nothing_back_itself(start: Make) -> None:
    """What the one that it follows sends comes to it; to send it twice would reserve it twice."""
    run, _, group = start(unwind_loss_bps=2_000)
    run.core.roster.alone = "split"
    break_leg(run, legs(group)[1])
    run.block()

    assert ["planned", "exposed"] == states(run, group.id)
    assert 2 == len(intents(run))


def test_second_group_counts_what_is_open_already(start: Make) -> None:
    """The limit is for all groups together."""
    run, _, _ = start()
    (stake,) = run.core.groups.stakes

    assert stake.whole
    assert 2 == len(stake.pending)


def test_replay_of_the_batches_gives_the_same_rows(start: Make) -> None:
    """R1, R4: whatever is decided about groups follows from the batches alone."""
    run, _, group = start(unwind_loss_bps=2_000)
    break_leg(run, legs(group)[1])
    run.block()
    tools = run.parts.tools
    fresh = Core(evolve(run.parts, market=Market(dexes=tools.dexes, rules=tools.rules, guard=run.supervisor)))
    given = [row for effects in run.seen for row in effects.rows]

    assert given == [row for batch, decide in run.tape for row in fresh.on_batch(batch, decide).rows]


def test_ended_groups_are_forgotten_once_their_blocks_are_deep(start: Make) -> None:
    """Memory does not grow with the groups of the past."""
    run, _, _ = start()
    run.block()
    assert 1 == len(run.core.groups.stakes)
    for _ in range(80):
        run.feed(run.blocks.head(), decide=False)

    assert () == run.core.groups.stakes
    assert isinstance(run.tape[-1][0].events[0], Head)


class Silent(Split):
    """Finds nothing: what happens is what an earlier run began."""

    def find_opportunities(self, snapshot: Snapshot) -> Iterator[Opportunity]:
        yield from ()


@pytest.fixture
def after(bench: Make, start: Make) -> Make:
    """A run that begins with the group of an earlier one, of whose plans these outcomes are known; the group's legs."""

    def made(
        outcomes: Callable[[Flow, Flow], tuple[tuple[PlanId, Outcome], ...]], backs: tuple[PlanId, ...] = ()
    ) -> tuple[Any, Group, tuple[Flow, Flow]]:
        _, _, group = start()
        run = bench([Silent()], capital=MONEY, max_exposure=LIMIT, unwind_loss_bps=2_000)
        first, second = legs(group)
        known = OpenGroup(group, outcomes(first, second), backs)
        pending = [leg for leg in (first, second) if leg.id not in dict(known.outcomes)]
        opening = Opening((), tuple(OpenIntent(leg, height=1) for leg in pending), groups=(known,))
        run.answer(opening)
        run.load(POOLS)
        return run, group, (first, second)

    return made


def test_group_that_an_earlier_run_left_exposed_is_sold_back(after: Make) -> None:
    """What filled then stands open now: the alert is told again, and the sale goes out."""
    dead = Outcome(OutcomeStatus.DEAD, 0, "", reason="expired")
    run, group, _ = after(lambda first, second: ((first.id, settled(first, 1).outcome), (second.id, dead)))
    run.block()
    run.block()

    assert ["exposed", "unwinding", "unwound"] == states(run, group.id)
    assert ("exposed", "error") == (told(notes(run, "exposure")[0])["state"], notes(run, "exposure")[0].level)
    assert "expired" in notes(run, "exposure")[0].text


def test_group_that_an_earlier_run_left_in_flight_is_followed(after: Make) -> None:
    """Its pending leg counts with what its plan says, and completes it when it fills."""
    run, group, (first, second) = after(lambda first, _: ((first.id, settled(first, 1).outcome),))
    (stake,) = run.core.groups.stakes

    assert [] == states(run, group.id)
    (pending,) = stake.pending
    assert dict(pending) == {asset: -amount for asset, amount in second.funds} | {second.swaps[0].buy: second.swaps[0].min_out}
    assert dict(stake.settled)[first.swaps[0].buy] == first.swaps[0].min_out
    run.answer(settled(second, 1))
    assert ["complete"] == states(run, group.id)


def test_sale_that_an_earlier_run_sent_is_not_sent_twice(after: Make) -> None:
    """A way back whose end is not proven is waited for."""
    dead = Outcome(OutcomeStatus.DEAD, 0, "", reason="expired")
    run, group, _ = after(lambda first, second: ((first.id, settled(first, 1).outcome), (second.id, dead)), (PlanId("back"),))
    run.block()

    assert ["unwinding"] == states(run, group.id)
    assert [] == intents(run)
