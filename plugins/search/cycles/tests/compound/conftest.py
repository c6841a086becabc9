"""Made-up markets as arrays, a compiled twin of every kernel, and an exhaustive search that shares nothing with the beam."""

from array import array
from collections.abc import Callable, Iterable, Mapping, Sequence
from random import Random
from typing import Any

import pytest
from attrs import frozen

from tidemill_search_cycles.compiled import Kernels
from tidemill_search_cycles.compound import CompoundCycles
from tidemill_search_cycles.graph.arrays import Arrays

Pool = tuple[int, int, float, float, float]
"""(token, token, what one of the first pays of the second at the margin without the fee, fee, depth in worth)."""


@frozen
class Market:
    """Arrays of a graph, with ``planted`` cycles of tokens whose every hop gains, and the prices that it was made with."""

    arrays: Arrays
    tokens: int
    planted: tuple[tuple[int, ...], ...]
    price: "array[float]"


def arrays_of(rows: Sequence[Mapping[int, tuple[float, float]]]) -> Arrays:
    """Lay out rows of target to (rate, bend), in the rows' own order; opposites must be there."""
    arrays = Arrays(len(rows), sum(len(row) for row in rows), 0, 0)
    place, where = 0, {}
    for sell, row in enumerate(rows):
        arrays.row_start[sell], arrays.row_len[sell] = place, len(row)
        for buy, (rate, bend) in row.items():
            where[sell, buy] = place
            arrays.arc_from[place], arrays.arc_to[place] = sell, buy
            arrays.arc_rate[place], arrays.arc_bend[place] = rate, bend
            place += 1
    for (sell, buy), arc in where.items():
        arrays.arc_back[arc] = where[buy, sell]
        arrays.arc_home[arc] = arrays.arc_rate[where[buy, sell]]
    return arrays


def market_of(tokens: int, pools: Iterable[Pool], probe: float, planted: tuple[tuple[int, ...], ...], price: Iterable[float]) -> Market:
    """Collapse pools to the best rate per ordered pair, at a trade of ``probe`` in worth; rows in order of token numbers."""
    best: list[dict[int, tuple[float, float]]] = [{} for _ in range(tokens)]
    for one, two, mid, fee, depth in pools:
        shrunk = (1.0 - fee) / (1.0 + probe / depth)
        for sell, buy, rate in ((one, two, mid * shrunk), (two, one, shrunk / mid)):
            old = best[sell].get(buy, (0.0, 1.0))
            best[sell][buy] = (max(old[0], rate), min(old[1], 1.0 / depth))
    return Market(arrays_of([dict(sorted(row.items())) for row in best]), tokens, planted, array("d", price))


def pools_of(
    random: Random, tokens: int, count: int, mispriced: int, rings: int, dust: float
) -> tuple[list[Pool], tuple[tuple[int, ...], ...], list[float]]:
    """Hubs and power-law degrees, noise inside the fee band, dust pools off by a tenth, and planted gains."""
    price = [2.0 ** random.random() for _ in range(tokens)]
    pools: list[Pool] = []
    ends = [0, 1, 0, 2, 1, 2, 0, 3]

    def add(one: int, two: int, fee: float, off: float, depth: float) -> None:
        pools.append((one, two, price[one] / price[two] * (1.0 + off), fee, depth))

    for number in range(count):
        one = number if 0 < number < tokens else random.choice(ends)
        two = random.choice(ends) if random.random() < 0.9 else random.randrange(tokens)
        if one == two:
            continue
        ends += [one, two]
        if random.random() < dust:
            add(one, two, 0.003, random.choice((-0.1, 0.1)), random.uniform(100.0, 3000.0))
            continue
        fee = 0.003 if random.random() < 0.7 else random.choice((0.0005, 0.01))
        add(one, two, fee, random.uniform(-0.9, 0.9) * fee, 10.0 ** random.uniform(4.5, 6.5))
    for _ in range(mispriced):
        one, two, _, fee, _ = random.choice(pools)
        add(one, two, fee, random.choice((-1.0, 1.0)) * random.uniform(0.008, 0.025), 10.0 ** random.uniform(5.0, 6.5))
    planted = []
    for number in range(rings):
        ring = random.sample(range(tokens), 10 + number % 3)
        planted.append(tuple(ring))
        for one, two in zip(ring, ring[1:] + ring[:1], strict=True):
            add(one, two, 0.0005, random.uniform(0.002, 0.003), 1e7)
    return pools, tuple(planted), price


@pytest.fixture(scope="session")
def market() -> Callable[..., Market]:
    """Make a market: seed, tokens, pools, and how many mispriced pools, planted rings, and which part is dust."""

    def make(seed: int, tokens: int, count: int, mispriced: int = 3, rings: int = 0, dust: float = 0.1, probe: float = 1000.0) -> Market:
        pools, planted, price = pools_of(Random(seed), tokens, count, mispriced, rings, dust)
        return market_of(tokens, pools, probe, planted, price)

    return make


def _gaining(
    tokens: int, row_start: Any, row_len: Any, arc_to: Any, relative: Any, rate: Any, least: int, most: int, key: Any, work: Any
) -> float:
    """Walk every path whose prefixes all gain, from every token: each gaining cycle is met, at least once. Returns the best product.

    ``work`` (6, most + 1): token, next arc, relative and real product at each depth, arcs, spare; ``key`` marks the tokens on the path.
    """
    best = 0.0
    for first in range(tokens):
        depth = 0
        work[0, 0], work[1, 0], work[2, 0], work[3, 0] = first, row_start[first], 1.0, 1.0
        key[first] = 1
        while depth >= 0:
            token, arc = int(work[0, depth]), int(work[1, depth])
            if arc == row_start[token] + row_len[token]:
                key[token] = 0
                depth -= 1
                continue
            work[1, depth] = arc + 1
            product, real, other = work[2, depth] * relative[arc], work[3, depth] * rate[arc], arc_to[arc]
            if other == first and depth + 1 >= least and depth > 0:
                best = max(best, real)
            elif product > 1.0 and depth + 1 < most and key[other] == 0:
                depth += 1
                work[0, depth], work[1, depth], work[2, depth], work[3, depth] = other, row_start[other], product, real
                key[other] = 1
    return best


@pytest.fixture(scope="session")
def best_of() -> Callable[[Market, int, int], float]:
    """Return the product of the best of all cycles of so many hops, by a walk under the true prices."""
    numba = pytest.importorskip("numba", reason="an exhaustive search of plain Python takes hours")
    numpy = pytest.importorskip("numpy", reason="comes with numba")
    run = numba.njit(error_model="python")(_gaining)
    known: dict[tuple[int, float, int, int], float] = {}

    def best(market: Market, least: int, most: int) -> float:
        if (market.tokens, market.price[0], least, most) in known:
            return known[market.tokens, market.price[0], least, most]
        held = market.arrays
        sides = zip(held.arc_rate, held.arc_from, held.arc_to, strict=True)
        relative = array("d", [rate * market.price[to] / market.price[sell] for rate, sell, to in sides])
        asked = [numpy.asarray(one) for one in (held.row_start, held.row_len, held.arc_to, relative, held.arc_rate)]
        found = float(run(market.tokens, *asked, least, most, numpy.zeros(market.tokens, numpy.int8), numpy.zeros((6, most + 1))))
        known[market.tokens, market.price[0], least, most] = found
        return found

    return best


def endless(running: Kernels) -> CompoundCycles:
    """Make a search over these kernels with more work units than it can use."""
    search = CompoundCycles(lambda: running)
    search.left = 1 << 60
    return search


@pytest.fixture(scope="session")
def twins(kept_kernels: Kernels | None) -> Kernels:
    """The kernels compiled."""
    if kept_kernels is None:
        pytest.skip("the compiled twin needs the extra numba")
    return kept_kernels


@pytest.fixture(params=["plain", "compiled"])
def either(request: pytest.FixtureRequest) -> CompoundCycles:
    """The search in plain Python and compiled."""
    running = Kernels({}) if request.param == "plain" else request.getfixturevalue("twins")
    return endless(running)


@pytest.fixture
def quick(twins: Kernels) -> CompoundCycles:
    """The search compiled: for markets on which the plain one takes too long."""
    return endless(twins)


@pytest.fixture
def plain() -> CompoundCycles:
    """The search in plain Python."""
    return endless(Kernels({}))


@pytest.fixture
def lay() -> Callable[[Sequence[Mapping[int, tuple[float, float]]]], Arrays]:
    """Lay out rows of target to (rate, bend) as the arrays of a graph."""
    return arrays_of
