"""Which opportunity is served first, and which is worth its cost."""

from tidemill.domain.answers import NoPrice, Rejected
from tidemill.domain.asset import AssetAmount
from tidemill.domain.decision import Sized
from tidemill.domain.ids import AssetId
from tidemill.domain.opportunity import Arbitrage, Opportunity
from tidemill.domain.snapshot import Snapshot
from tidemill.planning.desk import CostRules, Desk
from tidemill.units import BPS_SCALE, PPM_SCALE

RankKey = tuple[int, int, str]


def net_profit(opportunity: Opportunity, base: AssetId, rules: CostRules, snapshot: Snapshot) -> int:
    """Return the expected profit after chain costs in ``base`` units; a gain that cannot be valued counts nothing."""
    asset = opportunity.asset if isinstance(opportunity, Arbitrage) else opportunity.funding
    gain = snapshot.value(asset, opportunity.profit, base)
    refs = tuple(snapshot.refs[pool] for pool in opportunity.pools if pool in snapshot.refs)
    cost = snapshot.value(rules.native, rules.estimate(refs, 0, snapshot), base) if refs else 0
    return (0 if isinstance(gain, NoPrice) else gain) - (0 if isinstance(cost, NoPrice) else cost)


def rank_key(opportunity: Opportunity, net: int, priority: int) -> RankKey:
    """Return the sort key: weighted net profit first, then priority, then id; smallest is best."""
    return -(net * opportunity.confidence_ppm // PPM_SCALE), -priority, opportunity.id


def below_minimum(
    opportunity: Arbitrage, size: Sized, desk: Desk, min_profit_bps: int, min_net_profit: AssetAmount | None
) -> Rejected | None:
    """Return why a sized arbitrage leaves too little after the expected chain cost, or None where it leaves enough.

    ``min_profit_bps`` compares what is left with the amount that goes in, own or borrowed; 0 or less asks for nothing.
    ``min_net_profit`` compares it, valued, with an amount of any asset; None asks for nothing. A cost or a gain that cannot be valued
    does not reach a minimum.
    """
    asset, view = opportunity.asset, desk.view
    spent = desk.estimate(opportunity.legs, 0 if size.lender is None else 1)
    cost = view.value(desk.rules[opportunity.chain].native, -spent, asset)
    if min_profit_bps > 0:
        if isinstance(cost, NoPrice):
            return Rejected("min_profit_bps", f"the chain's cost cannot be valued in {asset}: {cost.detail}", (("cost", spent),))
        net = size.profit + cost
        if net * BPS_SCALE < min_profit_bps * size.units:
            text = f"profit {_tenths(net * BPS_SCALE * 10 // size.units)} bps after gas is below min_profit_bps {min_profit_bps}"
            return Rejected("min_profit_bps", text, (("net", net), ("amount", size.units), ("min_profit_bps", min_profit_bps)))
    if min_net_profit is not None:
        gain = view.value(asset, size.profit, min_net_profit.asset)
        paid = view.value(desk.rules[opportunity.chain].native, -spent, min_net_profit.asset)
        if isinstance(gain, NoPrice) or isinstance(paid, NoPrice):
            text = f"profit or cost cannot be valued in {min_net_profit.asset}"
            return Rejected("min_net_profit", text, (("profit", size.profit), ("cost", spent)))
        if gain + paid < min_net_profit.amount:
            text = f"{gain + paid} of {min_net_profit.asset} after gas is below min_net_profit {min_net_profit.amount}"
            return Rejected("min_net_profit", text, (("net", gain + paid), ("min_net_profit", min_net_profit.amount)))
    return None


def _tenths(value: int) -> str:
    """Write a number of tenths with its point."""
    return f"{'-' if value < 0 else ''}{abs(value) // 10}.{abs(value) % 10}"
