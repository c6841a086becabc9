"""From a sized route to a flow."""

from collections.abc import Callable
from typing import Any

import pytest
from attrs import evolve

from tidemill.domain.answers import Rejected
from tidemill.domain.asset import AssetAmount
from tidemill.domain.decision import Sized
from tidemill.domain.opportunity import Arbitrage
from tidemill.domain.plan import Basis, Flow, Loan, PlannedSwap
from tidemill.domain.snapshot import DexPolicy
from tidemill.planning.build import build_flow
from tidemill.planning.desk import Desk
from tidemill.planning.replay import Replayed, replay_flow
from tidemill.planning.sizing import route_out
from tidemill_testing.desk import FlatLender, FlatRules, desk_of
from tidemill_testing.market import NEXT, pair_pool, snapshot_of, token

A, B = token("A"), token("B")
CHEAP = pair_pool("cheap", {A: 10**21, B: 10**21})
DEAR = pair_pool("dear", {A: 105 * 10**19, B: 10**21}, dex="sushiswap")
POOLS = [CHEAP, DEAR]
LENDER = FlatLender("bank", AssetAmount(A, 10**22), 500)
MakeRoute = Callable[..., Arbitrage]


def desk(rules: FlatRules | None = None, **options: Any) -> Desk:
    return desk_of(snapshot_of(POOLS, wrapped=A, **options), {A: 10**22}, rules=rules or FlatRules(cost_per_swap=10), lenders=[LENDER])


def built(found: Flow | Rejected) -> Flow:
    assert isinstance(found, Flow)
    return found


def test_build_own_money_sells_all_and_guards_one_unit_of_gain(make_route: MakeRoute) -> None:
    """Where a transaction can spend what it holds: the first amount is fixed, the rest is all there is, one guard decides."""
    table = desk()
    flow = built(build_flow(make_route(POOLS, A), Sized(10**18, 1), table))

    assert (PlannedSwap(CHEAP.id, A, B, 10**18, 0), PlannedSwap(DEAR.id, B, A, None, 0)) == flow.swaps
    assert (((A, 10**18),), (), ((A, 10**18 + 1),)) == (flow.funds, flow.loans, flow.guards)
    assert tuple(Basis(pool, table.view.version(pool)) for pool in (CHEAP.id, DEAR.id)) == flow.basis
    assert NEXT.height + 1 == flow.expires
    assert flow.cost_cap >= table.estimate(make_route(POOLS, A).legs, 0)


def test_build_loan_funds_the_route_and_guards_the_gain(make_route: MakeRoute) -> None:
    """With a flash loan nothing of our own goes in; its fee is the lender's; one unit must be left."""
    flow = built(build_flow(make_route(POOLS, A), Sized(10**18, 1, "bank"), desk()))

    assert (Loan("bank", A, 10**18, 5 * 10**14),) == flow.loans
    assert ((), ((A, 1),)) == (flow.funds, flow.guards)


@pytest.mark.parametrize("lender", [None, "bank"])
@pytest.mark.parametrize("spends", [True, False])
@pytest.mark.parametrize("guards", [True, False])
def test_build_flow_holds_when_replayed(lender: str | None, spends: bool, guards: bool, make_route: MakeRoute) -> None:
    """On every kind of chain, with either money, the flow holds on the state it was made for and leaves what sizing said."""
    table = desk(FlatRules(spends_balance=spends, guards_balance=guards))
    flow = built(build_flow(make_route(POOLS, A), Sized(10**18, 1, lender), table))
    found = replay_flow(flow, table.view.pools, NEXT)
    out = route_out(make_route(POOLS, A).legs, table.view.pools, 10**18, NEXT)

    assert isinstance(found, Replayed)
    assert ((A, out - 10**18 - (5 * 10**14 if lender else 0)),) == found.changes


def test_build_plain_instructions_fix_every_amount(make_route: MakeRoute) -> None:
    """Where nothing can spend a balance, each swap sells exactly what the one before must pay."""
    table = desk(FlatRules(spends_balance=False))
    first, second = built(build_flow(make_route(POOLS, A), Sized(10**18, 1), table)).swaps

    assert first.min_out == CHEAP.amount_out(A, B, 10**18, NEXT) == second.amount_in


@pytest.mark.parametrize(("lender", "least"), [(None, 10**18 + 1), ("bank", 10**18 + 5 * 10**14 + 1)])
def test_build_without_guards_the_last_minimum_guards(lender: str | None, least: int, make_route: MakeRoute) -> None:
    """Where no final balance can be asked for, the last swap must pay back what went in, the loan's fee, and one unit."""
    flow = built(build_flow(make_route(POOLS, A), Sized(10**18, 1, lender), desk(FlatRules(guards_balance=False))))

    assert ((), least) == (flow.guards, flow.swaps[-1].min_out)


def test_build_max_slippage_of_a_dex_sets_minima_of_its_swaps(make_route: MakeRoute) -> None:
    """A DEX's slippage bounds its own swaps from below, in bps of the quote; others stay free."""
    table = desk(policies={"sushiswap": DexPolicy(max_slippage_bps=100), "uniswap": DexPolicy()})
    first, second = built(build_flow(make_route(POOLS, A), Sized(10**18, 1), table)).swaps
    out = route_out(make_route(POOLS, A).legs, table.view.pools, 10**18, NEXT)

    assert (0, out - out // 100) == (first.min_out, second.min_out)
    whole = desk(policies={"sushiswap": DexPolicy(max_slippage_bps=10_000)})
    assert 0 == built(build_flow(make_route(POOLS, A), Sized(10**18, 1), whole)).swaps[1].min_out


def test_build_lifetime_of_the_chain_outlasts_patience(make_route: MakeRoute) -> None:
    """A chain that cannot end a transaction sooner gives the plan its lifetime."""
    assert NEXT.height + 150 == built(build_flow(make_route(POOLS, A), Sized(10**18, 1), desk(FlatRules(lifetime=150)))).expires


def test_build_equal_input_gives_equal_plans_and_other_input_other_ids(make_route: MakeRoute) -> None:
    """A plan is named by its content: route, size, whose money, and the versions of its pools."""
    table = desk()
    route = make_route(POOLS, A)
    flow = build_flow(route, Sized(10**18, 1), table)
    newer = evolve(table, view=evolve(table.view, versions={CHEAP.id: (101, 7), DEAR.id: (101, 8)}))
    ids = {
        built(one).id
        for one in (
            flow,
            build_flow(route, Sized(10**18 - 1, 1), table),
            build_flow(route, Sized(10**18, 1, "bank"), table),
            build_flow(route, Sized(10**18, 1), newer),
        )
    }

    assert flow == build_flow(route, Sized(10**18, 1), desk())
    assert 4 == len(ids)


def test_build_rejects_what_changed_since_sizing(make_route: MakeRoute) -> None:
    """A lender that is gone or poorer, a pool that is gone or gives no quote: each is rejected by its rule."""
    table = desk()
    route = make_route(POOLS, A)
    gone = build_flow(route, Sized(10**18, 1, "gone"), table)
    poor = build_flow(route, Sized(10**22 + 1, 1, "bank"), table)
    unloaded = build_flow(route, Sized(10**18, 1), desk_of(snapshot_of([CHEAP], wrapped=A), {A: 10**22}))
    dust = build_flow(route, Sized(1, 1), table)

    found = [one.rule for one in (gone, poor, unloaded, dust) if isinstance(one, Rejected)]
    assert ["loan", "loan", "quote", "quote"] == found
