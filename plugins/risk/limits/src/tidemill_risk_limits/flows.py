"""What a finished flow does, replayed: the impact of each swap and what is left after its cost."""

from tidemill import AssetAmount, AssetId, Snapshot
from tidemill.domain.answers import NoPrice, Rejected
from tidemill.domain.outcome import Fill
from tidemill.domain.plan import Flow
from tidemill.domain.pool import Pool
from tidemill.domain.time import ChainTime
from tidemill.domain.valuation import marginal_rate
from tidemill.planning.replay import Broken, Replayed, replay_flow
from tidemill.units import BPS_SCALE, PPM_SCALE
from tidemill_risk_limits.money import shown
from tidemill_risk_limits.settings import LimitsSettings


def check_flow(flow: Flow, settings: LimitsSettings, snapshot: Snapshot) -> Rejected | None:
    """Return the first rule that a flow breaks as it would execute now, or None."""
    at = snapshot.at(flow.chain)
    replayed = replay_flow(flow, snapshot.pools, at)
    if isinstance(replayed, Broken):
        return Rejected(replayed.rule, replayed.reason)
    limit_bps = settings.max_impact_bps
    for fill, pool in zip(replayed.fills, replayed.before, strict=True):
        rejected = _check_impact(fill, pool, limit_bps, at) if limit_bps is not None else None
        if rejected is not None:
            return rejected
    return _check_profit(flow, replayed, settings.min_net_profit, snapshot) if settings.min_net_profit is not None else None


def _check_impact(fill: Fill, pool: Pool, limit_bps: int, at: ChainTime) -> Rejected | None:
    rule = "max_impact_bps"
    rate = marginal_rate(pool, fill.sell, fill.buy, at)
    if rate is None:
        return Rejected(rule, f"{fill.pool} quotes no small amount to compare the swap with")
    fair = fill.amount_in * rate[0] * (PPM_SCALE - (pool.fee_ppm or 0)) // (rate[1] * PPM_SCALE)
    impact = (fair - fill.amount_out) * BPS_SCALE // fair if fair else 0
    if impact <= limit_bps:
        return None
    text = f"the swap of {fill.amount_in} at {fill.pool} gets {impact} bps less than its marginal rate, {rule} is {limit_bps}"
    return Rejected(rule, text, (("found", impact), ("limit", limit_bps)))


def _check_profit(flow: Flow, replayed: Replayed, least: AssetAmount, snapshot: Snapshot) -> Rejected | None:
    """A gain that cannot be valued counts nothing; a loss or a cost that cannot rejects."""
    rule, net = "min_net_profit", 0
    spent: tuple[AssetId, int] = snapshot.chains[flow.chain].native, -flow.cost_cap
    for asset, change in (*replayed.changes, spent):
        value = snapshot.value(asset, change, least.asset)
        if not isinstance(value, NoPrice):
            net += value
        elif change < 0:
            return Rejected(rule, f"{rule}: a loss of {-change} {asset} cannot be valued: {value.detail}", (("loss", -change),))
    if net >= least.amount:
        return None
    text = f"{shown(net, least.asset, snapshot)} after costs is below {rule} {shown(least.amount, least.asset, snapshot)}"
    return Rejected(rule, text, (("found", net), ("limit", least.amount)))
