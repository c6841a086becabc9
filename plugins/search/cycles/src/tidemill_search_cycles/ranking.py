"""The order of cycles, the best first: only those that can be among the best are confirmed in integers."""

import heapq
from array import array
from collections.abc import Iterator
from itertools import count, islice
from typing import NamedTuple

from tidemill.domain.ids import AssetId, PoolId
from tidemill.units import UINT256_MAX
from tidemill_search_cycles.amounts import Promise, Sizing, confirmed, keep, look_at
from tidemill_search_cycles.compiled import kernels
from tidemill_search_cycles.graph import Graph
from tidemill_search_cycles.graph.arrays import zeros
from tidemill_search_cycles.graph.curves import Side
from tidemill_search_cycles.kernels.walking import HUGE
from tidemill_search_cycles.sizing import UNKNOWN, Batch, Sizer, scaled_units
from tidemill_search_cycles.terms import Terms
from tidemill_search_cycles.walks import Walks

_NOT_KNOWN = 2.0**500
"""A bound at or above this tells nothing."""
_PLENTY = 1 << 62
_ROUNDING = 1.0 - 2.0**-40


class Sized(NamedTuple):
    """A confirmed cycle: its start asset, its hops and its amounts."""

    start: AssetId
    cycle: tuple[Side, ...]
    sizing: Sizing


_Hint = tuple[int, int, int, int]
"""A cycle whose optimum is near an amount: which walks, its place in them, what state the kernel says, the amount. A plain tuple of
numbers: there may be many, and the garbage collector passes these by."""


class _Promised(NamedTuple):
    """A cycle that must be searched for its optimum."""

    start: AssetId
    cycle: tuple[Side, ...]
    promise: Promise


_Entry = tuple[int, int, tuple[PoolId, ...], AssetId, int, Sized | _Hint | _Promised]
"""(minus the most it leaves after all costs, 1 where that is confirmed, pools, start, running number, the cycle)."""


class Ranking:
    """Cycles on their way to the answer: each stands where the most that it can leave would place it, until it is confirmed."""

    def __init__(self, graph: Graph, terms: Terms, beside: "Ranking | None" = None) -> None:
        self._graph, self._terms = graph, terms
        self._heap: list[_Entry] = []
        self._walks: list[Walks] = beside._walks if beside is not None else []
        self._numbers: Iterator[int] = beside._numbers if beside is not None else count()

    def beside(self) -> "Ranking":
        """Return an empty one for the same query, whose cycles this one can absorb."""
        return Ranking(self._graph, self._terms, self)

    def add(self, walks: Walks, sizer: Sizer) -> None:
        """Size cycles, in doubles, and take in those that may leave enough."""
        if not walks:
            return
        sizer.running = kernels()
        sizes = sizer.size(self._graph.arrays, self._batch(walks), self._terms.loan_fee_ppm, array("q", [_PLENTY]))
        assets, shift = self._graph.rows.assets, self._graph.arrays.shift
        number = len(self._walks)
        self._walks.append(walks)
        limits: dict[tuple[int, int], tuple[AssetId, float, float, int, int]] = {}
        for place, (bound, state) in enumerate(zip(sizes.bound[: sizes.count], sizes.state, strict=False)):
            token, hops = walks.sold[walks.first[place]], walks.hops[place]
            if (token, hops) not in limits:
                start = assets[token]
                least = self._terms.least(start, hops)
                enough = scaled_units(least, shift[token]) * _ROUNDING
                limits[token, hops] = start, enough, 2.0 ** shift[token], least, self._terms.cost(start, hops)
            start, enough, scale, least, cost = limits[token, hops]
            if bound < enough:
                continue
            if bound >= _NOT_KNOWN:
                self._push(start, UINT256_MAX, (number, place, state, 0 if state == UNKNOWN else int(sizes.amount[place] * scale)))
                continue
            most = int(bound * scale) + 1
            if most >= least:
                self._push(start, most - cost, (number, place, state, int(sizes.amount[place] * scale)))

    def absorb(self, other: "Ranking") -> None:
        """Take in another's cycles."""
        self._heap.extend(other._heap)
        heapq.heapify(self._heap)

    def first(self, most: int) -> list[Sized]:
        """Return the best so many, which stay."""
        taken = list(islice(self._entries(), most))
        for entry in taken:
            heapq.heappush(self._heap, entry)
        return [_sized(entry) for entry in taken]

    def __iter__(self) -> Iterator[Sized]:
        """Take out the cycles, the best first, ties by pools and start."""
        return (_sized(entry) for entry in self._entries())

    def _entries(self) -> Iterator[_Entry]:
        while self._heap:
            entry = heapq.heappop(self._heap)
            one = entry[5]
            if isinstance(one, Sized):
                yield entry
            elif isinstance(one, _Promised):
                self._search(one)
            else:
                self._confirm(*one)

    def _confirm(self, number: int, place: int, state: int, amount: int) -> None:
        terms = self._terms
        cycle = tuple(self._graph.side(pool, sell, buy, terms.at) for pool, sell, buy in self._walks[number].named(place))
        start = cycle[0].sell
        limits = terms.capital(start), terms.loan_fee_ppm, terms.least(start, len(cycle)), terms.at
        answer: Sizing | Promise | None
        answer = look_at(cycle, *limits) if state == UNKNOWN else confirmed(cycle, state, amount, *limits)
        if isinstance(answer, Promise):
            self._push(start, answer.bound - terms.cost(start, len(cycle)), _Promised(start, cycle, answer))
        elif answer is not None:
            self._take_in(start, cycle, answer)

    def _search(self, one: _Promised) -> None:
        terms, start, cycle = self._terms, one.start, one.cycle
        found = keep(cycle, one.promise, terms.capital(start), terms.loan_fee_ppm, terms.least(start, len(cycle)), terms.at)
        if found is not None:
            self._take_in(start, cycle, found)

    def _take_in(self, start: AssetId, cycle: tuple[Side, ...], sizing: Sizing) -> None:
        left, pools = sizing.net - self._terms.cost(start, len(cycle)), tuple(side.pool_id for side in cycle)
        heapq.heappush(self._heap, (-self._terms.worth(start, left), 1, pools, start, next(self._numbers), Sized(start, cycle, sizing)))

    def _push(self, start: AssetId, most: int, one: _Hint | _Promised) -> None:
        heapq.heappush(self._heap, (-self._terms.worth(start, most), 0, (), start, next(self._numbers), one))

    def _batch(self, walks: Walks) -> Batch:
        """Return the cycles for the kernel, with the capital of the asset that each begins with; its swaps' costs are taken off later."""
        begins = [walks.sold[first] for first in walks.first]
        groups = {token: group for group, token in enumerate(dict.fromkeys(begins))}
        assets, shift = self._graph.rows.assets, self._graph.arrays.shift
        capital = array("d")
        for token in groups:
            units = self._terms.capital(assets[token])
            capital.append(HUGE if units is None else scaled_units(units, shift[token]))
        group = array("i", [groups[token] for token in begins])
        return Batch(len(walks), walks.first, walks.hops, walks.edges, group, capital, zeros("d", len(groups)))


def _sized(entry: _Entry) -> Sized:
    one = entry[5]
    assert isinstance(one, Sized)  # noqa: S101 entries of this kind alone are given out
    return one
