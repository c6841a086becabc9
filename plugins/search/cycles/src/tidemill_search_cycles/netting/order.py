"""From flows to swaps: an order in which each sells only what was bought before it.

A token whose inflows are all there is sold at once, its outflows scaled to what really came, so that nothing stays behind. When there is
none, the start token is sold to the next pool. Where tokens wait for each other in a circle, the one nearest to what it must pay out goes
ahead with as much as it has.
"""

from tidemill_search_cycles.netting.net import SINK, SOURCE, Net
from tidemill_search_cycles.netting.swaps import Swaps

Plan = list[tuple[int, int]]
"""Directions of a net, by number, with their inputs in base units of what they sell."""


class Order:
    """Carries a plan out on swaps."""

    def __init__(self, net: Net, plan: Plan, swaps: Swaps) -> None:
        self._net = net
        self._swaps = swaps
        self._first: Plan = []
        self._out: dict[int, Plan] = {}
        self._waiting: dict[int, int] = {}
        self._have: dict[int, int] = {}
        self._ready: list[int] = []
        for way, amount in plan:
            sell, buy = net.sells[way], net.buys[way]
            if sell == SOURCE:
                self._first.append((way, amount))
            else:
                self._out.setdefault(sell, []).append((way, amount))
            if buy != SINK:
                self._waiting[buy] = self._waiting.get(buy, 0) + 1

    def carry_out(self) -> None:
        """Make all swaps that can be made."""
        while True:
            if self._ready:
                self._drain(self._ready.pop())
            elif self._first:
                self._put_in()
            elif not self._go_ahead():
                break

    def _put_in(self) -> None:
        """Sell the start token to the pool whose other token then waits for the fewest."""
        buys = self._net.buys
        place = min(range(len(self._first)), key=lambda place: (self._waiting.get(buys[self._first[place][0]], 0), place))
        way, amount = self._first.pop(place)
        self._pass_on(way, min(amount, self._swaps.spendable(self._swaps.start)))

    def _pass_on(self, way: int, amount: int) -> None:
        """Sell an amount that is there, or hold it over."""
        sell, buy = self._net.sells[way], self._net.buys[way]
        if way >= len(self._net.directions):
            paid = amount
        else:
            direction = self._net.directions[way]
            amount = min(amount, direction.limit)
            paid = self._swaps.swap(direction.pool.id, direction.sell, direction.buy, amount)
        if paid:
            self._have[sell] = self._have.get(sell, 0) - amount
            self._have[buy] = self._have.get(buy, 0) + paid
        if buy != SINK:
            self._waiting[buy] -= 1
            if not self._waiting[buy]:
                self._ready.append(buy)

    def _drain(self, node: int) -> None:
        """Pass on all that is held of a token, in the proportions of its flows; the largest takes what rounding leaves."""
        flows = sorted(self._out.pop(node, []), key=lambda flow: flow[1])
        needed = sum(amount for _, amount in flows)
        for way, amount in flows:
            share = self._have.get(node, 0) * amount // needed
            needed -= amount
            self._pass_on(way, share)

    def _go_ahead(self) -> bool:
        """Let a waiting token pay before all of it came; False where none holds anything to pay with."""
        best, best_have, best_need = -1, 0, 1
        for node, flows in self._out.items():
            have, need = self._have.get(node, 0), sum(amount for _, amount in flows)
            if have * best_need > best_have * need:
                best, best_have, best_need = node, have, need
        if best < 0:
            return False
        # What others wait for goes first: it may bring back what is missing here.
        flows = sorted(self._out[best], key=lambda flow: (not self._waiting.get(self._net.buys[flow[0]], 0), flow[1]))
        way, amount = next((flow for flow in flows if flow[1] <= best_have), flows[0])
        self._out[best] = [flow for flow in flows if flow[0] != way]
        if not self._out[best]:
            del self._out[best]
        self._pass_on(way, min(amount, best_have))
        return True


def carried(net: Net, plan: Plan, blank: Swaps) -> Swaps:
    """Return the swaps that a plan comes to, leftovers sold."""
    swaps = blank.copy()
    Order(net, plan, swaps).carry_out()
    _sell_leftovers(net, swaps)
    return swaps


def _sell_leftovers(net: Net, swaps: Swaps) -> None:
    """Sell what is left of other tokens straight into the start token, where a pool pays more than the swap costs."""
    for token in sorted(swaps.held):
        amount = swaps.held[token]
        best, most = None, 0
        for way in net.directions if amount > 0 else ():
            if way.sell == token and way.buy == swaps.start and (way.pool.id, way.sell, way.buy) not in swaps.used:
                gain = swaps.quote(way.pool.id, token, way.buy, amount) - swaps.costs.per_swap
                if gain > most:
                    best, most = way, gain
        if best is not None:
            swaps.swap(best.pool.id, token, swaps.start, amount)
