"""``replay_flow``: what a flow does, and every way in which it does not hold."""

from collections.abc import Callable
from typing import Any

import pytest
from attrs import evolve, frozen
from hypothesis import given
from hypothesis import strategies as st

from tidemill.domain.answers import NoQuote, NoQuoteReason
from tidemill.domain.ids import AssetId, Key, PoolId
from tidemill.domain.plan import Flow, Loan, PlannedSwap
from tidemill.domain.pool import Quote, Swapped
from tidemill.domain.time import ChainTime
from tidemill.planning.replay import Broken, Replayed, replay_flow
from tidemill_testing.market import NEXT, PairPool, pair_pool, token

A, B, C = token("A"), token("B"), token("C")
ONE = pair_pool("one", {A: 10**9, B: 10**9})
TWO = pair_pool("two", {B: 10**9, C: 2 * 10**9}, 500)
THREE = pair_pool("three", {C: 10**9, A: 10**9})
POOLS = {pool.id: pool for pool in (ONE, TWO, THREE)}
CYCLE = (PlannedSwap(ONE.id, A, B, 10**6, 0), PlannedSwap(TWO.id, B, C, None, 0), PlannedSwap(THREE.id, C, A, None, 0))
MakeFlow = Callable[..., Flow]


def replayed(flow: Flow) -> Replayed:
    found = replay_flow(flow, POOLS, NEXT)
    assert isinstance(found, Replayed)
    return found


def broken(flow: Flow, at: ChainTime = NEXT) -> tuple[str, int]:
    found = replay_flow(flow, POOLS, at)
    assert isinstance(found, Broken)
    assert found.reason
    return found.rule, found.step


def test_replay_cycle_gives_fills_and_pools_on_the_way(make_flow: MakeFlow) -> None:
    """Every swap sells what the one before paid; pools before and after and the change of our balance are given."""
    found = replayed(make_flow(funds=((A, 10**6),), swaps=CYCLE))
    out_b = ONE.amount_out(A, B, 10**6, NEXT)
    out_c = TWO.amount_out(B, C, out_b, NEXT)
    out_a = THREE.amount_out(C, A, out_c, NEXT)

    assert [(10**6, out_b), (out_b, out_c), (out_c, out_a)] == [(fill.amount_in, fill.amount_out) for fill in found.fills]
    assert (ONE, TWO, THREE) == found.before
    assert sorted(POOLS) == [name for name, _ in found.after]
    assert ((A, out_a - 10**6),) == found.changes
    assert POOLS == {ONE.id: ONE, TWO.id: TWO, THREE.id: THREE}


def test_replay_same_pool_twice_meets_its_own_swap(make_flow: MakeFlow) -> None:
    """The second swap at a pool is done on what the first left."""
    swaps = (PlannedSwap(ONE.id, A, B, 10**6, 0), PlannedSwap(ONE.id, B, A, None, 0))
    found = replayed(make_flow(funds=((A, 10**6),), swaps=swaps))
    first = ONE.swap_exact_in(A, B, 10**6, NEXT)

    assert isinstance(first, Swapped)
    assert (ONE, first.pool) == found.before
    assert 1 == len(found.after)
    assert -6_100 < dict(found.changes)[A] < -5_900


def test_replay_fixed_amounts_leave_the_rest_as_change(make_flow: MakeFlow) -> None:
    """What a swap does not sell stays ours."""
    swaps = (PlannedSwap(ONE.id, A, B, 10**6, 0), PlannedSwap(TWO.id, B, C, 10**5, 0))
    changes = dict(replayed(make_flow(funds=((A, 10**6),), swaps=swaps)).changes)

    assert {A: -(10**6), B: ONE.amount_out(A, B, 10**6, NEXT) - 10**5, C: TWO.amount_out(B, C, 10**5, NEXT)} == changes


def test_replay_unused_funds_are_no_change(make_flow: MakeFlow) -> None:
    """Funds that nothing sells come back; an asset whose balance did not change is left out."""
    assert () == replayed(make_flow(funds=((A, 5), (A, 6), (B, 7)))).changes


@pytest.mark.parametrize(("height", "expires", "holds"), [(101, 101, True), (101, 100, False), (101, 102, True)])
def test_replay_after_expiry_breaks(height: int, expires: int, holds: bool, make_flow: MakeFlow) -> None:
    """``expires`` is the last height at which it may execute."""
    found = replay_flow(make_flow(expires=expires), POOLS, evolve(NEXT, height=height))

    assert holds is isinstance(found, Replayed)
    assert holds or broken(make_flow(expires=expires)) == ("expired", -1)


def test_replay_more_than_is_held_breaks(make_flow: MakeFlow) -> None:
    """No swap sells what is not there: not one unit, and not of an asset that was never received."""
    assert ("balance", 0) == broken(make_flow(funds=((A, 10**6 - 1),), swaps=CYCLE))
    assert ("balance", 0) == broken(make_flow(funds=((B, 10**9),), swaps=CYCLE))
    greedy = (CYCLE[0], PlannedSwap(TWO.id, B, C, ONE.amount_out(A, B, 10**6, NEXT) + 1, 0))
    assert ("balance", 1) == broken(make_flow(funds=((A, 10**6),), swaps=greedy))


def test_replay_negative_openings_break(make_flow: MakeFlow) -> None:
    """Funds and loans open balances at or above zero; a fee is no gift."""
    assert ("balance", -1) == broken(make_flow(funds=((A, -1),)))
    assert ("loan", -1) == broken(make_flow(loans=(Loan("bank", A, -1, 0),)))
    assert ("loan", -1) == broken(make_flow(loans=(Loan("bank", A, 1, -1),)))


@pytest.mark.parametrize("amount", [0, -5])
def test_replay_no_amount_breaks(amount: int, make_flow: MakeFlow) -> None:
    """A swap of nothing, or of less, gets no quote."""
    assert ("quote", 0) == broken(make_flow(funds=((A, 10),), swaps=(PlannedSwap(ONE.id, A, B, amount, 0),)))


def test_replay_unknown_pool_or_wrong_asset_breaks(make_flow: MakeFlow) -> None:
    """A pool that is not loaded, or that does not trade the asset, stops the flow at that step."""
    nowhere = PlannedSwap(PoolId("sim:1/x:0x1"), B, C, None, 0)
    elsewhere = PlannedSwap(THREE.id, B, A, None, 0)

    assert ("quote", 1) == broken(make_flow(funds=((A, 10**6),), swaps=(CYCLE[0], nowhere)))
    assert ("quote", 1) == broken(make_flow(funds=((A, 10**6),), swaps=(CYCLE[0], elsewhere)))


def test_replay_missing_state_names_the_keys(make_flow: MakeFlow) -> None:
    """Where a quote leaves the loaded state, the answer carries the keys to read."""

    @frozen
    class Partial(PairPool):
        def swap_exact_in(self, sell: AssetId, buy: AssetId, amount: int, at: ChainTime) -> Swapped | NoQuote:
            return NoQuote(NoQuoteReason.MISSING_STATE, "tick", (Key("k"),))

    partial = Partial(ONE.id, ONE.assets, ONE.reserves)
    found = replay_flow(make_flow(funds=((A, 10**6),), swaps=CYCLE), {ONE.id: partial}, NEXT)

    assert isinstance(found, Broken)
    assert ("quote", 0, ((ONE.id, (Key("k"),)),)) == (found.rule, found.step, found.missing)


def test_replay_pool_that_answers_for_another_amount_breaks(make_flow: MakeFlow) -> None:
    """A pool that takes another amount than it was asked for would move balances that nobody planned."""

    @frozen
    class Greedy(PairPool):
        def swap_exact_in(self, sell: AssetId, buy: AssetId, amount: int, at: ChainTime) -> Swapped | NoQuote:
            return Swapped(Quote(self.id, sell, buy, amount + 1, amount), self)

    greedy = Greedy(ONE.id, ONE.assets, ONE.reserves)
    found = replay_flow(make_flow(funds=((A, 10**6),), swaps=CYCLE), {ONE.id: greedy}, NEXT)

    assert isinstance(found, Broken)
    assert ("quote", 0) == (found.rule, found.step)


def test_replay_min_out_holds_to_the_unit(make_flow: MakeFlow) -> None:
    """A swap must pay at least its minimum."""
    out = ONE.amount_out(A, B, 10**6, NEXT)
    exact, short = (make_flow(funds=((A, 10**6),), swaps=(PlannedSwap(ONE.id, A, B, 10**6, least),)) for least in (out, out + 1))

    assert isinstance(replay_flow(exact, POOLS, NEXT), Replayed)
    assert ("min_out", 0) == broken(short)


def test_replay_loan_opens_a_balance_and_is_repaid_with_its_fee(make_flow: MakeFlow) -> None:
    """What is lent may be sold; at the end amount and fee are owed, whoever else holds what."""
    out = dict(replayed(make_flow(funds=((A, 10**6),), swaps=CYCLE)).changes)[A]
    fee = 100
    covered = make_flow(loans=(Loan("bank", A, 10**6, fee),), swaps=CYCLE)
    helped = make_flow(loans=(Loan("bank", A, 10**6, out + 1),), swaps=CYCLE)

    assert out > fee
    assert ((A, out - fee),) == replayed(covered).changes
    assert ("loan", -1) == broken(helped)
    assert ((A, -1),) == replayed(evolve(helped, funds=((A, 1),))).changes


def test_replay_two_loans_of_one_asset_are_both_owed(make_flow: MakeFlow) -> None:
    """Each loan is repaid out of what the others left."""
    loans = (Loan("bank", A, 5, 0), Loan("fund", A, 5, 1))

    assert ("loan", -1) == broken(make_flow(loans=loans))
    assert ((A, -1),) == replayed(make_flow(loans=loans, funds=((A, 1),))).changes


def test_replay_guard_asks_for_a_final_balance(make_flow: MakeFlow) -> None:
    """Guards look at what is left once loans are repaid, own funds included."""
    gained = dict(replayed(make_flow(funds=((A, 10**6),), swaps=CYCLE)).changes)[A]
    met, missed = (make_flow(funds=((A, 10**6),), swaps=CYCLE, guards=((A, 10**6 + gained + more),)) for more in (0, 1))

    assert isinstance(replay_flow(met, POOLS, NEXT), Replayed)
    assert ("guard", -1) == broken(missed)
    assert ("guard", -1) == broken(make_flow(guards=((C, 1),)))


ASSETS = st.sampled_from([A, B, C])
SWAPS = st.lists(
    st.builds(
        PlannedSwap,
        st.sampled_from([*sorted(POOLS), PoolId("sim:1/x:0x1")]),
        ASSETS,
        ASSETS,
        st.none() | st.integers(-1, 3 * 10**6),
        st.integers(0, 10**6),
    ),
    max_size=5,
)
MONEY = st.lists(st.tuples(ASSETS, st.integers(-1, 2 * 10**6)), max_size=3).map(tuple)
LOANS = st.lists(st.builds(Loan, st.just("bank"), ASSETS, st.integers(-1, 10**6), st.integers(-1, 100)), max_size=2).map(tuple)


def by_hand(flow: Flow) -> dict[AssetId, int] | None:
    """The changes of balances, step by step on bare reserves; None where the flow does not hold."""
    reserves: dict[PoolId, dict[AssetId, int]] = {name: dict(pool.holdings) for name, pool in POOLS.items()}
    if flow.expires < NEXT.height or any(amount < 0 for _, amount in flow.funds) or any(x.amount < 0 or x.fee < 0 for x in flow.loans):
        return None
    held = dict.fromkeys((A, B, C), 0)
    for asset, amount in (*flow.funds, *((loan.asset, loan.amount) for loan in flow.loans)):
        held[asset] += amount
    for swap in flow.swaps:
        amount = held[swap.sell] if swap.amount_in is None else swap.amount_in
        sides = reserves.get(swap.pool, {})
        if not 0 < amount <= held[swap.sell] or swap.sell not in sides or swap.buy not in sides or swap.sell == swap.buy:
            return None
        net = amount * (10**6 - (POOLS[swap.pool].fee_ppm or 0))
        out = net * sides[swap.buy] // (sides[swap.sell] * 10**6 + net)
        if out == 0 or out < swap.min_out:
            return None
        for side, change in ((swap.sell, amount), (swap.buy, -out)):
            sides[side] += change
            held[side] -= change
    for loan in flow.loans:
        held[loan.asset] -= loan.amount + loan.fee
        if held[loan.asset] < 0:
            return None
    if any(held[asset] < least for asset, least in flow.guards):
        return None
    for asset, amount in flow.funds:
        held[asset] -= amount
    return {asset: change for asset, change in held.items() if change}


@given(MONEY, LOANS, SWAPS.map(tuple), MONEY, st.integers(99, 103))
def test_replay_any_flow_equals_balances_by_hand(funds: Any, loans: Any, swaps: Any, guards: Any, expires: int) -> None:
    """For any flow, however wrong, the answer is that of keeping the books by hand: the same changes, or none."""
    from_conftest: dict[str, Any] = {"id": "p", "opportunity": "o", "strategy": "t", "book": "main", "chain": "sim:1", "basis": ()}
    flow = Flow(**from_conftest, funds=funds, loans=loans, swaps=swaps, guards=guards, expires=expires, cost_cap=0)
    found = replay_flow(flow, POOLS, NEXT)
    want = by_hand(flow)

    assert (dict(found.changes) if isinstance(found, Replayed) else None) == want
    if isinstance(found, Replayed):
        assert [asset for asset, _ in found.changes] == sorted(want or {})
        assert len(found.fills) == len(found.before) == len(flow.swaps)
