"""The netted trade over the pools of many cycles, never worth less than the best of them alone."""

from array import array
from collections.abc import Mapping, Sequence

from tidemill.domain.ids import AssetId, PoolId
from tidemill.domain.pool import Pool
from tidemill.domain.search import Candidate, Netted
from tidemill.domain.time import ChainTime
from tidemill.planning.replay import Replayed
from tidemill.units import PPM_SCALE
from tidemill_search_cycles.netting.capital import within
from tidemill_search_cycles.netting.circles import without_circles
from tidemill_search_cycles.netting.directions import Curves, directions_of
from tidemill_search_cycles.netting.net import Net, Settle, settle
from tidemill_search_cycles.netting.places import Places
from tidemill_search_cycles.netting.prices import Solved, leave_out, solve
from tidemill_search_cycles.netting.sequence import append_cycles, value_alone
from tidemill_search_cycles.netting.swaps import Costs, Swaps
from tidemill_search_cycles.netting.value import Made, Netting, replayed
from tidemill_search_cycles.netting.worth import ratio

DEFAULT_WORK = 4_000_000
"""Work units of a trade for which none are stated."""
_PLAINEST: tuple[Made, ...] = ("cycle", "netted", "sequence")
_MOST = 2.0**256
"""No bound at or above this is one."""
_SHARES = (0.0, 2.0**-13, 2.0**-10, 2.0**-9, 2.0**-8)
"""Parts of the gain that a swap is taken to cost at least, one after another, where flows lead in circles."""
_KEPT = 4
"""One part in so many of the work is kept for finding what the capital carries."""
_ENOUGH = 1.0 - 2.0**-7
"""Nearer than this to what the prices promise no other order is looked for."""


def netted_trade(
    cycles: Sequence[Candidate],
    pools: Mapping[PoolId, Pool],
    start: AssetId,
    at: ChainTime,
    *,
    costs: Costs | None = None,
    work: int = DEFAULT_WORK,
    curves: Curves | None = None,
    run: Settle = settle,
) -> Netting | None:
    """Return the trade over the cycles' pools that leaves most of ``start`` after costs, or None where nothing leaves anything.

    Tried are the netted trade of the convex dual, ordered, rounded and quoted by the exact pools, with such cycles behind it as still
    earn (they also bring in pools without a curve); the cycles one after another; and the best alone. So the answer is never worth less
    than the best cycle given whose asset is ``start``; cycles of other assets lend their pools. Every answer was replayed as a flow.

    Args:
        cycles: best first; of more than 200 pools or 100 tokens the first are netted.
        pools: the pools of the cycles' legs as they stand; a leg whose pool is missing leaves its cycle out.
        start: the token that goes in and in which the profit counts.
        at: when it executes.
        costs: what is taken off, and the capital; None: nothing, and no limit.
        work: effort in work units, one for each answer of a direction's curve and one for each row of an elimination.
        curves: known curves; a direction that is not in it is asked for its own.
        run: the descent; by default as the kernels run now, plain or compiled.
    """
    limits = costs if costs is not None else Costs()
    known = [cycle for cycle in cycles if all(leg.pool in pools for leg in cycle.legs)]
    blank = Swaps(pools, start, at, limits)
    own = sorted(
        (cycle for cycle in known if cycle.asset == start),
        key=lambda cycle: (-value_alone(cycle, blank), tuple(leg.pool for leg in cycle.legs)),
    )
    carried = [cycle for cycle in own if limits.capital is None or cycle.amounts[0] <= limits.capital]
    found: list[Netting] = []
    net = Net(directions_of(known, pools, curves, at), start, run)
    bound: int | None = None
    settled = False
    if net.directions:
        solved, swaps = _netted(net, blank, array("q", [work]))
        settled = solved.settled
        bound = int(solved.bound) + 1 if solved.bound < _MOST else None
        found.append(append_cycles(swaps, own).netting("netted", len(known), bound, settled))
    found.append(append_cycles(blank, own).netting("sequence", len(known), bound, settled))
    found.extend(append_cycles(blank, [cycle]).netting("cycle", 1, bound, settled) for cycle in carried[:1])
    found.sort(key=lambda one: (-one.value, len(one.trade.legs), _PLAINEST.index(one.made)))
    return next((one for one in found if one.value > 0 and _holds(one.trade, pools, at)), None)


def _holds(trade: Netted, pools: Mapping[PoolId, Pool], at: ChainTime) -> bool:
    """Tell whether the replayed flow leaves the profit and takes nothing of any other token."""
    result = replayed(trade, pools, at)
    if not isinstance(result, Replayed):
        return False
    changes = dict(result.changes)
    return changes.get(trade.asset, 0) == trade.profit and all(change >= 0 for change in changes.values())


def _netted(net: Net, blank: Swaps, work: "array[int]") -> tuple[Solved, Swaps]:
    """Solve, leave out what does not pay, and carry it out within the capital.

    Where flows lead in circles the order of tokens is a guess, a better one with fewer flows: it is made again as if swaps cost some part
    of the gain.
    """
    costs = blank.costs
    source = ratio(PPM_SCALE + costs.loan_fee_ppm, PPM_SCALE)
    solved = solve(net, source, work)
    free = blank.copy(Costs(costs.per_swap, costs.loan_fee_ppm))
    prices, ways = array("d", net.price), array("i", net.open)
    best, best_net, gain, tried, kept = free, net, net.gain, -1.0, work[0] // _KEPT
    for share in _SHARES:
        cost = max(ratio(costs.per_swap, 1), share * gain)
        if cost <= tried:
            continue
        if tried >= 0.0:
            net.price[:], net.open[:] = prices, ways
            net.solve(source, work)
        tried = cost
        if cost > 0.0:
            leave_out(net, source, cost, work)
        worth = net.gain - ratio(costs.per_swap, 1) * len(net.plan())
        now, swaps, circles = without_circles(net, free, source, work)
        if swaps.value > best.value:
            best, best_net = swaps, now.copy()
        if not circles or work[0] < kept or swaps.value > _ENOUGH * worth:
            break
    if costs.capital is not None and -best.lowest > costs.capital:
        placed = Places(net, best_net.amounts).net(closed=True)
        placed.solve(source, work)
        best = within(placed, free, costs.capital, source, work)
    return solved, best.copy(costs)
