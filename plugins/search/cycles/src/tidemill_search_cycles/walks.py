"""Cycles as edges of a graph, without names: thousands are found, and few of them are looked at."""

from array import array
from collections.abc import Collection, Iterator

from tidemill.domain.ids import AssetId, PoolId
from tidemill_search_cycles.graph import Graph

Hop = tuple[PoolId, AssetId, AssetId]
"""A pool, what it is sold and what it pays."""
Cycle = tuple[Hop, ...]


class Walks:
    """Cycles over a graph, good until it changes. Cycle c has the places ``first[c]`` to ``first[c] + hops[c] - 1``.

    Args:
        graph: what they walk over.
        edges: ('q') the edge at each place.
        sold: ('i') the token that it is sold.
        first: ('q') where each cycle begins.
        hops: ('i') how many swaps each has.
    """

    __slots__ = ("_graph", "edges", "first", "hops", "sold")

    def __init__(self, graph: Graph, edges: "array[int]", sold: "array[int]", first: "array[int]", hops: "array[int]") -> None:
        self._graph = graph
        self.edges, self.sold, self.first, self.hops = edges, sold, first, hops

    @classmethod
    def none(cls, graph: Graph) -> "Walks":
        """Return no cycles."""
        return cls(graph, array("q"), array("i"), array("q"), array("i"))

    def __len__(self) -> int:
        return len(self.first)

    def __iter__(self) -> Iterator[Cycle]:
        return (self.named(place) for place in range(len(self.first)))

    def named(self, place: int) -> Cycle:
        """Return a cycle by the names of its pools and assets."""
        begin = self.first[place]
        end = begin + self.hops[place]
        assets, ids, pool = self._graph.rows.assets, self._graph.rows.pool_ids, self._graph.arrays.edge_pool
        sells = [assets[token] for token in self.sold[begin:end]]
        return tuple(zip([ids[pool[edge]] for edge in self.edges[begin:end]], sells, [*sells[1:], sells[0]], strict=True))

    def through(self, pools: Collection[PoolId]) -> "Walks":
        """Return those that pass one of the pools."""
        numbers = self._graph.numbers
        wanted, pool = {numbers[name] for name in pools if name in numbers}, self._graph.arrays.edge_pool
        kept = [
            place
            for place, (begin, count) in enumerate(zip(self.first, self.hops, strict=True))
            if any(pool[edge] in wanted for edge in self.edges[begin : begin + count])
        ]
        first, hops = (array(held.typecode, [held[place] for place in kept]) for held in (self.first, self.hops))
        return Walks(self._graph, self.edges, self.sold, first, hops)
