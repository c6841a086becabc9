"""Less than the whole trade: what goes in has a price of its own, raised until no more goes in than there is."""

from array import array

from tidemill_search_cycles.netting.net import Net
from tidemill_search_cycles.netting.order import Plan, carried
from tidemill_search_cycles.netting.swaps import Swaps

_FIRST_RISE = 2.0**-12
_RAISES = 24
_HALVINGS = 8
_PARTS = 1 << 20
"""Mixtures of two solutions are such parts of one."""
_CHORDS = 12
_ENOUGH = 1 << 12
"""Less than one part in so many of the capital may stay unused."""


def within(net: Net, blank: Swaps, capital: int, source: float, work: "array[int]") -> Swaps:
    """Return the swaps that gain most while no more than ``capital`` goes in.

    The price of what goes in is the Lagrangian's multiplier of the limit. At its best value flows may jump from too much to too little
    (stretches of constant rate do); mixtures of the two solutions keep every pool on its curve or better, since curves are concave.

    Args:
        net: solved with ``source`` as the price, of which too much goes in.
        blank: no swaps yet, with the costs but no capital.
        capital: the most that may go in, base units of the start token.
        source: the price of a unit put in that has no limit, 1 and the loan's fee.
        work: work units left.
    """
    much = net.plan()
    over, rise = source, _FIRST_RISE
    best = blank.copy()
    few: Plan = []
    under = source
    for _ in range(_RAISES):
        under = source + rise
        swaps, flows = _at(net, under, blank, work)
        if -swaps.lowest <= capital:
            best, few = _better(best, swaps), flows
            break
        over, much, rise = under, flows, rise * 4.0
    for _ in range(_HALVINGS):
        if work[0] < 0:
            break
        middle = over + (under - over) * 0.5
        swaps, flows = _at(net, middle, blank, work)
        if -swaps.lowest <= capital:
            best, few, under = _better(best, swaps), flows, middle
        else:
            much, over = flows, middle
    return _better(best, _mixed(net, much, few, blank, capital))


def _at(net: Net, source: float, blank: Swaps, work: "array[int]") -> tuple[Swaps, Plan]:
    net.solve(source, work)
    flows = net.plan()
    return carried(net, flows, blank), flows


def _better(one: Swaps, other: Swaps) -> Swaps:
    return other if other.value > one.value else one


def _mixed(net: Net, much: Plan, few: Plan, blank: Swaps, capital: int) -> Swaps:
    """Return the best swaps of flows between two solutions that the capital carries.

    What must be put in is nearly linear in the mixture: chords find the one that uses the capital up.
    """
    large, small = dict(much), dict(few)
    ways = sorted(large.keys() | small.keys())

    def at(part: int) -> Swaps:
        plan = [(way, (large.get(way, 0) * part + small.get(way, 0) * (_PARTS - part)) // _PARTS) for way in ways]
        return carried(net, [flow for flow in plan if flow[1] > 0], blank)

    best = at(0)
    low, high, used, needed = 0, _PARTS, -best.lowest, -at(_PARTS).lowest
    for turn in range(_CHORDS):
        if high - low <= 1 or needed <= used or (capital - used) * _ENOUGH <= capital:
            break
        middle = low + (high - low) * (capital - used) // (needed - used) if turn % 3 < 2 else (low + high) // 2
        part = min(high - 1, max(low + 1, middle))
        swaps = at(part)
        if -swaps.lowest <= capital:
            best, low, used = _better(best, swaps), part, -swaps.lowest
        else:
            high, needed = part, -swaps.lowest
    return best
