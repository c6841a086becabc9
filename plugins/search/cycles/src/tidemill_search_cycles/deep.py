"""Cycles of five and more hops, as the searcher takes them: found by what pairs pay for amounts that are worth a trade."""

from array import array
from collections.abc import Collection, Sequence

from attrs import evolve, frozen

from tidemill.domain.ids import AssetId, PoolId
from tidemill_search_cycles.compiled import kernels
from tidemill_search_cycles.compound import MOST_HOPS, CompoundCycles, Loop
from tidemill_search_cycles.compound import Wanted as Loops
from tidemill_search_cycles.graph import Graph
from tidemill_search_cycles.graph.build import directions
from tidemill_search_cycles.kernels.probe import appraise, probe
from tidemill_search_cycles.room import Room
from tidemill_search_cycles.walks import Walks

FEWEST_HOPS = 5
"""Shorter ones are found, all of them, by ``short``."""
Edges = tuple[int, ...]
"""A cycle by its edges, from the start token on."""
Probe = tuple[tuple[int, ...], Edges]
"""The arcs of a cycle, and the edges that it takes on them."""
_EACH = 20
_MANY_CHANGED = 4


@frozen
class Probed:
    """Which cycles are looked for.

    Args:
        low, high: hops, 5..12.
        start: the asset that every cycle passes.
        width: paths that go on from each hop to the next.
        count: cycles kept for each place where one may begin; in all, ``total`` (0: no limit).
        without: pools that no cycle may use.
    """

    low: int
    high: int
    start: AssetId
    width: int
    count: int = _EACH
    total: int = 0
    without: frozenset[PoolId] = frozenset()


class DeepCycles:
    """Finds cycles of five to twelve hops over a graph, the best first. Effort is counted in ``left``."""

    def __init__(self, graph: Graph) -> None:
        self._graph = graph
        self._compound = CompoundCycles()
        self._room = Room({"probe_rate": ("d", 1), "probe_edge": ("q", 1), "shut": ("i", 1), "worth": ("d", 1), "turn": ("i", 1)})
        self._by_name: list[int] = []
        self.left = 0

    @property
    def pools(self) -> int:
        """How many pools there are."""
        return len(self._graph.pools)

    def rounds(self, wanted: Probed, changed: Collection[PoolId] | None) -> "Rounds":
        """Return a search over the whole graph, or of those cycles that pass a pair whose pools changed."""
        return Rounds(self, wanted, changed)

    def appraise(self, start: AssetId) -> None:
        """Find out what all tokens are worth in one, for the searches that follow."""
        graph, room, running, tokens = self._graph, self._room, kernels(), len(self._graph.rows.assets)
        if start in graph.tokens:
            room.ensure(tokens, "worth", "turn")
            arguments = room.arguments(appraise, graph.arrays, running)
            self.left -= int(running.of(appraise)(tokens, graph.tokens[start], *arguments))

    def search(self, wanted: Probed, amount: int, arcs: Sequence[int] | None, among: Collection[int] | None) -> list["Probe"]:
        """Return the cycles at one amount, through any pair or through ``arcs``; ``among`` leaves only these pairs to begin at.

        The start is the one that was appraised last.
        """
        graph = self._graph
        start, low, high = graph.tokens.get(wanted.start), max(FEWEST_HOPS, wanted.low), min(MOST_HOPS, wanted.high)
        if start is None or high < low or self.left < 0:
            return []
        asked = Loops(wanted.count, low, high, wanted.width, start, total=wanted.total or None)
        rate, edges = self.pays(wanted.start, amount, wanted.without)
        tokens = len(graph.rows.assets)
        self._compound.left = self.left
        if arcs is None:
            loops = self._compound.everywhere(graph.arrays, tokens, asked, rate, self._scan(), among=among)
        else:
            left = arcs if among is None else [arc for arc in arcs if arc in among]
            loops = self._compound.through(graph.arrays, tokens, left, asked, rate)
        self.left = self._compound.left
        found = (self._from(start, loop) for loop in loops.cycles)
        # Each arc through the pool that pays most at the amount
        return [(walk, tuple(edges[arc] for arc in walk)) for walk in found]

    def pays(self, start: AssetId, units: int, without: Collection[PoolId] = ()) -> tuple["array[float]", "array[int]"]:
        """Ask every pair what it pays for what is worth so many base units of a token, the one that was appraised last.

        Returns:
            By arc slot, the output per input in scaled units, and the edge that pays it.
        """
        amount = units * 2.0 ** -self._graph.arrays.shift[self._graph.tokens[start]]
        graph, room, running, slots = self._graph, self._room, kernels(), len(self._graph.arrays.arc_to)
        room.ensure(slots, "probe_rate", "probe_edge")
        room.ensure(len(graph.rows.pool_ids), "shut")
        shut, closed = room["shut"], [graph.numbers[pool] for pool in without if pool in graph.numbers]  # order: each is set for itself
        for number in closed:
            shut[number] = 1
        arguments = room.arguments(probe, graph.arrays, running)
        self.left -= int(running.of(probe)(len(graph.rows.assets), slots, amount, *arguments))
        for number in closed:
            shut[number] = 0
        return room["probe_rate"], room["probe_edge"]

    def _scan(self) -> list[int]:
        names = self._graph.rows.assets
        if len(self._by_name) != len(names):  # a token keeps its name and its number
            self._by_name = sorted(range(len(names)), key=names.__getitem__)
        return self._by_name

    def _from(self, start: int, loop: Loop) -> tuple[int, ...]:
        """Return a loop's arcs from the start token on."""
        sells = self._graph.arrays.arc_from
        place = next(at for at, arc in enumerate(loop.arcs) if sells[arc] == start)
        return loop.arcs[place:] + loop.arcs[:place]

    def walks(self, found: Sequence["Probe"]) -> Walks:
        """Return cycles as others take them."""
        edges, sold, first, hops = array("q"), array("i"), array("q"), array("i")
        sells = self._graph.arrays.arc_from
        for arcs, walk in found:
            first.append(len(edges))
            hops.append(len(walk))
            edges.extend(walk)
            sold.extend(sells[arc] for arc in arcs)
        return Walks(self._graph, edges, sold, first, hops)

    def arcs_of(self, changed: Collection[PoolId]) -> list[int]:
        """Return the pairs that pools trade."""
        graph, found = self._graph, []
        for identifier in sorted(changed):
            pool = graph.pools.get(identifier)
            for sell, buy in directions(pool) if pool is not None else ():
                arc = graph.rows.find(graph.tokens[sell], graph.tokens[buy]) if sell in graph.tokens and buy in graph.tokens else -1
                if arc >= 0:
                    found.append(arc)
        return list(dict.fromkeys(found))

    def touched(self, walk: Edges, pools: Collection[PoolId]) -> bool:
        """Tell whether a cycle passes one of some pools."""
        ids, pool = self._graph.rows.pool_ids, self._graph.arrays.edge_pool
        return any(ids[pool[edge]] in pools for edge in walk)


class Rounds:
    """One search in rounds: each after the first looks only where pools that are left out since then had a part."""

    def __init__(self, cycles: DeepCycles, wanted: Probed, changed: Collection[PoolId] | None) -> None:
        self._cycles, self._wanted = cycles, wanted
        self._all = changed is None or len(changed) * _MANY_CHANGED >= cycles.pools
        self._changed = changed
        self._arcs = None if self._all or changed is None else cycles.arcs_of(changed)
        self._found: dict[int, tuple[tuple[Probe, ...], frozenset[PoolId]]] = {}
        self._given: set[Edges] = set()
        if self._arcs != []:
            cycles.appraise(wanted.start)

    def next(self, amount: int, without: Collection[PoolId]) -> Walks:
        """Return the cycles at one of the amounts that pass none of these pools and were not returned before.

        ``without`` never shrinks from one round to the next.
        """
        if self._arcs == []:
            return self._cycles.walks([])
        cycles, wanted = self._cycles, evolve(self._wanted, without=frozenset(without))
        known, shut = self._found.get(amount, ((), frozenset()))
        new = wanted.without - shut
        hit = [one for one in known if cycles.touched(one[1], new)]
        found = [one for one in known if not cycles.touched(one[1], new)]
        if hit or amount not in self._found:
            found += cycles.search(wanted, amount, self._arcs, {arc for one in hit for arc in one[0]} if hit else None)
        self._found[amount] = tuple(found), wanted.without
        fresh = {one[1]: one for one in found if one[1] not in self._given}
        self._given.update(fresh)
        walks = cycles.walks(list(fresh.values()))
        return walks.through(self._changed) if self._all and self._changed is not None else walks
