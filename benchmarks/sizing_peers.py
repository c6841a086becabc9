"""Other ways to size a cycle: golden section over the same curves, compiled and plain, and scipy's bounded search over whole units."""

from collections.abc import Callable, Sequence
from importlib import import_module
from math import isqrt, sqrt
from types import FunctionType
from typing import Any

from scipy.optimize import minimize_scalar

from benchmarks.drawn_edges import Drawn
from tidemill_search_cycles.sizing import Batch

NEAR = 1e-9
"""A search ends where the bracket is so small a part of where it began: what is gained is then right to about the square of that."""
WIDEST = 1e8
_STEP = (sqrt(5.0) - 1.0) / 2.0
_STEP_UNITS = (isqrt(5 << 128) - (1 << 64)) // 2


def _out(
    x: float, first: int, hops: int, edges: Any, rate: Any, bend: Any, seg: Any, segs: Any, widths: Any, a: Any, b: Any, c: Any
) -> float:
    for place in range(first, first + hops):
        edge = edges[place]
        if segs[edge] == 0:
            x = rate[edge] * x / (1.0 + bend[edge] * x)
            continue
        paid = 0.0
        for part in range(seg[edge], seg[edge] + segs[edge]):
            taken = min(x, widths[part])
            paid += a[part] * taken / (b[part] + c[part] * taken)
            x -= taken
            if x <= 0.0:
                break
        x = paid
    return x


def _golden(count: int, first: Any, hops: Any, edges: Any, curves: Any, widest: float, near: float, step: float, best: Any) -> None:
    rate, bend, seg, segs, widths, a, b, c = curves
    for cycle in range(count):
        low, high, begin, number = 0.0, widest, first[cycle], hops[cycle]
        one, two = high - step * (high - low), low + step * (high - low)
        at_one = _out(one, begin, number, edges, rate, bend, seg, segs, widths, a, b, c) - one
        at_two = _out(two, begin, number, edges, rate, bend, seg, segs, widths, a, b, c) - two
        while high - low > near * high:
            if at_one >= at_two:
                high, two, at_two = two, one, at_one
                one = high - step * (high - low)
                at_one = _out(one, begin, number, edges, rate, bend, seg, segs, widths, a, b, c) - one
            else:
                low, one, at_one = one, two, at_two
                two = low + step * (high - low)
                at_two = _out(two, begin, number, edges, rate, bend, seg, segs, widths, a, b, c) - two
        best[cycle] = max(at_one, at_two)


class Golden:
    """Golden section over the same curves and cycles, compiled by numba: what is left of the best amount, by cycle."""

    def __init__(self, drawn: Drawn, batch: Batch) -> None:
        numba: Any = import_module("numba")
        numpy: Any = import_module("numpy")
        # Its own namespace: the compiled function must call the compiled one
        out = numba.njit(error_model="python")(_out)
        loop = FunctionType(_golden.__code__, {**globals(), "_out": out}, "golden")
        self._run = numba.njit(error_model="python")(loop)
        widths = numpy.asarray(drawn.seg_to) - numpy.asarray(drawn.seg_from)
        names = (drawn.edge_rate, drawn.edge_bend, drawn.edge_seg, drawn.edge_segs, widths, drawn.seg_a, drawn.seg_b, drawn.seg_c)
        self._asked = batch.count, *(numpy.asarray(one) for one in (batch.first, batch.hops, batch.edges))
        self._curves = tuple(numpy.asarray(one) for one in names)
        self.best: Any = numpy.zeros(batch.count)

    def __call__(self) -> None:
        self._run(*self._asked, self._curves, WIDEST, NEAR, _STEP, self.best)


def by_scipy(left: Callable[[int], int], most: int) -> tuple[int, int]:
    """Return an amount and what it leaves, by scipy's bounded search over whole units: as degenbot 0.5 sizes a cycle."""
    found = minimize_scalar(lambda amount: -float(left(int(amount))), bounds=(1.0, float(most)), method="bounded", options={"xatol": 1.0})
    amount = int(found.x)
    return amount, left(amount)


def by_golden(left: Callable[[int], int], most: int) -> tuple[int, int]:
    """Return an amount and what it leaves, by golden section over whole units, until the bracket is a few of them."""
    low, high = 0, most
    one = two = at_one = at_two = 0
    while high - low > 4:
        if not low < one < two < high:
            # The points that are kept lose a unit at each rounding: in time they leave the bracket
            part = (high - low) * _STEP_UNITS >> 64
            one, two = high - part, low + part
            at_one, at_two = left(one), left(two)
        if at_one >= at_two:
            high, two, at_two = two, one, at_one
            one = high - ((high - low) * _STEP_UNITS >> 64)
            at_one = left(one)
        else:
            low, one, at_one = one, two, at_two
            two = low + ((high - low) * _STEP_UNITS >> 64)
            at_two = left(two)
    return best_of(left, range(max(1, low), max(1, high) + 1))


def best_of(left: Callable[[int], int], amounts: Sequence[int]) -> tuple[int, int]:
    """Try every one of these amounts: the best, the smallest of equals, and what it leaves."""
    amount = max(amounts, key=lambda tried: (left(tried), -tried))
    return amount, left(amount)
