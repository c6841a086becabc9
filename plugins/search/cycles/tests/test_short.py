"""Cycles of two to four hops, from one asset and from any, by plain kernels: what brute force finds, each once."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import pairwise
from random import Random

import pytest
from attrs import astuple, evolve, frozen

from tidemill.domain.answers import NoCurve
from tidemill.domain.ids import AssetId, PoolId
from tidemill.domain.pool import Curve, Segment
from tidemill.domain.search import Candidate, CycleQuery
from tidemill.domain.time import ChainTime
from tidemill_search_cycles import Cycles
from tidemill_search_cycles.graph import Graph
from tidemill_search_cycles.short import Cycle, ShortCycles, Wanted
from tidemill_testing.market import SIM, PairPool, pair_pool, snapshot_of, token

Found = dict[tuple[tuple[PoolId, ...], tuple[AssetId, ...]], int]
Brute = Callable[[Iterable[PairPool], AssetId, range], Found]
FoundBy = Callable[[Iterator[Candidate]], Found]
Market = Callable[..., list[PairPool]]

ANY = CycleQuery(SIM, (), 2, 4)


@frozen
class Parted(PairPool):
    """A pair that draws its curve in two segments, as concentrated pools do."""

    def segments(self, sell: AssetId, buy: AssetId, at: ChainTime, max_in: int) -> Curve | NoCurve:
        whole = super().segments(sell, buy, at, max_in)
        if isinstance(whole, NoCurve):
            return whole
        ((_, end, a, b, c),) = (astuple(one) for one in whole.segments)
        joint = min(end, self.holdings[sell] // 500)
        base = b + c * joint
        first, rest = Segment(0, joint, a, b, c), Segment(joint, end, a * b, base * base, c * base)
        return Curve((first, rest) if 0 < joint < end else whole.segments, 1)


def degrees(pools: Iterable[PairPool]) -> dict[AssetId, int]:
    beside: dict[AssetId, set[AssetId]] = {}
    for pool in pools:
        if all(pool.reserves):
            one, other = pool.assets
            beside.setdefault(one, set()).add(other)
            beside.setdefault(other, set()).add(one)
    return {asset: len(others) for asset, others in beside.items()}


def from_any(pools: list[PairPool], brute: Brute) -> Found:
    """Return every cycle that gains from the asset that it must be given from."""
    wide = degrees(pools)
    found: Found = {}
    for start in wide:
        for key, profit in brute(pools, start, range(2, 5)).items():
            if start == min(key[1], key=lambda asset: (-wide[asset], asset)):
                found[key] = profit
    return found


def found_from_any(pools: list[PairPool], found_by: FoundBy, query: CycleQuery = ANY) -> Found:
    searcher = Cycles()
    snapshot_of(pools, searcher=searcher)
    return found_by(searcher.find(query))


@pytest.mark.parametrize("block", range(10))
def test_find_from_any_asset_equals_brute_force(block: int, brute: Brute, found_by: FoundBy, market: Market) -> None:
    """Without a start each cycle that gains is given once, from its asset with most others beside it; on two hundred markets."""
    for seed in range(block * 20, block * 20 + 20):
        random = Random(seed)
        pools = market(random, tokens=random.randint(2, 6), count=random.randint(1, 14))

        assert from_any(pools, brute) == found_from_any(pools, found_by)


@pytest.mark.parametrize("seed", range(12))
def test_find_from_one_asset_over_mixed_pools_equals_brute_force(seed: int, brute: Brute, found_by: FoundBy, market: Market) -> None:
    """Pools with a curve of one segment, of two, and with none: the same routes, sized as well but for the units that floors take."""
    random = Random(seed)
    pools = market(random, tokens=random.randint(3, 6), count=random.randint(6, 18), least_depth=12, opaque_share=30)
    mixed = [Parted(pool.id, pool.assets, pool.reserves, pool.fee_ppm) if random.randrange(3) == 0 else pool for pool in pools]
    start = token("T0")
    searcher = Cycles()
    snapshot_of(mixed, searcher=searcher)
    got, want = found_by(searcher.find(CycleQuery(SIM, (start,), 2, 4))), brute(pools, start, range(2, 5))

    assert {key for key, profit in want.items() if profit > 16} <= set(got)
    for key, profit in got.items():
        assert want.get(key, 0) - 8 - want.get(key, 0) // 10**6 <= profit


@pytest.mark.parametrize("seed", range(8))
def test_find_least_profit_leaves_out_only_less(seed: int, found_by: FoundBy, market: Market) -> None:
    """What is pruned by least profits and costs is what a search without them finds to leave less."""
    pools = market(Random(seed), tokens=6, count=30, least_depth=15)
    searcher = Cycles()
    snapshot_of(pools, searcher=searcher)
    starts = [token(f"T{place}") for place in range(3)]
    for start in starts:
        everything = list(searcher.find(CycleQuery(SIM, (start,), 2, 4)))
        assert everything
        for place in (len(everything) // 10, len(everything) // 2):
            limit = everything[place].profit
            query = CycleQuery(SIM, (start,), 2, 4, min_profit=limit, loan_fee_ppm=0)
            assert [one for one in everything if one.profit >= limit] == list(searcher.find(query))
            cost = max(1, limit // 4)
            costly = list(searcher.find(CycleQuery(SIM, (start,), 2, 4, cost_per_hop=((start, cost),))))
            assert {one.legs for one in everything if one.profit > cost * len(one.legs)} == {one.legs for one in costly}


@pytest.mark.parametrize("fee", [900, 20_000])
def test_find_with_a_loan_fee_leaves_out_only_what_it_eats(fee: int, found_by: FoundBy, market: Market) -> None:
    """A loan's fee prunes nothing that leaves something after it, whichever way the search is cut down."""
    pools = market(Random(3), tokens=6, count=30, least_depth=15)
    searcher = Cycles()
    snapshot_of(pools, searcher=searcher)
    lent = found_by(searcher.find(evolve(ANY, loan_fee_ppm=fee)))
    capital = tuple((token(f"T{place}"), 10**40) for place in range(6))
    tiny = found_by(searcher.find(evolve(ANY, loan_fee_ppm=fee, capital=capital)))

    assert lent
    assert lent == tiny
    assert set(lent) <= set(found_by(searcher.find(ANY)))


def updates(seed: int, steps: int, count: int, market: Market) -> Iterator[tuple[list[PairPool], set[PoolId]]]:
    """Yield a market after each of many changes, with the pools that changed: they move, empty, refill, come and go."""
    random = Random(seed)
    pools = {pool.id: pool for pool in market(random, tokens=7, count=count)}
    sound = {identifier: pool.reserves for identifier, pool in pools.items()}
    spare = [pools.pop(identifier) for identifier in sorted(pools)[:6]]
    yield list(pools.values()), set(pools)
    for _ in range(steps):
        changed = set()
        for identifier in random.sample(sorted(pools), random.randint(1, 3)):
            pool = pools[identifier]
            before = sound[identifier] if random.randrange(4) == 0 else pool.reserves
            held = [one * random.choice([1_000, random.randint(960, 1_040), random.randint(990, 1_010)]) // 1_000 for one in before]
            if random.randrange(20) == 0:
                held[random.randrange(2)] = random.choice([0, 10**18])
            pools[identifier] = evolve(pool, reserves=(held[0], held[1]))
            changed.add(identifier)
        if random.randrange(8) == 0 and len(pools) * 8 > count * 5:
            gone = random.choice(sorted(pools))
            spare.append(pools.pop(gone))
            changed.add(gone)
        if random.randrange(8) == 0 and spare:
            new = spare.pop(0)
            pools[new.id] = new
            changed.add(new.id)
        yield list(pools.values()), changed


def follow(seed: int, steps: int, count: int, found_by: FoundBy, market: Market) -> int:
    """Follow many updates: after each, everything and what changed must be what a new searcher finds. Return how many cycles there were."""
    searcher, many = Cycles(), 0
    for pools, changed in updates(seed, steps, count, market):
        snapshot_of(pools, changed=changed, searcher=searcher)
        fresh = Cycles()
        snapshot_of(pools, searcher=fresh)
        for query in (ANY, CycleQuery(SIM, (token("T0"),), 2, 4), CycleQuery(SIM, (token("T1"),), 2, 4, min_profit=10**12)):
            want = found_by(fresh.find(query))
            assert want == found_by(searcher.find(query))
            through = {key: profit for key, profit in want.items() if changed & set(key[0])}
            assert through == found_by(searcher.find(evolve(query, changed_only=True)))
            many += len(through)
    return many


@pytest.mark.uncounted
@pytest.mark.usefixtures("compiled_kernels")
@pytest.mark.parametrize("seed", range(3))
def test_find_after_each_of_many_updates_equals_a_new_searcher(seed: int, found_by: FoundBy, market: Market) -> None:
    """Whatever changed, the graph in place and the search through changed pools find what a search of everything finds."""
    assert follow(seed, 40, 32, found_by, market) > 100


def test_find_after_each_of_some_updates_by_plain_kernels_equals_a_new_searcher(found_by: FoundBy, market: Market) -> None:
    """The same with kernels that nobody compiled."""
    assert follow(3, 40, 18, found_by, market) > 50


@pytest.mark.heavy
@pytest.mark.parametrize("seed", range(3))
def test_find_after_each_of_many_updates_of_a_full_market_equals_a_new_searcher(seed: int, found_by: FoundBy, market: Market) -> None:
    """The same where most tokens are traded in several pools, by plain kernels."""
    assert follow(seed, 40, 40, found_by, market) > 100


@pytest.mark.heavy
@pytest.mark.usefixtures("compiled_kernels")
def test_find_after_each_of_ten_thousand_updates_equals_a_new_searcher(found_by: FoundBy, market: Market) -> None:
    """The same, after every one of ten thousand updates."""
    assert follow(77, 10_000, 20, found_by, market) > 100_000


def hub_market(random: Random, spokes: int) -> list[PairPool]:
    """Four hubs with so many tokens beside them that lists between hubs are kept; some pools hold next to nothing and are far off."""
    hubs, names = [token(f"hub{place}") for place in range(4)], [token(f"spoke{place}") for place in range(spokes)]
    pairs = [(one, other) for one in hubs for other in hubs if one < other]
    pairs += [(hub, spoke) for spoke in names for hub in hubs if random.randrange(8)]
    pairs += [(one, other) for one, other in pairwise(names) if random.randrange(3)]
    pairs += random.sample(pairs, len(pairs) // 4)
    pools = []
    for place, (one, other) in enumerate(pairs):
        deep = random.randrange(12) != 0
        depth = 10 ** random.randint(20, 22) if deep else 10 ** random.randint(15, 17)
        noise = random.randint(-15, 15) if deep else random.randint(-1_200, 1_200)
        pools.append(pair_pool(f"{place}", {one: depth, other: depth * (10_000 + noise) // 10_000}, random.choice([100, 500, 3_000])))
    return pools


@pytest.mark.usefixtures("compiled_kernels")
def test_find_through_hubs_with_lists_equals_a_search_of_everything() -> None:
    """Lists of tokens between hubs save time and leave out nothing, whatever changes and whoever asks in between."""
    assert through_hubs(40) > 50


@pytest.mark.parametrize("turns", [6, pytest.param(40, marks=pytest.mark.heavy)])
def test_find_through_hubs_with_lists_by_plain_kernels_equals_a_search_of_everything(turns: int) -> None:
    """The same with kernels that nobody compiled."""
    assert through_hubs(turns) > turns


def through_hubs(turns: int) -> int:
    """Compare what passes a pool after each of some changes with a search of everything; return how many cycles there were."""
    random = Random(8)
    pools = {pool.id: pool for pool in hub_market(random, 80)}
    degree = degrees(pools.values())
    graph = Graph()
    graph.take(snapshot_of(pools.values()))
    wants = [Wanted(2, 4, {}, least, fee) for least, fee in ((10**14, 0), (10**16, 0), (10**13, 900))]
    kept = {(place, start): ShortCycles(graph) for place in range(len(wants)) for start in (None, token("hub1"))}
    many = 0
    between_hubs = [pool.id for pool in pools.values() if degree[pool.assets[0]] > 64 < degree[pool.assets[1]]]
    for turn in range(turns):
        identifier = random.choice(sorted(pools) if turn % 3 else between_hubs)
        pool = pools[identifier]
        pools[identifier] = evolve(pool, reserves=(pool.reserves[0] * random.randint(985, 1_015) // 1_000, pool.reserves[1]))
        graph.take(snapshot_of(pools.values(), changed=[identifier]))
        for (place, start), short in kept.items():
            found: list[list[Cycle]] = []
            effort = []
            for one in (short, ShortCycles(graph)):
                one.left = 10**8
                found.append(list(one.through(start, SIM, [identifier], wants[place])))
                effort.append(one.left)
            assert found[0] == found[1]
            assert effort[0] == effort[1]
            if turn % 4 == 0:
                everything = ShortCycles(graph)
                everything.left = 10**8
                full = list(everything.from_any(SIM, wants[place]) if start is None else everything.from_start(start, wants[place]))
                assert sorted(found[0]) == sorted(cycle for cycle in full if identifier in {hop[0] for hop in cycle})
            many += len(found[0])
    return many


@pytest.mark.parametrize("kernels", ["plain", "compiled"])
def test_find_from_any_with_little_work_gives_part_and_says_so(
    kernels: str, found_by: FoundBy, market: Market, request: pytest.FixtureRequest
) -> None:
    """When the effort runs out what was found is given, none of it claimed exact."""
    if kernels == "compiled":
        request.getfixturevalue("compiled_kernels")
    pools = market(Random(5), tokens=8, count=90 if kernels == "compiled" else 50, least_depth=18)
    searcher = Cycles()
    snapshot_of(pools, searcher=searcher)
    everything = found_by(searcher.find(ANY))
    for work in (1, 40, 300, 2_000, 20_000):
        part = list(searcher.find(evolve(ANY, work=work)))

        assert len(part) < len(everything)
        assert not any(candidate.exact for candidate in part)
        assert found_by(iter(part)).items() <= everything.items()


def test_find_from_any_ranks_by_value_in_the_native_coin() -> None:
    """Cycles from different assets are compared by what they are worth, not by their units."""
    a, b, c, d = (token(name) for name in "abcd")
    pools = [
        pair_pool("a1", {a: 10**24, b: 10**18}),
        pair_pool("a2", {a: 11 * 10**23, b: 10**18}),
        pair_pool("c1", {c: 10**20, d: 10**20}),
        pair_pool("c2", {c: 12 * 10**19, d: 10**20}),
        pair_pool("bc", {b: 10**18, c: 10**20}),
    ]
    searcher = Cycles()
    snapshot_of(pools, wrapped=b, searcher=searcher)
    found = list(searcher.find(ANY))

    assert [c, b] == [candidate.asset for candidate in found]
    assert found[:1] == list(searcher.find(evolve(ANY, top=1)))


HOSTILE: list[Mapping[AssetId, int]] = [
    {token("A"): one, token("B"): other} for one in (0, 1, 10**18, (1 << 112) - 1) for other in (0, 1, 10**18, (1 << 112) - 1)
]


@pytest.mark.parametrize("opaque", [False, True])
def test_find_hostile_reserves_equal_brute_force(opaque: bool, brute: Brute, found_by: FoundBy) -> None:
    """Nothing, one unit, one-sided, and all that uint112 holds, in every pair: no error, and nothing that gains is missed."""
    pools = [pair_pool(f"{place}", held, opaque=opaque and place % 3 == 0) for place, held in enumerate(HOSTILE)]
    searcher = Cycles()
    snapshot_of(pools, searcher=searcher)
    got = found_by(searcher.find(CycleQuery(SIM, (token("A"),), 2, 4)))
    want = brute(pools, token("A"), range(2, 5))
    refused = {key for key in want if any(len(pool.assets) and max(pool.reserves) > 10**20 for pool in pools if pool.id in key[0])}

    assert got
    assert {key: profit for key, profit in want.items() if key not in refused and not opaque} == {
        key: profit for key, profit in got.items() if key not in refused and not opaque
    }


def test_find_low_above_high_gives_nothing(market: Market) -> None:
    """More hops at least than at most are none."""
    searcher = Cycles()
    snapshot_of(market(Random(5), tokens=5, count=24), searcher=searcher)
    for low, high in ((9, 8), (5, 4), (4, 3), (3, 2)):
        for starts in ((), (token("T0"),)):
            for only in (False, True):
                assert [] == list(searcher.find(CycleQuery(SIM, starts, low, high, changed_only=only)))
