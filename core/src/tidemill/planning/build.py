"""From a sized route to a flow."""

from tidemill.domain.answers import Rejected
from tidemill.domain.decision import Sized
from tidemill.domain.ids import AssetId, PlanId, content_id, split_pool_id
from tidemill.domain.lending import LoanTerms
from tidemill.domain.opportunity import Arbitrage, Leg
from tidemill.domain.plan import Basis, Flow, Loan, PlannedSwap
from tidemill.planning.desk import Desk
from tidemill.planning.netted import is_netted, walk
from tidemill.planning.replay import Broken
from tidemill.units import BPS_SCALE, bps_of


def build_flow(opportunity: Arbitrage, size: Sized, desk: Desk) -> Flow | Rejected:
    """Return the flow that carries ``size.units`` along the opportunity's legs.

    On a chain whose transactions can spend what they hold, every swap but the first sells all that came in, and one guard on the final
    balance decides: it asks for one unit of gain, because a fill that gains anything is better than a revert that pays the same cost.
    Elsewhere each amount is what the swap before guarantees and the last minimum is the guard. A DEX's ``max_slippage_bps`` sets the
    minimum of its swaps. Legs that fix their amounts sell these; what is left of an asset goes with its last sale, as it does where a leg
    sells all that is held.
    """
    rules = desk.rules[opportunity.chain]
    loan = _loan(opportunity, size, desk)
    if isinstance(loan, Rejected):
        return loan
    due = size.units + (loan.fee if loan is not None else 0)
    make = _fixed if is_netted(opportunity) else _swaps
    swaps = make(opportunity, size.units, due, desk, spends=rules.spends_balance, guards=rules.guards_balance)
    if isinstance(swaps, Rejected):
        return swaps
    asset, legs = opportunity.asset, opportunity.legs
    return Flow(
        id=_plan_id(opportunity, size, desk),
        opportunity=opportunity.id,
        strategy=opportunity.strategy,
        book=desk.book.id,
        chain=opportunity.chain,
        basis=tuple(Basis(pool, desk.view.version(pool)) for pool in dict.fromkeys(opportunity.pools)),
        funds=() if loan is not None else ((asset, size.units),),
        loans=(loan,) if loan is not None else (),
        swaps=swaps,
        guards=((asset, 1 if loan is not None else size.units + 1),) if rules.guards_balance else (),
        expires=desk.at(opportunity.chain).height + max(desk.patience, rules.lifetime),
        # The compute limit may be almost twice what is expected, and fees may rise while the plan waits
        cost_cap=3 * desk.estimate(legs, len((loan,) if loan is not None else ())),
    )


def _plan_id(opportunity: Arbitrage, size: Sized, desk: Desk) -> PlanId:
    """Name a plan by its route, size and the versions it was made on: asked again on newer state it is another plan."""
    versions = [desk.view.version(leg.pool) for leg in opportunity.legs]
    return PlanId(content_id("plan", opportunity.id, desk.book.id, size.units, size.lender, versions))


def _loan(opportunity: Arbitrage, size: Sized, desk: Desk) -> Loan | Rejected | None:
    if size.lender is None:
        return None
    for terms in desk.loans(opportunity.asset, opportunity.chain):
        if terms.lender == size.lender:
            return _drawn(terms, size.units)
    return Rejected("loan", f"{size.lender} no longer lends {opportunity.asset}")


def _drawn(terms: LoanTerms, amount: int) -> Loan | Rejected:
    if amount > terms.available:
        return Rejected("loan", f"{terms.lender} has too little", (("asked", amount), ("available", terms.available)))
    return Loan(terms.lender, terms.asset, amount, terms.fee(amount))


def _swaps(opportunity: Arbitrage, amount: int, due: int, desk: Desk, *, spends: bool, guards: bool) -> tuple[PlannedSwap, ...] | Rejected:
    at, swaps = desk.at(opportunity.chain), []
    for place, leg in enumerate(opportunity.legs):
        pool = desk.view.pools.get(leg.pool)
        out = pool.amount_out(leg.sell, leg.buy, amount, at) if pool is not None else 0
        if not out:
            return Rejected("quote", f"{leg.pool} gives no quote for {amount} of {leg.sell}", (("amount", amount),))
        least = _least(leg, out, desk)
        last = place == len(opportunity.legs) - 1
        if last and not guards:
            least = max(least, due + 1)
        if not (spends or last):
            least = out  # the next swap sells a fixed amount: less must not arrive, more would be left behind
        swaps.append(PlannedSwap(leg.pool, leg.sell, leg.buy, None if spends and place else amount, least))
        amount = out if spends else (least if not last else out)
    return tuple(swaps)


def _fixed(opportunity: Arbitrage, amount: int, due: int, desk: Desk, *, spends: bool, guards: bool) -> tuple[PlannedSwap, ...] | Rejected:
    if amount < opportunity.amount:
        return Rejected("size", f"the amounts of this trade are for {opportunity.amount}, {amount} were given", (("amount", amount),))
    replayed = walk(opportunity, desk.view.pools, desk.at(opportunity.chain))
    if isinstance(replayed, Broken):
        return Rejected("quote", replayed.reason)
    last_sale = {leg.sell: place for place, leg in enumerate(opportunity.legs)}
    held: dict[AssetId, int] = {}
    last_purchase = max(place for place, leg in enumerate(opportunity.legs) if leg.buy == opportunity.asset)
    swaps = []
    for place, (leg, fill) in enumerate(zip(opportunity.legs, replayed.fills, strict=True)):
        # Whatever an earlier pool pays more or less than now, a leg that sells all that there is still does
        all_held = spends and leg.sell != opportunity.asset and (last_sale[leg.sell] == place or held.get(leg.sell) == leg.amount)
        held[leg.sell] = held.get(leg.sell, 0) - fill.amount_in
        held[leg.buy] = held.get(leg.buy, 0) + fill.amount_out
        least = _least(leg, fill.amount_out, desk)
        if not spends and leg.buy != opportunity.asset:
            least = fill.amount_out  # later legs sell fixed amounts of it
        if not guards and place == last_purchase:
            least = max(least, fill.amount_out - (dict(replayed.changes).get(opportunity.asset, 0) - (due - amount) - 1))
        swaps.append(PlannedSwap(leg.pool, leg.sell, leg.buy, None if all_held else leg.amount, least))
    return tuple(swaps)


def _least(leg: Leg, out: int, desk: Desk) -> int:
    """Return what a swap must pay by the slippage that its DEX is allowed, 0 where the configuration says nothing."""
    policy = desk.view.policies.get(split_pool_id(leg.pool)[1])
    slippage = policy.max_slippage_bps if policy is not None else None
    return out - bps_of(out, slippage) if slippage is not None and slippage < BPS_SCALE else 0
