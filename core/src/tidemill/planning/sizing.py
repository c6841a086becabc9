"""How much to put through a route, in integers: own money and borrowed money are sized apart, since together they are not unimodal."""

from collections.abc import Callable, Mapping, Sequence

from tidemill.domain.answers import NoQuote, Rejected
from tidemill.domain.decision import Allowance, Sized
from tidemill.domain.ids import Key, PoolId
from tidemill.domain.opportunity import Arbitrage, Leg
from tidemill.domain.pool import Pool
from tidemill.domain.time import ChainTime
from tidemill.planning.desk import Desk

_LOST = -(1 << 300)
"""Below any real profit: the value of an amount that a route cannot carry."""


def route_out(legs: Sequence[Leg], pools: Mapping[PoolId, Pool], amount: int, at: ChainTime) -> int:
    """Return what ``amount`` becomes along a route of distinct pools, rounded down at each hop; 0 where a hop gives no quote."""
    for leg in legs:
        pool = pools.get(leg.pool)
        if pool is None or amount <= 0:
            return 0
        amount = pool.amount_out(leg.sell, leg.buy, amount, at)
    return amount


def route_missing(legs: Sequence[Leg], pools: Mapping[PoolId, Pool], amount: int, at: ChainTime) -> tuple[Key, ...]:
    """Return the state that is missing to carry ``amount`` along a route; empty where nothing is."""
    for leg in legs:
        pool = pools.get(leg.pool)
        if pool is None:
            return ()
        quote = pool.quote_exact_in(leg.sell, leg.buy, amount, at)
        if isinstance(quote, NoQuote):
            return quote.keys
        amount = quote.amount_out
    return ()


def best_amount(profit: Callable[[int], int], cap: int, hint: int) -> tuple[int, int]:
    """Return the input in 1..cap with the greatest profit, and that profit.

    ``profit`` must rise and then fall, but for the floors of integer division: the search narrows by golden sections from a bracket
    around ``hint`` and ends with a probe of each remaining amount, so its answer is verified, not proven best to the last unit.
    """
    if cap < 1:
        return 0, _LOST
    low, high = _bracket(profit, cap, min(max(1, hint), cap))
    left, right = low + (high - low) * 382 // 1000, low + (high - low) * 618 // 1000
    at_left, at_right = profit(left), profit(right)
    while high - low > 8:
        # An amount the route cannot carry counts as far too much, so a tie of two such amounts moves down.
        if at_left >= at_right:
            high, right, at_right = right, left, at_left
            left = low + (high - low) * 382 // 1000
            at_left = profit(left)
        else:
            low, left, at_left = left, right, at_right
            right = low + (high - low) * 618 // 1000
            at_right = profit(right)
    candidates = [*range(max(1, low), high + 1), min(max(1, hint), cap)]
    found, amount = max((profit(candidate), -candidate) for candidate in candidates)
    return -amount, found


def _bracket(profit: Callable[[int], int], cap: int, hint: int) -> tuple[int, int]:
    """Return bounds that hold the maximum: grow from the hint, by factors of two, while it still rises."""
    best = profit(hint)
    high = min(cap, hint * 2)
    while high < cap and profit(high) > best:
        best, high = profit(high), min(cap, high * 2)
    low, best = hint, profit(hint)
    while low > 1 and profit(low // 2) >= best:
        low //= 2
        best = profit(low)
    return max(1, low // 2), high


def size_route(opportunity: Arbitrage, allowance: Allowance, desk: Desk) -> Sized | Rejected:
    """Return the best size within the allowance: with own money, or with the loan that leaves more after its fee.

    The cost of a loan's own steps is weighed too, valued in the opportunity's asset; own money wins a tie.
    """
    legs, pools, at = opportunity.legs, desk.view.pools, desk.at(opportunity.chain)
    if any(leg.pool not in pools for leg in legs):
        return Rejected("stale", "a pool of the route is not loaded")
    results: list[tuple[int, int, int, str | None]] = []
    own = min(allowance.own, desk.book.free(opportunity.asset))
    if own > 0:
        amount, profit = best_amount(lambda x: _gain(route_out(legs, pools, x, at), x), own, opportunity.amount)
        results.append((profit, 0, amount, None))
    for place, terms in enumerate(desk.loans(opportunity.asset, opportunity.chain), start=1):
        cap = min(allowance.borrowed, terms.available)
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
