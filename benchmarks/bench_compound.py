"""Cycles of up to twelve hops, in the whole graph and after one event: `uv run python -m benchmarks.bench_compound`."""

from collections.abc import Collection, Iterator
from functools import partial
from itertools import cycle
from time import process_time_ns
from typing import Any

from benchmarks.measure import MILLISECONDS, Case, report, say
from benchmarks.samples import Sampled, p99
from benchmarks.search_market import AMPLE, SIZES, Searched, compiled_kernels, milliseconds, searched
from benchmarks.search_peers import Negative
from tidemill.domain.ids import PoolId
from tidemill.domain.snapshot import Snapshot
from tidemill_search_cycles.compound import MOST_HOPS, CompoundCycles, Loops, Wanted
from tidemill_search_cycles.deep import DeepCycles, Probed

ROUNDS = 5
EVENTS = 150
EACH = 20
"""Cycles kept for each place where one may begin."""
TARGETS = {"1k/4k": 40.0, "5k/20k": 300.0, "20k/60k": 900.0}
LARGE = "20k/60k"
DOLLARS = (1_000, 100)
"""What pairs are asked to pay for: the less it is, the more of them seem mispriced."""


class Compound:
    """The search over one market: what pairs pay for an amount, then the best cycles through each that is mispriced at it."""

    def __init__(self, market: Searched) -> None:
        self._graph = market.graph()
        self._hub = market.hubs[0]
        self._unit = market.made.units[self._hub]
        self._search = CompoundCycles()
        self._deep = DeepCycles(self._graph)
        names = self._graph.rows.assets
        self._scan = sorted(range(len(names)), key=names.__getitem__)
        self.found = Loops((), False)
        self.passed = 0

    def rates(self, dollars: int) -> Any:
        """Return what every pair pays for so much."""
        self._deep.appraise(self._hub)
        return self._deep.pays(self._hub, int(self._unit * dollars))[0]

    def whole(self, dollars: int, width: int) -> None:
        """Look at everything, from any token."""
        self._search.left = AMPLE
        wanted = Wanted(EACH, width=width)
        self.found = self._search.everywhere(self._graph.arrays, len(self._scan), wanted, self.rates(dollars), self._scan)

    def from_hub(self) -> int:
        """Look for the cycles of five and more hops that pass the widest hub, as the searcher does for a start asset."""
        return self._passing(None)

    def events(self, events: Iterator[tuple[Snapshot, ...]]) -> dict[str, list[float]]:
        """Look for the cycles through each pool that changed, from the widest hub: milliseconds of processor time."""
        several, spent = 0, []
        for snapshot in next(events):
            changed = self._graph.take(snapshot)
            started = process_time_ns()
            several += bool(self._passing(changed))
            spent.append((process_time_ns() - started) / 1e6)
        self.passed = several
        return {"search": spent}

    def _passing(self, changed: Collection[PoolId] | None) -> int:
        self._deep.left = AMPLE
        amount = int(self._unit * DOLLARS[0])
        return len(self._deep.rounds(Probed(5, MOST_HOPS, self._hub, 64), changed).next(amount, ()))

    def negative(self) -> Negative:
        """Return the same graph, at the same rates, for those who look for one cycle."""
        arrays, rate = self._graph.arrays, self.rates(DOLLARS[0])
        return Negative({(arrays.arc_from[arc], arrays.arc_to[arc]): held for arc, held in enumerate(rate) if held > 0})

    def said(self, name: str, one: Negative) -> str:
        """Say what was found, and what others do."""
        self.whole(DOLLARS[0], 64)
        cycles = self.found.cycles
        best = (cycles[0].product - 1) * 1e4
        theirs = [one.basis_points(cycle) for cycle in (one.by_networkx(), one.by_rustworkx())]
        long = sum(len(loop.arcs) >= 10 for loop in cycles)
        return (
            f"{name}: {self.found.anchors} pairs mispriced at ${DOLLARS[0]:,}, {len(cycles)} cycles, {long} of them of ten and more hops; "
            f"the best gains {best:,.0f} bp. On the same graph networkx's one cycle gains {theirs[0]:,.0f} bp, "
            f"rustworkx's {theirs[1]:,.0f} bp."
        )


def whole_cases(name: str, search: Compound, one: Negative) -> Iterator[Case]:
    """The whole graph, and one cycle by others."""
    networkx, rustworkx = f"networkx `find_negative_cycle`: one cycle, {name}", f"rustworkx `find_negative_cycle`: one cycle, {name}"
    for dollars in DOLLARS:
        label = f"2 to 12 hops from any token, width 64, at ${dollars:,}, {name}"
        yield Case(label, MILLISECONDS, milliseconds(partial(search.whole, dollars, 64)), TARGETS[name], (networkx, rustworkx))
    if name == LARGE:
        label = f"the same, width 256, at ${DOLLARS[0]:,}, {name} (an aim)"
        yield Case(label, MILLISECONDS, milliseconds(partial(search.whole, DOLLARS[0], 256)), 250)
    yield Case(f"5 to 12 hops from the widest hub, width 64, {name}", MILLISECONDS, milliseconds(search.from_hub), TARGETS[name])
    yield Case(networkx, MILLISECONDS, milliseconds(one.by_networkx))
    yield Case(rustworkx, MILLISECONDS, milliseconds(one.by_rustworkx))


def event_cases(name: str, search: Compound, market: Searched) -> Iterator[Case]:
    """After one pool's change."""
    some = Sampled(partial(search.events, cycle(market.events(EVENTS))))
    yield Case(f"5 to 12 hops after one event, width 64, {name}, median", MILLISECONDS, some.first("search"))
    yield Case(f"the same, {name}, 99 in 100", MILLISECONDS, some.then("search", p99), 30)


def _passed(searches: dict[str, Compound]) -> str:
    found = ", ".join(f"{search.passed} at {name}" for name, search in searches.items())
    return (
        f"{EVENTS} events a round, each moves a random pool by up to 0.2 %; there were cycles after {found}. What pairs pay for "
        f"${DOLLARS[0]:,} is asked anew each time."
    )


def main() -> None:
    """Measure and print."""
    if compiled_kernels() is None:
        say("not measured: numba is not installed, install tidemill-search-cycles[numba]")
        return
    markets = {name: searched(*size) for name, size in zip(TARGETS, SIZES, strict=True)}
    searches = {name: Compound(market) for name, market in markets.items()}
    ones = {name: search.negative() for name, search in searches.items()}
    whole = [case for name, search in searches.items() for case in whole_cases(name, search, ones[name])]
    task = (
        f"Ours keeps the best {EACH} cycles of each mispriced pair; `find_negative_cycle` stops at the first that it comes upon, and is "
        "sooner done with that: another task. All are given what pairs pay for an amount; ours finds that out within its time."
    )
    report(
        "Cycles of up to twelve hops in the whole graph",
        whole,
        ROUNDS,
        lambda: [task, *(search.said(name, ones[name]) for name, search in searches.items())],
    )
    after = [case for name, search in searches.items() for case in event_cases(name, search, markets[name])]
    report("Cycles of up to twelve hops after one event", after, ROUNDS, lambda: [_passed(searches)])


if __name__ == "__main__":
    main()
