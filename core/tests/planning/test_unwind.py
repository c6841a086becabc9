"""The way back: selling an amount at the best price of one route, within a bound."""

from typing import Any

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from tidemill.domain.answers import Rejected
from tidemill.domain.ids import AssetId, ChainId, OpportunityId, erc20
from tidemill.domain.plan import Basis, Flow
from tidemill.planning.desk import Desk
from tidemill.planning.replay import Broken, Replayed, replay_flow
from tidemill.planning.unwind import Bounds, best_sale, selling
from tidemill_testing.desk import FlatRules, desk_of
from tidemill_testing.market import NEXT, PairPool, pair_pool, snapshot_of, token

A, B, H = token("A"), token("B"), token("H")
UNIT = 10**18
SHALLOW = pair_pool("shallow", {A: 100 * UNIT, B: 100 * UNIT})
DEEP = pair_pool("deep", {A: 10_000 * UNIT, B: 10_000 * UNIT}, dex="sushiswap")
TO_HUB = pair_pool("tohub", {A: 100_000 * UNIT, H: 100_000 * UNIT}, 100)
FROM_HUB = pair_pool("fromhub", {H: 100_000 * UNIT, B: 100_000 * UNIT}, 100)
WIDE = Bounds(loss_bps=10_000)


def desk(*pools: PairPool, rules: FlatRules | None = None, held: int = 1_000_000 * UNIT) -> Desk:
    return desk_of(snapshot_of(pools, wrapped=B), {A: held}, base=B, rules=rules)


def sold(amount: int, table: Desk, bounds: Bounds = WIDE, *, into: AssetId = B, partly: bool = False) -> Flow | Rejected:
    return selling(A, into, amount, table, bounds, opportunity=OpportunityId("idea"), strategy="test", partly=partly)


def flow_of(answer: Flow | Rejected) -> Flow:
    assert isinstance(answer, Flow), answer
    return answer


def replayed(flow: Flow, table: Desk) -> Replayed:
    found = replay_flow(flow, table.view.pools, NEXT)
    assert isinstance(found, Replayed), found
    return found


def test_selling_direct_takes_the_pool_that_pays_most() -> None:
    """Of the pools that trade both assets the one with the best exact quote is used; its minimum is the quote less the tolerance."""
    table = desk(SHALLOW, DEEP)
    flow = flow_of(sold(UNIT, table, Bounds(10_000, 100)))
    out = DEEP.amount_out(A, B, UNIT, NEXT)

    assert (DEEP.id,) == flow.pools
    assert (((A, UNIT),), ()) == (flow.funds, flow.loans)
    assert ((B, out - out * 100 // 10_000),) == flow.guards
    assert out - out * 100 // 10_000 == flow.swaps[0].min_out
    assert (Basis(DEEP.id, table.view.version(DEEP.id)),) == flow.basis
    assert ((A, -UNIT), (B, out)) == replayed(flow, table).changes


def test_selling_two_hops_where_they_pay_more() -> None:
    """A token between both assets is used where the two pools together pay more than the best direct one."""
    table = desk(SHALLOW, TO_HUB, FROM_HUB, rules=FlatRules(cost_per_swap=7))
    flow = flow_of(sold(10 * UNIT, table))

    assert (TO_HUB.id, FROM_HUB.id) == flow.pools
    assert (10 * UNIT, None) == tuple(swap.amount_in for swap in flow.swaps)
    assert 3 * 2 * 7 == flow.cost_cap
    assert FROM_HUB.amount_out(H, B, TO_HUB.amount_out(A, H, 10 * UNIT, NEXT), NEXT) == dict(replayed(flow, table).changes)[B]


def test_selling_plain_instructions_fixes_what_the_second_pool_gets() -> None:
    """On a chain that cannot sell what it holds the second amount is what the first must pay at least, and no final guard is set."""
    table = desk(TO_HUB, FROM_HUB, rules=FlatRules(spends_balance=False, guards_balance=False))
    flow = flow_of(sold(10 * UNIT, table, Bounds(10_000, 200)))
    first = TO_HUB.amount_out(A, H, 10 * UNIT, NEXT)

    assert flow.swaps[0].min_out == flow.swaps[1].amount_in == first - first * 200 // 10_000
    assert () == flow.guards
    assert flow.swaps[1].min_out > 0
    assert {A, B, H} == {asset for asset, _ in replayed(flow, table).changes}


def test_selling_never_enters_a_pool_twice() -> None:
    """A pool of three assets is no first and second half of one route."""
    assert best_sale(A, B, UNIT, desk(TO_HUB)) is None
    second = pair_pool("second", {A: 50 * UNIT, H: 50 * UNIT})
    sale = best_sale(A, B, UNIT, desk(TO_HUB, second, FROM_HUB))
    assert sale is not None
    assert [TO_HUB.id, FROM_HUB.id] == [leg.pool for leg in sale.legs]


def test_selling_beyond_the_loss_bound_is_rejected_with_numbers() -> None:
    """What would lose more of its worth than allowed is not sold; the numbers say what it pays, what is asked, what it is worth."""
    answer = sold(50 * UNIT, desk(SHALLOW), Bounds(300))

    assert isinstance(answer, Rejected)
    assert "loss" == answer.rule
    numbers = dict(answer.numbers)
    assert SHALLOW.amount_out(A, B, 50 * UNIT, NEXT) == numbers["pays"]
    assert -(-numbers["worth"] * 9_700 // 10_000) == numbers["least"] > numbers["pays"]


def test_selling_partly_sells_the_half_that_fits_the_bound() -> None:
    """With ``partly`` the amount is halved until it loses no more than allowed; the rest is for a later block."""
    flow = flow_of(sold(8 * UNIT, desk(SHALLOW), Bounds(300), partly=True))

    assert ((A, 2 * UNIT),) == flow.funds


def test_selling_partly_of_what_never_fits_tells_of_the_whole() -> None:
    """Where no part fits, the answer is that of the whole amount."""
    answer = sold(8 * UNIT, desk(SHALLOW), Bounds(10), partly=True)

    assert isinstance(answer, Rejected)
    assert ("loss", SHALLOW.amount_out(A, B, 8 * UNIT, NEXT)) == (answer.rule, dict(answer.numbers)["pays"])
    smallest = sold(1, desk(pair_pool("dear", {A: 100 * UNIT, B: 300 * UNIT}, 500_000)), Bounds(10), partly=True)
    assert isinstance(smallest, Rejected)
    assert "loss" == smallest.rule


def test_selling_guards_the_bound_where_the_tolerance_is_wider() -> None:
    """The guarded minimum never lies below the worth less the loss bound."""
    table = desk(DEEP)
    flow = flow_of(sold(UNIT, table, Bounds(loss_bps=40, tolerance_bps=500)))
    worth = table.view.value(A, UNIT, B)

    assert isinstance(worth, int)
    assert ((B, -(-worth * 9_960 // 10_000)),) == flow.guards


@pytest.mark.parametrize(
    ("rule", "changes"),
    [
        ("route", {"amount": 0}),
        ("route", {"into": A}),
        ("route", {"into": erc20(ChainId("sim:2"), "0x" + "11" * 20)}),
        ("funds", {"amount": 11 * UNIT}),
        ("value", {"into": token("C")}),
    ],
)
def test_selling_the_impossible_is_rejected_by_name(rule: str, changes: dict[str, Any]) -> None:
    """No amount, one asset, two chains, money that is not free, no price: each is a rule of its own."""
    asked: dict[str, Any] = {"amount": UNIT, "into": B} | changes
    answer = sold(asked["amount"], desk(DEEP, held=10 * UNIT), into=asked["into"])

    assert isinstance(answer, Rejected)
    assert rule == answer.rule


def test_selling_where_nobody_buys_is_rejected() -> None:
    """A price alone is no route: three pools away nobody is asked."""
    c = token("C")
    far = [TO_HUB, pair_pool("mid", {H: UNIT, c: UNIT}), pair_pool("end", {c: UNIT, B: UNIT})]
    answer = sold(UNIT, desk(*far))

    assert isinstance(answer, Rejected)
    assert "route" == answer.rule


def test_selling_dust_is_not_worth_its_cost() -> None:
    """What brings less than the chain takes stays."""
    answer = sold(1_000, desk(DEEP, rules=FlatRules(cost_per_swap=2_000)))

    assert isinstance(answer, Rejected)
    assert ("cost", 2_000) == (answer.rule, dict(answer.numbers)["cost"])


def test_selling_again_on_newer_state_is_another_plan() -> None:
    """Equal calls name equal plans; a newer state of a pool makes another one."""
    table = desk(DEEP)
    moved = evolve(table, view=evolve(table.view, versions={DEEP.id: (101, 9)}))

    assert flow_of(sold(UNIT, table)).id == flow_of(sold(UNIT, table)).id != flow_of(sold(UNIT, moved)).id


@given(
    amount=st.integers(1, 10**21),
    loss=st.integers(0, 2_000),
    tolerance=st.integers(0, 500),
    spends=st.booleans(),
    partly=st.booleans(),
)
def test_selling_holds_its_bounds_and_replays(amount: int, loss: int, tolerance: int, spends: bool, partly: bool) -> None:
    """Whatever is planned replays on the market it was made on, sells no more than asked, and pays at least its worth less the bound."""
    table = desk(SHALLOW, DEEP, TO_HUB, FROM_HUB, rules=FlatRules(spends_balance=spends, guards_balance=spends))
    answer = sold(amount, table, Bounds(loss, tolerance), partly=partly)
    if isinstance(answer, Rejected):
        return
    done = replay_flow(answer, table.view.pools, NEXT)
    assert not isinstance(done, Broken), done
    changes = dict(done.changes)
    worth = table.view.value(A, -changes[A], B)
    assert isinstance(worth, int)
    assert 0 < -changes[A] <= amount
    assert changes[B] >= answer.swaps[-1].min_out >= worth * (10_000 - loss) // 10_000
