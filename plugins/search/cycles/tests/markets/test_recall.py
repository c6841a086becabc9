"""What the best long cycle that the searcher finds leaves, against the best of an exhaustive search."""

from itertools import accumulate
from random import Random
from typing import Any

import pytest

from tidemill.domain.search import CycleQuery
from tidemill_search_cycles import Cycles
from tidemill_testing.market import SIM, PairPool, pair_pool, snapshot_of, token

pytestmark = pytest.mark.uncounted

E = 10**18
GAS = E // 1_000
"""What a swap costs, in units of the start coin."""
NAMES = [token(f"N{place:02}") for place in range(60)]


def market(seed: int) -> tuple[list[PairPool], list[int]]:
    """Draw 150 pairs of sixty tokens around three hubs: off by less than their fee, six by one or two per cent, and a ring that gains."""
    random, tokens = Random(seed), len(NAMES)
    worth = [100, *(random.randint(1, 400) for _ in range(tokens - 1))]
    pairs: dict[tuple[int, int], PairPool] = {}
    ends = [0, 1, 0, 2, 1, 2, 0, 3]

    def add(one: int, two: int, off: int, depth: int, fee: int) -> None:
        if one != two and (min(one, two), max(one, two)) not in pairs:
            held = {NAMES[one]: depth * E * 100 // worth[one], NAMES[two]: depth * E * (10_000 + off) // 100 // worth[two]}
            pairs[min(one, two), max(one, two)] = pair_pool(f"{seed} {one} {two}", held, fee)
            ends.extend((one, two))

    ring = [0, *random.sample(range(1, tokens), 9 + random.randrange(3))]
    for one, two in zip(ring, [*ring[1:], 0], strict=True):
        add(one, two, random.randint(8, 20), 10**5, 500)
    place = 0
    while len(pairs) < 150:
        place += 1
        fee = random.choice([500, 3_000, 3_000, 10_000])
        one = place if place < tokens else random.choice(ends)
        two = random.choice(ends) if random.randrange(10) else random.randrange(tokens)
        add(one, two, random.randint(-9, 9) * fee // 1_000, 10 ** random.randint(4, 6) * random.randint(1, 9), fee)
    for key in random.sample(sorted(pairs), 4):
        pair, off = pairs[key], random.choice([-1, 1]) * random.randint(80, 200)
        held = dict(zip(pair.assets, (pair.reserves[0], pair.reserves[1] * (10_000 + off) // 10_000), strict=True))
        pairs[key] = pair_pool(f"{seed} {key[0]} {key[1]}", held, pair.fee_ppm or 0)
    return list(pairs.values()), worth


def most_left(
    tokens: int,
    row: Any,
    to: Any,
    relative: Any,
    rate: Any,
    bend: Any,
    most: int,
    gas: float,
    path: Any,
    turn: Any,
    product: Any,
    used: Any,
    mark: Any,
) -> float:
    """Walk every path whose prefixes gain at prices near the true ones; of what closes through token 0 the optimum less gas is reckoned.

    Each cycle that gains has a rotation all of whose prefixes gain: none is left out.
    """
    best = 0.0
    for first in range(tokens):
        depth = 0
        path[0], turn[0], product[0], mark[first] = first, row[first], 1.0, 1
        while depth >= 0:
            here, arc = path[depth], turn[depth]
            if arc == row[here + 1]:
                mark[here] = 0
                depth -= 1
                continue
            turn[depth] = arc + 1
            gain, other = product[depth] * relative[arc], to[arc]
            used[depth] = arc
            if other == first and depth >= 4 and gain > 1.0:
                start = -1
                for hop in range(depth + 1):
                    if path[hop] == 0:
                        start = hop
                if start >= 0:
                    whole, fall = 1.0, 0.0
                    for hop in range(depth + 1):
                        edge = used[(start + hop) % (depth + 1)]
                        fall += bend[edge] * whole
                        whole *= rate[edge]
                    if whole > 1.0:
                        best = max(best, (whole**0.5 - 1.0) ** 2 / fall - gas * (depth + 1))
            elif gain > 1.0 and depth + 1 < most and mark[other] == 0:
                depth += 1
                path[depth], turn[depth], product[depth], mark[other] = other, row[other], gain, 1
        mark[first] = 0
    return best


@pytest.fixture(scope="module")
def exhaustive() -> Any:
    """The walk, compiled: plain Python would take hours."""
    numba = pytest.importorskip("numba", reason="an exhaustive search of plain Python takes hours")
    numpy = pytest.importorskip("numpy", reason="comes with numba")
    run = numba.njit(error_model="python")(most_left)

    def best(pools: list[PairPool], worth: list[int]) -> float:
        rows: list[list[tuple[int, float, float]]] = [[] for _ in NAMES]
        for pool in pools:
            kept = 1 - (pool.fee_ppm or 0) / 1e6
            for side in (0, 1):
                sell, buy = (NAMES.index(pool.assets[place]) for place in (side, 1 - side))
                rows[sell].append((buy, kept * pool.reserves[1 - side] / pool.reserves[side], kept / pool.reserves[side]))
        flat = [(sell, *way) for sell, ways in enumerate(rows) for way in ways]
        row = numpy.array([0, *accumulate(len(ways) for ways in rows)])
        relative = [rate * worth[buy] / worth[sell] for sell, buy, rate, _ in flat]
        arrays = [numpy.array(one) for one in ([way[1] for way in flat], relative, [way[2] for way in flat], [way[3] for way in flat])]
        room = [numpy.zeros(13, numpy.int64), numpy.zeros(13, numpy.int64), numpy.zeros(13), numpy.zeros(13, numpy.int64)]
        return float(run(len(NAMES), row, *arrays, 12, float(GAS), *room, numpy.zeros(len(NAMES), numpy.int8)))

    return best


@pytest.mark.heavy
@pytest.mark.usefixtures("compiled_kernels")
@pytest.mark.parametrize(("width", "mean"), [(64, 0.99), (256, 0.999)])
def test_find_on_markets_of_sixty_tokens_finds_the_most_that_a_long_cycle_leaves(width: int, mean: float, exhaustive: Any) -> None:
    """Over forty markets the best cycle of five to twelve hops leaves, after gas, at least such a part of the most that any leaves."""
    shares = []
    for seed in range(40):
        pools, worth = market(seed)
        searcher, start = Cycles(), NAMES[0]
        snapshot_of(pools, searcher=searcher, wrapped=start)
        asked = CycleQuery(SIM, (start,), 5, 12, width=width, cost_per_hop=((start, GAS),), work=1 << 50)
        left = max((one.profit - GAS * len(one.legs) for one in searcher.find(asked)), default=0)
        most = exhaustive(pools, worth)
        assert left < most * (1 + 1e-9) + 1
        if most > GAS:
            shares.append(left / most)
    assert len(shares) > 20
    assert mean <= sum(shares) / len(shares), f"mean {sum(shares) / len(shares)}, least {min(shares)}"
