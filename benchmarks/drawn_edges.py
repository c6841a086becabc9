"""Made-up curves as the arrays that sizing reads: constant products, concentrated liquidity, bins and order books."""

from array import array
from collections.abc import Sequence
from itertools import count
from random import Random

from attrs import frozen

from tidemill_search_cycles.sizing import Batch

Piece = tuple[float, float, float, float]
"""(width, a, b, c) of a segment: with x from its beginning it pays ``a x / (b + c x)``."""
SEGMENTS = 40


@frozen
class Edge:
    """One direction of a pool: ``rate x / (1 + bend x)``, or where there are ``pieces`` these."""

    rate: float
    bend: float = 0.0
    pieces: tuple[Piece, ...] = ()


class Drawn:
    """Edges as the arrays of a graph (``tidemill_search_cycles.sizing.Drawing``)."""

    def __init__(self, edges: Sequence[Edge]) -> None:
        self.edge_rate = array("d", [edge.rate for edge in edges])
        self.edge_bend = array("d", [edge.bend for edge in edges])
        self.edge_kind = array("i", [2 if edge.pieces else 1 for edge in edges])
        self.edge_slack = array("d", bytes(8 * len(edges)))
        self.edge_seg, self.edge_segs = array("q"), array("i")
        cells: list[array[float]] = [array("d") for _ in range(5)]
        self.seg_from, self.seg_to, self.seg_a, self.seg_b, self.seg_c = cells
        for edge in edges:
            self.edge_seg.append(len(self.seg_a))
            self.edge_segs.append(len(edge.pieces))
            begun = 0.0
            for width, a, b, c in edge.pieces:
                for cell, value in zip(cells, (begun, begun + width, a, b, c), strict=True):
                    cell.append(value)
                begun += width
        for cell in cells:
            cell.append(0.0)


def batch_of(cycles: Sequence[Sequence[Edge]]) -> tuple[Drawn, Batch]:
    """Return cycles of edges of their own, ready to be sized."""
    numbers = count()
    drawn = Drawn([edge for cycle in cycles for edge in cycle])
    return drawn, Batch.of([[next(numbers) for _ in cycle] for cycle in cycles])


def gaining(random: Random, hops: Sequence[int], draw: Sequence[str]) -> list[list[Edge]]:
    """Return a cycle of each of these lengths, of kinds of pools drawn in turn, the first unit of which gains 0.1 to 5 %."""
    return [_cycle(random, number, draw) for number in hops]


def _cycle(random: Random, hops: int, draw: Sequence[str]) -> list[Edge]:
    rates = [random.uniform(0.98, 1.02) for _ in range(hops - 1)]
    product = 1.0
    for rate in rates:
        product *= rate
    rates.append(random.uniform(1.001, 1.05) / product)
    return [_DRAWN[random.choice(draw)](random, rate) for rate in rates]


def _constant_product(random: Random, rate: float) -> Edge:
    return Edge(rate, rate / 10 ** random.uniform(3, 7))


def _concentrated(random: Random, rate: float) -> Edge:
    """A price range after another: the rate goes on where the one before left it, its fall is another."""
    depth, pieces, first = 10 ** random.uniform(3, 7), [], rate
    for _ in range(SEGMENTS):
        width, bend = depth * random.uniform(0.001, 0.01), random.uniform(0.3, 3.0) / depth
        pieces.append((width, rate, 1.0, bend))
        rate /= (1.0 + bend * width) ** 2
    return Edge(first, 0.0, tuple(pieces))


def _levels(random: Random, rate: float) -> Edge:
    """Bins, or the levels of a book: the rate stays and then falls by a step."""
    depth, pieces, first = 10 ** random.uniform(3, 7), [], rate
    for _ in range(SEGMENTS):
        pieces.append((depth * random.uniform(0.001, 0.01), rate, 1.0, 0.0))
        rate *= 1.0 - random.uniform(0.0002, 0.002)
    return Edge(first, 0.0, tuple(pieces))


_DRAWN = {"constant product": _constant_product, "concentrated": _concentrated, "levels": _levels}
ALL_KINDS = tuple(_DRAWN)
