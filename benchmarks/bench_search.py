"""Cycles of two to four hops, in the whole graph and after one event: `uv run python -m benchmarks.bench_search`.

What others find is compared with ours where the task is the same: networkx's list of simple cycles, filtered, is equal cycle by cycle, and
so is what the plain kernels find after each event.
"""

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from statistics import fmean, median

from benchmarks.measure import MICROSECONDS, MILLISECONDS, TIMES, Case, report, say
from benchmarks.samples import Sampled, p99
from benchmarks.search_market import (
    AMPLE,
    LEAST_DOLLARS,
    PLAIN,
    SIZES,
    OneEvent,
    Searched,
    compiled_kernels,
    microseconds,
    milliseconds,
    repeated,
    running,
    searched,
)
from benchmarks.search_peers import Looked, Negative, Simple, best_rates, cycles_from, sides_of
from tidemill_search_cycles.compiled import Kernels
from tidemill_search_cycles.graph import Graph
from tidemill_search_cycles.short import ShortCycles
from tidemill_search_cycles.walks import Cycle, Walks
from tidemill_testing.market import SIM

ROUNDS = 5
EVENTS, HUB_EVENTS, PLAIN_EVENTS = 2_000, 500, 500
SMALL, MIDDLE, LARGE = ("1k/4k", "5k/20k", "20k/60k")
SCAN_MS = {SMALL: 0.5, MIDDLE: 3.0, LARGE: 20.0}
FIGURES: dict[str, Callable[[Sequence[float]], float]] = {"median": median, "mean": fmean, "99 in 100": p99}
DOLLARS = (10, LEAST_DOLLARS)
"""What a cycle must leave: with the first about as many are found as in the market that the targets were set on."""
LISTED = f"networkx `simple_cycles(length_bound=4)`, filtered: the same cycles, {SMALL}"
WALKED = f"plain Python DFS over dicts, up to 3 hops from one hub, unsized, {SMALL}"


class Scanned:
    """The full scan of one graph, and how many cycles it found."""

    def __init__(self, graph: Graph, market: Searched, kernels: Kernels) -> None:
        self._short = ShortCycles(graph)
        self._market = market
        self._kernels = kernels
        self.found: list[Cycle] = []

    def search(self) -> Walks:
        """Find them, as edges of the graph, all pools asked already for the amounts that it compares them by."""
        with running(self._kernels):
            self._short.left = AMPLE
            return self._short.from_any(SIM, self._market.wanted)

    def ask_and_search(self) -> Walks:
        """Find them after a block in which all prices may have moved."""
        self._short._probed = None
        return self.search()

    def name(self) -> None:
        """Find them, and name the pools and assets of each: what is ranked needs the names of few."""
        self.found = list(self.search())


class Once:
    """A case too slow for every round: it runs in the first that counts, and the others repeat its figure."""

    def __init__(self, run: Callable[[], float]) -> None:
        self._run = run
        self._called = 0
        self.figure = 0.0

    def __call__(self) -> float:
        self._called += 1
        if self._called == 2:
            self.figure = self._run()
        return self.figure


class Kept:
    """A case that knows the median of its rounds."""

    def __init__(self, run: Callable[[], float]) -> None:
        self._run = run
        self._figures: list[float] = []

    def __call__(self) -> float:
        self._figures.append(self._run())
        return self._figures[-1]

    @property
    def median(self) -> float:
        """The median so far."""
        return median(self._figures)


class Whole:
    """The scan of the whole graph, and those who do the same or something near it."""

    def __init__(self, markets: dict[str, Searched], graphs: dict[str, Graph], kernels: Kernels) -> None:
        self._markets = markets
        self.scans = {dollars: self._scanning(dollars, graphs, kernels) for dollars in DOLLARS}
        self.plain = Scanned(graphs[SMALL], markets[SMALL], PLAIN)
        self.listed: list[Cycle] = []
        small = markets[SMALL]
        self._sides = {name: sides_of(market.made.pools) for name, market in markets.items()}
        self._simple = Simple(self._sides[SMALL], small.wanted.least)
        self.negative = {name: Negative(best_rates(sides)) for name, sides in self._sides.items()}

    def _scanning(self, dollars: float, graphs: dict[str, Graph], kernels: Kernels) -> dict[str, Scanned]:
        return {name: Scanned(graphs[name], market.asking(dollars), kernels) for name, market in self._markets.items()}

    def cases(self) -> Iterator[Case]:
        """Ours first."""
        listing, small = Once(milliseconds(self._list)), self.scans[LEAST_DOLLARS][SMALL]
        searching, naming = Kept(repeated(small.search)), Kept(repeated(small.name))
        twin = f"the plain kernels, {SMALL}, ${LEAST_DOLLARS}"
        for name in self._markets:
            for dollars in DOLLARS:
                scan, compared = self.scans[dollars][name], name == SMALL and dollars == LEAST_DOLLARS
                case = f"every cycle of 2 to 4 hops that leaves ${dollars}, {name}"
                once = searching if compared else repeated(scan.search)
                yield Case(case, MILLISECONDS, once, SCAN_MS[name], (twin, LISTED, WALKED) if compared else ())
                yield Case(f"the same, every one named, ${dollars}, {name}", MILLISECONDS, naming if compared else repeated(scan.name))
                yield Case(f"the same, all pools asked anew, ${dollars}, {name}", MILLISECONDS, repeated(scan.ask_and_search))
        yield Case(twin, MILLISECONDS, milliseconds(self.plain.name))
        yield Case(LISTED, MILLISECONDS, listing)
        yield Case(f"ours, ${LEAST_DOLLARS}, beside networkx, which names them", TIMES, lambda: listing.figure / searching.median, 5_000)
        yield Case("the same, every one named, beside networkx", TIMES, lambda: listing.figure / naming.median, 5_000)
        hub = self._markets[SMALL].hubs[0]
        yield Case(WALKED, MILLISECONDS, milliseconds(partial(cycles_from, self._sides[SMALL], hub, 3)))
        yield from self._one_cycle()

    def _one_cycle(self) -> Iterator[Case]:
        for name, negative in self.negative.items():
            yield Case(f"networkx `find_negative_cycle`: one cycle, {name}", MILLISECONDS, milliseconds(negative.by_networkx))
            yield Case(f"rustworkx `find_negative_cycle`: one cycle, {name}", MILLISECONDS, milliseconds(negative.by_rustworkx))
            if name != LARGE:
                there = f"scipy `csgraph.bellman_ford`: whether there is one, {name}"
                yield Case(there, MILLISECONDS, milliseconds(negative.by_scipy))

    def _list(self) -> None:
        self.listed = self._simple.cycles()

    def remarks(self) -> list[str]:
        """Say what each found; what has the same task must have found the same."""
        ours = self.scans[LEAST_DOLLARS][SMALL].found
        same(ours, self.listed, "networkx")
        same(ours, self.plain.found, "the plain kernels")
        counts = {
            dollars: ", ".join(f"{len(scan.found):,} at {name}" for name, scan in scans.items()) for dollars, scans in self.scans.items()
        }
        found = "; ".join(f"${dollars}: {count}" for dollars, count in counts.items())
        hops = {name: (len(negative.by_networkx()) - 1, len(negative.by_rustworkx()) - 1) for name, negative in self.negative.items()}
        one = "; ".join(f"{name}: {mine} and {theirs} hops" for name, (mine, theirs) in hops.items())
        task = (
            "`find_negative_cycle` and `bellman_ford` have another task, and are sooner done with it: they stop at the first cycle that "
            f"they come upon ({one}), a pool that holds next to nothing, whatever it earns. They neither size it nor know of a better one."
        )
        alike = (
            f"Found, {found}. networkx, filtered by the closed form over each pair's pools, and the plain kernels find these very cycles; "
            "networkx runs in one round alone."
        )
        return [alike, task]


def same(ours: list[Cycle], theirs: list[Cycle], who: str) -> None:
    """Raise unless both found the same cycles, each once."""
    if sorted(ours) != sorted(theirs):
        raise RuntimeError(f"{who}: {len(theirs)} cycles where ours are {len(ours)}, or others")


def event_cases(markets: dict[str, Searched], graphs: dict[str, Graph], kernels: Kernels) -> Iterator[Case]:
    """After one pool's change: the search alone, and with the graph brought up to date."""
    for name, market in markets.items():
        median_us, p99_us, hub_us = (30.0, 300.0, 200.0) if name == LARGE else (None, None, None)
        random, hub = f"a random pool, {name}", f"a pool between two hubs, {name}"
        some = Sampled(OneEvent(graphs[name], market.wanted, market.events(EVENTS), kernels).measure)
        wide = Sampled(OneEvent(graphs[name], market.wanted, market.events(HUB_EVENTS, hubs=True), kernels).measure)
        yield Case(f"{random}: the search, median", MICROSECONDS, some.first("search"), median_us)
        yield Case(f"{random}: the search, 99 in 100", MICROSECONDS, some.then("search", p99), p99_us)
        yield Case(f"{random}: the graph's update and the search, median", MICROSECONDS, some.then("both"), median_us)
        yield Case(f"{random}: the graph's update and the search, 99 in 100", MICROSECONDS, some.then("both", p99), p99_us)
        yield Case(f"{hub}: the search, median", MICROSECONDS, wide.first("search"), hub_us)
        yield Case(f"{hub}: the search, 99 in 100", MICROSECONDS, wide.then("search", p99))


def twin_cases(market: Searched, kernels: Kernels) -> Iterator[Case]:
    """The plain kernels after the same events, which must find the same cycles; and a search that looks at every cycle through the pool."""
    events = market.events(PLAIN_EVENTS, seed=4)
    fast, slow = (OneEvent(market.graph(), market.wanted, events, one) for one in (kernels, PLAIN))
    looked = Looked(sides_of(market.made.pools), market.wanted.least)
    pools = [market.made_pool(snapshot) for snapshot in events[0]]
    ratios: dict[str, list[float]] = {}

    def measure() -> dict[str, list[float]]:
        ours, theirs = fast.measure()["search"], slow.measure()["search"]
        if fast.found != slow.found:
            raise RuntimeError("the plain kernels found other cycles after an event")
        dicts = [microseconds(partial(looked.through, pool)) for pool in pools]
        for name, figure in FIGURES.items():
            ratios[f"twin, {name}"] = [figure(theirs) / figure(ours)]
            ratios[f"dicts, {name}"] = [figure(dicts) / figure(ours)]
        return {"ours": ours, "theirs": theirs, "dicts": dicts, **ratios}

    both = Sampled(measure)
    yield Case(f"the search, {MIDDLE}, median", MICROSECONDS, both.first("ours"))
    parts = {"the search": "ours", "the plain kernels": "theirs", "every cycle through the pool looked at, over dicts": "dicts"}
    for who, part in parts.items():
        for name, figure in FIGURES.items():
            if (part, name) != ("ours", "median"):
                yield Case(f"{who}, {MIDDLE}, {name}", MICROSECONDS, both.then(part, figure))
    for name in FIGURES:
        yield Case(f"the search beside the plain kernels, {name}", TIMES, both.then(f"twin, {name}"), 50)
    for name in FIGURES:
        yield Case(f"the search beside every cycle looked at, {name}", TIMES, both.then(f"dicts, {name}"), 50)


def main() -> None:
    """Measure and print."""
    kernels = compiled_kernels()
    if kernels is None:
        say("not measured: numba is not installed, install tidemill-search-cycles[numba]")
        return
    markets = dict(zip((SMALL, MIDDLE, LARGE), (searched(*size) for size in SIZES), strict=True))
    with running(kernels):
        graphs = {name: market.graph() for name, market in markets.items()}
    whole = Whole(markets, graphs, kernels)
    report("Cycles of two to four hops in the whole graph", list(whole.cases()), ROUNDS, whole.remarks)
    events = [*event_cases(markets, graphs, kernels)]
    moves = f"{EVENTS:,} events a round, of pools between two hubs {HUB_EVENTS}: each moves one pool by up to 0.2 %."
    report("Cycles of two to four hops after one event", events, ROUNDS, (moves,))
    same_found = (
        f"{PLAIN_EVENTS} events a round; the plain kernels find the same cycles after each of them. The search over dicts has the best "
        "rate of each pair at hand, sizes what gains, and keeps nothing between events."
    )
    report("The plain kernels after one event", [*twin_cases(markets[MIDDLE], kernels)], ROUNDS, (same_found,))


if __name__ == "__main__":
    main()
