"""What finished flows do, replayed: the impact of each swap and what is left after their cost."""

from collections import ChainMap
from collections.abc import Sequence

from tidemill import AssetAmount, AssetId, PoolId, Snapshot
from tidemill.domain.answers import NoPrice, Rejected
from tidemill.domain.exposure import summed
from tidemill.domain.outcome import Fill
from tidemill.domain.plan import Flow
from tidemill.domain.pool import Pool
from tidemill.domain.time import ChainTime
from tidemill.domain.valuation import marginal_rate
from tidemill.planning.replay import Broken, Replayed, replay_flow
from tidemill.units import BPS_SCALE, PPM_SCALE
from tidemill_risk_limits.money import shown
from tidemill_risk_limits.settings import LimitsSettings


def check_flows(flows: Sequence[Flow], settings: LimitsSettings, snapshot: Snapshot) -> Rejected | None:
    """Return the first rule that flows break as they would execute now, one after the other, or None.

    Of several, the legs of one group, each meets the pools as the ones before it leave them, and what they gain and cost counts together.
    """
    pools: ChainMap[PoolId, Pool] = ChainMap({}, snapshot.pools)  # type: ignore[arg-type]
    changes: list[tuple[AssetId, int]] = []
    for flow in flows:
        at = snapshot.at(flow.chain)
        replayed = replay_flow(flow, pools, at)
        if isinstance(replayed, Broken):
            return Rejected(replayed.rule, replayed.reason)
        rejected = _check_impacts(replayed, settings.max_impact_bps, at)
        if rejected is not None:
            return rejected
        pools.update(dict(replayed.after))
        changes += [*replayed.changes, (snapshot.chains[flow.chain].native, -flow.cost_cap)]
    return (
        _check_profit(summed(tuple(changes)), settings.min_net_profit, snapshot) if flows and settings.min_net_profit is not None else None
    )


def _check_impacts(replayed: Replayed, limit_bps: int | None, at: ChainTime) -> Rejected | None:
    for fill, pool in zip(replayed.fills, replayed.before, strict=True):
        rejected = _check_impact(fill, pool, limit_bps, at) if limit_bps is not None else None
        if rejected is not None:
            return rejected
    return None


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


def _check_profit(changes: Sequence[tuple[AssetId, int]], least: AssetAmount, snapshot: Snapshot) -> Rejected | None:
    """A gain that cannot be valued counts nothing; a loss or a cost that cannot rejects."""
    rule, net = "min_net_profit", 0
    for asset, change in changes:
        value = snapshot.value(asset, change, least.asset)
        if not isinstance(value, NoPrice):
            net += value
        elif change < 0:
            return Rejected(rule, f"{rule}: a loss of {-change} {asset} cannot be valued: {value.detail}", (("loss", -change),))
    if net >= least.amount:
        return None
    text = f"{shown(net, least.asset, snapshot)} after costs is below {rule} {shown(least.amount, least.asset, snapshot)}"
    return Rejected(rule, text, (("found", net), ("limit", least.amount)))
