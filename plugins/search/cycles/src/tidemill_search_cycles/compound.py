"""Cycles of up to twelve hops: the best ones through each mispriced arc of the graph, or through an arc that changed.

What runs is ``kernels.values`` (what is mispriced), ``kernels.bounds`` (where a cycle through it can lie) and ``kernels.compound`` (the
cycles). This module sizes their scratch and puts together what the anchors gave.
"""

from array import array
from collections.abc import Callable, Collection, Iterable, Sequence
from typing import Any, Final

from attrs import frozen

from tidemill_search_cycles.compiled import Kernel, Kernels, kernels
from tidemill_search_cycles.graph.arrays import Arrays
from tidemill_search_cycles.kernels import bounds, compound, values
from tidemill_search_cycles.room import Room

MOST_HOPS: Final = 12
KERNELS: Final[tuple[Kernel, ...]] = (
    bounds.reach_out,
    bounds.turn,
    bounds.reach_back,
    bounds.narrow,
    bounds.tabulate,
    bounds.release,
    compound.grow,
    values.middle_rates,
    values.spread,
    values.smooth,
    values.settle,
    values.relative_rates,
)
"""What is called from here."""

# Lengths, for n tokens, m arc slots, W the width, k the count: see ``_fit``.
_TOKENS = {
    "out": "d", "back": "d", "held": "d", "value": "d", "base": "d", "doubt": "d",
    "front": "i", "after": "i", "marked": "i", "seen": "i", "local": "i", "order": "i", "scan": "i",
}  # fmt: skip
_ARCS = {
    "near_rate": "d",
    "relative": "d",
    "opposite": "d",
    "mid": "d",
    "trust": "d",
    "near_to": "i",
    "near_arc": "i",
    "hot": "i",
}
_PATHS = {"state_gain": "d", "state_passed": "i"}
_SLOTS = {"slot_bound": "d", "slot_gain": "d", "slot_order": "q", "slot_state": "i", "slot_place": "i", "heap": "i"}
_BEST = {"best_rate": "d", "best_order": "q", "best_heap": "i", "best_hops": "i"}
_PATH_HOPS = {"state_nodes": "i", "state_arcs": "i"}
_SINGLE = {"near_start": "q", "table": "d", "passing": "d", "best_arcs": "i", "dropped": "d", "work": "q"}
SCRATCH: Final = tuple(name for part in (_TOKENS, _ARCS, _PATHS, _SLOTS, _BEST, _PATH_HOPS, _SINGLE) for name in part)
"""The names of the arrays that the kernels write to."""


@frozen
class Wanted:
    """What to look for.

    Args:
        count: cycles kept for each anchor; 0: none.
        min_hops, max_hops: hops of a cycle, both included; at most ``MOST_HOPS``, fewer than 2 are none.
        width: paths that go on from each hop to the next; >= 1.
        start: a token that every cycle must pass; -1: any.
        floor: what a cycle's product of rates must be above; below 1 counts as 1.
        total: cycles asked for in all; anchors then look only for what may be among them. None: ``count`` for every anchor.
    """

    count: int
    min_hops: int = 2
    max_hops: int = MOST_HOPS
    width: int = 64
    start: int = -1
    floor: float = 1.0
    total: int | None = None

    @property
    def hops(self) -> tuple[int, int]:
        """The fewest and the most hops that a cycle can have."""
        return max(self.min_hops, 2), min(self.max_hops, MOST_HOPS)

    @property
    def nothing(self) -> bool:
        """True where no cycle can be meant."""
        low, high = self.hops
        return self.count < 1 or self.width < 1 or high < low or (self.total is not None and self.total < 1)


@frozen
class Loop:
    """A cycle: its arcs in order, each token once, and the product of their rates taken in that order."""

    arcs: tuple[int, ...]
    product: float


@frozen
class Loops:
    """What a search found.

    Args:
        cycles: each once, the largest product first, of equal ones the earlier found.
        exact: true only if proven: for each anchor nothing better than its worst kept cycle was left out.
        anchors: how many arcs were to be looked at.
        unproven: those of them of which the same cannot be said.
    """

    cycles: tuple[Loop, ...]
    exact: bool
    anchors: int = 0
    unproven: tuple[int, ...] = ()


@frozen
class _Task:
    """One search: the graph, the rates that are multiplied, those that it goes by, of the arcs and of their opposites.

    No prefix of a cycle may fall to ``least``.
    """

    arrays: Arrays
    running: Kernels
    rate: "array[float]"
    search: "array[float]"
    home: "array[float]"
    least: float
    wanted: Wanted


class CompoundCycles:
    """Finds cycles of up to twelve hops over the graph's arrays. Effort is counted in ``left``; below zero something had to be left out.

    An arc is an ordered pair of tokens, so cycles are simple in tokens; pools of more than two tokens may still stand on two arcs of one.
    Its scratch at 20,000 tokens, 120,000 arc slots and a width of 256 is 16 MB; one search at a time.
    """

    def __init__(self, running: Callable[[], Kernels] = kernels) -> None:
        self._running = running
        parts = (_TOKENS, _ARCS, _PATHS, _SLOTS, _BEST, _PATH_HOPS, _SINGLE)
        self._room = Room({name: (kind, 1) for part in parts for name, kind in part.items()})
        self.left = 0

    def everywhere(
        self,
        arrays: Arrays,
        tokens: int,
        wanted: Wanted,
        rate: "array[float] | None" = None,
        scan: Iterable[int] | None = None,
        value: "array[float] | None" = None,
        among: Collection[int] | None = None,
    ) -> Loops:
        """Return the best cycles through each mispriced arc, the worst mispriced first.

        Every cycle above ``wanted.floor`` goes through one of these arcs, whatever the values: where all is exact, the best
        ``count`` of all cycles lead the answer.

        Args:
            arrays: the graph.
            tokens: how many of its rows there are.
            wanted: what to look for.
            rate: of each arc slot, such as one at a notional; None: ``arc_rate``.
            scan: all tokens in an order that does not depend on their numbers; None: by number.
            value: what a unit of each token is worth; None: estimated from the arcs.
            among: the arcs that are looked through, of those that are mispriced; None: all.
        """
        if wanted.nothing or tokens < 2:
            return Loops((), True)
        if self.left <= 0:
            return Loops((), False)
        self._fit(arrays, tokens, wanted)
        room, running = self._room, self._running()
        room["work"][0] = self.left
        room["scan"][:tokens] = array("i", range(tokens) if scan is None else scan)
        task = _Task(arrays, running, arrays.arc_rate if rate is None else rate, room["relative"], room["opposite"], 1.0, wanted)
        if value is None:
            self._estimate(task, tokens)
        else:
            room["value"][:tokens] = value[:tokens]
        found = self._call(task, values.relative_rates, tokens, rates=(task.rate,))
        self._call(task, bounds.turn, tokens, rates=(task.search, task.home))
        # Equal ones stay in the order of the scan.
        hot = sorted(room["hot"][:found], key=lambda arc: -room["relative"][arc])
        if among is not None:
            hot = [arc for arc in hot if arc in among]
        return self._search(task, hot)

    def through(self, arrays: Arrays, tokens: int, anchors: Sequence[int], wanted: Wanted, rate: "array[float] | None" = None) -> Loops:
        """Return the best cycles through each of these arcs, in their order; no values of tokens are needed."""
        if wanted.nothing or tokens < 2 or not anchors:
            return Loops((), True)
        if self.left <= 0:
            return Loops((), False, len(anchors), tuple(anchors))
        self._fit(arrays, tokens, wanted)
        running = self._running()
        self._room["work"][0] = self.left
        own = arrays.arc_rate if rate is None else rate
        home = arrays.arc_home if rate is None else self._room["opposite"]
        task = _Task(arrays, running, own, own, home, 0.0, wanted)
        if rate is not None:
            self._call(task, bounds.turn, tokens, rates=(own, home))
        return self._search(task, anchors)

    def scratch(self, name: str) -> "array[Any]":
        """Return one of ``SCRATCH`` as the last search left it."""
        return self._room[name]

    def values(self, arrays: Arrays, tokens: int, rate: "array[float] | None" = None, scan: Iterable[int] | None = None) -> "array[float]":
        """Return what a unit of each token is worth against the others as the arcs tell it, the same for every history of a graph."""
        self._fit(arrays, tokens, Wanted(1))
        running = self._running()
        self._room["scan"][:tokens] = array("i", range(tokens) if scan is None else scan)
        own = arrays.arc_rate if rate is None else rate
        self._estimate(_Task(arrays, running, own, own, own, 0.0, Wanted(1)), tokens)
        return self._room["value"][:tokens]

    def _fit(self, arrays: Arrays, tokens: int, wanted: Wanted) -> None:
        """Make every array long enough; lengths decide nothing."""
        ensure, slots, width, count = self._room.ensure, len(arrays.arc_to), wanted.width, wanted.count
        ensure(tokens, *_TOKENS)
        ensure(slots, *_ARCS)
        ensure(tokens + 2, "near_start")
        ensure((tokens + 1) * MOST_HOPS, "table")
        if wanted.start >= 0:
            ensure((tokens + 1) * MOST_HOPS, "passing")
        ensure(2 * width, *_PATHS)
        ensure(2 * width * MOST_HOPS, *_PATH_HOPS)
        ensure(width, *_SLOTS)
        ensure(count, *_BEST)
        ensure(count * MOST_HOPS, "best_arcs")

    def _call(self, task: _Task, kernel: Kernel, *numbers: float, rates: "Sequence[array[float]]" = ()) -> int:
        """Run a kernel: its numbers and then its rates are given, its other arrays found by their names."""
        running = task.running
        return int(running.of(kernel)(*numbers, *running.views(rates), *self._room.arguments(kernel, task.arrays, running)))

    def _estimate(self, task: _Task, tokens: int) -> None:
        arcs = self._call(task, values.middle_rates, tokens, rates=(task.rate,))
        self._call(task, values.spread, tokens)
        sweeps = self._call(task, values.smooth, tokens) + self._call(task, values.settle, tokens, rates=(task.rate,))
        self._room["work"][0] -= arcs * (sweeps + 3)

    def _search(self, task: _Task, anchors: Sequence[int]) -> Loops:
        found: dict[tuple[int, ...], Loop] = {}
        passing: dict[int, list[float]] = {anchor: [] for anchor in anchors}
        unproven: list[int] = []
        floor, total, work = max(task.wanted.floor, 1.0), task.wanted.total, self._room["work"]
        for place, anchor in enumerate(anchors):
            if work[0] < 0:
                unproven.extend(anchors[place:])
                break
            # Cycles that other anchors gave count as this one's: only better ones are still looked for.
            kept, proven = self._anchored(task, anchor, _at_rank(passing[anchor], task.wanted.count, floor))
            if not proven:
                unproven.append(anchor)
            for loop in kept:
                if found.setdefault(_turned(loop.arcs), loop) is loop:
                    for arc in loop.arcs:
                        if arc in passing:
                            passing[arc].append(loop.product)
            if total is not None and kept:
                floor = _at_rank([loop.product for loop in found.values()], total, floor)
        self.left = work[0]
        cycles = sorted(found.values(), key=lambda loop: -loop.product)[:total]
        return Loops(tuple(cycles), not unproven, len(anchors), tuple(unproven))

    def _anchored(self, task: _Task, anchor: int, floor: float) -> tuple[list[Loop], bool]:
        """Search from one anchor. Returns its cycles, best first, and whether nothing better was left out."""
        gain = task.search[anchor]
        if not (bounds.LOW < task.rate[anchor] < bounds.HIGH and gain > task.least):
            return [], True
        room, arrays = self._room, task.arrays
        sell, buy, hops = arrays.arc_from[anchor], arrays.arc_to[anchor], task.wanted.hops[1]
        reached = self._call(task, bounds.reach_out, sell, buy, gain, hops, task.least, rates=(task.search,))
        kept: list[Loop] = []
        proven = room["work"][0] >= 0
        if proven and room["out"][sell] * bounds.MARGIN > floor:
            if self._call(task, bounds.reach_back, sell, buy, hops, floor, rates=(task.home,)):
                nodes = self._call(task, bounds.narrow, sell, buy, floor, reached, rates=(task.search, task.rate))
                if nodes:
                    kept, proven = self._beam(task, nodes, anchor, gain, floor)
            proven = proven and room["work"][0] >= 0
        self._call(task, bounds.release, sell, reached)
        return kept, proven

    def _beam(self, task: _Task, nodes: int, anchor: int, gain: float, floor: float) -> tuple[list[Loop], bool]:
        room, wanted, arrays = self._room, task.wanted, task.arrays
        low, high = wanted.hops
        start = -1
        if wanted.start not in (-1, arrays.arc_from[anchor], arrays.arc_to[anchor]):
            start = room["local"][wanted.start] - 1
            if start < 0:
                return [], True
        if not self._call(task, bounds.tabulate, nodes, high, high - low, start):
            return [], False
        count = self._call(
            task, compound.grow, nodes, start, anchor, gain, low, high, wanted.width, wanted.count, floor, task.least, rates=(task.rate,)
        )
        rates, order, hops, arcs = room["best_rate"], room["best_order"], room["best_hops"], room["best_arcs"]
        slots = sorted(range(count), key=lambda slot: (-rates[slot], order[slot]))
        kept = [Loop(tuple(arcs[slot * high : slot * high + hops[slot]]), rates[slot]) for slot in slots]
        worst = kept[-1].product if count == wanted.count else floor
        return kept, room["dropped"][0] * bounds.MARGIN <= worst


def _turned(arcs: tuple[int, ...]) -> tuple[int, ...]:
    """Turn a cycle so that its lowest arc number comes first: the same cycle, found from two anchors, is one."""
    place = arcs.index(min(arcs))
    return arcs[place:] + arcs[:place]


def _at_rank(products: list[float], rank: int, floor: float) -> float:
    """Return the product at a rank, the largest first, or the floor where there are fewer or it is below."""
    return max(floor, sorted(products, reverse=True)[rank - 1]) if len(products) >= rank else floor
