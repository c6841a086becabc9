"""Trades whose legs fix their amounts: validated, sized, planned and replayed like any other."""

from typing import Any

import pytest
from attrs import evolve

from tidemill.domain.answers import Rejected
from tidemill.domain.asset import AssetAmount
from tidemill.domain.decision import Allowance, Sized, Valid
from tidemill.domain.opportunity import Arbitrage, Leg, arbitrage_id
from tidemill.domain.plan import Flow
from tidemill.domain.search import Netted
from tidemill.domain.snapshot import DexPolicy, Snapshot
from tidemill.hookspecs.strategy import Strategy
from tidemill.planning.build import build_flow
from tidemill.planning.desk import Desk
from tidemill.planning.netted import is_netted, profit_of, walk
from tidemill.planning.replay import Broken, Replayed, replay_flow
from tidemill.planning.sizing import size_route
from tidemill_testing.desk import FlatLender, FlatRules, desk_of
from tidemill_testing.market import NEXT, SIM, pair_pool, snapshot_of, token

A, B = token("A"), token("B")
E18 = 10**18
CHEAP = pair_pool("cheap", {A: 1000 * E18, B: 1100 * E18})
DEAR = pair_pool("dear", {A: 1000 * E18, B: 900 * E18})
OTHER = pair_pool("other", {A: 1000 * E18, B: 950 * E18})
POOLS = {pool.id: pool for pool in (CHEAP, DEAR, OTHER)}
BOUGHT = CHEAP.amount_out(A, B, 40 * E18, NEXT)
LEGS = (Leg(CHEAP.id, A, B, 40 * E18), Leg(DEAR.id, B, A, 25 * E18), Leg(OTHER.id, B, A, BOUGHT - 25 * E18))
PAID = DEAR.amount_out(B, A, 25 * E18, NEXT) + OTHER.amount_out(B, A, BOUGHT - 25 * E18, NEXT)
PROFIT = PAID - 40 * E18
TRADE = Arbitrage(arbitrage_id("net", 101, A, LEGS), "net", SIM, A, LEGS, 40 * E18, PROFIT, 101)
PLENTY = Allowance(A, 100 * E18, 1000 * E18, E18)


class Net(Strategy):
    """Proposes what the searcher netted."""

    name = "net"

    def find_opportunities(self, snapshot: Snapshot) -> Any:
        return iter(())


def desk(own: int = 100 * E18, rules: FlatRules | None = None, fee_ppm: int = 500, **options: Any) -> Desk:
    lender = FlatLender("bank", AssetAmount(A, 60 * E18), fee_ppm)
    snapshot = snapshot_of(POOLS.values(), wrapped=A, **options)
    return desk_of(snapshot, {A: own}, rules=rules or FlatRules(cost_per_swap=10), lenders=[lender])


def test_profit_is_what_the_legs_leave_in_order() -> None:
    """One purchase that two sales share: all of it counts once."""
    assert PROFIT > 0
    assert is_netted(TRADE)
    assert PROFIT == profit_of(TRADE, POOLS, NEXT)
    walked = walk(TRADE, POOLS, NEXT)
    assert isinstance(walked, Replayed)
    assert ((A, PROFIT),) == walked.changes


def test_trade_that_sells_more_than_it_holds_is_broken() -> None:
    """Amounts are fixed: where a pool has moved, the later legs do not find what they sell."""
    moved = {**POOLS, CHEAP.id: evolve(CHEAP, reserves=(CHEAP.reserves[0], CHEAP.reserves[1] * 9 // 10))}
    found = profit_of(TRADE, moved, NEXT)

    assert isinstance(found, Broken)
    assert "balance" == found.rule
    answer = Net().validate_opportunity(TRADE, snapshot_of(moved.values()))
    assert isinstance(answer, Rejected)
    assert found.reason == answer.reason


def test_validation_quotes_every_leg_again() -> None:
    """What the legs leave now is the profit; what leaves nothing is turned away."""
    assert Valid(40 * E18, PROFIT) == Net().validate_opportunity(TRADE, snapshot_of(POOLS.values()))
    level = [pair_pool(name, {A: 1000 * E18, B: 1000 * E18}) for name in ("cheap", "dear", "other")]
    legs = tuple(evolve(leg, amount=30 * E18 if place == 0 else 14 * E18) for place, leg in enumerate(LEGS))
    answer = Net().validate_opportunity(evolve(TRADE, legs=legs, amount=30 * E18), snapshot_of(level))
    assert isinstance(answer, Rejected)
    assert "no longer gains" in answer.reason


def test_suspect_opportunity_is_turned_away_with_its_reasons() -> None:
    """A cycle that a searcher marked is shown, and not traded."""
    answer = Net().validate_opportunity(evolve(TRADE, suspect=("B takes 5 % of each transfer",)), snapshot_of(POOLS.values()))

    assert Rejected("suspect", "B takes 5 % of each transfer") == answer


def test_opportunity_of_a_netted_trade_has_its_legs_amount_and_profit() -> None:
    """Nothing of the trade is lost on the way to the planner."""
    made = Net().from_netted(Netted(SIM, A, LEGS, (BOUGHT, 1, 1), 40 * E18, PROFIT, 2), snapshot_of(POOLS.values()))

    assert evolve(TRADE, height=made.height, id=made.id) == made


@pytest.mark.parametrize(
    ("own", "allowance", "expected"),
    [
        (100 * E18, PLENTY, Sized(40 * E18, PROFIT)),
        (10 * E18, PLENTY, Sized(40 * E18, PROFIT - 40 * E18 * 500 // 10**6, "bank")),
    ],
)
def test_size_is_the_trades_own(own: int, allowance: Allowance, expected: Sized) -> None:
    """All of it with own money, or all of it with a loan."""
    assert expected == size_route(TRADE, allowance, desk(own))


@pytest.mark.parametrize(
    ("allowance", "fee_ppm", "rule"),
    [(Allowance(A, E18, E18, E18), 500, "funds"), (Allowance(A, E18, 50 * E18, E18), 900_000, "profit")],
)
def test_size_that_nobody_funds_is_rejected(allowance: Allowance, fee_ppm: int, rule: str) -> None:
    """Its amounts cannot shrink: what funds do not reach, and what a loan eats up, is turned away."""
    answer = size_route(TRADE, allowance, desk(fee_ppm=fee_ppm))

    assert isinstance(answer, Rejected)
    assert rule == answer.rule


def test_size_of_a_broken_or_losing_trade_is_rejected() -> None:
    """It is quoted again on what the desk sees."""
    greedy = evolve(TRADE, legs=(LEGS[0], evolve(LEGS[1], amount=10**30)))
    lossy = evolve(TRADE, legs=(evolve(LEGS[0], amount=10 * E18), evolve(LEGS[1], amount=E18)))
    assert ["quote", "profit"] == [getattr(size_route(one, PLENTY, desk()), "rule", "") for one in (greedy, lossy)]


@pytest.mark.parametrize("lender", [None, "bank"])
@pytest.mark.parametrize("spends", [True, False])
@pytest.mark.parametrize("guards", [True, False])
@pytest.mark.parametrize("slippage", [None, 30])
def test_flow_holds_when_replayed(lender: str | None, spends: bool, guards: bool, slippage: int | None) -> None:
    """On every kind of chain the plan leaves what sizing said; on one that spends what it holds, last sales take all there is."""
    table = desk(rules=FlatRules(spends_balance=spends, guards_balance=guards), policies={"uniswap": DexPolicy(max_slippage_bps=slippage)})
    flow = build_flow(TRADE, Sized(40 * E18, PROFIT, lender), table)
    assert isinstance(flow, Flow)
    found = replay_flow(flow, table.view.pools, NEXT)

    assert isinstance(found, Replayed)
    assert PROFIT - (40 * E18 * 500 // 10**6 if lender else 0) == dict(found.changes)[A]
    assert [40 * E18, 25 * E18, None if spends else LEGS[2].amount] == [swap.amount_in for swap in flow.swaps]
    assert {leg.pool for leg in LEGS} == {one.pool for one in flow.basis}


@pytest.mark.parametrize("guards", [True, False])
def test_flow_that_would_lose_after_all_does_not_hold(guards: bool) -> None:
    """When a pool pays less than planned, so that nothing is left, the last minimum or the guard says no."""
    table = desk(rules=FlatRules(spends_balance=True, guards_balance=guards))
    flow = build_flow(TRADE, Sized(40 * E18, PROFIT), table)
    assert isinstance(flow, Flow)
    worse = {**POOLS, OTHER.id: evolve(OTHER, reserves=(OTHER.reserves[0] * 5 // 10, OTHER.reserves[1]))}
    found = replay_flow(flow, worse, NEXT)

    assert isinstance(found, Broken)
    assert ("guard" if guards else "min_out") == found.rule


def test_plan_of_another_size_is_refused() -> None:
    """Half of the money does not buy half of a trade whose amounts are fixed."""
    answer = build_flow(TRADE, Sized(20 * E18, 1), desk())

    assert isinstance(answer, Rejected)
    assert "size" == answer.rule


def test_plan_on_a_market_that_moved_is_refused() -> None:
    """What can no longer be carried out makes no plan."""
    answer = build_flow(evolve(TRADE, legs=(LEGS[0], evolve(LEGS[1], amount=10**30))), Sized(40 * E18, 1), desk())

    assert isinstance(answer, Rejected)
    assert "quote" == answer.rule


TWIN = pair_pool("twin", {A: 1000 * E18, B: 1100 * E18})
FIRST_BOUGHT, SECOND_BOUGHT = CHEAP.amount_out(A, B, 30 * E18, NEXT), TWIN.amount_out(A, B, 31 * E18, NEXT)
AGAIN_LEGS = (
    Leg(CHEAP.id, A, B, 30 * E18), Leg(DEAR.id, B, A, FIRST_BOUGHT), Leg(TWIN.id, A, B, 31 * E18), Leg(OTHER.id, B, A, SECOND_BOUGHT),
)  # fmt: skip
AGAIN_PROFIT = DEAR.amount_out(B, A, FIRST_BOUGHT, NEXT) + OTHER.amount_out(B, A, SECOND_BOUGHT, NEXT) - 61 * E18
AGAIN = Arbitrage(arbitrage_id("net", 101, A, AGAIN_LEGS), "net", SIM, A, AGAIN_LEGS, 30 * E18, AGAIN_PROFIT, 101)
AGAIN_POOLS = {**POOLS, TWIN.id: TWIN}


@pytest.mark.parametrize(("own", "cushion"), [(100 * E18, (30 * E18) >> 3), (32 * E18, 2 * E18), (30 * E18, 0)])
def test_size_has_a_cushion_where_money_goes_in_twice(own: int, cushion: int) -> None:
    """An eighth of what comes back and goes in again, at most of the amount, as far as own money reaches; the guard grows with it."""
    table = desk_of(snapshot_of(AGAIN_POOLS.values(), wrapped=A), {A: own}, rules=FlatRules(cost_per_swap=10))
    size = size_route(AGAIN, PLENTY, table)
    assert Sized(30 * E18 + cushion, AGAIN_PROFIT) == size
    assert isinstance(size, Sized)
    flow = build_flow(AGAIN, size, table)
    assert isinstance(flow, Flow)

    assert (((A, 30 * E18 + cushion),), ((A, 30 * E18 + cushion + 1),)) == (flow.funds, flow.guards)
    found = replay_flow(flow, AGAIN_POOLS, NEXT)
    assert ((A, AGAIN_PROFIT),) == getattr(found, "changes", None)


def test_cushion_carries_a_trade_over_a_swap_that_brings_back_less() -> None:
    """Where the middle of a trade falls short, its end is reached with the cushion as long as the whole still gains."""
    table = desk_of(snapshot_of(AGAIN_POOLS.values(), wrapped=A), {A: 100 * E18}, rules=FlatRules(cost_per_swap=10))
    size = size_route(AGAIN, PLENTY, table)
    assert isinstance(size, Sized)
    held_a, held_b = DEAR.reserves
    moved = {**AGAIN_POOLS, DEAR.id: evolve(DEAR, reserves=(held_a * 83 // 100, held_b))}
    bare, cushioned = build_flow(AGAIN, evolve(size, units=30 * E18), table), build_flow(AGAIN, size, table)
    assert isinstance(bare, Flow)
    assert isinstance(cushioned, Flow)

    assert "balance" == getattr(replay_flow(bare, moved, NEXT), "rule", None)
    assert 0 < dict(getattr(replay_flow(cushioned, moved, NEXT), "changes", ()))[A] < AGAIN_PROFIT
