"""Cycles of two to four hops over every type of pool, against two exhaustive searches and the best of all amounts."""

from collections.abc import Callable, Mapping

import pytest

from tidemill.domain.ids import AssetId, PoolId
from tidemill.domain.pool import Pool
from tidemill.domain.search import Candidate, CycleQuery
from tidemill_search_cycles import Cycles
from tidemill_testing.market import SIM, snapshot_of, token

pytestmark = pytest.mark.uncounted

Route = tuple[tuple[PoolId, AssetId, AssetId], ...]
Make = Callable[..., list[Pool]]
Routes = Callable[..., set[Route]]
Best = Callable[[Mapping[PoolId, Pool], Route], int]
Check = Callable[..., dict[Route, Candidate]]

KINDS = ("pairs", "ranges", "bins", "books", "hidden", "weighted", "mixed")
ENOUGH = 64
"""Units: what gains more in whichever of its assets it begins with is no matter of floors."""
SHARES = {"mixed": 10**4}
"""By kind, such a part of the best may be missed: where a pool without a curve stands between the kinks of others. Else a 10^-6 part."""


@pytest.fixture
def compare(every_market: Make, routes: Routes, networkx_routes: Routes, best_left: Best, checked: Check) -> Callable[[str, int], int]:
    """Compare a market's cycles with every route that there is; return how many gain."""

    def compared(kind: str, seed: int) -> int:
        pools = every_market(kind, seed)
        held = {pool.id: pool for pool in pools}
        every = routes(pools)
        assert every == networkx_routes(pools)
        searcher = Cycles()
        snapshot_of(pools, searcher=searcher)
        found = checked(searcher.find(CycleQuery(SIM, (), 2, 4)), held)
        assert set(found) <= every
        start = token("T0")
        for route in every:
            rotations = {route[place][1]: route[place:] + route[:place] for place in range(len(route))}
            if route in found:
                best = best_left(held, rotations[found[route].asset])
                assert found[route].profit >= best - best // SHARES.get(kind, 10**6) - ENOUGH, (route, best, found[route].amounts)
            else:
                assert min(best_left(held, one) for one in rotations.values()) <= ENOUGH, route
        from_one = checked(searcher.find(CycleQuery(SIM, (start,), 2, 4)), held)
        through = {route for route in found if start in {hop[1] for hop in route}}
        large = {route for route in through | set(from_one) if min(one[route].profit for one in (found, from_one) if route in one) > ENOUGH}
        assert large <= through & set(from_one)
        assert {start} >= {one.asset for one in from_one.values()}
        return len(found)

    return compared


@pytest.mark.parametrize("kind", KINDS)
def test_find_over_every_type_of_pool_equals_networkx_and_an_exhaustive_walk(kind: str, compare: Callable[[str, int], int]) -> None:
    """On random markets of each type no cycle is missed, none stands twice, and none is sized worse than the best of all amounts."""
    assert sum(compare(kind, seed) for seed in range(12)) > 40


@pytest.mark.heavy
@pytest.mark.parametrize("kind", KINDS)
def test_find_over_two_hundred_markets_of_every_type_equals_networkx_and_an_exhaustive_walk(
    kind: str, compare: Callable[[str, int], int]
) -> None:
    """The same on two hundred markets of each type."""
    assert sum(compare(kind, seed) for seed in range(1_000, 1_200)) > 1_000
