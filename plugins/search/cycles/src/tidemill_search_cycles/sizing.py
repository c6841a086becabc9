"""Sizing many cycles at once: the graph's arrays and the cycles go in, optima and bounds come out, in doubles.

What comes out decides which cycles are confirmed in integers (``amounts.confirmed``), never what is traded.
"""

from array import array
from collections.abc import Iterable, Sequence
from typing import Any, Protocol

from attrs import define, field, frozen

from tidemill.units import PPM_SCALE
from tidemill_search_cycles.compiled import Kernels
from tidemill_search_cycles.graph.arrays import zeros
from tidemill_search_cycles.kernels.sizing import size_cycles
from tidemill_search_cycles.kernels.walking import CAPPED, HUGE, LIMITED, LOSES, ROW, SIZED, STOPS, UNKNOWN

__all__ = ["CAPPED", "LIMITED", "LOSES", "SIZED", "UNKNOWN", "Batch", "Drawing", "Sizer", "Sizes", "base_units", "scaled_units"]


class Drawing(Protocol):
    """The graph's curves, as ``graph.arrays`` holds them."""

    @property
    def edge_rate(self) -> "array[float]":
        """Scaled output per scaled input of the first unit."""

    @property
    def edge_bend(self) -> "array[float]":
        """How fast a Möbius edge's rate falls."""

    @property
    def edge_kind(self) -> "array[int]":
        """0 no curve, 1 one Möbius curve, 2 segments."""

    @property
    def edge_slack(self) -> "array[float]":
        """How far quotes may be above the curve, scaled units of what is bought."""

    @property
    def edge_seg(self) -> "array[int]":
        """The first segment."""

    @property
    def edge_segs(self) -> "array[int]":
        """How many segments there are."""

    @property
    def seg_from(self) -> "array[float]":
        """Scaled input at which a segment begins."""

    @property
    def seg_to(self) -> "array[float]":
        """Scaled input at which it ends."""

    @property
    def seg_a(self) -> "array[float]":
        """With x from its beginning it pays a x / (b + c x)."""

    @property
    def seg_b(self) -> "array[float]":
        """Above zero."""

    @property
    def seg_c(self) -> "array[float]":
        """Zero where it is linear."""


@frozen
class Batch:
    """Cycles to be sized.

    Args:
        count: how many.
        first, hops: ('q', 'i') of each cycle: where its edges begin, and how many they are.
        edges: ('q') edge numbers in order.
        group: ('i') of each cycle: its place in ``capital`` and ``hop_cost``.
        capital: ('d') the most that may go in, scaled units of the start token; infinite for no limit.
        hop_cost: ('d') what a swap costs, in the same units.
    """

    count: int
    first: "array[int]"
    hops: "array[int]"
    edges: "array[int]"
    group: "array[int]"
    capital: "array[float]"
    hop_cost: "array[float]"

    @classmethod
    def of(cls, cycles: Iterable[Sequence[int]], capital: float = HUGE, hop_cost: float = 0.0) -> "Batch":
        """Return cycles, given as edge numbers, that all begin with one token."""
        first, hops, edges = array("q"), array("i"), array("q")
        for cycle in cycles:
            first.append(len(edges))
            hops.append(len(cycle))
            edges.extend(cycle)
        return cls(len(first), first, hops, edges, zeros("i", len(first)), array("d", [capital]), array("d", [hop_cost]))


@frozen
class Sizes:
    """What a batch came to: cycle c's answers stand at c, scaled units of its start token. The arrays are used again by the next batch.

    Args:
        count: how many were sized, fewer than asked where the work ran out.
        state: ``LOSES`` (no input leaves anything), ``SIZED``, ``CAPPED`` (all the capital goes in), ``LIMITED`` (a hop's last segment
            ended first; its pool may take more), or ``UNKNOWN`` (a hop has no curve: it must be probed).
        amount, out: the best input found and what it becomes; 0 where not known.
        net: what is left of it after the loan's fee and the swaps' costs.
        bound: what no input leaves more than, also beyond the ends of curves; 2^511 and more: nothing is known.
    """

    count: int
    state: "array[int]"
    amount: "array[float]"
    out: "array[float]"
    net: "array[float]"
    bound: "array[float]"


@define
class Sizer:
    """Runs the kernel over batches, with room for the answers that is kept and grows.

    Args:
        running: the kernels, plain or compiled; both give the same.
        most_hops: the longest cycle that will be asked for.
    """

    running: Kernels = field(factory=lambda: Kernels({}))
    most_hops: int = 12
    _sizes: Sizes | None = field(default=None, init=False)
    _room: tuple["array[Any]", ...] = field(default=(), init=False)

    def size(self, drawing: Drawing, batch: Batch, loan_fee_ppm: int, work: "array[int]") -> Sizes:
        """Size a batch. ``loan_fee_ppm`` is what borrowed capital costs; ``work`` ('q', one cell) is the effort left, counted down."""
        sizes = self._with_room(batch.count)
        cycles = (batch.first, batch.hops, batch.edges, batch.group, batch.capital, batch.hop_cost)
        edges = (drawing.edge_rate, drawing.edge_bend, drawing.edge_kind, drawing.edge_slack, drawing.edge_seg, drawing.edge_segs)
        segments = (drawing.seg_from, drawing.seg_to, drawing.seg_a, drawing.seg_b, drawing.seg_c)
        answers = (sizes.state, sizes.amount, sizes.out, sizes.net, sizes.bound)
        views = self.running.views((*cycles, *edges, *segments, *self._room, work, *answers))
        due = (PPM_SCALE + loan_fee_ppm) / PPM_SCALE
        count = self.running.of(size_cycles)(batch.count, *views[: len(cycles)], due, *views[len(cycles) :])
        return Sizes(int(count), *answers)

    def _with_room(self, count: int) -> Sizes:
        if self._sizes is None or len(self._sizes.state) < count:
            length = max(64, 2 * count)
            self._sizes = Sizes(0, zeros("i", length), zeros("d", length), zeros("d", length), zeros("d", length), zeros("d", length))
            self._room = (zeros("d", ROW * self.most_hops), zeros("q", STOPS * self.most_hops), zeros("d", 8))
        return self._sizes


def base_units(amount: float, shift: int) -> int:
    """Return a scaled amount (finite) in base units, rounded down; exact but for that."""
    numerator, denominator = amount.as_integer_ratio()
    return (numerator << shift) // denominator if shift >= 0 else numerator // (denominator << -shift)


def scaled_units(units: int, shift: int) -> float:
    """Return base units as a scaled amount, rounded to the nearest double."""
    return units / (1 << shift) if shift >= 0 else float(units << -shift)
