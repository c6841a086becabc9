"""Pools at the ends of their ranges, and pools that tell more or less about themselves."""

from collections.abc import Mapping

import pytest
from attrs import evolve, frozen

from tidemill.domain.ids import AssetId, PoolId
from tidemill.domain.pool import Curve, Segment
from tidemill.domain.search import Candidate, CycleQuery
from tidemill.domain.time import ChainTime
from tidemill_search_cycles import Cycles, tidemill_register_searchers
from tidemill_search_cycles.graph import Graph
from tidemill_search_cycles.graph.probing import rate_above
from tidemill_testing.market import NEXT, SIM, OpaquePool, PairPool, pair_pool, snapshot_of, token

A, B, C = token("A"), token("B"), token("C")
FULL = (1 << 112) - 1


def found(pools: list[PairPool], *starts: AssetId, most: int = 4) -> list[Candidate]:
    searcher = Cycles()
    snapshot_of(pools, searcher=searcher)
    return list(searcher.find(CycleQuery(SIM, starts or (A,), 2, most)))


def test_plugin_registers_the_searcher() -> None:
    """The entry point's hook gives the class under its name."""
    assert ["cycles"] == [searcher.name for searcher in tidemill_register_searchers()]


@pytest.mark.parametrize("opaque", [False, True])
@pytest.mark.parametrize("empty", [{A: 0, B: 0}, {A: 0, B: 10**18}, {A: 10**18, B: 0}])
def test_find_empty_sides_give_nothing(empty: Mapping[AssetId, int], opaque: bool) -> None:
    """A pool with nothing on one side is no hop, whatever its rate would be."""
    assert [] == found([pair_pool("empty", empty, opaque=opaque), pair_pool("other", {A: 10**18, B: 10**18}, opaque=opaque)])


@pytest.mark.parametrize("opaque", [False, True])
def test_find_dust_that_floors_eat_gives_nothing(opaque: bool) -> None:
    """A rate above one is no gain where every amount is rounded away."""
    assert [] == found([pair_pool("dust", {A: 1, B: 3}, opaque=opaque), pair_pool("other", {A: 2, B: 1}, opaque=opaque)])


@pytest.mark.parametrize("opaque", [False, True])
def test_find_full_reserves_stay_within_uint112(opaque: bool) -> None:
    """Reserves at the top of uint112 are sized exactly, and never beyond what the pair can store."""
    (best,) = found(
        [pair_pool("one", {A: FULL // 2, B: FULL // 2}, opaque=opaque), pair_pool("two", {A: FULL, B: FULL // 3}, opaque=opaque)]
    )

    assert best.profit > 0
    assert FULL // 2 + best.amounts[0] <= FULL


@pytest.mark.parametrize("opaque", [False, True])
def test_find_pool_that_refuses_the_optimum_gets_less(opaque: bool) -> None:
    """Where the best amount would overflow the pair, the most that it takes is used."""
    pools = [pair_pool("one", {A: FULL - 10**20, B: FULL}, opaque=opaque), pair_pool("two", {A: FULL, B: FULL // 2}, opaque=opaque)]
    (best,) = found(pools)

    assert best.profit > 0
    assert best.amounts[0] <= 10**20
    assert 10**20 - best.amounts[0] < 10**14


def test_find_three_assets_in_one_pool_use_it_once() -> None:
    """A pool of three assets is an edge for each pair of them, yet a cycle passes it once."""

    @frozen
    class Basket(OpaquePool):
        @property
        def holdings(self) -> Mapping[AssetId, int]:
            return dict.fromkeys(self.assets, 10**18)

        def amount_out(self, sell: AssetId, buy: AssetId, amount: int, at: ChainTime) -> int:
            return amount * 2 * (10**18) // (10**18 + amount) if sell != buy and amount > 0 else 0

    basket = Basket(PoolId("sim:1/basket:0x1"), tuple(sorted((A, B, C))), (0, 0), 0)
    cycles = found([basket, pair_pool("back", {A: 10**18, B: 10**18})])

    assert cycles
    assert all(len({leg.pool for leg in cycle.legs}) == len(cycle.legs) == 2 for cycle in cycles)


@frozen
class Rough(PairPool):
    """A pair that draws itself as a straight line at its first rate, up to a thousandth of what it holds, and says how far it is off."""

    def segments(self, sell: AssetId, buy: AssetId, at: ChainTime, max_in: int) -> Curve:
        held = self.holdings
        end, rest, scale = held[sell] // 1_000, held[buy] * (10**6 - (self.fee_ppm or 0)), held[sell] * 10**6
        return Curve((Segment(0, end, rest, scale, 0),), end * rest // scale - self.amount_out(sell, buy, end, at) + 2)


def test_find_rates_of_curves_are_exact_and_probed_ones_are_not() -> None:
    """The beginning of a curve is a bound, however rough the curve, so that the answer is proven; a probed rate is not."""
    held = ({A: 10**18, B: 10**18}, {A: 12 * 10**17, B: 10**18})
    probed = [pair_pool(str(place), one, opaque=True) for place, one in enumerate(held)]
    stated: list[PairPool] = [Rough(pool.id, pool.assets, pool.reserves, pool.fee_ppm) for pool in probed]
    plain = [pair_pool(str(place), one) for place, one in enumerate(held)]

    assert [True] == [candidate.exact for candidate in found(stated)]
    assert [False] == [candidate.exact for candidate in found(probed)]
    (want,) = found(plain)
    for pools in (stated, probed):
        (got,) = found(pools)
        assert want.profit - 4 <= got.profit <= want.profit


@pytest.mark.parametrize("held", [{A: 10**9, B: 10**27}, {A: 10**27, B: 10**9}, {A: 700, B: 900}, {A: FULL, B: 10}, {A: 10**18, B: 10**18}])
@pytest.mark.parametrize("fee_ppm", [0, 3_000, 10_000])
def test_rate_above_a_probe_is_an_upper_bound(held: Mapping[AssetId, int], fee_ppm: int) -> None:
    """No amount gets more a unit than the probed bound says, and it is not far above."""
    pool = pair_pool("one", held, fee_ppm, opaque=True)
    for sell, buy in ((A, B), (B, A)):
        bound = rate_above(pool, sell, buy, NEXT)
        for amount in (10**exponent for exponent in range(30)):
            out = pool.amount_out(sell, buy, amount, NEXT)
            assert not out or (bound is not None and out * bound[1] <= amount * bound[0])
        if bound is not None and min(held.values()) > 10**6:
            assert bound[0] * held[sell] * 1_000 <= bound[1] * held[buy] * 1_001


def test_graph_fee_that_varies_is_read_again_each_time() -> None:
    """A pool without a constant fee is asked anew when time has passed, though nobody says it changed."""

    @frozen
    class Decaying(OpaquePool):
        def amount_out(self, sell: AssetId, buy: AssetId, amount: int, at: ChainTime) -> int:
            return super().amount_out(sell, buy, amount, at) * at.height // 101

    pool = Decaying(PoolId("sim:1/decaying:0x1"), (A, B) if A < B else (B, A), (10**18, 10**18), None)
    searcher = Cycles()
    snapshot = snapshot_of([pool, pair_pool("other", {A: 10**18, B: 11 * 10**17})], searcher=searcher)
    (before,) = searcher.find(CycleQuery(SIM, (A,), 2, 2))
    later = {SIM: evolve(snapshot.chains[SIM], next=evolve(NEXT, height=100))}
    searcher.update(evolve(snapshot, changed=evolve(snapshot.changed, pools=()), chains=later))
    (after,) = searcher.find(CycleQuery(SIM, (A,), 2, 2))

    assert after.profit < before.profit


def test_graph_rows_do_not_depend_on_history() -> None:
    """However pools came and went, rows stand in the order of asset ids: effort cuts alike."""
    pools = [pair_pool(f"{one}{other}", {token(one): 10**18, token(other): 10**18}) for one in "ABCD" for other in "EFG"]
    direct, winding = Graph(), Graph()
    direct.take(snapshot_of(pools))
    for some in (pools[6:], pools[3:9], [], pools[::2], pools):
        winding.take(snapshot_of(some, changed=[pool.id for pool in pools]))

    def told(graph: Graph) -> dict[AssetId, list[tuple[AssetId, list[PoolId]]]]:
        arrays, rows = graph.arrays, graph.rows
        return {
            asset: [
                (
                    rows.assets[arrays.arc_to[arc]],
                    [
                        rows.pool_ids[arrays.edge_pool[edge]]
                        for edge in range(arrays.arc_edge[arc], arrays.arc_edge[arc] + arrays.arc_edges[arc])
                    ],
                )
                for arc in range(arrays.row_start[token], arrays.row_start[token] + arrays.row_len[token])
            ]
            for asset, token in graph.tokens.items()
        }

    assert told(direct) == told(winding)
    for row in told(direct).values():
        assert row == sorted(row)


def test_graph_rates_beyond_doubles_are_clamped() -> None:
    """Rates that no uint256 amounts could make do not overflow."""

    @frozen
    class Absurd(OpaquePool):
        def segments(self, sell: AssetId, buy: AssetId, at: ChainTime, max_in: int) -> Curve:
            return Curve((Segment(0, max_in, *((1 << 5_000, 1) if sell < buy else (1, 1 << 5_000)), 0),), 1)

    pools: list[PairPool] = [Absurd(PoolId(f"sim:1/absurd:0x{place}"), tuple(sorted((A, B))), (10**18, 10**18), 3_000) for place in (1, 2)]

    assert [] == found(pools)
