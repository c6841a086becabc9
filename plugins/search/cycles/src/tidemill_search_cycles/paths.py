"""Which cycles may gain: closed walks of two to four hops whose marginal rates multiply to more than one.

Rates are upper bounds in doubles; ``FLOOR`` leaves room for their rounding, so that nothing that gains is left out. What passes is
decided by integers later.
"""

from collections.abc import Collection, Iterator

from tidemill.domain.ids import AssetId, PoolId
from tidemill_search_cycles.graph import Edge, Graph, Hop, Row

FLOOR = 1.0 - 2.0**-40
MAX_HOPS = 4

Cycle = tuple[Edge, ...]
Hops = tuple[Hop, ...]


class Effort:
    """Work units left: one for each neighbour looked at, ``SIZING`` for each cycle sized. Below zero the search ends."""

    __slots__ = ("left",)
    SIZING = 16

    def __init__(self, units: int) -> None:
        self.left = units

    @property
    def spent(self) -> bool:
        """True once the search had to leave something out."""
        return self.left < 0


def cycles_through_all(graph: Graph, start: AssetId, hops: range, effort: Effort) -> Iterator[Cycle]:
    """Yield every cycle from ``start`` with a number of hops in ``hops`` that may gain, each once."""
    row = graph.out.get(start)
    if row is None:
        return
    if 2 in hops:
        yield from _two(graph, start, row, effort)
    if 3 in hops:
        yield from _three(graph, start, row, effort)
    if 4 in hops:
        yield from _four(graph, start, row, effort)


def _two(graph: Graph, start: AssetId, row: Row, effort: Effort) -> Iterator[Cycle]:
    for middle, there in row.items():
        effort.left -= 1
        if effort.left < 0:
            return
        if len(there.edges) > 1:
            back = graph.out[middle][start]
            if there.best * back.best > FLOOR:
                yield from expand((there, back))


def _three(graph: Graph, start: AssetId, row: Row, effort: Effort) -> Iterator[Cycle]:
    out = graph.out
    back = {asset: out[asset][start] for asset in row}
    for one, first in row.items():
        second_row = out[one]
        rate = first.best
        if len(second_row) <= len(back):
            effort.left -= len(second_row)
            if effort.left < 0:
                return
            for two, second in second_row.items():
                third = back.get(two)
                if third is not None and rate * second.best * third.best > FLOOR:
                    yield from expand((first, second, third))
        else:
            effort.left -= len(back)
            if effort.left < 0:
                return
            for two, third in back.items():
                second_hop = second_row.get(two)
                if second_hop is not None and rate * second_hop.best * third.best > FLOOR:
                    yield from expand((first, second_hop, third))


Wedge = tuple[float, AssetId, Hop, Hop]


def _four(graph: Graph, start: AssetId, row: Row, effort: Effort) -> Iterator[Cycle]:
    """Meet in the middle: two hops out against the two-hop ways back, the best of these first."""
    out = graph.out
    wedges: dict[AssetId, list[Wedge]] = {}
    for last in row:
        home = out[last][start]
        effort.left -= len(out[last])
        if effort.left < 0:
            return
        if home.best:
            for middle in out[last]:
                if middle != start:
                    hop = out[middle][last]
                    if hop.best:
                        wedges.setdefault(middle, []).append((hop.best * home.best, last, hop, home))
    for ways in wedges.values():
        ways.sort(key=_widest_first)
    for one, first in row.items():
        for middle, second in out[one].items():
            effort.left -= 1
            if effort.left < 0:
                return
            rate = first.best * second.best
            if not rate:
                continue
            for worth, last, third, fourth in wedges.get(middle, ()):
                if rate * worth <= FLOOR:
                    break
                effort.left -= 1
                if last != one:
                    yield from expand((first, second, third, fourth))


def _widest_first(wedge: Wedge) -> tuple[float, AssetId]:
    return -wedge[0], wedge[1]


def cycles_through(graph: Graph, start: AssetId, hops: range, changed: Collection[PoolId], effort: Effort) -> Iterator[Cycle]:
    """Yield the cycles of ``cycles_through_all`` that pass a changed pool, each once: at the first such pool on its way.

    Looks only at the neighbourhood of those pools, unless so many changed that looking at everything is less.
    """
    if start not in graph.out:
        return
    if len(changed) * 8 >= len(graph.pools):
        for cycle in cycles_through_all(graph, start, hops, effort):
            if any(edge.pool_id in changed for edge in cycle):
                yield cycle
        return
    for identifier in sorted(changed):
        pool = graph.pools.get(identifier)
        for sell in pool.assets if pool is not None else ():
            for buy in pool.assets if pool is not None else ():
                if buy != sell:
                    edge = next(edge for edge in graph.out[sell][buy].edges if edge.pool_id == identifier)
                    if edge.rate:
                        yield from _through_edge(graph, start, hops, edge, changed, effort)


def _through_edge(graph: Graph, start: AssetId, hops: range, edge: Edge, changed: Collection[PoolId], effort: Effort) -> Iterator[Cycle]:
    only = Hop()
    only.put(edge)
    for count in hops:
        for place in range(count):
            for before in _ways(graph, start, edge.sell, place, (edge.buy,), effort):
                for after in _ways(graph, edge.buy, start, count - 1 - place, (edge.sell,), effort):
                    ways = (*before, only, *after)
                    if _rate(ways) > FLOOR:
                        for cycle in expand(ways):
                            if not any(earlier.pool_id in changed for earlier in cycle[:place]):
                                yield cycle


def _ways(graph: Graph, source: AssetId, target: AssetId, count: int, avoid: tuple[AssetId, ...], effort: Effort) -> Iterator[Hops]:
    """Yield the walks of ``count`` hops from one token to another that do not pass either of them, nor ``avoid``, in between."""
    out = graph.out
    if count == 0:
        if source == target:
            yield ()
        return
    if source == target or effort.left < 0:
        return
    if count == 1:
        hop = out[source].get(target)
        if hop is not None:
            yield (hop,)
        return
    if count == 2:
        near, far = out[source], out[target]
        smaller = near if len(near) <= len(far) else far
        effort.left -= len(smaller)
        for middle in smaller:
            if middle in near and middle in far and middle not in avoid:
                yield near[middle], out[middle][target]
        return
    if len(out[source]) <= len(out[target]):
        for middle, hop in out[source].items():
            if middle != target and middle not in avoid:
                for rest in _ways(graph, middle, target, 2, (*avoid, source), effort):
                    yield hop, *rest
    else:
        for middle in out[target]:
            if middle != source and middle not in avoid:
                for rest in _ways(graph, source, middle, 2, (*avoid, target), effort):
                    yield *rest, out[middle][target]


def _rate(hops: Hops) -> float:
    product = 1.0
    for hop in hops:
        product *= hop.best
    return product


def expand(hops: Hops) -> Iterator[Cycle]:
    """Yield the choices of one pool a hop, no pool twice, whose rates multiply to more than one."""
    if all(len(hop.edges) == 1 for hop in hops):
        cycle = tuple(hop.edges[0] for hop in hops)
        if len({edge.pool_id for edge in cycle}) == len(cycle):
            yield cycle
        return
    best_after = [1.0]
    for hop in reversed(hops[1:]):
        best_after.append(best_after[-1] * hop.best)
    best_after.reverse()
    yield from _choose(hops, best_after, 1.0, ())


def _choose(hops: Hops, best_after: list[float], rate: float, chosen: Cycle) -> Iterator[Cycle]:
    place = len(chosen)
    for edge in hops[place].edges:
        product = rate * edge.rate
        # Edges come best first: none after this one can do better.
        if product * best_after[place] <= FLOOR:
            return
        if any(edge.pool_id == other.pool_id for other in chosen):
            continue
        if place + 1 == len(hops):
            yield (*chosen, edge)
        else:
            yield from _choose(hops, best_after, product, (*chosen, edge))
