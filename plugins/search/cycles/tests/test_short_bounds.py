"""What bounds leave out of a search of two to four hops: no cycle that leaves enough, whatever pools it passes."""

from array import array
from collections.abc import Sequence
from itertools import permutations, product
from math import sqrt
from random import Random

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from tidemill.domain.ids import AssetId
from tidemill.domain.pool import Curve, Segment
from tidemill.domain.time import ChainTime
from tidemill_search_cycles.graph import Graph
from tidemill_search_cycles.kernels.ladder import KINDS, ROOM, RUNGS, SIDE, set_bars
from tidemill_search_cycles.kernels.live import may_end, may_leave, rate_needed
from tidemill_search_cycles.short import Cycle, ShortCycles, Wanted
from tidemill_testing.market import SIM, OpaquePool, PairPool, pair_pool, snapshot_of, token


class Stairs(OpaquePool):
    """A constant product drawn as many straight stretches, as a pool of bins pays: each at the rate its curve begins with there."""

    def segments(self, sell: AssetId, buy: AssetId, at: ChainTime, most: int) -> Curve:
        held = self.holdings
        give, take, rest = held[sell], held[buy], 10**6 - (self.fee_ppm or 0)
        made, step = [], max(1, give // 12)
        for place in range(8):
            begun = give + place * step
            made.append(Segment(place * step, (place + 1) * step, rest * give * take, 10**6 * begun * begun, 0))
        return Curve(tuple(made), 0)


def market(random: Random) -> list[PairPool]:
    """Four to seven tokens with parallel pools, dust far off its price, pools of one side only, and pools without one curve."""
    names = [token(f"T{place}") for place in range(random.randint(4, 7))]
    worth = [10.0 ** random.uniform(-3, 3) for _ in names]
    pools: list[PairPool] = []
    for place in range(random.randint(8, 26)):
        one, other = random.sample(range(len(names)), 2)
        depth, off = 10.0 ** random.uniform(17, 22), random.uniform(-0.02, 0.02)
        if random.randrange(3) == 0:
            depth, off = 10.0 ** random.uniform(13, 17), random.uniform(-0.5, 0.5)
        held = {names[one]: int(depth / worth[one] * (1 + off)) + 1, names[other]: int(depth / worth[other]) + 1}
        if random.randrange(12) == 0:
            held[names[one]] = 0
        made = pair_pool(f"{place}", held, random.choice([100, 500, 3_000, 10_000]))
        kind = random.randrange(6)
        if kind == 0:
            made = OpaquePool(made.id, made.assets, made.reserves, made.fee_ppm)
        elif kind == 1 and all(made.reserves):
            made = Stairs(made.id, made.assets, made.reserves, made.fee_ppm)
        pools.append(made)
    return pools


def edges_of(graph: Graph) -> dict[tuple[int, int], list[tuple[int, float, float, int]]]:
    """Return the edges of each ordered pair of tokens as (pool, rate, bend, kind)."""
    arrays = graph.arrays
    found = {}
    for token_number in range(len(graph.rows.assets)):
        first = arrays.row_start[token_number]
        for arc in range(first, first + arrays.row_len[token_number]):
            edges = range(arrays.arc_edge[arc], arrays.arc_edge[arc] + arrays.arc_edges[arc])
            found[token_number, arrays.arc_to[arc]] = [
                (arrays.edge_pool[edge], arrays.edge_rate[edge], arrays.edge_bend[edge], arrays.edge_kind[edge]) for edge in edges
            ]
    return found


def most_left(hops: Sequence[tuple[int, float, float, int]], due: float) -> float:
    """Return the most that a chain of curves leaves, straight ones for those that are not known: without end where nothing bends."""
    rate, bend = 1.0, 0.0
    for _, its_rate, its_bend, _ in hops:
        bend += rate * its_bend
        rate *= its_rate
    root = sqrt(rate) - sqrt(due)
    if root <= 0.0:
        return 0.0
    return root * root / bend if bend > 0.0 else float("inf")


def brute(graph: Graph, start: int, wanted: Wanted) -> set[Cycle]:
    """Return every cycle from a token that leaves the least profit, found by trying all."""
    edges, assets, ids, shift = edges_of(graph), graph.rows.assets, graph.rows.pool_ids, graph.arrays.shift
    least = wanted.least.get(assets[start], wanted.least_of_others) * 2.0 ** -shift[start]
    found: set[Cycle] = set()
    others = [place for place in range(len(assets)) if place != start]
    for hops in range(wanted.low, wanted.high + 1):
        for way in permutations(others, hops - 1):
            pairs = list(zip((start, *way), (*way, start), strict=True))
            for chosen in product(*(edges.get(pair, []) for pair in pairs)):
                pools = [edge[0] for edge in chosen]
                if len(set(pools)) == hops and most_left(chosen, wanted.due) >= least * (1 + 1e-9):
                    found.add(tuple((ids[pool], assets[sell], assets[buy]) for pool, (sell, buy) in zip(pools, pairs, strict=True)))
    return found


def test_markets_of_these_tests_hold_every_kind_of_pool() -> None:
    """Without a curve, with one, with many stretches, parallel, and one-sided: what the bounds must hold for is there."""
    kinds, parallel, closed = set(), 0, 0
    for seed in range(40):
        pools = market(Random(seed))
        graph = Graph()
        graph.take(snapshot_of(pools))
        edges = edges_of(graph)
        kinds |= {edge[3] for found in edges.values() for edge in found}
        parallel += sum(len(found) > 1 for found in edges.values())
        closed += sum(not all(pool.reserves) for pool in pools)

    assert kinds == {0, 1, 2}
    assert parallel > 40 < closed + 20


@pytest.mark.parametrize("seed", range(40))
def test_scan_at_any_least_profit_misses_no_cycle_that_leaves_it(seed: int) -> None:
    """Whatever is left out by bounds, nothing that may leave the least profit is: over parallel, dusty, one-sided and segmented pools."""
    random = Random(seed)
    pools = market(random)
    graph = Graph()
    graph.take(snapshot_of(pools))
    short = ShortCycles(graph)
    assets = graph.rows.assets
    for exponent, fee in ((0, 0), (12, 0), (14, 900), (16, 0), (18, 5_000)):
        low = random.choice([2, 2, 3, 4])
        floors = {asset: 10**exponent * random.choice([1, 1, 30]) for asset in assets if random.randrange(3)}
        wanted = Wanted(low, random.randint(low, 4), floors, 10**exponent, fee)
        lowest = {asset: place for place, asset in enumerate(assets[number] for number in short._ordered())} if short._ready(wanted) else {}
        every: set[Cycle] = set()
        for number, asset in enumerate(assets):
            want = brute(graph, number, wanted)
            short.left = 10**9
            got = list(short.from_start(asset, wanted))
            assert len(got) == len(set(got))
            assert want <= set(got)
            every |= {cycle for cycle in want if asset == min((hop[1] for hop in cycle), key=lowest.__getitem__)}
        short.left = 10**9
        anywhere = list(short.from_any(SIM, wanted))
        assert len(anywhere) == len(set(anywhere))
        assert every <= set(anywhere)


def test_scan_after_a_change_asks_pools_again() -> None:
    """What pools paid for the ladder's amounts is not kept over a change of one, nor from one least profit to another."""
    random = Random(3)
    pools = {pool.id: pool for pool in market(random)}
    graph = Graph()
    graph.take(snapshot_of(pools.values()))
    kept, many = ShortCycles(graph), 0
    for turn in range(30):
        identifier = random.choice(sorted(pools))
        pool = pools[identifier]
        pools[identifier] = evolve(pool, reserves=(pool.reserves[0] * random.choice([1, 3]), pool.reserves[1] * random.choice([1, 2])))
        graph.take(snapshot_of(pools.values(), changed=[identifier]))
        wanted = Wanted(2, 4, {}, 10 ** random.choice([2, 13, 15]))
        found = []
        for short in (kept, ShortCycles(graph)):
            short.left = 10**9
            one = list(short.from_any(SIM, wanted)) if turn % 3 else list(short.from_start(graph.rows.assets[0], wanted))
            found.append((one, short.left))
        many += len(found[0][0])
        assert found[0] == found[1]
    assert many > 50


@given(
    rate=st.floats(0.5, 3.0),
    rest=st.floats(0.5, 3.0),
    bend=st.floats(0.0, 1e3),
    more=st.floats(0.0, 1e3),
    least=st.floats(1e-9, 1e6),
    due=st.floats(1.0, 1.1),
)
def test_tests_without_roots_drop_nothing_that_the_one_with_keeps(
    rate: float, rest: float, bend: float, more: float, least: float, due: float
) -> None:
    """A walk of a cycle that makes what it needs passes the quick tests, alone with the best rest and as a whole."""
    both, hurdle = rate * rest, 4.0 * due * least
    if both > rate_needed(bend + rate * more, least, due):
        assert 1 == may_leave(both, bend + rate * more, hurdle, due)
        assert 1 == may_leave(both, bend, hurdle, due)
        assert 1 == may_end(rest, more, rate, hurdle, due)
        assert 1 == may_end(rest, more, rate * 1.5, hurdle, due)


@given(
    gain=st.floats(1.0, 4.0),
    depth=st.floats(1e-3, 1e9),
    share=st.floats(1.0, 50.0),
    due=st.floats(1.0, 1.1),
    amounts=st.lists(st.floats(1e-3, 1e6), min_size=RUNGS, max_size=RUNGS),
)
def test_bars_pass_every_curve_that_leaves_the_least(gain: float, depth: float, share: float, due: float, amounts: list[float]) -> None:
    """A curve that leaves the least profit or more comes up to a bar: by its marginal rate, or with a rung's amount."""
    rate = gain * due
    most = (sqrt(rate) - sqrt(due)) ** 2 * depth
    if not most > 1e-12:
        return
    least, reach = array("d", [most / share]), array("d", sorted(amounts))
    beside, bar = array("d", bytes(8 * SIDE)), array("d", bytes(8 * KINDS))
    set_bars(0, due, least, reach, beside, bar)
    passes = [rate >= bar[0]]
    for rung in range(RUNGS):
        amount = ROOM * reach[rung]
        passes.append(rate * amount / (1.0 + amount / depth) / reach[rung] >= bar[1 + rung])
    assert any(passes)
