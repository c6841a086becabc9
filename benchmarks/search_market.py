"""The made market as the search sees it: a graph, snapshots in which one pool has changed, and the kernels, compiled and plain."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from itertools import cycle
from random import Random
from time import process_time_ns
from typing import cast

from attrs import evolve, frozen
from immutables import Map

from benchmarks.market_maker import MadeMarket, made_market, moved
from benchmarks.measure import per_call
from tidemill.domain.ids import AssetId, PoolId
from tidemill.domain.snapshot import Changed, Snapshot
from tidemill_search_cycles import compiled
from tidemill_search_cycles.compiled import Kernels
from tidemill_search_cycles.graph import Graph
from tidemill_search_cycles.short import ShortCycles, Wanted
from tidemill_search_cycles.walks import Cycle
from tidemill_testing.market import SIM, PairPool, snapshot_of

SIZES = ((1_000, 4_000), (5_000, 20_000), (20_000, 60_000))
"""Tokens and pools."""
LEAST_DOLLARS = 3
AMPLE = 1 << 60
"""More work units than any search here uses."""
_HUBS = 8
_STEP = 0.002


Events = tuple[tuple[Snapshot, ...], tuple[Snapshot, ...]]


@frozen
class Searched:
    """A made market with its snapshot, and what cycles must leave: ``LEAST_DOLLARS``."""

    made: MadeMarket
    snapshot: Snapshot
    wanted: Wanted

    @property
    def hubs(self) -> tuple[AssetId, ...]:
        """The assets that stand in most pools, of equals the one whose id comes first."""
        count = Counter(asset for pool in self.made.pools for asset in pool.assets)
        return tuple(sorted(count, key=lambda asset: (-count[asset], asset))[:_HUBS])

    def asking(self, dollars: float) -> "Searched":
        """Return it with cycles that must leave so much."""
        least = {asset: max(1, int(unit * dollars)) for asset, unit in self.made.units.items()}
        return evolve(self, wanted=Wanted(2, 4, least))

    def made_pool(self, snapshot: Snapshot) -> PairPool:
        """Return the pool that an event has moved, as it was made."""
        (identifier,) = snapshot.changed.pools
        return next(pool for pool in self.made.pools if pool.id == identifier)

    def graph(self) -> Graph:
        """Return a graph of its own."""
        graph = Graph()
        graph.take(self.snapshot)
        return graph

    def events(self, count: int, *, hubs: bool = False, seed: int = 3) -> Events:
        """Return snapshots one after another, each with one pool moved by up to 0.2 %; with ``hubs`` pools between two hubs alone.

        There are two rows of them, of the same pools: taken in by turns, every one of them changes something, in every round.
        """
        random, among = Random(seed), set(self.hubs)
        chosen = [pool for pool in self.made.pools if not hubs or among.issuperset(pool.assets)]
        pools = [random.choice(chosen) for _ in range(count)]
        return self._moved(random, pools), self._moved(random, pools)

    def _moved(self, random: Random, pools: Sequence[PairPool]) -> tuple[Snapshot, ...]:
        found, held = [], cast("Map[PoolId, PairPool]", self.snapshot.pools)
        for one in pools:
            pool = moved(one, random.uniform(-_STEP, _STEP))
            held = held.set(pool.id, pool)
            found.append(evolve(self.snapshot, pools=held, changed=Changed((pool.id,), (), ())))
        return tuple(found)


def searched(tokens: int, pools: int) -> Searched:
    """Return a market of this size with twenty planted mispricings."""
    made = made_market(tokens, pools)
    small = snapshot_of(made.pools[:1])
    held: Map[PoolId, PairPool] = Map({pool.id: pool for pool in made.pools})
    snapshot = evolve(small, pools=held, changed=evolve(small.changed, pools=tuple(sorted(held))))
    return Searched(made, snapshot, Wanted(2, 4, {})).asking(LEAST_DOLLARS)


def compiled_kernels() -> Kernels | None:
    """Compile the kernels or load them; None where they run plain, as without numba."""
    compiled.warm()
    running = compiled.kernels()
    return running if running.compiled else None


@contextmanager
def running(kernels: Kernels) -> Iterator[None]:
    """Let these kernels run: loading compiled ones again for each round would take a second."""
    before = compiled.kernels()
    compiled._current = kernels
    try:
        yield
    finally:
        compiled._current = before


PLAIN = Kernels({})


class OneEvent:
    """Takes in events one by one and looks for the cycles of two to four hops that each may have improved."""

    def __init__(self, graph: Graph, wanted: Wanted, events: Events, kernels: Kernels, *, search: bool = True) -> None:
        self._events = cycle(events)
        self._search = search
        self._wanted = wanted
        self._kernels = kernels
        self._graph = graph
        self._short = ShortCycles(graph)
        self.found: list[list[Cycle]] = []

    def measure(self) -> dict[str, list[float]]:
        """Return microseconds of processor time by part: ``update`` of the graph, ``search``, and ``both``."""
        parts: dict[str, list[float]] = {"update": [], "search": [], "both": []}
        self.found = []
        with running(self._kernels):
            for snapshot in next(self._events):
                started = process_time_ns()
                changed = self._graph.take(snapshot)
                taken = process_time_ns()
                self._short.left = AMPLE
                found = self._short.through(None, SIM, changed, self._wanted) if self._search else ()
                ended = process_time_ns()
                self.found.append(list(found))
                for part, spent in (("update", taken - started), ("search", ended - taken), ("both", ended - started)):
                    parts[part].append(spent / 1000)
        return parts


def microseconds(call: Callable[[], object]) -> float:
    """Call once: microseconds of the processor."""
    started = process_time_ns()
    call()
    return (process_time_ns() - started) / 1e3


def repeated(call: Callable[[], object]) -> Callable[[], float]:
    """Return a round that repeats a call for some milliseconds: milliseconds of the processor a call."""

    def once() -> float:
        return per_call(call)() / 1e3

    return once


def milliseconds(call: Callable[[], object]) -> Callable[[], float]:
    """Return a round that calls once: milliseconds of the processor."""

    def once() -> float:
        started = process_time_ns()
        call()
        return (process_time_ns() - started) / 1e6

    return once
