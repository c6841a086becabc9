"""Netted trades in integers: what they are worth, and that they can be carried out as they stand."""

from collections.abc import Callable, Mapping

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tidemill.domain.ids import AssetId, PoolId
from tidemill.domain.pool import Pool
from tidemill.domain.search import Candidate
from tidemill_search_cycles.kernels.netting import settle
from tidemill_search_cycles.netting import Costs, Netting, netted_trade
from tidemill_search_cycles.netting.net import Settle
from tidemill_testing.market import NEXT, PairPool, pair_pool, token

E = 10**18
START, A, B, C, D = (token(name) for name in ("start", "a", "b", "c", "d"))
Check = Callable[[Netting, Mapping[PoolId, Pool], AssetId], None]
MakeCycle = Callable[..., Candidate]
Market = tuple[AssetId, dict[PoolId, PairPool]]
Busy = Callable[..., Market]
CyclesIn = Callable[..., list[Candidate]]


def market(*pools: Pool) -> dict[PoolId, Pool]:
    return {pool.id: pool for pool in pools}


def two_hops(name: str, middle: AssetId, off_bps: int, depth: int = 1_000) -> tuple[PairPool, PairPool]:
    """Two pools of one pair whose prices are apart."""
    cheap = pair_pool(f"{name} cheap", {START: depth * E, middle: depth * E * (10_000 + off_bps) // 10_000})
    return cheap, pair_pool(f"{name} dear", {START: depth * E, middle: depth * E})


@pytest.mark.parametrize("seed", range(16))
def test_netted_trade_busy_market_is_worth_more_than_cycles_apart(seed: int, busy: Busy, cycles_in: CyclesIn, check: Check) -> None:
    """A netted trade is worth at least the best cycle and at most the bound, and mostly far more than the first."""
    start, pools = busy(seed, 10 + 2 * seed, 25 + 4 * seed, 0.006 + 0.004 * (seed % 3))
    cycles = cycles_in(pools, start)
    found = netted_trade(cycles, pools, start, NEXT)
    assert (found is None) == (not cycles)
    if found is not None:
        check(found, pools, start)
        assert found.settled
        assert found.bound is not None
        assert cycles[0].profit <= found.trade.profit <= found.bound
        assert cycles == [] or len(cycles) < 12 or 2 * cycles[0].profit < 3 * found.trade.profit


def test_netted_trade_without_circles_reaches_the_bound(busy: Busy, cycles_in: CyclesIn) -> None:
    """Where no token must be carried in a circle the integers lose less than a 10^-8 part of the real optimum."""
    reached = 0
    for seed in range(20):
        start, pools = busy(seed, 14, 26, 0.01)
        found = netted_trade(cycles_in(pools, start), pools, start, NEXT)
        if found is not None and found.bound is not None:
            reached += (found.bound - found.trade.profit) * 10**8 <= found.bound
    assert reached >= 8


@settings(max_examples=100, derandomize=True, deadline=None)
@given(
    seed=st.integers(0, 10**6),
    noise=st.sampled_from([0.003, 0.01, 0.05, 0.4]),
    opaque=st.sampled_from([0.0, 0.3, 1.0]),
    per_swap=st.sampled_from([0, 1, 10**14, 10**16]),
    fee_ppm=st.sampled_from([0, 900]),
    capital=st.sampled_from([None, 0, 10**15, 10**18, 10**20]),
    work=st.sampled_from([1, 5_000, 4_000_000]),
)
def test_netted_trade_is_never_below_the_best_cycle(
    seed: int,
    noise: float,
    opaque: float,
    per_swap: int,
    fee_ppm: int,
    capital: int | None,
    work: int,
    busy: Busy,
    cycles_in: CyclesIn,
    check: Check,
) -> None:
    """Whatever the costs, the capital, the effort and the pools: the best cycle that the capital carries is a lower bound."""
    start, pools = busy(seed, 7, 14, noise, opaque)
    cycles = cycles_in(pools, start, 3)
    costs = Costs(per_swap, fee_ppm, capital)
    alone = [
        cycle.profit - per_swap * len(cycle.legs) - -(-cycle.amounts[0] * fee_ppm // 10**6)
        for cycle in cycles
        if capital is None or cycle.amounts[0] <= capital
    ]
    found = netted_trade(cycles, pools, start, NEXT, costs=costs, work=work)
    if found is None:
        assert max(alone, default=0) <= 0
        return
    check(found, pools, start)
    assert found.value >= max(alone, default=0)
    assert found.value > 0
    assert capital is None or found.trade.amount_in <= capital
    paid = per_swap * len(found.trade.legs) + -(-found.trade.amount_in * fee_ppm // 10**6)
    assert found.cost == paid


def test_netted_trade_two_disjoint_cycles_makes_both(check: Check, candidate: MakeCycle) -> None:
    """Cycles that share no pool are both in the trade, each at its own best, and one's proceeds pay for the other."""
    one, other = two_hops("a", A, 300), two_hops("b", B, 200)
    pools = market(*one, *other)
    cycles = [
        candidate(pools, 6 * E, (one[0], START, A), (one[1], A, START)),
        candidate(pools, 3 * E, (other[0], START, B), (other[1], B, START)),
    ]
    both = netted_trade(cycles, pools, START, NEXT)
    first = netted_trade(cycles[:1], pools, START, NEXT)
    second = netted_trade(cycles[1:], pools, START, NEXT)
    assert both is not None
    assert first is not None
    assert second is not None
    check(both, pools, START)
    assert abs(both.trade.profit - first.trade.profit - second.trade.profit) <= 10**9
    assert both.trade.amount_in < first.trade.amount_in + second.trade.amount_in
    assert both.trade.cycles == 2
    assert len(both.trade.legs) == 4


def test_netted_trade_opposite_uses_of_a_pool_cancel(check: Check, candidate: MakeCycle) -> None:
    """Two cycles that use a pool to and fro meet at its other token instead, and save both of its fees."""
    to = pair_pool("s a", {START: 500 * E, A: 500 * E}, 10_000)
    there, back = pair_pool("a b", {A: 1_000 * E, B: 1_040 * E}), pair_pool("b s", {B: 1_000 * E, START: 1_000 * E})
    out, home = pair_pool("s d", {START: 1_000 * E, D: 1_040 * E}), pair_pool("d a", {D: 1_000 * E, A: 1_000 * E})
    pools = market(to, there, back, out, home)
    cycles = [
        candidate(pools, 3 * E, (to, START, A), (there, A, B), (back, B, START)),
        candidate(pools, 3 * E, (out, START, D), (home, D, A), (to, A, START)),
    ]
    found = netted_trade(cycles, pools, START, NEXT)
    assert found is not None
    check(found, pools, START)
    assert [leg.pool for leg in found.trade.legs] == [out.id, home.id, there.id, back.id]
    assert found.trade.profit > 2 * sum(cycle.profit for cycle in cycles)
    assert found.made == "netted"


def test_netted_trade_circle_apart_from_the_start_is_bought_into(check: Check, candidate: MakeCycle) -> None:
    """A circle of other tokens that gains is begun with what one of its tokens costs, which is sold again after."""
    gate = pair_pool("gate", {START: 10_000 * E, A: 10_000 * E}, 500)
    ring = [
        pair_pool("a b", {A: 1_000 * E, B: 1_050 * E}),
        pair_pool("b c", {B: 1_000 * E, C: 1_050 * E}),
        pair_pool("c a", {C: 1_000 * E, A: 1_050 * E}),
    ]
    others = [pair_pool("b s", {START: 3_000 * E, B: 3_000 * E}, 10_000), pair_pool("c s", {START: 3_000 * E, C: 3_000 * E}, 10_000)]
    pools = market(gate, *ring, *others)
    cycles = [
        candidate(pools, 5 * E, (gate, START, A), (ring[0], A, B), (others[0], B, START)),
        candidate(pools, 5 * E, (others[0], START, B), (ring[1], B, C), (others[1], C, START)),
        candidate(pools, 5 * E, (others[1], START, C), (ring[2], C, A), (gate, A, START)),
    ]
    found = netted_trade(cycles, pools, START, NEXT)
    assert found is not None
    check(found, pools, START)
    assert {pool.id for pool in ring} <= {leg.pool for leg in found.trade.legs}
    assert found.trade.legs[0].sell == START
    assert found.bound is not None
    assert 100 * found.trade.profit > 85 * found.bound


def test_netted_trade_capital_that_binds_is_used(check: Check, candidate: MakeCycle) -> None:
    """With less than the trade wants, what there is goes in, no more, and more of it leaves more."""
    one, other = two_hops("a", A, 300), two_hops("b", B, 250)
    pools = market(*one, *other)
    cycles = [
        candidate(pools, E // 100, (one[0], START, A), (one[1], A, START)),
        candidate(pools, E // 100, (other[0], START, B), (other[1], B, START)),
    ]
    free = netted_trade(cycles, pools, START, NEXT)
    assert free is not None
    before = 0
    for part in (8, 4, 2):
        capital = free.trade.amount_in // part
        found = netted_trade(cycles, pools, START, NEXT, costs=Costs(capital=capital))
        assert found is not None
        check(found, pools, START)
        assert 999 * capital <= 1000 * found.trade.amount_in <= 1000 * capital
        assert before < found.trade.profit < free.trade.profit
        before = found.trade.profit
    ample = netted_trade(cycles, pools, START, NEXT, costs=Costs(capital=free.trade.amount_in))
    assert ample is not None
    assert ample.trade == free.trade


def test_netted_trade_cycles_beyond_the_capital_are_made_smaller(check: Check, candidate: MakeCycle) -> None:
    """Pools without curves are netted by no price, and still their cycle is made with what there is."""
    low, high = (pair_pool(f"a {place}", {START: 1_000 * E, A: held * E}, opaque=True) for place, held in enumerate((1_030, 1_000)))
    pools = market(low, high)
    cycles = [candidate(pools, 6 * E, (low, START, A), (high, A, START))]
    found = netted_trade(cycles, pools, START, NEXT, costs=Costs(capital=E))
    assert found is not None
    check(found, pools, START)
    assert found.made == "sequence"
    assert 999 * E <= 1000 * found.trade.amount_in <= 1000 * E
    assert 0 < found.trade.profit < cycles[0].profit


def test_netted_trade_loan_fee_takes_less(candidate: MakeCycle) -> None:
    """What is borrowed is put in only as far as it earns its fee."""
    one = two_hops("a", A, 300)
    pools = market(*one)
    cycles = [candidate(pools, E, (one[0], START, A), (one[1], A, START))]
    own = netted_trade(cycles, pools, START, NEXT)
    lent = netted_trade(cycles, pools, START, NEXT, costs=Costs(loan_fee_ppm=9_000))
    assert own is not None
    assert lent is not None
    assert 0 < lent.trade.amount_in < own.trade.amount_in
    assert lent.value > own.trade.profit - -(-own.trade.amount_in * 9_000 // 10**6)


def test_netted_trade_pools_that_do_not_earn_their_gas_are_left_out(candidate: MakeCycle) -> None:
    """A cycle that gains less than its swaps cost is not in the trade; with nothing left there is no trade."""
    large, small = two_hops("a", A, 300), two_hops("b", B, 80, 100)
    pools = market(*large, *small)
    cycles = [
        candidate(pools, 6 * E, (large[0], START, A), (large[1], A, START)),
        candidate(pools, E // 20, (small[0], START, B), (small[1], B, START)),
    ]
    free = netted_trade(cycles, pools, START, NEXT)
    dear = netted_trade(cycles, pools, START, NEXT, costs=Costs(per_swap=E // 1000))
    none = netted_trade(cycles, pools, START, NEXT, costs=Costs(per_swap=E))
    assert free is not None
    assert dear is not None
    assert len(free.trade.legs) == 4
    assert {leg.pool for leg in dear.trade.legs} == {pool.id for pool in large}
    assert dear.cost == 2 * (E // 1000)
    assert none is None


def test_netted_trade_long_chain_of_pools_each_below_its_gas_is_judged_together(candidate: MakeCycle) -> None:
    """Deep pools between gain little themselves and stay all the same, since all the gain passes through them."""
    deep = pair_pool("deep", {START: 10**6 * E, A: 10**6 * E}, 100)
    shallow = pair_pool("shallow", {A: 500 * E, START: 560 * E})
    pools = market(deep, shallow)
    cycles = [candidate(pools, E, (deep, START, A), (shallow, A, START))]
    found = netted_trade(cycles, pools, START, NEXT, costs=Costs(per_swap=E // 4))
    assert found is not None
    assert {leg.pool for leg in found.trade.legs} == {deep.id, shallow.id}


def test_netted_trade_cycles_of_other_assets_lend_their_pools(check: Check, candidate: MakeCycle) -> None:
    """A cycle that begins elsewhere is no trade of its own here, but its pools are used."""
    one = two_hops("a", A, 300)
    pools = market(*one)
    around = candidate(pools, E, (one[1], A, START), (one[0], START, A))
    found = netted_trade([around], pools, START, NEXT)
    assert found is not None
    check(found, pools, START)
    assert found.trade.asset == START


def test_netted_trade_more_pools_than_are_netted_takes_the_first(
    busy: Busy, cycles_in: CyclesIn, monkeypatch: pytest.MonkeyPatch, check: Check
) -> None:
    """Beyond the most pools the best cycles' pools are netted, and the rest may still follow as cycles."""
    start, pools = busy(2, 30, 80, 0.02)
    cycles = cycles_in(pools, start)
    whole = netted_trade(cycles, pools, start, NEXT)
    monkeypatch.setattr("tidemill_search_cycles.netting.directions.MOST_POOLS", 12)
    part = netted_trade(cycles, pools, start, NEXT)
    monkeypatch.setattr("tidemill_search_cycles.netting.directions.MOST_TOKENS", 3)
    little = netted_trade(cycles, pools, start, NEXT)
    assert whole is not None
    assert part is not None
    assert little is not None
    check(part, pools, start)
    assert cycles[0].profit < part.trade.profit < whole.trade.profit
    assert whole.bound is not None
    assert part.bound is not None
    assert little.bound is not None
    assert whole.bound > part.bound > little.bound


def test_netted_trade_is_the_same_with_compiled_prices(busy: Busy, cycles_in: CyclesIn, run_compiled: Settle) -> None:
    """Plain and compiled descents lead to the same swaps."""
    for seed in range(3):
        start, pools = busy(seed, 25, 60, 0.012)
        cycles = cycles_in(pools, start)
        costs = Costs(10**13, 0, 50 * E)
        plain = netted_trade(cycles, pools, start, NEXT, costs=costs, run=settle)
        assert plain == netted_trade(cycles, pools, start, NEXT, costs=costs, run=run_compiled)
