"""The netted trade within less money than it wants: asked for again, because parts of it fit no longer together once one is cut."""

from collections.abc import Iterable, Iterator

from attrs import evolve

from tidemill import Arbitrage, CycleQuery, PoolId
from tidemill.domain.answers import Rejected
from tidemill.domain.decision import Allowance
from tidemill.domain.lending import LoanTerms
from tidemill.planning.desk import Desk
from tidemill.planning.netted import profit_of
from tidemill.planning.replay import Broken
from tidemill.units import PPM_SCALE


def purses(opportunity: Arbitrage, allowance: Allowance, desk: Desk) -> Iterator[tuple[int, LoanTerms | None]]:
    """Yield how much of whose money there is for a trade that wants more: own money (None), then each loan that is larger."""
    own = min(allowance.own, desk.book.free(opportunity.asset))
    if 0 < own < opportunity.amount:
        yield own, None
    for terms in desk.loans(opportunity.asset, opportunity.chain):
        cap = min(allowance.borrowed, terms.available)
        if own < cap < opportunity.amount:
            yield cap, terms


def netted_within(query: CycleQuery, opportunity: Arbitrage, desk: Desk, cap: int, terms: LoanTerms | None) -> Arbitrage | Rejected:
    """Return the opportunity with the trade that the searcher nets within ``cap`` base units of its asset, quoted by the exact pools.

    Equal arguments give an equal trade. ``profit`` is what is left before a loan's fee, which ``terms`` states.
    """
    asset = opportunity.asset
    starts = (asset, *(start for start in query.starts if start != asset))
    fee_ppm = -(-terms.numerator * PPM_SCALE // terms.denominator) if terms is not None else 0
    netted = desk.view.netted(evolve(query, starts=starts, capital=((asset, cap),), loan_fee_ppm=fee_ppm))
    if netted is None or netted.asset != asset or not 0 < netted.amount_in <= cap:
        return Rejected("funds", f"nothing gains within {cap} of {asset}, of which {opportunity.amount} is wanted", (("free", cap),))
    trade = evolve(opportunity, legs=netted.legs, amount=netted.amount_in, profit=netted.profit)
    taken = _in_flight(set(trade.pools) - set(opportunity.pools), desk)
    if taken:
        return Rejected(
            "conflict", f"within {cap} of {asset} it touches {taken[0]}, a pool of our plan in flight", (("pools", len(taken)),)
        )
    if any(pool not in desk.view.pools for pool in trade.pools):
        return Rejected("stale", "a pool of the trade is not loaded")
    profit = profit_of(trade, desk.view.pools, desk.at(trade.chain))
    if isinstance(profit, Broken):
        return Rejected("quote", profit.reason)
    return evolve(trade, profit=profit) if profit > 0 else Rejected("profit", "the trade leaves nothing", (("profit", profit),))


def _in_flight(pools: Iterable[PoolId], desk: Desk) -> list[PoolId]:
    """Return which pools our plans in flight touch, of any book, by id: the core has looked at the opportunity's own pools only."""
    books = [desk.book, *desk.view.books.values()]
    busy = {pool for book in books for plan in book.plans for pool in plan.pools}
    return sorted(busy.intersection(pools))
