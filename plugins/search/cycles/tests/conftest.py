"""Random markets, and a brute force that shares nothing with the searcher."""

from collections.abc import Callable, Iterator
from math import isqrt
from random import Random

import pytest

from tidemill.domain.ids import AssetId, PoolId
from tidemill.domain.search import Candidate
from tidemill_testing.market import PairPool, pair_pool, token

Route = tuple[PoolId, ...]
Found = dict[tuple[Route, tuple[AssetId, ...]], int]


def brute_force(pools: list[PairPool], start: AssetId, hops: range) -> Found:
    """Every closed route by depth-first search, with the integer optimum's profit; only what gains."""
    found: Found = {}
    for route in _routes(pools, start, hops.stop - 1, start, (), (), ()):
        used, sells, curve = route
        if len(used) in hops and (profit := _optimum(curve)) > 0:
            found[used, sells] = profit
    return found


Curve = tuple[tuple[int, int, int], ...]


def _routes(
    pools: list[PairPool], start: AssetId, most: int, here: AssetId, used: Route, sells: tuple[AssetId, ...], curve: Curve
) -> Iterator[tuple[Route, tuple[AssetId, ...], Curve]]:
    for pool in pools:
        if here not in pool.assets or pool.id in used:
            continue
        side = pool.assets.index(here)
        there = pool.assets[1 - side]
        after = (*used, pool.id), (*sells, here), (*curve, (pool.reserves[side], pool.reserves[1 - side], 10**6 - (pool.fee_ppm or 0)))
        if there == start and used:
            yield after
        elif there != start and there not in sells and len(used) + 1 < most:
            yield from _routes(pools, start, most, there, *after)


def _optimum(curve: Curve) -> int:
    if any(not (held_in and held_out) for held_in, held_out, _ in curve):
        return 0
    top, base, slope = 1, 1, 0
    for held_in, held_out, rest in curve:
        top, base, slope = top * rest * held_out, base * held_in * 10**6, slope * held_in * 10**6 + top * rest
    if top <= base:
        return 0
    best = (isqrt(top * base) - base) // slope
    return max(_profit(curve, amount) for amount in range(max(1, best - 3), best + 4))


def _profit(curve: Curve, amount: int) -> int:
    left = amount
    for held_in, held_out, rest in curve:
        left = left * rest * held_out // (held_in * 10**6 + left * rest)
    return left - amount


def keyed(candidates: Iterator[Candidate]) -> Found:
    """The candidates in the brute force's form; a route given twice fails."""
    found: Found = {}
    for candidate in candidates:
        key = tuple(leg.pool for leg in candidate.legs), tuple(leg.sell for leg in candidate.legs)
        assert key not in found
        found[key] = candidate.profit
    return found


def random_pools(random: Random, tokens: int, count: int, *, opaque_share: int = 0, least_depth: int = 3) -> list[PairPool]:
    """Pools around true prices with noise, some empty on one side; ``opaque_share`` per cent hide their reserves.

    The least depth of 10^3 makes dust too, where floors are all there is.
    """
    names = [token(f"T{place}") for place in range(tokens)]
    price = {name: random.randint(1, 10**4) for name in names}
    pools = []
    for place in range(count):
        one, other = random.sample(names, 2)
        depth = 10 ** random.randint(least_depth, 24)
        noise = random.randint(9_700, 10_300)
        held = {one: depth * price[other] * noise // 10**8, other: depth * price[one] // 10**4}
        if random.randrange(12) == 0:
            held[random.choice([one, other])] = random.choice([0, 1])
        fee_ppm = random.choice([0, 100, 500, 2_500, 3_000, 3_000, 10_000])
        pools.append(pair_pool(f"P{place}", held, fee_ppm, opaque=random.randrange(100) < opaque_share))
    return pools


@pytest.fixture
def brute() -> Callable[[list[PairPool], AssetId, range], Found]:
    return brute_force


@pytest.fixture
def found_by() -> Callable[[Iterator[Candidate]], Found]:
    return keyed


@pytest.fixture
def market() -> Callable[..., list[PairPool]]:
    return random_pools
