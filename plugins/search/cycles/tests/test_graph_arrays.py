"""The graph in arrays: whole after any change, and the same as one made anew."""

from random import Random

import pytest
from attrs import frozen

from tidemill.domain.answers import NoCurve
from tidemill.domain.ids import AssetId, PoolId
from tidemill.domain.pool import Curve, Segment
from tidemill.domain.time import ChainTime
from tidemill_search_cycles.graph import Graph
from tidemill_search_cycles.graph.arrays import NO_CURVE, ONE_CURVE, SEGMENTED
from tidemill_search_cycles.graph.curves import ratio
from tidemill_search_cycles.kernels.pairs import find_arc
from tidemill_testing.market import NEXT, OpaquePool, PairPool, pair_pool, snapshot_of, token

Told = dict[tuple[AssetId, AssetId], list[tuple[PoolId, float, float, int]]]


def told(graph: Graph) -> Told:
    """Return the open arcs with their edges, rates and bends without the tokens' scales."""
    arrays, rows, found = graph.arrays, graph.rows, {}
    for sell, one in graph.tokens.items():
        for arc in range(arrays.row_start[one], arrays.row_start[one] + arrays.row_len[one]):
            other = arrays.arc_to[arc]
            there, back = 2.0 ** arrays.shift[one], 2.0 ** arrays.shift[other]
            found[sell, rows.assets[other]] = [
                (
                    rows.pool_ids[arrays.edge_pool[at]],
                    arrays.edge_rate[at] / there * back,
                    arrays.edge_bend[at] / there,
                    arrays.edge_kind[at],
                )
                for at in range(arrays.arc_edge[arc], arrays.arc_edge[arc] + arrays.arc_edges[arc])
            ]
    return found


def check(graph: Graph) -> None:
    """Hold every array against what it repeats of another."""
    arrays, rows = graph.arrays, graph.rows
    mask = len(arrays.pair_key) - 1
    for one in range(len(rows.assets)):
        row = range(arrays.row_start[one], arrays.row_start[one] + arrays.row_len[one])
        names = [rows.assets[arrays.arc_to[arc]] for arc in row]
        assert names == sorted(set(names))
        for arc in row:
            other, back = arrays.arc_to[arc], arrays.arc_back[arc]
            assert (arrays.arc_from[arc], arrays.arc_to[back], arrays.arc_back[back]) == (one, one, arc)
            assert find_arc(one, other, arrays.pair_key, arrays.pair_arc, mask) == arc
            edges = range(arrays.arc_edge[arc], arrays.arc_edge[arc] + arrays.arc_edges[arc])
            ranked = [(-arrays.edge_rate[edge], rows.pool_ids[arrays.edge_pool[edge]]) for edge in edges]
            assert ranked == sorted(ranked)
            assert arrays.arc_rate[arc] == arrays.arc_home[back] == (-ranked[0][0] if ranked else 0.0)
            assert arrays.arc_bend[arc] == min((arrays.edge_bend[edge] for edge in edges), default=0.0)
            assert arrays.arc_edges[arc] or arrays.arc_edges[back]


@pytest.mark.parametrize("seed", range(4))
def test_graph_changed_in_place_equals_one_made_anew(seed: int) -> None:
    """Pools that move, empty, come, go and change their assets leave the arrays whole, and as a new graph has them."""
    random = Random(seed)
    names = [token(f"G{place}") for place in range(9)]
    pools: dict[PoolId, PairPool] = {}
    graph = Graph()

    def made(place: int) -> PairPool:
        one, other = random.sample(names, 2)
        held = {one: random.choice([0, 1, 10**6, 10**18, 10**24]), other: random.choice([0, 1, 10**6, 10**18, 10**24])}
        return pair_pool(f"P{place}", held, random.choice([0, 3_000]), opaque=random.randrange(4) == 0)

    for _ in range(120):
        changed = []
        for place in random.sample(range(40), random.randint(1, 6)):
            pool = made(place)
            changed.append(pool.id)
            if random.randrange(3):
                pools[pool.id] = pool
            else:
                pools.pop(pool.id, None)
        graph.take(snapshot_of(pools.values(), changed=changed))
        check(graph)
        anew = Graph()
        anew.take(snapshot_of(pools.values()))
        assert told(anew) == told(graph)


def test_graph_many_pools_at_once_are_laid_out_anew() -> None:
    """Where many pools come or go at once nothing is lost, and what is gone leaves no hole."""
    names = [token(f"L{place}") for place in range(30)]
    pools = [
        pair_pool(f"{one}-{other}", {names[one]: 10**18, names[other]: 10**18 + one * 10**12}) for one in range(30) for other in range(one)
    ]
    graph = Graph()
    for some in (pools[:40], pools, pools[100:140], pools[90:]):
        graph.take(snapshot_of(some, changed=[pool.id for pool in pools]))
        check(graph)
        assert len(told(graph)) == 2 * len(some)


def test_graph_holes_are_laid_together_before_they_are_half() -> None:
    """Rows and blocks that moved leave holes; no storage grows without end."""
    names = [token(f"H{place}") for place in range(40)]
    pools = {place: pair_pool(f"{place}", {names[0]: 10**18, names[place]: 10**18}) for place in range(1, 40)}
    graph = Graph()
    graph.take(snapshot_of(pools.values()))
    before = graph.arrays.nbytes
    for turn in range(400):
        place = 1 + turn % 39
        one = pool = pools[place]
        graph.take(snapshot_of([other for other in pools.values() if other is not one], changed=[pool.id]))
        graph.take(snapshot_of(pools.values(), changed=[pool.id]))
    check(graph)

    assert graph.arrays.nbytes < 4 * before


def test_graph_scales_bring_rates_near_one() -> None:
    """Tokens of 6 and of 18 decimals, dear and cheap, come to rates near one; what a cycle multiplies to does not know the scales."""
    dear, cheap, small = token("dear"), token("cheap"), token("small")
    pools = [
        pair_pool("one", {dear: 10**20, cheap: 3 * 10**26}),
        pair_pool("two", {cheap: 10**26, small: 10**11}),
        pair_pool("three", {small: 3 * 10**11, dear: 10**20}),
    ]
    graph = Graph()
    graph.take(snapshot_of(pools))
    arrays = graph.arrays
    rates = [arrays.edge_rate[edge] for edge in range(6)]

    assert all(1 / 4 < rate < 4 for rate in rates)
    assert {ONE_CURVE} == set(arrays.edge_kind[:6])


def test_graph_pool_without_curve_has_a_rate_and_no_bend() -> None:
    """What must be probed has no curve: kind 0, and a bend that bounds nothing."""
    graph = Graph()
    pool = pair_pool("one", {token("A"): 10**18, token("B"): 10**18}, opaque=True)
    graph.take(snapshot_of([pool]))

    assert [NO_CURVE, NO_CURVE] == list(graph.arrays.edge_kind[:2])
    assert [0.0, 0.0] == list(graph.arrays.edge_bend[:2])
    assert {pool.id} == graph.unproven


def test_graph_room_at_the_scale_that_is_promised() -> None:
    """Three pools a token take less than 40 MB at 20,000 tokens."""
    random = Random(1)
    names = [token(f"{place}") for place in range(200)]
    pools = [
        pair_pool(f"{place}", {names[place % 200]: 10**18, random.choice(names[: place % 200] or names[1:]): 10**18})
        for place in range(600)
    ]
    graph = Graph()
    graph.take(snapshot_of(pools))

    assert graph.arrays.nbytes * 100 < 40 * 10**6


@pytest.mark.parametrize(
    ("numerator", "denominator", "shift", "expected"),
    [
        (1, 3, 0, 1 / 3),
        (1, 3, 2, 4 / 3),
        (1, 3, -2, 1 / 12),
        (1 << 600, 1, 0, 2.0**250),
        (1, 1 << 600, 0, 2.0**-250),
        (1 << 255, 1, 1, 2.0**251),
    ],
)
def test_ratio_is_rounded_and_clamped(numerator: int, denominator: int, shift: int, expected: float) -> None:
    """A rate is the nearest double, between 2^-250 and 2^250 before it is scaled."""
    assert expected == ratio(numerator, denominator, shift)


def test_side_is_read_again_after_its_pool_changed() -> None:
    """What a cycle is sized with is that of the pool as it stands."""
    one, other = token("A"), token("B")
    graph = Graph()
    before = pair_pool("one", {one: 10**18, other: 10**18})
    graph.take(snapshot_of([before]))
    curve = graph.side(before.id, one, other, NEXT).curve
    assert graph.side(before.id, one, other, NEXT) is graph.side(before.id, one, other, NEXT)
    graph.take(snapshot_of([pair_pool("one", {one: 10**18, other: 2 * 10**18})]))

    assert curve is not None
    assert graph.side(before.id, one, other, NEXT).curve == (2 * curve[0], curve[1], curve[2])


@frozen
class Steps(OpaquePool):
    """A pair that gives its curve in stretches, each worse than the one before; its slack is more than one unit."""

    parts: int = 2

    def segments(self, sell: AssetId, buy: AssetId, at: ChainTime, max_in: int) -> Curve | NoCurve:
        width = 10**18
        return Curve(tuple(Segment(place * width, (place + 1) * width, 100 - place, 100, 0) for place in range(self.parts)), 2)


def test_graph_segments_are_kept_and_replaced() -> None:
    """Curves of several stretches stand in the arrays, scaled; more or fewer of them take the place of those before."""
    one, other = sorted((token("A"), token("B")))
    graph = Graph()
    others = [pair_pool(f"{place}", {one: 10**20, token(f"spoke{place}"): 10**20}) for place in range(3)]
    for parts in (2, 5, 1, 3, 40):
        pool = Steps(PoolId("sim:1/steps:0x1"), (one, other), (10**20, 10**20), 0, parts)
        graph.take(snapshot_of([pool, *others]))
        arrays, token_number = graph.arrays, graph.tokens[one]
        arc = graph.rows.find(token_number, graph.tokens[other])
        edge = arrays.arc_edge[arc]
        first, count = arrays.edge_seg[edge], arrays.edge_segs[edge]
        scale = 2.0 ** arrays.shift[token_number]
        check(graph)

        assert (SEGMENTED, parts, 0.0) == (arrays.edge_kind[edge], count, arrays.edge_bend[edge])
        assert [place * 10**18 / scale for place in range(parts)] == list(arrays.seg_from[first : first + count])
        assert [(place + 1) * 10**18 / scale for place in range(parts)] == list(arrays.seg_to[first : first + count])
        assert arrays.edge_slack[edge] * 2.0 ** arrays.shift[graph.tokens[other]] == 2
        assert set() == graph.unproven
    graph.rows.lay(graph.rows.export())
    edge = graph.arrays.arc_edge[graph.rows.find(graph.tokens[one], graph.tokens[other])]

    assert graph.arrays.edge_segs[edge] == 40
