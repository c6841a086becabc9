"""The arrays themselves. They never grow in place: a larger one takes over, so that views of the old one stay whole."""

from array import array
from collections.abc import Iterable
from typing import Any, Final

from tidemill_search_cycles.kernels.hubs import TRACED

TOKENS: Final = {"row_start": "q", "row_len": "i", "row_room": "i", "shift": "i"}
ARCS: Final = {
    "arc_to": "i",
    "arc_from": "i",
    "arc_back": "i",
    "arc_rate": "d",
    "arc_home": "d",
    "arc_bend": "d",
    "arc_edge": "q",
    "arc_edges": "i",
    "arc_room": "i",
}
EDGES: Final = {
    "edge_pool": "i",
    "edge_rate": "d",
    "edge_bend": "d",
    "edge_kind": "i",
    "edge_slack": "d",
    "edge_seg": "q",
    "edge_segs": "i",
}
SEGMENTS: Final = {"seg_from": "d", "seg_to": "d", "seg_a": "d", "seg_b": "d", "seg_c": "d"}
PAIRS: Final = {"pair_key": "q", "pair_arc": "i"}
TRACE: Final = {"trace_from": "i", "trace_to": "i"}

NO_CURVE, ONE_CURVE, SEGMENTED = 0, 1, 2
"""Values of ``edge_kind``."""


class Arrays:
    """The graph as arrays ('i' int32, 'q' int64, 'd' double); lengths are capacities, what counts stands in ``Graph``.

    Token t: its arcs are ``row_start[t] .. + row_len[t] - 1`` in order of the target's asset id; ``row_room`` slots are its own. Amounts
    of a token are counted in 2^shift[t] base units (*scaled*), so that amounts of one worth are near each other across tokens.

    Arc c, an ordered pair of tokens: ``arc_from``, ``arc_to``, ``arc_back`` (the opposite arc, always there), ``arc_rate`` (the best rate
    of its edges, 0 where none is open), ``arc_home`` (the rate of the opposite arc), ``arc_bend`` (the least bend of its edges, 0 where
    one has no single curve). Its edges are ``arc_edge .. + arc_edges - 1``, best rate first, ties by pool id.

    Edge e, one direction of a pool: ``edge_pool``, ``edge_rate`` (scaled output per scaled input of the first unit, fee taken off),
    ``edge_kind``: NO_CURVE, ONE_CURVE (``out = rate * x / (1 + bend * x)``) or SEGMENTED, its ``edge_segs`` segments from ``edge_seg`` on;
    ``edge_slack`` is how far a quote may be above the curve, in scaled units of what is bought.

    Segment k covers scaled inputs ``seg_from .. seg_to``; with x from ``seg_from`` it pays ``a * x / (b + c * x)``; ``c == 0`` is linear.

    ``pair_key`` and ``pair_arc`` find the arc of two tokens (``kernels.pairs``). ``trace_from`` and ``trace_to`` hold the tokens of the
    ``kernels.hubs.TRACED`` arcs that changed last.
    """

    __slots__ = (*TOKENS, *ARCS, *EDGES, *SEGMENTS, *PAIRS, *TRACE, "generation")

    row_start: "array[int]"
    row_len: "array[int]"
    row_room: "array[int]"
    shift: "array[int]"
    arc_to: "array[int]"
    arc_from: "array[int]"
    arc_back: "array[int]"
    arc_rate: "array[float]"
    arc_home: "array[float]"
    arc_bend: "array[float]"
    arc_edge: "array[int]"
    arc_edges: "array[int]"
    arc_room: "array[int]"
    edge_pool: "array[int]"
    edge_rate: "array[float]"
    edge_bend: "array[float]"
    edge_kind: "array[int]"
    edge_slack: "array[float]"
    edge_seg: "array[int]"
    edge_segs: "array[int]"
    seg_from: "array[float]"
    seg_to: "array[float]"
    seg_a: "array[float]"
    seg_b: "array[float]"
    seg_c: "array[float]"
    pair_key: "array[int]"
    pair_arc: "array[int]"
    trace_from: "array[int]"
    trace_to: "array[int]"

    def __init__(self, tokens: int, arcs: int, edges: int, segments: int) -> None:
        self.generation = 0
        sizes = (tokens, arcs, edges, segments, table_length(arcs), TRACED)
        for layout, length in zip((TOKENS, ARCS, EDGES, SEGMENTS, PAIRS, TRACE), sizes, strict=True):
            for name, kind in layout.items():
                setattr(self, name, zeros(kind, max(1, length)))

    def grow(self, layout: dict[str, str], least: int) -> None:
        """Give the arrays of a layout room for ``least`` entries, at least half as many again as before; what they hold stays."""
        for name, kind in layout.items():
            old: array[Any] = getattr(self, name)
            if len(old) < least:
                made = zeros(kind, max(least, len(old) + len(old) // 2))
                made[: len(old)] = old
                setattr(self, name, made)
        self.generation += 1

    def clear_pairs(self, arcs: int) -> None:
        """Begin a new, empty table of pairs, with room for ``arcs`` of them."""
        for name, kind in PAIRS.items():
            setattr(self, name, zeros(kind, table_length(arcs)))
        self.generation += 1

    def copy_within(self, names: Iterable[str], source: int, target: int, count: int) -> None:
        """Copy ``count`` entries from one place to another; they may overlap."""
        for name in names:
            held: array[Any] = getattr(self, name)
            held[target : target + count] = held[source : source + count]

    @property
    def nbytes(self) -> int:
        """Bytes of all arrays."""
        return sum(len(held) * held.itemsize for name in self.__slots__ if isinstance(held := getattr(self, name), array))


def table_length(arcs: int) -> int:
    """Return the length of a table of pairs that stays at most half full: a power of two."""
    length = 16
    while length < arcs * 2:
        length *= 2
    return length


def zeros(kind: str, length: int) -> "array[Any]":
    """Return an array of zeros of a typecode."""
    return array(kind, bytes(length * array(kind).itemsize))
