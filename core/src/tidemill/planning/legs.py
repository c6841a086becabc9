"""From a route to a group: each leg a transaction of its own, paid from what the book holds of its asset."""

from typing import Literal

from tidemill.domain.answers import NoQuote, Rejected
from tidemill.domain.decision import Allowance, Sized
from tidemill.domain.ids import AssetId, PlanId, PoolId, chain_of, content_id
from tidemill.domain.opportunity import Arbitrage, Leg
from tidemill.domain.plan import Basis, Flow, Group, PlannedSwap
from tidemill.domain.pool import Pool, Quote
from tidemill.planning.desk import Desk
from tidemill.planning.sizing import size_route
from tidemill.planning.unwind import TOLERANCE_BPS
from tidemill.units import NS_PER_S, bps_of


def size_group(opportunity: Arbitrage, allowance: Allowance, desk: Desk) -> Sized | Rejected:
    """Return the best size of a route whose legs leave at the same time: no loan, and no more than the book holds of what each leg sells.

    Returns:
        As ``size_route``; ``Rejected("funds")`` where the book holds nothing of an asset that a leg sells.
    """
    most = min(allowance.own, desk.book.free(opportunity.asset))
    if not _affordable(opportunity, most, desk):
        low, high = 0, most  # affordable, not affordable
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (middle, high) if _affordable(opportunity, middle, desk) else (low, middle)
        most = low
    if most <= 0:
        return Rejected("funds", "the book does not hold what every leg sells, and they all leave at the same time", (("own", most),))
    return size_route(opportunity, Allowance(allowance.asset, most, 0, allowance.cost), desk)


def build_group(
    opportunity: Arbitrage,
    size: Sized,
    desk: Desk,
    *,
    within_s: int,
    unwind: Literal["sell_back", "keep"] = "sell_back",
    tolerance_bps: int = TOLERANCE_BPS,
) -> Group | Rejected:
    """Return the group that carries ``size.units`` along the opportunity's legs, each leg a flow of its own.

    Every leg sells what the one before it is quoted to pay, from what the book holds already: they do not wait for each other. A leg may
    pay ``tolerance_bps`` of 10 000 less than quoted; below that it reverts. Legs may lie on different chains.

    Args:
        opportunity: the route.
        size: of own money, from ``size_group``.
        desk: the view, the book, the chains' rules.
        within_s: so many seconds of batch time after the newest batch all legs must have filled.
        unwind: what becomes of legs that filled when another did not.
        tolerance_bps: of each leg.

    Returns:
        The group, or ``Rejected``: ``loan`` (a loan cannot span transactions), ``quote`` (a pool gives none).
    """
    if size.lender is not None:
        return Rejected("loan", f"{size.lender} lends within one transaction only, these legs are several")
    quotes = _quoted(opportunity, size.units, desk)
    if isinstance(quotes, Rejected):
        return quotes
    versions = [desk.view.version(leg.pool) for leg in opportunity.legs]
    deadline = desk.view.now_ns + within_s * NS_PER_S
    identity = content_id("group", opportunity.id, desk.book.id, size.units, versions, deadline)
    legs = [
        _leg(opportunity, leg, quote, desk, PlanId(content_id("leg", identity, place)), tolerance_bps)
        for place, (leg, quote) in enumerate(zip(opportunity.legs, quotes, strict=True))
    ]
    return Group(
        id=PlanId(identity),
        opportunity=opportunity.id,
        strategy=opportunity.strategy,
        book=desk.book.id,
        chain=opportunity.chain,
        plans=tuple(legs),
        unwind=unwind,
        deadline_ns=deadline,
    )


def _leg(opportunity: Arbitrage, leg: Leg, quote: Quote, desk: Desk, identity: PlanId, tolerance_bps: int) -> Flow:
    chain = chain_of(leg.pool)
    rules, least = desk.rules[chain], max(1, quote.amount_out - bps_of(quote.amount_out, tolerance_bps))
    return Flow(
        id=identity,
        opportunity=opportunity.id,
        strategy=opportunity.strategy,
        book=desk.book.id,
        chain=chain,
        basis=(Basis(leg.pool, desk.view.version(leg.pool)),),
        funds=((leg.sell, quote.amount_in),),
        loans=(),
        swaps=(PlannedSwap(leg.pool, leg.sell, leg.buy, quote.amount_in, least),),
        guards=((leg.buy, least),) if rules.guards_balance else (),
        expires=desk.at(chain).height + max(desk.patience, rules.lifetime),
        # As for any flow: the compute limit may be almost twice what is expected, and fees may rise while the plan waits
        cost_cap=3 * desk.estimate((leg,), 0),
    )


def _quoted(opportunity: Arbitrage, amount: int, desk: Desk) -> list[Quote] | Rejected:
    """Return what each leg pays, a pool that is met again as the leg before left it."""
    quotes: list[Quote] = []
    moved: dict[PoolId, Pool] = {}
    for leg in opportunity.legs:
        pool = moved.get(leg.pool) or desk.view.pool(leg.pool)
        swapped = pool.swap_exact_in(leg.sell, leg.buy, amount, desk.at(chain_of(leg.pool))) if pool is not None and amount > 0 else None
        if swapped is None or isinstance(swapped, NoQuote):
            return Rejected("quote", f"{leg.pool} gives no quote for {amount} of {leg.sell}", (("amount", amount),))
        moved[leg.pool] = swapped.pool
        quotes.append(swapped.quote)
        amount = swapped.quote.amount_out
    return quotes


def _affordable(opportunity: Arbitrage, amount: int, desk: Desk) -> bool:
    quotes = _quoted(opportunity, amount, desk)
    if isinstance(quotes, Rejected):
        return False
    spent: dict[AssetId, int] = {}
    for leg, quote in zip(opportunity.legs, quotes, strict=True):
        spent[leg.sell] = spent.get(leg.sell, 0) + quote.amount_in
    return all(amount <= desk.book.free(asset) for asset, amount in spent.items())
