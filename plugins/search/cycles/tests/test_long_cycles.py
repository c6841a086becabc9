"""Cycles of five to twelve hops through the searcher, and the trade that nets them."""

from collections.abc import Sequence
from itertools import pairwise

import pytest
from attrs import evolve

from tidemill.domain.ids import AssetId
from tidemill.domain.search import Candidate, CycleQuery, Netted
from tidemill.planning.replay import Replayed, replay_flow
from tidemill_search_cycles import Cycles, CyclesSettings
from tidemill_search_cycles.netting import flow_of
from tidemill_testing.market import NEXT, SIM, PairPool, pair_pool, snapshot_of, token

E18 = 10**18
START = token("S")


def ring(name: str, hops: int, gain_bps: int = 50, depth: int = 1_000 * E18) -> list[PairPool]:
    """Pools that lead from the start through new tokens back to it, each of them cheap by ``gain_bps``, fee 30 bps."""
    names = [START, *(token(f"{name}{place}") for place in range(1, hops)), START]
    return [
        pair_pool(f"{name}-{place}", {sell: depth, buy: depth * (10_000 + gain_bps) // 10_000})
        for place, (sell, buy) in enumerate(pairwise(names))
    ]


def found(pools: Sequence[PairPool], low: int, high: int, **more: object) -> list[Candidate]:
    searcher = Cycles(more.pop("settings", None))
    searcher.update(snapshot_of(pools, wrapped=START))
    return list(searcher.find(CycleQuery(SIM, (START,), low, high, **more)))  # type: ignore[arg-type]


@pytest.mark.parametrize("hops", [5, 8, 10, 12])
def test_ring_of_many_hops_is_found_and_every_amount_is_what_its_pools_pay(hops: int) -> None:
    """However long a cycle is, its amounts are confirmed pool by pool."""
    pools = {pool.id: pool for pool in ring("R", hops)}
    best = found(list(pools.values()), 5, 12)[0]

    assert hops == len(best.legs) == len(best.amounts) - 1
    assert best.profit == best.amounts[-1] - best.amounts[0] > 0
    for leg, paid, got in zip(best.legs, best.amounts, best.amounts[1:], strict=False):
        assert got == pools[leg.pool].amount_out(leg.sell, leg.buy, paid, NEXT)


def test_least_hops_count_inside_the_search() -> None:
    """A long cycle is not crowded out by short ones that gain more."""
    pools = [*ring("L", 11), *ring("A", 3, 300), *ring("B", 4, 300), *ring("C", 5, 300)]

    assert [11] == [len(one.legs) for one in found(pools, 10, 12)]
    assert {3, 4, 5, 11} <= {len(one.legs) for one in found(pools, 2, 12)}
    assert [5] == [len(one.legs) for one in found(pools, 2, 12, top=1)]


def test_no_cycle_passes_a_pool_twice_or_stands_twice() -> None:
    """Probed with several amounts, the same cycle comes once."""
    candidates = found([*ring("L", 11), *ring("M", 6)], 2, 12)
    routes = [tuple(leg.pool for leg in one.legs) for one in candidates]

    assert len(set(routes)) == len(routes) >= 2
    assert all(len(set(route)) == len(route) for route in routes)


def test_changed_only_finds_what_passes_a_changed_pool() -> None:
    """After one event only the cycles through it are told, long ones too."""
    first, second = ring("F", 6), ring("G", 7)
    others = [pair_pool(f"x{place}", {token(f"x{place}"): E18, START: E18}) for place in range(60)]
    searcher = Cycles()
    searcher.update(snapshot_of([*first, *second, *others], wrapped=START))
    moved = evolve(first[2], reserves=(first[2].reserves[0] - 1, first[2].reserves[1]))
    pools = [*first[:2], moved, *first[3:], *second, *others]
    searcher.update(snapshot_of(pools, wrapped=START, changed=[moved.id]))
    candidates = list(searcher.find(CycleQuery(SIM, (START,), 2, 12, changed_only=True)))

    assert {6} == {len(one.legs) for one in candidates}


def test_effort_that_runs_out_is_said() -> None:
    """Little work finds less, and proves nothing."""
    pools = [*ring("L", 11), *ring("A", 3, 300)]

    assert not any(one.exact for one in found(pools, 2, 12, work=10))
    assert len(found(pools, 2, 12, work=10)) < len(found(pools, 2, 12))


def test_poison_is_marked_and_kept_out_of_long_cycles_and_of_the_trade() -> None:
    """A token whose pools gain 80 % is suspect; long cycles are looked for again without its pools, and no flow uses them."""
    poison = ring("P", 3, 5_000)
    pools = [*ring("L", 11), *poison, *ring("M", 6)]
    candidates = found(pools, 2, 12)
    bad = {pool.id for pool in poison}
    marked = [one for one in candidates if one.suspect]
    trade = netted(pools)

    assert marked
    assert all(bad & {leg.pool for leg in one.legs} for one in marked)
    assert {6, 11} <= {len(one.legs) for one in candidates if not one.suspect}
    assert trade is not None
    assert bad.isdisjoint(leg.pool for leg in trade.legs)


def netted(pools: Sequence[PairPool], **more: object) -> Netted | None:
    searcher = Cycles(CyclesSettings())
    searcher.update(snapshot_of(pools, wrapped=START))
    return searcher.net(CycleQuery(SIM, (START,), 2, 12, **more))  # type: ignore[arg-type]


def test_netted_trade_is_worth_all_rings_and_holds_as_a_flow() -> None:
    """Rings that share nothing add up; the flow replays to the profit that was promised."""
    pools = [*ring("L", 11), *ring("M", 6), *ring("N", 4)]
    trade = netted(pools)
    best = max(one.profit for one in found(pools, 2, 12))

    assert trade is not None
    assert trade.profit > best
    assert len(trade.legs) == 21
    replayed = replay_flow(flow_of(trade, NEXT), {pool.id: pool for pool in pools}, NEXT)
    assert isinstance(replayed, Replayed)
    assert trade.profit == dict(replayed.changes)[START]


def test_netted_trade_within_capital_and_above_its_costs() -> None:
    """No more goes in than there is, and what does not pay for its swaps is no trade."""
    pools = [*ring("L", 11), *ring("M", 6)]
    small = netted(pools, capital=((START, E18),))

    assert small is not None
    assert 0 < small.amount_in <= E18
    assert netted(pools, cost_per_hop=((START, 10**21),)) is None
    assert netted([]) is None
    assert Cycles().net(CycleQuery(SIM, (START,))) is None


def test_asset_that_nobody_trades_finds_nothing() -> None:
    """A start without pools is no error."""
    searcher = Cycles()
    searcher.update(snapshot_of(ring("L", 6), wrapped=START))
    stranger: AssetId = token("stranger")

    assert [] == list(searcher.find(CycleQuery(SIM, (stranger,), 5, 12)))
