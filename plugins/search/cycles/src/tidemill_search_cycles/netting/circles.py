"""Flows that lead in circles: each waits for the other, so that nothing can begin. They are solved again between places."""

from array import array

from tidemill_search_cycles.netting.net import Net
from tidemill_search_cycles.netting.order import carried
from tidemill_search_cycles.netting.places import Places
from tidemill_search_cycles.netting.swaps import Swaps

_OPEN_ROUNDS = 2
"""Tokens that the flows did not pass may close new circles; after so many rounds they are left out."""
_MOST_ROUNDS = 6


def without_circles(net: Net, blank: Swaps, source: float, work: "array[int]") -> tuple[Net, Swaps, bool]:
    """Carry out what a net's flows come to, its circles opened; return the best swaps with their net, and whether there were circles.

    Other flows mean other places, so that a solution without circles is tried to be bettered from its own flows.
    """
    places = Places(net, net.amounts)
    if not places.circles:
        return net, carried(net, net.plan(), blank), False
    best, best_net = blank, net
    for turn in range(_MOST_ROUNDS):
        now = places.net(closed=turn >= _OPEN_ROUNDS)
        now.solve(source, work)
        if not Places(now, now.amounts).circles:
            swaps = carried(now, now.plan(), blank)
            if swaps.value <= best.value:
                break
            best, best_net = swaps, now
        if work[0] < 0:
            break
        places = Places(net, now.amounts)
    return best_net, best if best is not blank else carried(net, net.plan(), blank), True
