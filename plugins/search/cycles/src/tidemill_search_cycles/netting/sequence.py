"""Cycles one after another, each sized again on the pools that those before it left."""

from collections.abc import Sequence

from tidemill.domain.search import Candidate
from tidemill.planning.sizing import best_amount
from tidemill_search_cycles.netting.swaps import Swaps
from tidemill_search_cycles.netting.value import loan_fee

_LOST = -(1 << 300)
_SMALLER = (0, 2, 4, 6)
"""A cycle is tried with its own amount shifted by so many bits, since those before it may have used most of its gap."""


def value_alone(cycle: Candidate, swaps: Swaps) -> int:
    """Return what a cycle is worth by itself, costs taken off."""
    costs = swaps.costs
    return cycle.profit - costs.per_swap * len(cycle.legs) - loan_fee(cycle.amounts[0], costs.loan_fee_ppm)


def append_cycles(swaps: Swaps, cycles: Sequence[Candidate]) -> Swaps:
    """Return the swaps with every cycle behind them, in the order given, that still earns more than it adds to the costs."""
    for cycle in cycles:
        keys = [(leg.pool, leg.sell, leg.buy) for leg in cycle.legs]
        if cycle.asset != swaps.start or len(set(keys)) != len(keys) or not swaps.used.isdisjoint(keys):
            continue
        amount = _amount(swaps, cycle)
        if amount:
            longer = _behind(swaps, cycle, amount)
            if longer is not None and longer.value > swaps.value:
                swaps = longer
    return swaps


def _amount(swaps: Swaps, cycle: Candidate) -> int:
    """Return what to put into a cycle now; 0 for nothing."""
    cap = swaps.spendable(swaps.start)
    if all(leg.pool not in swaps.moved for leg in cycle.legs) and cycle.amounts[0] <= cap:
        return cycle.amounts[0]
    if len({leg.pool for leg in cycle.legs}) != len(cycle.legs):
        return 0

    def profit(amount: int) -> int:
        out = amount
        for leg in cycle.legs:
            out = swaps.quote(leg.pool, leg.sell, leg.buy, out)
            if not out:
                return _LOST
        return out - amount - loan_fee(amount, swaps.costs.loan_fee_ppm)

    for smaller in _SMALLER:
        hint = min(cap, cycle.amounts[0]) >> smaller
        if hint > 0 and profit(hint) > 0:
            return best_amount(profit, cap, hint)[0]
    return 0


def _behind(swaps: Swaps, cycle: Candidate, amount: int) -> Swaps | None:
    """Return the swaps with a cycle behind them, or None where a pool refuses."""
    longer = swaps.copy()
    before = longer.balance
    for leg in cycle.legs:
        if not longer.swap(leg.pool, leg.sell, leg.buy, amount):
            return None
        amount = longer.held.get(leg.buy, 0) - swaps.held.get(leg.buy, 0) if leg.buy != swaps.start else longer.balance - before
    return longer
