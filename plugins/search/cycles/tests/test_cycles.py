"""The searcher against brute force."""

from collections.abc import Callable, Iterator
from itertools import pairwise
from random import Random

import networkx as nx
import pytest
from attrs import evolve

from tidemill.domain.ids import AssetId, PoolId
from tidemill.domain.search import Candidate, CycleQuery
from tidemill_search_cycles import Cycles, CyclesSettings
from tidemill_testing.market import NEXT, SIM, PairPool, pair_pool, snapshot_of, token

pytestmark = pytest.mark.uncounted

Found = dict[tuple[tuple[PoolId, ...], tuple[AssetId, ...]], int]
Brute = Callable[[list[PairPool], AssetId, range], Found]
FoundBy = Callable[[Iterator[Candidate]], Found]
Market = Callable[..., list[PairPool]]

START = token("T0")
A, B, C = token("A"), token("B"), token("C")


def searcher_of(pools: list[PairPool]) -> Cycles:
    searcher = Cycles()
    snapshot_of(pools, searcher=searcher)
    return searcher


@pytest.mark.parametrize("seed", range(25))
def test_find_random_market_equals_brute_force(seed: int, brute: Brute, found_by: FoundBy, market: Market) -> None:
    """Every cycle of two to four hops that gains is found once, with the profit of the integer optimum."""
    random = Random(seed)
    pools = market(random, tokens=random.randint(3, 8), count=random.randint(4, 26))

    assert brute(pools, START, range(2, 5)) == found_by(searcher_of(pools).find(CycleQuery(SIM, (START,), 2, 4)))


@pytest.mark.parametrize("hops", [range(2, 3), range(3, 4), range(4, 5), range(3, 5)])
def test_find_range_of_hops_gives_no_other(hops: range, brute: Brute, found_by: FoundBy, market: Market) -> None:
    """Only cycles with a number of hops that was asked for are given."""
    pools = market(Random(7), tokens=6, count=24)
    query = CycleQuery(SIM, (START,), hops.start, hops.stop - 1)

    assert brute(pools, START, hops) == found_by(searcher_of(pools).find(query))


@pytest.mark.parametrize("seed", range(6))
def test_find_routes_are_those_of_networkx(seed: int, market: Market) -> None:
    """The routes that gain are among the simple cycles of the multigraph, and each that gains at the margin and pays is there."""
    pools = market(Random(seed), tokens=5, count=14)
    graph: nx.MultiDiGraph[AssetId] = nx.MultiDiGraph()
    for pool in pools:
        one, other = pool.assets
        graph.add_edge(one, other, key=pool.id)
        graph.add_edge(other, one, key=pool.id)
    routes: set[tuple[PoolId, ...]] = set()
    cycles: list[list[AssetId]] = list(nx.simple_cycles(nx.DiGraph(graph), length_bound=4))
    for cycle in cycles:
        if START in cycle and len(cycle) > 1:
            first = cycle.index(START)
            tokens = [*cycle[first:], *cycle[:first], START]
            choices: list[tuple[PoolId, ...]] = [()]
            for sell, buy in pairwise(tokens):
                choices = [(*chosen, PoolId(pool)) for chosen in choices for pool in sorted(graph[sell][buy])]
            routes |= {chosen for chosen in choices if len(set(chosen)) == len(chosen)}
    by_id = {pool.id: pool for pool in pools}

    def gains(route: tuple[PoolId, ...]) -> bool:
        for amount in (10**exponent for exponent in range(1, 26)):
            held, left = START, amount
            for identifier in route:
                pool = by_id[identifier]
                other = pool.assets[1 - pool.assets.index(held)]
                left, held = pool.amount_out(held, other, left, snapshot.at(SIM)), other
            if left > amount:
                return True
        return False

    snapshot = snapshot_of(pools)
    found = {tuple(leg.pool for leg in candidate.legs) for candidate in searcher_of(pools).find(CycleQuery(SIM, (START,), 2, 4))}

    assert found <= routes
    assert {route for route in routes if gains(route)} <= found


@pytest.mark.parametrize("seed", range(12))
def test_find_pools_that_hide_their_reserves_equals_brute_force(seed: int, brute: Brute, found_by: FoundBy, market: Market) -> None:
    """Pools that only quote are searched by amounts: the same cycles, the same profit but for the units that floors take a hop."""
    random = Random(seed)
    pools = market(random, tokens=5, count=16, opaque_share=50, least_depth=12)
    want = brute(pools, START, range(2, 5))
    got = found_by(searcher_of(pools).find(CycleQuery(SIM, (START,), 2, 4)))

    assert {key for key, profit in want.items() if profit > 16} <= set(got)
    for key, profit in got.items():
        assert want.get(key, 0) - 8 - want.get(key, 0) // 10**6 <= profit


def test_find_amounts_are_quoted_hop_by_hop(market: Market) -> None:
    """Amounts chain through the exact pools: each output is the next input, and profit is last less first."""
    pools = market(Random(3), tokens=5, count=20, opaque_share=30)
    snapshot = snapshot_of(pools)
    candidates = list(searcher_of(pools).find(CycleQuery(SIM, (START,), 2, 4)))

    assert candidates
    for candidate in candidates:
        for leg, amount, out in zip(candidate.legs, candidate.amounts, candidate.amounts[1:], strict=False):
            assert out == snapshot.pools[leg.pool].amount_out(leg.sell, leg.buy, amount, snapshot.at(SIM))
        assert candidate.profit == candidate.amounts[-1] - candidate.amounts[0]
        assert START == candidate.asset == candidate.legs[0].sell == candidate.legs[-1].buy


@pytest.mark.usefixtures("compiled_kernels")
@pytest.mark.parametrize("opaque_share", [0, 30])
@pytest.mark.parametrize("seed", range(4))
def test_find_changed_only_after_each_update_equals_full(seed: int, opaque_share: int, found_by: FoundBy, market: Market) -> None:
    """What passes a changed pool is found from the changes alone, whether pools move, appear or go."""
    random = Random(seed)
    pools = {pool.id: pool for pool in market(random, tokens=7, count=40, opaque_share=opaque_share)}
    spare = list(pools.values())[35:]
    for pool in spare:
        del pools[pool.id]
    searcher = searcher_of(list(pools.values()))
    query, only = CycleQuery(SIM, (START,), 2, 4), CycleQuery(SIM, (START,), 2, 4, changed_only=True)
    for step in range(24 if not opaque_share else 7):
        changed = set()
        for identifier in random.sample(sorted(pools), random.randint(1, 3)):
            pool = pools[identifier]
            one, other = (max(0, held * random.randint(960, 1_040) // 1_000) for held in pool.reserves)
            pools[identifier] = type(pool)(pool.id, pool.assets, (one, other), pool.fee_ppm)
            changed.add(identifier)
        if step % 7 == 3:
            gone = random.choice(sorted(pools))
            spare.append(pools.pop(gone))
            changed.add(gone)
        if step % 7 == 5:
            new = spare.pop(0)
            pools[new.id] = new
            changed.add(new.id)
        snapshot_of(pools.values(), changed=changed, searcher=searcher)
        fresh = found_by(searcher_of(list(pools.values())).find(query))

        assert fresh == found_by(searcher.find(query))
        assert {key: profit for key, profit in fresh.items() if changed & set(key[0])} == found_by(searcher.find(only))


def test_find_changed_only_when_all_changed_equals_full(found_by: FoundBy, market: Market) -> None:
    """After the first update everything counts as changed; with half changed, everything through that half."""
    pools = market(Random(5), tokens=6, count=40)
    searcher = searcher_of(pools)
    everything = found_by(searcher.find(CycleQuery(SIM, (START,), 2, 4)))
    only = CycleQuery(SIM, (START,), 2, 4, changed_only=True)
    half = {pool.id for pool in pools[::2]}

    assert everything == found_by(searcher.find(only))
    snapshot_of(pools, changed=half, searcher=searcher)
    assert {key: profit for key, profit in everything.items() if half & set(key[0])} == found_by(searcher.find(only))


def test_update_pools_that_changes_do_not_name_are_found_too(found_by: FoundBy, market: Market) -> None:
    """A snapshot that holds other pools than its changes explain is compared as a whole."""
    pools = market(Random(11), tokens=5, count=20)
    searcher = searcher_of(pools[:15])
    snapshot_of(pools[3:], changed=(), searcher=searcher)
    snapshot_of(pools[4:], changed=(), searcher=searcher)
    query = CycleQuery(SIM, (START,), 2, 4)

    assert found_by(searcher_of(pools[4:]).find(query)) == found_by(searcher.find(query))


def test_find_best_first_by_what_hops_cost_leaves_out_what_loses(found_by: FoundBy, market: Market) -> None:
    """Candidates come by profit less the cost of their hops, ties by pool ids; what does not leave more than that cost is left out."""
    searcher = searcher_of(market(Random(5), tokens=5, count=24))
    everything = found_by(searcher.find(CycleQuery(SIM, (START,), 2, 4)))
    per_hop = sorted(everything.values())[len(everything) // 3] // 3
    found = list(searcher.find(CycleQuery(SIM, (START,), 2, 4, cost_per_hop=((START, per_hop),))))
    keys = [(per_hop * len(one.legs) - one.profit, tuple(leg.pool for leg in one.legs)) for one in found]

    assert sorted(keys) == keys
    assert {key: profit for key, profit in everything.items() if profit > per_hop * len(key[0])} == found_by(iter(found))
    assert 10 < len(found) < len(everything)


def test_find_equal_routes_ordered_by_pool_ids() -> None:
    """Two pools with equal reserves give equal profits: the smaller id comes first."""
    twins = [pair_pool(name, {A: 10**20, B: 10**20}) for name in ("one", "two", "three")]
    dear = pair_pool("dear", {A: 2 * 10**20, B: 10**20})
    found = list(searcher_of([*twins, dear]).find(CycleQuery(SIM, (A,), 2, 2)))

    assert 1 == len({candidate.profit for candidate in found})
    assert sorted(pool.id for pool in twins) == [leg.pool for candidate in found for leg in candidate.legs if leg.pool != dear.id]


def test_find_top_gives_the_best_of_all(market: Market) -> None:
    """``top`` cuts the list, not the search."""
    searcher = searcher_of(market(Random(5), tokens=5, count=24))
    everything = list(searcher.find(CycleQuery(SIM, (START,), 2, 4)))

    assert everything[:3] == list(searcher.find(CycleQuery(SIM, (START,), 2, 4, top=3)))


def test_find_min_profit_leaves_out_what_is_below(found_by: FoundBy, market: Market) -> None:
    """No less than ``min_profit`` is given, and everything from there on."""
    searcher = searcher_of(market(Random(5), tokens=5, count=24))
    everything = found_by(searcher.find(CycleQuery(SIM, (START,), 2, 4)))
    least = sorted(everything.values())[len(everything) // 2]
    want = {key: profit for key, profit in everything.items() if profit >= least}

    assert want == found_by(searcher.find(CycleQuery(SIM, (START,), 2, 4, min_profit=least)))


def test_find_capital_is_never_exceeded(market: Market) -> None:
    """With little money a cycle takes what there is; with none nothing is found."""
    searcher = searcher_of(market(Random(5), tokens=5, count=24, opaque_share=30))
    for capital in (10**9, 10**15):
        found = list(searcher.find(CycleQuery(SIM, (START,), 2, 4, capital=((START, capital),))))
        assert found
        assert all(candidate.amounts[0] <= capital for candidate in found)

    assert [] == list(searcher.find(CycleQuery(SIM, (START,), 2, 4, capital=((START, 0),))))


@pytest.mark.parametrize("opaque", [False, True])
def test_find_loan_fee_lowers_the_amount(opaque: bool) -> None:
    """A fee on what goes in makes the best amount smaller and leaves exactly the optimum less the fee."""
    pools = [pair_pool("cheap", {A: 10**6, B: 10**6}, opaque=opaque), pair_pool("dear", {A: 1_100_000, B: 10**6}, opaque=opaque)]
    (free,) = searcher_of(pools).find(CycleQuery(SIM, (A,), 2, 2))
    (lent,) = searcher_of(pools).find(CycleQuery(SIM, (A,), 2, 2, loan_fee_ppm=9_000))

    def net(amount: int) -> int:
        out = amount
        for leg in lent.legs:
            pool = next(pool for pool in pools if pool.id == leg.pool)
            out = pool.amount_out(leg.sell, leg.buy, out, NEXT)
        return out - amount - -(-amount * 9_000 // 10**6)

    assert lent.amounts[0] < free.amounts[0]
    assert max(map(net, range(1, 60_000))) - net(lent.amounts[0]) <= 1


def test_find_several_starts_ranks_by_value() -> None:
    """Profits in different assets are compared in the first start asset; what has no price ranks as if it broke even."""
    pools = [
        pair_pool("a1", {A: 10**24, B: 10**18}),
        pair_pool("a2", {A: 11 * 10**23, B: 10**18}),
        pair_pool("lost1", {C: 10**20, token("D"): 10**20}),
        pair_pool("lost2", {C: 12 * 10**19, token("D"): 10**20}),
    ]
    searcher = Cycles()
    snapshot_of(pools, wrapped=A, searcher=searcher)
    dear_in_a = list(searcher.find(CycleQuery(SIM, (A, C, B, A), 2, 2, cost_per_hop=((A, 10**20),))))
    dear_in_b = list(searcher.find(CycleQuery(SIM, (A, C, B), 2, 2, cost_per_hop=((B, 10**14),))))

    assert [B, A, C] == [candidate.asset for candidate in dear_in_a]
    assert [A, B, C] == [candidate.asset for candidate in dear_in_b]


def test_find_other_chain_or_unknown_start_gives_nothing(market: Market) -> None:
    """A start that the graph does not know, or on another chain than asked for, has no cycles."""
    searcher = searcher_of(market(Random(5), tokens=5, count=24))

    assert [] == list(searcher.find(CycleQuery(SIM, (token("nowhere"), AssetId("eip155:1/erc20:0x00")), 2, 4)))
    assert [] == list(searcher.find(CycleQuery(SIM, (token("nowhere"),), 2, 4, changed_only=True)))


def test_find_before_any_update_gives_nothing() -> None:
    """A searcher that has seen no snapshot knows no pool."""
    assert [] == list(Cycles().find(CycleQuery(SIM, (A,))))


def test_find_more_hops_holds_all_of_four_and_is_not_called_exact(market: Market) -> None:
    """Beyond four hops every cycle of up to four stands with those of more, and nothing is said to be all there is."""
    searcher = searcher_of(market(Random(5), tokens=5, count=24))
    four, twelve = (list(searcher.find(CycleQuery(SIM, (START,), 2, most))) for most in (4, 12))

    assert four == [evolve(candidate, exact=True) for candidate in twelve if len(candidate.legs) < 5]
    assert len(four) < len(twelve)
    assert {True} == {candidate.exact for candidate in four}
    assert {False} == {candidate.exact for candidate in twelve}


@pytest.mark.parametrize("changed_only", [False, True])
@pytest.mark.parametrize("work", [1, 5, 8, 12, 20, 30, 60, 100, 200, 400])
def test_find_little_work_gives_part_and_says_so(work: int, changed_only: bool, found_by: FoundBy, market: Market) -> None:
    """When the effort runs out, what was found is given, none of it claimed exact, all of it true."""
    pools = market(Random(5), tokens=6, count=40)
    searcher = searcher_of(pools)
    snapshot_of(pools, changed=[pools[0].id, pools[1].id], searcher=searcher)
    everything = found_by(searcher.find(CycleQuery(SIM, (START,), 2, 4, changed_only=changed_only)))
    part = list(searcher.find(CycleQuery(SIM, (START,), 2, 4, changed_only=changed_only, work=work)))

    assert len(part) < len(everything)
    assert not any(candidate.exact for candidate in part)
    assert found_by(iter(part)).items() <= everything.items()


def test_find_work_of_the_settings_counts_where_none_is_stated(market: Market) -> None:
    """A query without ``work`` gets the setting's."""
    pools = market(Random(5), tokens=6, count=40)
    small = Cycles(CyclesSettings(work=30))
    snapshot_of(pools, searcher=small)

    assert len(list(small.find(CycleQuery(SIM, (START,), 2, 4)))) < len(list(small.find(CycleQuery(SIM, (START,), 2, 4, work=10**6))))
