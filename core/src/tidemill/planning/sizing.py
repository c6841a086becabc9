"""How much to put through a route, in integers: own money and borrowed money are sized apart, since together they are not unimodal."""

from collections.abc import Callable, Mapping, Sequence
from math import isqrt

from tidemill.domain.answers import NoQuote, Rejected
from tidemill.domain.decision import Allowance, Missing, Sized
from tidemill.domain.ids import PoolId
from tidemill.domain.opportunity import Arbitrage, Leg
from tidemill.domain.pool import Pool
from tidemill.domain.time import ChainTime
from tidemill.planning.desk import Desk
from tidemill.planning.netted import is_netted, size_netted

_LOST = -(1 << 300)
"""Below any real profit: the value of an amount that a route cannot carry."""
_NEXT_TO = 4
"""How many amounts on either side of the best are tried in the end."""
_PATIENCE = 6
"""So many doublings without a gain end a scan that has found one: floors may hide the first few."""
_DOUBLINGS = 24
"""After so many doublings of an amount that was carried, the floors weigh less than a 10^-7 part of it."""


def route_out(legs: Sequence[Leg], pools: Mapping[PoolId, Pool], amount: int, at: ChainTime) -> int:
    """Return what ``amount`` becomes along a route of distinct pools, rounded down at each hop; 0 where a hop gives no quote."""
    for leg in legs:
        pool = pools.get(leg.pool)
        if pool is None or amount <= 0:
            return 0
        amount = pool.amount_out(leg.sell, leg.buy, amount, at)
    return amount


def route_missing(legs: Sequence[Leg], pools: Mapping[PoolId, Pool], amount: int, at: ChainTime) -> Missing:
    """Return the state that is missing to carry ``amount`` along a route; empty where nothing is."""
    for leg in legs:
        pool = pools.get(leg.pool)
        if pool is None:
            return ()
        quote = pool.quote_exact_in(leg.sell, leg.buy, amount, at)
        if isinstance(quote, NoQuote):
            return ((leg.pool, quote.keys),) if quote.keys else ()
        amount = quote.amount_out
    return ()


def best_amount(profit: Callable[[int], int], cap: int, hint: int) -> tuple[int, int]:
    """Return the input in 1..cap with the greatest profit found, and that profit; of equal profits the smaller input.

    ``profit`` must rise and then fall, but for the floors of integer division; at or below minus the amount it means that the route
    cannot carry it. ``hint`` is a first guess, 0 for none: a good one saves most of the work. Around the optimum a profit of P changes
    by less than one unit within a 1 / sqrt(P) part of the input, which is how far the search narrows (Brent's parabolas and golden
    sections, in integers), before it tries each amount next to the best. So the answer is verified, not proven best to the last unit.
    """
    if cap < 1:
        return 0, _LOST
    values: dict[int, int] = {}

    def value(amount: int) -> int:
        found = values.get(amount)
        if found is None:
            found = values[amount] = profit(amount)
        return found

    start = _ascended(value, cap, min(hint, cap)) if hint > 0 and value(min(hint, cap)) > 0 else _scanned(value, cap)
    low, best, high = _narrowed(value, max(1, start // 2), start, min(cap, start * 2))
    around = range(low, high + 1) if high - low <= 4 * _NEXT_TO else range(max(1, best - _NEXT_TO), min(cap, best + _NEXT_TO) + 1)
    for amount in around:
        value(amount)
    found, amount = max((found, -amount) for amount, found in values.items())
    return -amount, found


def _ascended(value: Callable[[int], int], cap: int, start: int) -> int:
    """Return the best of the amounts reached from ``start`` by factors of two; two falls in a row end a direction."""
    best = start
    for step in (1, -1):
        amount, falls = start, 0
        while falls < 2 and (1 < amount if step < 0 else amount < cap):
            amount = min(cap, amount * 2) if step > 0 else amount // 2
            if (value(amount), -amount) > (value(best), -best):
                best, falls = amount, 0
            else:
                falls += 1
    return best


def _scanned(value: Callable[[int], int], cap: int) -> int:
    """Return the best power of two (or the cap).

    From the first amount that the route carries, losses over this many doublings are more than floors: then no larger amount gains.
    """
    best, losses, amount, carried = 1, 0, 1, False
    while True:
        found = value(amount)
        if found > -amount:
            carried = True
            losses = losses + 1 if found <= 0 or found < value(best) else 0
        elif carried:
            losses = _DOUBLINGS
        if (found, -amount) > (value(best), -best) or value(best) <= -best:
            best = amount
        if amount == cap or losses >= (_DOUBLINGS if value(best) <= 0 else _PATIENCE):
            return best
        amount = min(cap, amount * 2)


def _narrowed(value: Callable[[int], int], low: int, start: int, high: int) -> tuple[int, int, int]:
    """Return (low, best, high) around the maximum, from bounds that hold it.

    Brent, Algorithms for Minimization without Derivatives (1973), chapter 5, with integer division: which points are tried does not
    decide what is true of them.
    """
    best = second = third = start
    step = before_last = 0
    while high - low > 4 * _NEXT_TO:
        middle = (low + high) // 2
        tolerance = max(1, best // (2 * isqrt(max(1, value(best)))))
        if abs(best - middle) <= 2 * tolerance - (high - low) // 2:
            break
        move = _parabola(value, best, second, third) if abs(before_last) > tolerance else None
        if move is not None and 2 * abs(move) < abs(before_last) and low < best + move < high:
            before_last, step = step, move
        else:
            before_last = (high if best < middle else low) - best
            step = before_last * 382 // 1000
        if abs(step) < tolerance:
            step = tolerance if step > 0 or (step == 0 and best < middle) else -tolerance
        tried = min(high, max(low, best + step))
        if value(tried) > value(best) or (value(tried) == value(best) and tried < best):
            low, high = (best, high) if tried > best else (low, best)
            third, second, best = second, best, tried
        else:
            low, high = (tried, high) if tried < best else (low, tried)
            if value(tried) >= value(second) or second == best:
                third, second = second, tried
            elif value(tried) >= value(third) or third in (best, second):
                third = tried
    return low, best, high


def _parabola(value: Callable[[int], int], best: int, second: int, third: int) -> int | None:
    """Return how far from ``best`` the top of the parabola through three amounts lies; None where it has none."""
    rise = (best - second) * (value(third) - value(best))
    run = (best - third) * (value(second) - value(best))
    bend = 2 * (run - rise)
    return -((best - third) * run - (best - second) * rise) // bend if bend else None


def size_route(opportunity: Arbitrage, allowance: Allowance, desk: Desk) -> Sized | Rejected:
    """Return the best size within the allowance: with own money, or with the loan that leaves more after its fee.

    The cost of a loan's own steps is weighed too, valued in the opportunity's asset; own money wins a tie. A trade whose legs fix their
    amounts has its size already: all of it is funded, or it is turned away.
    """
    legs, pools, at = opportunity.legs, desk.view.pools, desk.at(opportunity.chain)
    if any(leg.pool not in pools for leg in legs):
        return Rejected("stale", "a pool of the route is not loaded")
    if is_netted(opportunity):
        return size_netted(opportunity, allowance, desk, loan_cost(opportunity, desk))
    results: list[tuple[int, int, int, str | None]] = []
    own = min(allowance.own, desk.book.free(opportunity.asset))
    if own > 0:
        amount, profit = best_amount(lambda x: _gain(route_out(legs, pools, x, at), x), own, opportunity.amount)
        results.append((profit, 0, amount, None))
    for place, terms in enumerate(desk.loans(opportunity.asset, opportunity.chain), start=1):
        cap = min(allowance.borrowed, terms.available)
        if cap < 1:
            continue
        amount, profit = best_amount(
            lambda x, terms=terms: _gain(route_out(legs, pools, x, at), x + terms.fee(x)),  # type: ignore[misc]
            cap,
            opportunity.amount,
        )
        results.append((profit - loan_cost(opportunity, desk), -place, amount, terms.lender))
    if not results:
        return Rejected("funds", "no own money and no loan is free for it", (("own", own), ("borrowed", allowance.borrowed)))
    net, _, amount, lender = max(results)
    missing = route_missing(legs, pools, amount * 2, at)
    if net <= 0:
        return Rejected("profit", "no amount leaves anything after pool and loan fees", (("profit", max(net, -1)),))
    profit = net + (loan_cost(opportunity, desk) if lender is not None else 0)
    return Sized(amount, profit, lender, missing)


def _gain(out: int, due: int) -> int:
    return out - due if out else _LOST


def loan_cost(opportunity: Arbitrage, desk: Desk) -> int:
    """Return what a flash loan adds to the chain's cost, in the opportunity's asset; 0 where it cannot be valued."""
    native = desk.rules[opportunity.chain].native
    extra = desk.estimate(opportunity.legs, 1) - desk.estimate(opportunity.legs, 0)
    value = desk.view.value(native, extra, opportunity.asset)
    return value if isinstance(value, int) else 0
