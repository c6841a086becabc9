"""Trades whose legs fix their amounts: what they leave, and whose money they go in with."""

from collections.abc import Mapping

from tidemill.domain.answers import Rejected
from tidemill.domain.decision import Allowance, Sized
from tidemill.domain.ids import MAIN_BOOK, PlanId, PoolId
from tidemill.domain.opportunity import Arbitrage
from tidemill.domain.plan import Flow, PlannedSwap
from tidemill.domain.pool import Pool
from tidemill.domain.time import ChainTime
from tidemill.planning.desk import Desk
from tidemill.planning.replay import Broken, Replayed, replay_flow

_PART_SHORT = 3
"""Of what comes back in the middle of a trade and goes in again, a 2^-3 part may be missing before a swap finds too little to sell.

No more than that part of the trade's own amount either: half of what goes in must be less than it, or no smaller trade would be looked for.
"""


def is_netted(opportunity: Arbitrage) -> bool:
    """Tell whether the legs fix their amounts: their size is decided, and they may part and meet again."""
    return any(leg.amount is not None for leg in opportunity.legs)


def walk(opportunity: Arbitrage, pools: Mapping[PoolId, Pool], at: ChainTime) -> Replayed | Broken:
    """Return what comes of the legs, in order, if ``amount`` of the asset is there at the beginning."""
    flow = Flow(
        id=PlanId(""),
        opportunity=opportunity.id,
        strategy=opportunity.strategy,
        book=MAIN_BOOK,
        chain=opportunity.chain,
        basis=(),
        funds=((opportunity.asset, opportunity.amount),),
        loans=(),
        swaps=tuple(PlannedSwap(leg.pool, leg.sell, leg.buy, leg.amount, 0) for leg in opportunity.legs),
        guards=(),
        expires=at.height,
        cost_cap=0,
    )
    return replay_flow(flow, pools, at)


def profit_of(opportunity: Arbitrage, pools: Mapping[PoolId, Pool], at: ChainTime) -> int | Broken:
    """Return what the legs leave of the asset above ``amount``, base units, or why they cannot be carried out."""
    replayed = walk(opportunity, pools, at)
    return replayed if isinstance(replayed, Broken) else dict(replayed.changes).get(opportunity.asset, 0)


def size_netted(opportunity: Arbitrage, allowance: Allowance, desk: Desk, loan_cost: int) -> Sized | Rejected:
    """Return the trade's own size, with own money where that reaches, else with the loan that leaves most.

    Of own money more than ``amount`` goes in where the trade sells its asset again after it came back: a cushion for what may be missing
    then. What is not needed of it stays, and the guard counts it.

    ``loan_cost`` is what a loan adds to the chain's cost, base units of the opportunity's asset.
    """
    amount, asset = opportunity.amount, opportunity.asset
    profit = profit_of(opportunity, desk.view.pools, desk.at(opportunity.chain))
    if isinstance(profit, Broken):
        return Rejected("quote", profit.reason)
    if profit <= 0:
        return Rejected("profit", "the trade no longer leaves anything", (("profit", profit),))
    own = min(allowance.own, desk.book.free(asset))
    if own >= amount:
        return Sized(min(own, amount + (min(amount, _turned_over(opportunity)) >> _PART_SHORT)), profit)
    results = [
        (profit - terms.fee(amount), -place, terms.lender)
        for place, terms in enumerate(desk.loans(asset, opportunity.chain))
        if min(allowance.borrowed, terms.available) >= amount
    ]
    if not results:
        found = (("amount", amount), ("own", own), ("borrowed", allowance.borrowed))
        return Rejected("funds", f"neither own money nor a loan reaches {amount} of {asset}, for which this trade was made", found)
    left, _, lender = max(results)
    if left <= loan_cost:
        return Rejected("profit", "the loan costs more than the trade leaves", (("profit", left), ("loan_cost", loan_cost)))
    return Sized(amount, left, lender)


def _turned_over(opportunity: Arbitrage) -> int:
    """Return how much of its asset a trade sells that came back from its own swaps, base units."""
    asset = opportunity.asset
    return max(0, sum(leg.amount or 0 for leg in opportunity.legs if leg.sell == asset) - opportunity.amount)
