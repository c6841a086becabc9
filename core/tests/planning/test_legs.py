"""From a route to a group of legs, each paid from what the book holds."""

from collections.abc import Callable

import pytest

from tidemill.domain.answers import Rejected
from tidemill.domain.decision import Allowance, Sized
from tidemill.domain.ids import AssetId
from tidemill.domain.opportunity import Arbitrage
from tidemill.domain.plan import Basis, Flow, Group
from tidemill.planning.desk import Desk
from tidemill.planning.legs import build_group, size_group
from tidemill.planning.replay import Replayed, replay_flow
from tidemill.planning.sizing import size_route
from tidemill_testing.desk import FlatRules, desk_of
from tidemill_testing.market import NEXT, SIM, pair_pool, snapshot_of, token

A, B = token("A"), token("B")
UNIT = 10**18
CHEAP = pair_pool("cheap", {A: 1_000 * UNIT, B: 1_000 * UNIT})
DEAR = pair_pool("dear", {A: 1_100 * UNIT, B: 1_000 * UNIT}, dex="sushiswap")
POOLS = [CHEAP, DEAR]
MakeRoute = Callable[..., Arbitrage]


def desk(held: dict[AssetId, int] | None = None, rules: FlatRules | None = None) -> Desk:
    own = {A: 10**22, B: 10**22} if held is None else held
    return desk_of(snapshot_of(POOLS, wrapped=A), own, rules=rules or FlatRules(cost_per_swap=10))


def grouped(found: Group | Rejected) -> Group:
    assert isinstance(found, Group), found
    return found


def test_group_has_a_flow_for_every_leg(make_route: MakeRoute) -> None:
    """Each leg sells what the one before is quoted to pay, from own money, with a guarded minimum and no loan."""
    table, idea = desk(), make_route(POOLS, A)
    group = grouped(build_group(idea, Sized(UNIT, 1), table, within_s=60, tolerance_bps=100))
    first, second = group.plans
    out = CHEAP.amount_out(A, B, UNIT, NEXT)
    last = DEAR.amount_out(B, A, out, NEXT)

    assert isinstance(first, Flow)
    assert isinstance(second, Flow)
    assert (((A, UNIT),), ((B, out),)) == (first.funds, second.funds)
    assert (out - out // 100, last - last // 100) == (first.swaps[0].min_out, second.swaps[0].min_out)
    assert ((B, out - out // 100),) == first.guards
    assert (Basis(DEAR.id, table.view.version(DEAR.id)),) == second.basis
    assert (30, NEXT.height + 1) == (first.cost_cap, first.expires)
    assert (table.view.now_ns + 60 * 10**9, "sell_back", SIM) == (group.deadline_ns, group.unwind, group.chain)
    assert 3 == len({group.id, first.id, second.id})
    for leg in (first, second):
        assert isinstance(replay_flow(leg, table.view.pools, NEXT), Replayed)


def test_group_of_plain_instructions_has_no_final_guard(make_route: MakeRoute) -> None:
    """Where a chain cannot demand a final balance the swap's own minimum is the guard."""
    group = grouped(build_group(make_route(POOLS, A), Sized(UNIT, 1), desk(rules=FlatRules(guards_balance=False)), within_s=1))

    assert [()] * 2 == [leg.guards for leg in group.plans if isinstance(leg, Flow)]


def test_leg_that_meets_a_pool_again_is_quoted_on_what_is_left(make_route: MakeRoute) -> None:
    """Legs over one pool see each other, though they are transactions of their own."""
    group = grouped(build_group(make_route([CHEAP, CHEAP], A), Sized(UNIT, 1), desk(), within_s=1, tolerance_bps=0))
    last = group.plans[1]
    assert isinstance(last, Flow)
    assert last.swaps[0].min_out < UNIT
    assert last.swaps[0].min_out > DEAR.amount_out(B, A, last.funds[0][1], NEXT) * 9 // 10


def test_group_with_a_loan_or_without_a_quote_is_rejected(make_route: MakeRoute) -> None:
    """A loan ends with its transaction; a pool that is gone gives no quote."""
    idea = make_route(POOLS, A)
    loan = build_group(idea, Sized(UNIT, 1, "bank"), desk(), within_s=1)
    nothing = build_group(idea, Sized(0, 1), desk(), within_s=1)
    gone = build_group(make_route([pair_pool("gone", {A: 1, B: 1}), DEAR], A), Sized(1, 1), desk(), within_s=1)

    assert ["loan", "quote", "quote"] == [one.rule for one in (loan, nothing, gone) if isinstance(one, Rejected)]


def test_size_of_a_group_ends_at_what_every_leg_can_sell(make_route: MakeRoute) -> None:
    """The second leg sells what the book holds before the first has paid: that bounds the size to the last unit."""
    idea, most = make_route(POOLS, A), Allowance(A, 10**22, 10**22, 10**9)
    table = desk({A: 10**22, B: UNIT})
    size = size_group(idea, most, table)
    free = size_group(idea, most, desk())
    alone = size_route(idea, Allowance(A, 10**22, 0, 10**9), desk())

    assert isinstance(size, Sized)
    assert CHEAP.amount_out(A, B, size.units, NEXT) <= UNIT < CHEAP.amount_out(A, B, size.units + 2, NEXT)
    assert alone == free
    assert size.lender is None


@pytest.mark.parametrize("held", [{A: 10**22}, {B: 10**22}, {}])
def test_size_of_a_group_without_what_a_leg_sells_is_rejected(make_route: MakeRoute, held: dict[AssetId, int]) -> None:
    """A book that lacks an asset cannot send that leg."""
    found = size_group(make_route(POOLS, A), Allowance(A, 10**22, 10**22, 10**9), desk(held))

    assert isinstance(found, Rejected)
    assert "funds" == found.rule
