"""The directions of a netted trade as arrays: curves in doubles, tokens as nodes.

Amounts are base units of their tokens and rates are base units of one for one of another: the descent moves prices in relative steps,
so that scales do not matter to it.
"""

from array import array
from collections.abc import Callable, Iterable, Sequence
from copy import copy
from math import sqrt
from typing import Any

from tidemill.domain.ids import AssetId
from tidemill_search_cycles.compiled import Kernels, kernels
from tidemill_search_cycles.kernels import netting as kernel
from tidemill_search_cycles.kernels.steps import FIXED
from tidemill_search_cycles.netting.directions import Direction, connected
from tidemill_search_cycles.netting.worth import first_prices, ratio

Settle = Callable[..., int]
"""``kernels.netting.settle`` or its twin: both find the same."""

SOURCE, SINK = 0, 1
_HELD_OVER = 4.0
"""So many times the value of the greatest flow may be held of a token from its earlier place to its later."""
_MOST = 2.0**256


def settle(*cells: Any, running: Kernels | None = None) -> int:
    """Run the descent as these kernels run, by default those of now: plain, or compiled where its twin is among them."""
    now = running if running is not None else kernels()
    function = now.of(kernel.settle)
    if function is kernel.settle:
        return kernel.settle(*cells)
    views = iter(now.views([cell for cell in cells if isinstance(cell, array)]))
    return int(function(*(next(views) if isinstance(cell, array) else cell for cell in cells)))


class Net:
    """Directions as arrays for ``kernels.netting.settle``, which keep prices and flows from one solution to the next.

    Only tokens that can be bought with ``start`` and sold for it take part. ``gain`` is what all directions gain at the prices found: no
    trade over them leaves more of ``start``.
    """

    def __init__(self, directions: Iterable[Direction], start: AssetId, run: Settle = settle) -> None:
        kept = connected(directions, start)
        self.directions = kept
        self.start = start
        self._run = run
        tokens = _by_degree(kept, start)
        self.tokens = tokens
        node = {token: place for place, token in enumerate(tokens, start=FIXED)}
        self._nodes, self._edges = len(tokens) + FIXED, len(kept)
        self.sells = array("i", [node.get(way.sell, SOURCE) for way in kept])
        self.buys = array("i", [node.get(way.buy, SINK) for way in kept])
        self._lay_out(kept)
        self.price = array("d", [1.0] * self._nodes)
        for token, price in first_prices(kept, start).items():
            if token != start:
                self.price[node[token]] = price
        self._make_room()

    def _lay_out(self, kept: list[Direction]) -> None:
        rates, bends, sizes = array("d"), array("d"), array("d")
        self._seg, self._segs, self.open = array("q"), array("i"), array("i")
        for way in kept:
            parts = way.curve.segments
            self._seg.append(len(rates))
            self._segs.append(len(parts))
            self.open.append(2 if any(part.c == 0 for part in parts) else 1)
            for part in parts:
                rates.append(ratio(part.a, part.b))
                bends.append(ratio(part.c, part.b) if part.c else 0.0)
                sizes.append(ratio(part.in_to - part.in_from, 1))
        self._rate, self._bend, self._size = rates, bends, sizes
        self._kinds = array("i", self.open)

    def _make_room(self) -> None:
        self._rest, self._stiff, self._part = (_zeros(len(self._rate)) for _ in range(3))
        self._state = _zeros(kernel.STATE)
        self.amounts, self.outs, self.weights = (_zeros(self._edges) for _ in range(3))
        self._base, self._step, self._net, self._turn = (_zeros(self._nodes) for _ in range(4))
        self._matrix = _zeros((self._nodes - FIXED) ** 2)

    def token(self, node: int) -> AssetId:
        """Return the token that a node stands for."""
        return self.tokens[node - FIXED] if node >= FIXED else self.start

    def solve(self, source: float, work: "array[int]") -> bool:
        """Find the prices at which flows cancel, beginning with those found last; what goes in costs ``source`` for each unit.

        Returns:
            True where they were found; False where the work was used up before, or rounding hid them.
        """
        self.price[SOURCE], self.price[SINK] = source, 1.0
        answer = self._run(
            self._nodes, self._edges, self.sells, self.buys, self.open, self._seg, self._segs, self._rate, self._bend,
            self._size, self._rest, self._stiff, self._part, self.price, self._base, self._step, self._net, self._turn, self._matrix,
            self.amounts, self.outs, self.weights, self._state, work,
        )  # fmt: skip
        return answer == kernel.SETTLED

    def copy(self) -> "Net":
        """Return a net with the same solution, and directions to shut and prices of its own."""
        other = copy(self)
        other._make_room()
        other.open, other.price = array("i", self.open), array("d", self.price)
        other.amounts, other.outs = array("d", self.amounts), array("d", self.outs)
        return other

    def rewired(self, sells: Sequence[int], buys: Sequence[int], shut: Iterable[int], twice: Sequence[int]) -> "Net":
        """Return a net in which tokens stand at two places, and what is held at the earlier one may be held over to the later.

        Args:
            sells: the node of each direction's input; nodes past those there are stand for the later places, in the order of ``twice``.
            buys: the node of each direction's output.
            shut: directions to leave out.
            twice: the nodes that get a later place.
        """
        other = copy(self)
        first = self._nodes
        other._nodes, other._edges = first + len(twice), len(self.directions) + len(twice)
        other.sells, other.buys = array("i", [*sells, *twice]), array("i", [*buys, *range(first, first + len(twice))])
        other.tokens = [*self.tokens, *(self.token(node) for node in twice)]
        segs = len(self._rate)
        other._seg = array("q", [*self._seg, *range(segs, segs + len(twice))])
        other._segs = array("i", [*self._segs, *(1 for _ in twice)])
        most = max(self.amounts[way] * self.price[self.sells[way]] for way in range(len(self.directions)))
        other._rate = array("d", [*self._rate, *(1.0 for _ in twice)])
        other._bend = array("d", [*self._bend, *(0.0 for _ in twice)])
        other._size = array("d", [*self._size, *(_HELD_OVER * most / self.price[node] for node in twice)])
        other.open = array("i", [*self.open, *(2 for _ in twice)])
        for way in shut:
            other.open[way] = 0
        other._kinds = array("i", [*self._kinds, *(2 for _ in twice)])
        other.price = array("d", [*self.price, *(self.price[node] for node in twice)])
        other._make_room()
        return other

    def shut(self, way: int) -> None:
        """Leave a direction out of the solutions to come."""
        self.open[way] = 0

    def reopen(self, way: int) -> None:
        """Let a direction take part again."""
        self.open[way] = self._kinds[way]

    def first_rate(self, way: int) -> float:
        """Return what the first unit gets in a direction."""
        return self._rate[self._seg[way]]

    def surplus(self, way: int) -> float:
        """Return what a direction gains at the prices."""
        return self.outs[way] * self.price[self.buys[way]] - self.amounts[way] * self.price[self.sells[way]]

    def turnover(self, way: int) -> float:
        """Return the value that goes into a direction."""
        return self.amounts[way] * self.price[self.sells[way]]

    @property
    def gain(self) -> float:
        """What all directions gain at the prices."""
        return sum(self.surplus(way) for way in range(self._edges))

    def bound(self) -> float:
        """Return what no trade over the open directions leaves more than: every one of them at its own best, exactly."""
        total = 0.0
        for way in range(self._edges):
            if self.open[way]:
                for place in range(self._seg[way], self._seg[way] + self._segs[way]):
                    total += best_alone(
                        self._rate[place], self._bend[place], self._size[place], self.price[self.sells[way]], self.price[self.buys[way]]
                    )
        return total

    def plan(self) -> list[tuple[int, int]]:
        """Return the directions in use with their inputs in base units, rounded down; numbers past the directions' hold a token over."""
        return [(way, int(self.amounts[way])) for way in range(self._edges) if 1.0 <= self.amounts[way] < _MOST]


def best_alone(rate: float, bend: float, size: float, asked: float, paid: float) -> float:
    """Return the most that a stretch gains at prices: of a part of it where it bends, of all or nothing where it does not."""
    over = rate * paid - asked
    if over <= 0.0:
        return 0.0
    if not bend:
        return over * size
    amount = min(size, (sqrt(rate * paid / asked) - 1.0) / bend)
    return amount * (rate * paid / (1.0 + bend * amount) - asked)


def _zeros(count: int) -> "array[float]":
    return array("d", bytes(8 * count))


def _by_degree(ways: list[Direction], start: AssetId) -> list[AssetId]:
    """Return the tokens between, those of the fewest directions first: eliminated in this order they fill up the matrix least."""
    degree: dict[AssetId, int] = {}
    for way in ways:
        for token in (way.sell, way.buy):
            degree[token] = degree.get(token, 0) + 1
    degree.pop(start, None)
    return sorted(degree, key=lambda token: (degree[token], token))
