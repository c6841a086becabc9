"""The order in which tokens are passed on, where flows lead in circles.

A token of each circle stands at two places: at the earlier it pays into the circle what was bought of it before, at the later it has come
back. Every direction then leads from an earlier place to a later one, and the convex problem over these directions is one without
circles: its flows can be carried out as they stand, and it weighs itself what buying before and selling after is worth.
"""

from collections.abc import Sequence

from tidemill_search_cycles.netting.directions import reached
from tidemill_search_cycles.netting.net import SINK, SOURCE, Net

_END = 1 << 60


class Places:
    """Places for the tokens that a net's flows pass, made from ``amounts`` of its directions (those without stand aside).

    ``circles`` is how many had to be opened, 0 where the flows can be carried out as they are.
    """

    def __init__(self, net: Net, amounts: Sequence[float]) -> None:
        self._net = net
        count = min(len(amounts), len(net.sells))
        self._value = [amounts[way] * net.price[net.sells[way]] for way in range(count)]
        self._left = [way for way in range(count) if amounts[way] >= 1.0]
        self._come: dict[int, float] = {}
        self._waiting: dict[int, int] = {}
        self._ready: list[int] = []
        self.early = {SOURCE: -1, SINK: _END}
        self.late: dict[int, int] = {}
        self._sides: dict[int, tuple[bool, bool]] = {}
        self._shut: set[int] = set()
        self.circles = 0
        self._keys = self._round_trips()
        for way in self._left:
            if net.buys[way] != SINK:
                self._waiting[net.buys[way]] = self._waiting.get(net.buys[way], 0) + 1
        self._pass_on(SOURCE, False, None)
        self._place_all()

    def _place_all(self) -> None:
        clock = 0
        while self._left or self._ready:
            clock += 1
            if self._ready:
                node = self._ready.pop()
                again = node in self.early
                (self.late if again else self.early)[node] = clock
                self._pass_on(node, again, None)
            else:
                self._open_circle(clock)

    def _pass_on(self, node: int, again: bool, only: set[int] | None) -> None:
        """Let directions out of a node be done: all, or those into a circle."""
        net = self._net
        gone = [way for way in self._left if net.sells[way] == node and (only is None or net.buys[way] in only)]
        taken = set(gone)
        self._left = [way for way in self._left if way not in taken]
        for way in gone:
            buy = net.buys[way]
            self._come[buy] = self._come.get(buy, 0.0) + self._value[way]
            self._sides[way] = (again, buy in self.early and buy != SINK)
            if buy != SINK:
                self._waiting[buy] -= 1
                if not self._waiting[buy]:
                    self._ready.append(buy)

    def _open_circle(self, clock: int) -> None:
        """Give the token of a circle that costs least to begin with its earlier place."""
        circle = self._circle()
        if not circle:
            # What is left has no inflow: rounding made it.
            self._shut.update(self._left)
            self._left = []
            return
        self.circles += 1
        costs = self._costs(circle)
        node = min(sorted(circle), key=lambda node: (costs[node], node))
        self.early[node] = clock
        self._pass_on(node, False, circle)

    def _circle(self) -> set[int]:
        """Return the nodes from which what is left leads to each other; empty where it leads in no circle."""
        after: dict[int, list[int]] = {}
        before: dict[int, list[int]] = {}
        for way in self._left:
            after.setdefault(self._net.sells[way], []).append(self._net.buys[way])
            before.setdefault(self._net.buys[way], []).append(self._net.sells[way])
        # Whatever still waits does so for another that waits: going back from one to the next ends in a circle.
        for begin in sorted(after):
            node, passed = begin, set[int]()
            while node in before and node not in passed:
                passed.add(node)
                node = before[node][0]
            if node in passed:
                forward, backward = reached(after, node), reached(before, node)
                return forward & backward
        return set()

    def _costs(self, circle: set[int]) -> dict[int, float]:
        """Return for each token of a circle what it loses to buy before, and sell after, what it must pay in beyond what has come of it."""
        net = self._net
        needed = dict.fromkeys(sorted(circle), 0.0)
        for way in self._left:
            if net.sells[way] in circle and net.buys[way] in circle:
                needed[net.sells[way]] += self._value[way]
        return {
            node: max(0.0, value - self._come.get(node, 0.0)) * (1.0 - min(1.0, self._keys.get(node, 0.0)))
            for node, value in needed.items()
        }

    def _round_trips(self) -> dict[int, float]:
        """Return for each node what the first unit of the start token brings back over it, through the best pools there and back."""
        net = self._net
        there: dict[int, float] = {}
        back: dict[int, float] = {}
        for way in range(len(net.directions)):
            sell, buy = net.sells[way], net.buys[way]
            if sell == SOURCE and net.open[way]:
                there[buy] = max(net.first_rate(way), there.get(buy, 0.0))
            elif buy == SINK and net.open[way]:
                back[sell] = max(net.first_rate(way), back.get(sell, 0.0))
        return {node: rate * back[node] for node, rate in there.items() if node in back}

    def net(self, closed: bool) -> Net:
        """Return the net between the places; with ``closed`` tokens without a place are left out, else they are free to go anywhere."""
        base = self._net
        twice = sorted(self.late)
        later = {node: number for number, node in enumerate(twice, start=len(base.price))}
        sells, buys = list(base.sells[: len(base.directions)]), list(base.buys[: len(base.directions)])
        shut = set(self._shut)
        for way in range(len(base.directions)):
            side = self._sides.get(way) or self._side(sells[way], buys[way], closed)
            if side is None:
                shut.add(way)
                continue
            sells[way] = later.get(sells[way], sells[way]) if side[0] else sells[way]
            buys[way] = later.get(buys[way], buys[way]) if side[1] else buys[way]
        return base.rewired(sells, buys, shut, twice)

    def _side(self, sell: int, buy: int, closed: bool) -> tuple[bool, bool] | None:
        """Return whether a direction not in use leads from the later place, and to the later one; None where neither is possible."""
        if sell not in self.early or buy not in self.early:
            return None if closed else (True, False)
        for from_late, to_late in ((True, False), (True, True), (False, False), (False, True)):
            start = self.late.get(sell, self.early[sell]) if from_late else self.early[sell]
            end = self.late.get(buy, self.early[buy]) if to_late else self.early[buy]
            if start < end:
                return from_late, to_late
        return None
