"""Few of the cycles found are confirmed: those that are asked for, in the order in which all would stand."""

from collections.abc import Callable
from itertools import pairwise
from random import Random

import pytest
from attrs import evolve

from tidemill.domain.ids import AssetId
from tidemill.domain.search import Candidate, CycleQuery
from tidemill_search_cycles import Cycles
from tidemill_search_cycles.deep import DeepCycles, Probed
from tidemill_search_cycles.graph import Graph
from tidemill_search_cycles.ranking import Ranking
from tidemill_search_cycles.short import ShortCycles, Wanted
from tidemill_search_cycles.sizing import Sizer
from tidemill_search_cycles.terms import Terms
from tidemill_testing.market import SIM, PairPool, pair_pool, snapshot_of, token

pytestmark = pytest.mark.uncounted

Market = Callable[..., list[PairPool]]
HUB = token("hub0")
E18 = 10**18
PLENTY = 10**9


def markets(market: Market, count: int, **more: object) -> list[list[PairPool]]:
    return [market(Random(seed), tokens=6, count=24, **more) for seed in range(count)]


def searched(pools: list[PairPool], query: CycleQuery) -> list[Candidate]:
    searcher = Cycles()
    snapshot_of(pools, searcher=searcher)
    return list(searcher.find(query))


def ranked(pools: list[PairPool], start: AssetId, high: int = 4) -> Ranking:
    graph = Graph()
    snapshot = snapshot_of(pools)
    graph.take(snapshot)
    short = ShortCycles(graph)
    short.left = PLENTY
    ranking = Ranking(graph, Terms(CycleQuery(SIM, (start,), 2, high), snapshot))
    ranking.add(short.from_start(start, Wanted(2, high, {})), Sizer())
    return ranking


@pytest.mark.usefixtures("compiled_kernels")
@pytest.mark.parametrize("opaque", [0, 30])
@pytest.mark.parametrize("many", [3, pytest.param(12, marks=pytest.mark.heavy)])
def test_best_few_are_the_first_of_all(many: int, opaque: int, market: Market) -> None:
    """However few are asked for, and whatever was asked before, they are those that lead the whole answer."""
    compared = 0
    for pools in markets(market, many, opaque_share=opaque):
        starts = (pools[0].assets[0],)
        for query in (CycleQuery(SIM, starts, 2, 4), CycleQuery(SIM, starts, 2, 7), CycleQuery(SIM, (), 2, 4)):
            everything = searched(pools, query)
            kept = Cycles()
            snapshot_of(pools, searcher=kept)
            for top in (3, 1, 8, 2):
                assert everything[:top] == searched(pools, evolve(query, top=top)) == list(kept.find(evolve(query, top=top)))
            assert everything == list(kept.find(query))
            compared += len(everything) > 3
    assert compared > many


def test_looking_at_the_best_loses_none(market: Market) -> None:
    """The best stay where they are when they are looked at, however often."""
    for pools in markets(market, 8):
        start = pools[0].assets[0]
        whole = [one.sizing for one in ranked(pools, start)]
        looked = ranked(pools, start)
        for count in (0, 2, 1, 5):
            assert whole[:count] == [one.sizing for one in looked.first(count)]
        assert whole == [one.sizing for one in looked]


def test_absorbed_cycles_stand_where_they_belong(market: Market) -> None:
    """Cycles that were ranked in two parts come in one order, each from the walk that it was found on."""
    for pools in markets(market, 8):
        start = pools[0].assets[0]
        graph, snapshot = Graph(), snapshot_of(pools)
        graph.take(snapshot)
        short = ShortCycles(graph)
        short.left = PLENTY
        ranking = Ranking(graph, Terms(CycleQuery(SIM, (start,), 2, 4), snapshot))
        for low, high in ((4, 4), (2, 3)):
            part = ranking.beside()
            part.add(short.from_start(start, Wanted(low, high, {})), Sizer())
            part.first(2)
            ranking.absorb(part)

        assert [one.sizing for one in ranked(pools, start)] == [one.sizing for one in ranking]


@pytest.mark.usefixtures("compiled_kernels")
def test_cycles_that_were_found_before_the_work_ran_out_are_given(market: Market) -> None:
    """Where the work ran out some cycles are missing, none is wrong, and the answer is not called exact."""
    pools = market(Random(3), tokens=7, count=40)
    query = CycleQuery(SIM, (pools[0].assets[0],), 2, 4)
    everything = searched(pools, query)
    short = 0
    most = 40 * len(everything) + 400
    for work in range(100, most, max(100, most // 40)):
        found = searched(pools, evolve(query, work=work))
        exact = len(found) == len(everything)
        assert {one.legs for one in found} <= {one.legs for one in everything}
        assert exact or not any(one.exact for one in found)
        short += 0 < len(found) < len(everything)
    assert len(everything) > 10
    assert short > 3
    assert all(one.exact for one in everything)


def test_bound_of_every_cycle_holds(market: Market) -> None:
    """No confirmed cycle leaves more than the place promised that it waited at: else a better one could come too late."""
    for pools in markets(market, 8, opaque_share=20):
        before = None
        for one in ranked(pools, pools[0].assets[0]):
            assert before is None or one.sizing.net <= before
            before = one.sizing.net


def ring(through: str, gain_bps: int) -> list[PairPool]:
    """Six hops from the hub over ``through`` and four tokens that all rings share."""
    names = [HUB, token(through), *(token(f"s{place}") for place in range(4)), HUB]
    tail = [pair_pool(f"tail{place}", {one: 10**21, other: 10**21}, 100) for place, (one, other) in enumerate(pairwise(names[2:]))]
    pay = 10**21 * (10_000 + gain_bps) // 10_000
    return [
        pair_pool(f"{through}-in", {HUB: 10**21, names[1]: pay}, 100),
        pair_pool(f"{through}-out", {names[1]: 10**21, names[2]: 10**21}, 100),
        *tail,
    ]


def test_later_round_finds_what_goes_round_the_pools_left_out() -> None:
    """A round after the first gives only what is new, and passes none of the pools that are left out."""
    worse, better = ring("b", 200), ring("a", 300)
    pools = list({pool.id: pool for pool in (*worse, *better)}.values())
    graph = Graph()
    graph.take(snapshot_of(pools))
    deep = DeepCycles(graph)
    deep.left = PLENTY
    rounds = deep.rounds(Probed(5, 8, HUB, 64, count=1), None)
    poison = {better[0].id}

    first = list(rounds.next(E18, set()))
    again = list(rounds.next(E18, set()))
    after = list(rounds.next(E18, poison))

    assert [better[0].id] == [cycle[0][0] for cycle in first]
    assert [] == again
    assert [worse[0].id] == [cycle[0][0] for cycle in after]
    assert [] == list(rounds.next(E18, poison))
