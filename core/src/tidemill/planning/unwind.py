"""The way back: how an amount of one asset is sold into another now, by the route that pays most and within a bound on the loss."""

from collections.abc import Iterator

from attrs import frozen

from tidemill.domain.answers import NoPrice, Rejected
from tidemill.domain.ids import AssetId, OpportunityId, PlanId, PoolId, chain_of, content_id
from tidemill.domain.opportunity import Leg
from tidemill.domain.plan import Basis, Flow, PlannedSwap
from tidemill.planning.desk import Desk
from tidemill.units import BPS_SCALE, bps_of, mul_div_up

TOLERANCE_BPS = 50
"""How much less than quoted a sale may pay where nothing else is said: what other trades of the same block move in quiet markets."""
_HALVINGS = 10
"""So often an amount that loses too much is halved before nothing of it is sold for now."""


@frozen
class Sale:
    """A route and what it does: what each of its legs sells, and what the last one pays; base units."""

    legs: tuple[Leg, ...]
    sold: tuple[int, ...]
    out: int


@frozen
class Bounds:
    """What a sale may lose, of 10 000.

    ``loss_bps`` of what the amount is worth may go to fees, to the sale's own impact and to what moves before it executes;
    ``tolerance_bps`` is the part of its exact quote that may be lost to what moves alone.
    """

    loss_bps: int
    tolerance_bps: int = TOLERANCE_BPS


def selling(
    asset: AssetId,
    into: AssetId,
    amount: int,
    desk: Desk,
    bounds: Bounds,
    *,
    opportunity: OpportunityId,
    strategy: str,
    partly: bool = False,
) -> Flow | Rejected:
    """Plan the sale of an amount of the book's own money, at one pool or at two with a token between them, whichever pays most.

    What it is worth is ``Snapshot.value``. The plan's guarded minimum is the exact quote less the tolerance, and never below the worth
    less the loss that is allowed: where the market moves further before it executes, it reverts. No loan is taken.

    Args:
        asset: what is sold.
        into: what is bought, on the same chain.
        amount: base units of ``asset``; they must be free in the desk's book.
        desk: the view, the book, the chains' rules.
        bounds: what may be lost.
        opportunity: what it is done for, in the ledger.
        strategy: under whose name.
        partly: where the whole amount would lose too much, sell the greatest half, quarter, … of it that does not.

    Returns:
        The flow, or ``Rejected``: ``funds`` (not free), ``value`` (its worth is not known), ``route`` (nobody buys it), ``loss`` (beyond
        the bound), ``cost`` (the chain takes more than the sale brings).
    """
    if amount <= 0 or asset == into or chain_of(asset) != chain_of(into):
        return Rejected("route", f"{amount} of {asset} cannot be sold into {into}: one chain, two assets, an amount above 0")
    free = desk.book.free(asset)
    if free < amount:
        return Rejected("funds", f"{amount} of {asset} is to be sold, {free} is free", (("amount", amount), ("free", free)))
    whole: Rejected | None = None
    for halving in range(_HALVINGS + 1 if partly else 1):
        found = _priced(asset, into, amount >> halving, desk, bounds)
        if not isinstance(found, Rejected):
            return _flow(*found, desk, opportunity, strategy)
        whole = whole or found
        if found.rule != "loss" or amount >> halving <= 1:
            break
    assert whole is not None  # noqa: S101 nothing leaves the loop above without it
    return whole


def best_sale(asset: AssetId, into: AssetId, amount: int, desk: Desk, tolerance_bps: int = TOLERANCE_BPS) -> Sale | None:
    """Return the route of one or two pools that pays most for exactly ``amount``; of equal ones the shorter, then by pool ids.

    Where a transaction cannot sell "what it holds" the second pool is counted on for what the first pays less the tolerance.
    """
    sales = _sales(asset, into, amount, desk, tolerance_bps)
    return min(sales, key=lambda sale: (-sale.out, len(sale.legs), [leg.pool for leg in sale.legs]), default=None)


def _priced(asset: AssetId, into: AssetId, amount: int, desk: Desk, bounds: Bounds) -> tuple[Sale, int] | Rejected:
    """Return the best sale and the least that it may pay, or why it cannot be made."""
    worth = desk.view.value(asset, amount, into)
    if isinstance(worth, NoPrice):
        return Rejected("value", f"what {amount} of {asset} is worth in {into} is not known: {worth.detail}", (("amount", amount),))
    sale = best_sale(asset, into, amount, desk, bounds.tolerance_bps)
    if sale is None:
        return Rejected("route", f"no pool, nor two in a row, buys {amount} of {asset} for {into}", (("amount", amount),))
    # Rounded up: what is paid may not fall below the bound by the last unit either
    floor = max(1, mul_div_up(worth, max(0, BPS_SCALE - bounds.loss_bps), BPS_SCALE))
    if sale.out < floor:
        text = f"the sale of {amount} of {asset} pays {sale.out} of {into}, at least {floor} of {into} is asked"
        return Rejected("loss", text, (("pays", sale.out), ("least", floor), ("worth", worth)))
    cost = desk.view.value(desk.rules[chain_of(asset)].native, desk.estimate(sale.legs, 0), into)
    if not isinstance(cost, NoPrice) and cost >= sale.out:
        text = f"the sale of {amount} of {asset} pays {sale.out} of {into} and costs {cost} of {into}"
        return Rejected("cost", text, (("pays", sale.out), ("cost", cost)))
    return sale, max(sale.out - bps_of(sale.out, bounds.tolerance_bps), floor)


def _sales(asset: AssetId, into: AssetId, amount: int, desk: Desk, tolerance_bps: int) -> Iterator[Sale]:
    for pool, out in _outs(asset, into, amount, desk):
        yield Sale((Leg(pool, asset, into),), (amount,), out)
    spends = desk.rules[chain_of(asset)].spends_balance
    for between in _between(asset, into, desk):
        first = sorted(_outs(asset, between, amount, desk), key=lambda found: (-found[1], found[0]))
        # What pays most for the first half pays most in the end, but no pool is entered twice: it would not stand as it was quoted
        for pool, out in first[:2]:
            held = out if spends else out - bps_of(out, tolerance_bps)
            for last, paid in _outs(between, into, held, desk):
                if last != pool:
                    yield Sale((Leg(pool, asset, between), Leg(last, between, into)), (amount, held), paid)


def _outs(sell: AssetId, buy: AssetId, amount: int, desk: Desk) -> Iterator[tuple[PoolId, int]]:
    at = desk.at(chain_of(sell))
    for identifier in desk.view.pools_of(sell, buy):
        pool = desk.view.pool(identifier)
        out = pool.amount_out(sell, buy, amount, at) if pool is not None and amount > 0 else 0
        if out > 0:
            yield identifier, out


def _between(asset: AssetId, into: AssetId, desk: Desk) -> list[AssetId]:
    """Return the tokens that trade against both assets, by id."""
    sides: dict[AssetId, set[AssetId]] = {asset: set(), into: set()}
    for pair in desk.view.by_pair:
        for one, other in (pair, pair[::-1]):
            if one in sides:
                sides[one].add(other)
    return sorted((sides[asset] & sides[into]) - {asset, into})


def _flow(sale: Sale, least: int, desk: Desk, opportunity: OpportunityId, strategy: str) -> Flow:
    legs, asset, into = sale.legs, sale.legs[0].sell, sale.legs[-1].buy
    chain = chain_of(asset)
    rules, view = desk.rules[chain], desk.view
    versions = [view.version(leg.pool) for leg in legs]
    swaps = []
    for place, (leg, sold) in enumerate(zip(legs, sale.sold, strict=True)):
        last = place == len(legs) - 1
        spent = None if place and rules.spends_balance else sold
        # A second swap that sells a fixed amount needs it from the first, whatever moved meanwhile; what comes above that stays
        minimum = least if last else (0 if rules.spends_balance else sale.sold[place + 1])
        swaps.append(PlannedSwap(leg.pool, leg.sell, leg.buy, spent, minimum))
    named = [leg.pool for leg in legs]
    return Flow(
        id=PlanId(content_id("plan", "selling", opportunity, desk.book.id, asset, into, sale.sold[0], named, versions)),
        opportunity=opportunity,
        strategy=strategy,
        book=desk.book.id,
        chain=chain,
        basis=tuple(Basis(leg.pool, version) for leg, version in zip(legs, versions, strict=True)),
        funds=((asset, sale.sold[0]),),
        loans=(),
        swaps=tuple(swaps),
        guards=((into, least),) if rules.guards_balance else (),
        expires=desk.at(chain).height + max(desk.patience, rules.lifetime),
        # As for any flow: the compute limit may be almost twice what is expected, and fees may rise while the plan waits
        cost_cap=3 * desk.estimate(legs, 0),
    )
