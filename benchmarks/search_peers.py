"""Other ways to look for cycles that gain: networkx, rustworkx, scipy, and the search that public bots write themselves.

All are given the graph ready made, in the form that is theirs. What each of them answers differs, and is said beside its figure.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise, product
from math import exp, log, sqrt
from typing import Any

import networkx as nx
import rustworkx
from scipy.sparse import csr_array
from scipy.sparse.csgraph import NegativeCycleError, bellman_ford

from tidemill.domain.ids import AssetId
from tidemill_search_cycles.walks import Cycle
from tidemill_testing.market import PairPool

Side = tuple[PairPool, float, float]
"""A pool, the rate of the first unit with the fee taken off, and how fast it falls: it pays ``rate x / (1 + bend x)``."""
Sides = Mapping[tuple[AssetId, AssetId], Sequence[Side]]


def sides_of(pools: Sequence[PairPool]) -> Sides:
    """Return the open directions of pools by what is sold and bought, the best rate first."""
    found: dict[tuple[AssetId, AssetId], list[Side]] = defaultdict(list)
    for pool in pools:
        (one, other), (held, held_other) = pool.assets, pool.reserves
        left = 1 - (pool.fee_ppm or 0) / 1e6
        found[one, other].append((pool, held_other / held * left, left / held))
        found[other, one].append((pool, held / held_other * left, left / held_other))
    return {pair: sorted(sides, key=lambda side: (-side[1], side[0].id)) for pair, sides in found.items()}


def best_rates(sides: Sides) -> dict[tuple[AssetId, AssetId], float]:
    """Return the best rate of the first unit of each pair."""
    return {pair: held[0][1] for pair, held in sides.items()}


class Simple:
    """All cycles of up to four hops by ``networkx.simple_cycles``, and of them those whose best amount leaves enough: our answer."""

    def __init__(self, sides: Sides, least: Mapping[AssetId, int]) -> None:
        self._sides = sides
        self._best = best_rates(sides)
        self._least = least
        self._graph = nx.DiGraph(self._best.keys())
        self._rank = {asset: (-self._graph.out_degree(asset), asset) for asset in self._graph}

    def cycles(self) -> list[Cycle]:
        """Return them, each from its asset that trades for most others."""
        best = self._best
        found: list[Cycle] = []
        pairs = ((one, other, one) for one, other in best if one < other)
        for tokens in (*self._loops(), *([one, other] for one, other, _ in pairs)):
            gain = best[tokens[-1], tokens[0]]
            for place in range(len(tokens) - 1):
                gain *= best[tokens[place], tokens[place + 1]]
            if gain > 1 or len(tokens) == 2:
                found += self.leaving(tokens)
        return found

    def _loops(self) -> Iterator[list[AssetId]]:
        return (tokens for tokens in nx.simple_cycles(self._graph, length_bound=4) if len(tokens) > 2)

    def leaving(self, tokens: list[AssetId]) -> Iterator[Cycle]:
        """Yield the ways through the pools of each pair that leave enough, by the closed form."""
        first = min(range(len(tokens)), key=lambda place: self._rank[tokens[place]])
        tokens = tokens[first:] + tokens[:first]
        hops = list(zip(tokens, [*tokens[1:], tokens[0]], strict=True))
        for chosen in product(*(self._sides[hop] for hop in hops)):
            gain, bend = 1.0, 0.0
            for _, rate, falls in chosen:
                gain, bend = gain * rate, bend + gain * falls
            if gain > 1 and (sqrt(gain) - 1) ** 2 / bend >= self._least[tokens[0]] and (len(hops) > 2 or chosen[0][0] is not chosen[1][0]):
                yield tuple((side[0].id, *hop) for side, hop in zip(chosen, hops, strict=True))


class Looked:
    """Cycles of up to four hops through one pool, each looked at: the plain search over dicts, without our kernels' bounds."""

    def __init__(self, sides: Sides, least: Mapping[AssetId, int]) -> None:
        self._simple = Simple(sides, least)
        self._rows: dict[AssetId, dict[AssetId, float]] = defaultdict(dict)
        self._back: dict[AssetId, dict[AssetId, float]] = defaultdict(dict)
        for (sell, buy), rate in best_rates(sides).items():
            self._rows[sell][buy] = self._back[buy][sell] = rate

    def through(self, pool: PairPool) -> list[Cycle]:
        """Return those that leave enough."""
        one, other = pool.assets
        found = [*self._loops(one, other), *self._loops(other, one)]
        return [cycle for tokens in found for cycle in self._simple.leaving(tokens) if any(hop[0] == pool.id for hop in cycle)]

    def _loops(self, sell: AssetId, buy: AssetId) -> Iterator[list[AssetId]]:
        rows, back = self._rows, self._back[sell]
        first = rows[sell][buy]
        if sell < buy:
            yield [sell, buy]
        for near, rate in rows[buy].items():
            if near == sell:
                continue
            so_far = first * rate
            if near in back and so_far * back[near] > 1:
                yield [sell, buy, near]
            for far, next_rate in rows[near].items():
                if far in back and far != buy and so_far * next_rate * back[far] > 1 and far != sell:
                    yield [sell, buy, near, far]


def cycles_from(sides: Sides, start: AssetId, hops: int) -> int:
    """Return how many cycles from one asset gain on the first unit: the depth-first search over dicts that public bots do, unsized."""
    rows: dict[AssetId, list[tuple[AssetId, PairPool, float]]] = defaultdict(list)
    for (sell, buy), held in sides.items():
        rows[sell] += [(buy, pool, rate) for pool, rate, _ in held]
    return _deeper(rows, start, start, 1.0, hops, [])


def _deeper(
    rows: Mapping[AssetId, Sequence[tuple[AssetId, PairPool, float]]],
    start: AssetId,
    here: AssetId,
    gain: float,
    hops: int,
    passed: list[tuple[AssetId, PairPool]],
) -> int:
    found = 0
    for buy, pool, rate in rows[here]:
        if buy == start:
            found += bool(passed) and gain * rate > 1 and all(other is not pool for _, other in passed)
        elif hops > 1 and all(buy != token for token, _ in passed):
            passed.append((buy, pool))
            found += _deeper(rows, start, buy, gain * rate, hops - 1, passed)
            passed.pop()
    return found


class Negative:
    """The graph with minus the logarithm of each pair's best rate as its weight: a cycle of negative weight gains.

    Each of these answers whether there is one, networkx and rustworkx with one that they came upon; none says which is the best.
    """

    def __init__(self, rates: Mapping[tuple[Any, Any], float]) -> None:
        tokens = sorted({sell for sell, _ in rates})
        number = {token: place for place, token in enumerate(tokens)}
        edges = [(number[sell], number[buy], -log(rate)) for (sell, buy), rate in rates.items()]
        degree = [0] * len(tokens)
        for sell, _, _ in edges:
            degree[sell] += 1
        self._start = max(range(len(tokens)), key=degree.__getitem__)
        self._weight = {(sell, buy): weight for sell, buy, weight in edges}
        self._networkx: nx.DiGraph[int] = nx.DiGraph()
        self._networkx.add_weighted_edges_from(edges)
        self._rustworkx: Any = rustworkx.PyDiGraph()
        self._rustworkx.add_nodes_from(range(len(tokens)))
        self._rustworkx.add_edges_from(edges)
        columns = list(zip(*edges, strict=True))
        self._matrix = csr_array((columns[2], (columns[0], columns[1])), shape=(len(tokens), len(tokens)))

    def by_networkx(self) -> list[int]:
        """Return a cycle of token numbers."""
        return nx.find_negative_cycle(self._networkx, self._start)

    def by_rustworkx(self) -> list[int]:
        """Return a cycle of token numbers."""
        return [int(node) for node in rustworkx.find_negative_cycle(self._rustworkx, float)]

    def by_scipy(self) -> bool:
        """Tell whether there is one."""
        try:
            bellman_ford(self._matrix, indices=self._start)
        except NegativeCycleError:
            return True
        return False

    def basis_points(self, cycle: Sequence[int]) -> float:
        """Return what a cycle gains on the first unit."""
        tokens = list(cycle) if cycle[0] == cycle[-1] else [*cycle, cycle[0]]
        return (1 / exp(sum(self._weight[pair] for pair in pairwise(tokens))) - 1) * 1e4
