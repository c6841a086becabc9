"""The kernels of short cycles over a graph: what they are given, and what they found."""

from array import array
from bisect import insort
from collections.abc import Collection, Mapping

from attrs import frozen

from tidemill.domain.ids import AssetId, ChainId, PoolId, chain_of
from tidemill.units import PPM_SCALE
from tidemill_search_cycles.compiled import kernels
from tidemill_search_cycles.event import EVENT_ROOM, Event
from tidemill_search_cycles.graph.build import Graph
from tidemill_search_cycles.kernels.choice import MOST_HOPS
from tidemill_search_cycles.kernels.ladder import KINDS, LINE, RUNGS, SIDE, probe_edges
from tidemill_search_cycles.kernels.listing import list_starts, order_tokens, set_limits
from tidemill_search_cycles.kernels.short import scan
from tidemill_search_cycles.room import Room
from tidemill_search_cycles.walks import Cycle, Walks

MANY_CHANGED = 8
"""Where at least one in so many pools changed, looking at everything is less."""
WALKS = 1024
"""Room for so many walks of two hops at first."""
FEW_NEW = 8
"""So many new tokens are put in their places, more are sorted with all others."""

_TOKENS = {
    "starts": ("i", 1), "done": ("i", 1), "least": ("d", 1), "rank": ("i", 1), "gate": ("i", 1), "touched": ("i", 1), "by_name": ("i", 1),
    "order": ("i", 1), "slot": ("i", 2), "on_chain": ("i", 1), "unit": ("d", 1),
}  # fmt: skip
_LADDER = {
    "reach": ("d", RUNGS), "beside": ("d", SIDE), "best": ("d", LINE), "pay": ("d", RUNGS), "paid": ("d", RUNGS), "back": ("d", RUNGS),
    "bar": ("d", KINDS), "tops": ("d", 2 * KINDS),
}  # fmt: skip
_WALKS = {
    "out_arc": ("q", WALKS), "out_first": ("q", WALKS), "out_second": ("q", WALKS), "out_kinds": ("q", WALKS), "out_walk": ("d", WALKS),
    "out_bend": ("d", WALKS), "in_arc": ("q", WALKS), "in_first": ("q", WALKS), "in_second": ("q", WALKS), "in_kinds": ("q", WALKS),
    "in_walk": ("d", WALKS), "in_bend": ("d", WALKS), "list_in": ("q", WALKS), "key_in": ("d", WALKS), "list_rate": ("q", WALKS),
    "key_rate": ("d", WALKS),
}  # fmt: skip
_HOPS = {
    "way": ("q", 4),
    "place": ("q", 4),
    "chosen": ("q", 4),
    "before": ("d", 4),
    "after": ("d", 4),
    "bends": ("d", 4),
    "needs": ("d", 4),
    "work": ("q", 8),
}
_FOUND = {"out_edge": ("q", 1024), "out_sold": ("i", 1024), "out_hops": ("i", 256), "out_rate": ("d", 256), "out_profit": ("d", 256)}


@frozen
class Wanted:
    """Which cycles are looked for.

    Args:
        low, high: hops, 2..4.
        least: base units of profit by the asset a cycle begins with, below which it may be left out.
        least_of_others: the same for assets that are absent there.
        loan_fee_ppm: what borrowing the input costs.
    """

    low: int
    high: int
    least: Mapping[AssetId, int]
    least_of_others: int = 1
    loan_fee_ppm: int = 0

    @property
    def due(self) -> float:
        """What a unit put in costs in the end."""
        return (PPM_SCALE + self.loan_fee_ppm) / PPM_SCALE


class ShortCycles:
    """Finds cycles of two to four hops over a graph. Effort is counted in ``left``; below zero something had to be left out."""

    def __init__(self, graph: Graph) -> None:
        self._graph = graph
        self._room = Room({**_TOKENS, **_LADDER, **_WALKS, **_HOPS, **_FOUND, **EVENT_ROOM, "pool_mark": ("i", 1)})
        self._event = Event(graph, self._room)
        self._by_name = array("i")
        self._chains: dict[ChainId, int] = {}
        self._structure = -1
        self._started: tuple[ChainId, int] | None = None
        self._limited: Wanted | None = None
        self._asked: set[int] = set()
        self._firsts = array("q")
        self._probed: tuple[tuple[int, ...], Wanted | None, int] | None = None
        self.left = 0

    def from_start(self, start: AssetId, wanted: Wanted) -> Walks:
        """Return the cycles from one asset."""
        token = self._graph.tokens.get(start)
        if token is None or not self._ready(wanted):
            return Walks.none(self._graph)
        self._ordered()
        self._room["starts"][0], self._started = token, None
        self._limit(wanted, None)
        return self._walks(self._scan(1, wanted, masked=False))

    def from_any(self, chain: ChainId, wanted: Wanted) -> Walks:
        """Return the cycles of a chain, each once, from its asset that trades for most others, of equals the one whose id comes first."""
        if not self._ready(wanted):
            return Walks.none(self._graph)
        self._ordered()
        self._limit(wanted, None)
        return self._walks(self._scan(self._starts(chain), wanted, masked=True))

    def through(self, start: AssetId | None, chain: ChainId, changed: Collection[PoolId], wanted: Wanted) -> Walks:
        """Return those of ``from_start``, or without a start of ``from_any``, that pass a changed pool."""
        graph = self._graph
        if len(changed) * MANY_CHANGED >= len(graph.pools):
            return (self.from_any(chain, wanted) if start is None else self.from_start(start, wanted)).through(changed)
        token = -1 if start is None else graph.tokens.get(start)
        if token is None or not self._ready(wanted):
            return Walks.none(graph)
        if start is None:
            self._ordered()
        self._limit(wanted, start)
        count = self._event.ask(changed, chain)
        found = self._through(count, token, wanted)
        return self._walks(found) if found else Walks.none(graph)

    def _ready(self, wanted: Wanted) -> bool:
        """Make room for the graph's tokens and pools; False where nothing is asked for."""
        rows, room = self._graph.rows, self._room
        named = len(self._by_name)
        if len(rows.assets) > named:
            if len(rows.assets) + 1 >= len(room["slot"]):
                room.ensure(len(rows.assets) + 2, *_TOKENS)
                named = 0
            self._name_tokens(named)
            self._structure, self._started, self._limited = -1, None, None
        if len(rows.pool_ids) > len(room["pool_mark"]):
            room.ensure(len(rows.pool_ids), "pool_mark")
        return wanted.low <= min(wanted.high, MOST_HOPS)

    def _name_tokens(self, first: int) -> None:
        """Take over the tokens that are new, and write down what is known of those from ``first`` on."""
        names, by_name, room = self._graph.rows.assets, self._by_name, self._room
        if len(names) > len(by_name) + FEW_NEW:
            self._by_name = by_name = array("i", sorted(range(len(names)), key=names.__getitem__))
        else:
            for token in range(len(by_name), len(names)):
                insort(by_name, token, key=names.__getitem__)
        chains, end = self._chains, len(names)
        room["by_name"][:end] = by_name
        room["unit"][first:end] = array("d", [2.0**-shift for shift in self._graph.arrays.shift[first:end]])
        room["on_chain"][first:end] = array("i", [chains.setdefault(chain_of(name), len(chains)) for name in names[first:]])

    def _ordered(self) -> "array[int]":
        """Return the tokens in falling order of their rows, ties by asset id; ``rank`` holds their places in it."""
        rows, room = self._graph.rows, self._room
        if self._structure != rows.structure:
            running = kernels()
            running.of(order_tokens)(len(rows.assets), *room.arguments(order_tokens, rows.arrays, running))
            self._structure, self._started = rows.structure, None
        return room["order"][: len(rows.assets)]

    def _starts(self, chain: ChainId) -> int:
        """List the tokens that cycles of a chain are given from; return how many they may be."""
        if self._started is None or self._started[0] != chain:
            rows, running = self._graph.rows, kernels()
            arguments = self._room.arguments(list_starts, rows.arrays, running)
            self._started = chain, running.of(list_starts)(len(rows.assets), self._chains.get(chain, -1), *arguments)
        return self._started[1]

    def _limit(self, wanted: Wanted, start: AssetId | None) -> None:
        """Set ``least`` of the token that cycles begin with, or of all, in scaled units; less is no whole unit."""
        rows, room, tokens = self._graph.rows, self._room, self._graph.tokens
        least, unit = room["least"], room["unit"]
        if start is not None:
            least[tokens[start]] = wanted.least.get(start, wanted.least_of_others) * unit[tokens[start]]
            self._asked.add(tokens[start])
            return
        if self._limited is not wanted and self._limited != wanted:
            running = kernels()
            running.of(set_limits)(len(rows.assets), float(wanted.least_of_others), *room.arguments(set_limits, rows.arrays, running))
            for asset, units in wanted.least.items():
                if asset in tokens:
                    least[tokens[asset]] = units * unit[tokens[asset]]
            self._limited = wanted
        else:
            # Those that were asked for alone since
            for token in self._asked:
                least[token] = wanted.least.get(rows.assets[token], wanted.least_of_others) * unit[token]
        self._asked.clear()

    def _scan(self, count: int, wanted: Wanted, *, masked: bool) -> int:
        room, arrays, running, effort = self._room, self._graph.arrays, kernels(), self.left
        tokens, high = len(self._graph.rows.assets), min(wanted.high, MOST_HOPS)
        effort -= self._probe(-1 if masked else room["starts"][0])
        room.ensure(SIDE * tokens, "beside")
        room.ensure(LINE * tokens, "best")
        while True:
            self._set_work(effort)
            arguments = room.arguments(scan, arrays, running)
            needed = running.of(scan)(0, count, wanted.low, high, int(masked), wanted.due, *arguments)
            if needed:
                room.ensure(needed, *_WALKS)
            elif not self._grown():
                return self._taken()

    def _probe(self, start: int) -> int:
        """Ask all pools for the amounts of the ladder, where anything changed since; return how many answers there are."""
        rows, room, arrays = self._graph.rows, self._room, self._graph.arrays
        about = (start, arrays.generation, rows.structure, rows.changes, len(rows.assets))
        if self._probed is None or self._probed[0] != about or self._probed[1] is not self._limited:
            room.ensure(RUNGS * len(rows.assets), "reach")
            room.ensure(RUNGS * len(arrays.arc_to), "paid", "back")
            room.ensure(RUNGS * len(arrays.edge_rate), "pay")
            running = kernels()
            edges = running.of(probe_edges)(len(rows.assets), start, *room.arguments(probe_edges, arrays, running))
            self._probed = about, self._limited, edges
        return self._probed[2]

    def _through(self, count: int, start: int, wanted: Wanted) -> int:
        effort = self.left
        while True:
            self._set_work(effort)
            self._event.run(count, (wanted.low, min(wanted.high, MOST_HOPS)), start, wanted.due, wanted)
            if not self._grown():
                return self._taken()

    def _set_work(self, effort: int) -> None:
        room, work = self._room, self._room["work"]
        work[0], work[1], work[2], work[3] = effort, 0, len(room["out_hops"]), len(room["out_arc"])
        work[4] = len(self._graph.arrays.pair_key) - 1

    def _grown(self) -> bool:
        """Make room where more was found than there was; True where the kernel must be asked again."""
        room, found = self._room, self._room["work"][1]
        if found <= len(room["out_hops"]):
            return False
        room.ensure(found, "out_hops", "out_rate", "out_profit")
        room.ensure(len(room["out_hops"]) * MOST_HOPS, "out_edge", "out_sold")
        return True

    def _taken(self) -> int:
        work = self._room["work"]
        self.left, found = int(work[0]), int(work[1])
        return found

    def _walks(self, count: int) -> Walks:
        room, width = self._room, MOST_HOPS
        if len(self._firsts) < count:
            self._firsts = array("q", range(0, 2 * count * width, width))
        return Walks(
            self._graph,
            room["out_edge"][: count * width],
            room["out_sold"][: count * width],
            self._firsts[:count],
            room["out_hops"][:count],
        )


__all__ = ["Cycle", "ShortCycles", "Wanted"]
