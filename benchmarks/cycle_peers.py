"""Other ways to look for cycles of three pools: networkx, and the textbook search over rates in floating point.

Both are given the graph ready made, and neither says how much to put in or what comes out to the unit.
"""

from collections.abc import Iterable, Mapping
from itertools import islice

import networkx as nx

from tidemill.domain.ids import AssetId
from tidemill.domain.pool import Pool

LISTED = 2_000
"""So many cycles are asked of networkx: all of them would take it longer than everything else here."""
Rates = Mapping[AssetId, Mapping[AssetId, float]]
"""By asset sold and asset bought, the best rate of the first unit, fee taken off."""


def rates_of(pools: Iterable[Pool]) -> Rates:
    """Return the graph of pools of two assets as rates; of several pools of a pair the best."""
    rates: dict[AssetId, dict[AssetId, float]] = {}
    for pool in pools:
        left = 1 - (pool.fee_ppm or 0) / 1e6
        held = pool.holdings
        one, other = pool.assets
        for sell, buy in ((one, other), (other, one)):
            if held[sell] and held[buy]:
                row = rates.setdefault(sell, {})
                row[buy] = max(row.get(buy, 0.0), held[buy] / held[sell] * left)
    return rates


def search_rates(rates: Rates, start: AssetId) -> int:
    """Return how many cycles of three swaps from ``start`` have a product of rates above one: found, but neither sized nor exact."""
    found = 0
    for first, rate in rates[start].items():
        for second, then in rates[first].items():
            back = rates[second].get(start)
            if back is not None and second != start and rate * then * back > 1:
                found += 1
    return found


def graph_near(rates: Rates, start: AssetId) -> "nx.DiGraph[AssetId]":
    """Return, for networkx, only the assets that stand in a cycle of three with ``start``: the whole graph keeps it busy for minutes."""
    beside = rates[start].keys()
    near = {start}.union(*({first, second} for first in beside for second in rates[first] if second in beside))
    return nx.DiGraph((sell, buy) for sell, row in rates.items() for buy in row if sell in near and buy in near)


def list_simple_cycles(graph: "nx.DiGraph[AssetId]") -> int:
    """List ``LISTED`` cycles of at most three swaps by ``networkx.simple_cycles``, which cannot be told where to start; return how many."""
    return sum(1 for _ in islice(nx.simple_cycles(graph, length_bound=3), LISTED))
