"""Which pools may be traded on: fresh enough, deep enough, priced by an oracle where that is asked for."""

from collections.abc import Sequence

from tidemill import AssetId, PoolId, Snapshot
from tidemill.domain.answers import NoPrice, Rejected
from tidemill.domain.ids import chain_of, split_pool_id
from tidemill.domain.pool import Pool
from tidemill.domain.snapshot import DexPolicy
from tidemill.units import NS_PER_S
from tidemill_risk_limits.settings import LimitsSettings


def check_pools(pools: Sequence[PoolId], settings: LimitsSettings, snapshot: Snapshot) -> Rejected | None:
    """Return the first rule that a pool breaks, or None."""
    for identifier in pools:
        pool = snapshot.pools.get(identifier)
        if pool is None:
            return Rejected("stale", f"{identifier} is not loaded")
        age = snapshot.age(identifier)
        if age > settings.max_age_blocks:
            text = f"the state of {identifier} is {age} blocks old, max_age_blocks is {settings.max_age_blocks}"
            return Rejected("max_age_blocks", text, (("age", age), ("limit", settings.max_age_blocks)))
        policy = snapshot.policies.get(split_pool_id(identifier)[1])
        rejected = _check_policy(pool, policy, settings, snapshot) if policy is not None else None
        if rejected is not None:
            return rejected
    return None


def _check_policy(pool: Pool, policy: DexPolicy, settings: LimitsSettings, snapshot: Snapshot) -> Rejected | None:
    if policy.oracle_required:
        for asset in pool.assets:
            lack = _oracle_lack(asset, settings, snapshot)
            if lack:
                return Rejected("oracle_required", f"{pool.id}: {lack}")
    return _check_liquidity(pool, policy.min_liquidity_usd, snapshot) if policy.min_liquidity_usd is not None else None


def _oracle_lack(asset: AssetId, settings: LimitsSettings, snapshot: Snapshot) -> str:
    """Return what is wrong with an asset's oracle price, or nothing; a dollar stable needs none, a wrapped coin has its coin's."""
    view = snapshot.chains[chain_of(asset)]
    if asset in view.dollars:
        return ""
    point = snapshot.prices.get(asset)
    if point is None and asset == view.wrapped:
        point = snapshot.prices.get(view.native)
    if point is None or point.mantissa <= 0:
        return f"{asset} has no oracle price"
    age_s = (snapshot.now_ns - point.publish_ns) // NS_PER_S
    if age_s < -settings.max_oracle_age_s:
        return f"the oracle price of {asset} is of a time {-age_s} s from now, max_oracle_age_s is {settings.max_oracle_age_s}"
    if age_s > settings.max_oracle_age_s:
        return f"the oracle price of {asset} is {age_s} s old, max_oracle_age_s is {settings.max_oracle_age_s}"
    return ""


def _check_liquidity(pool: Pool, least_usd: int, snapshot: Snapshot) -> Rejected | None:
    """Compare what a pool holds, both sides valued, with whole dollars."""
    rule, dollars = "min_liquidity_usd", snapshot.chains[chain_of(pool.id)].dollars
    unit = next((asset for asset in dollars if asset in snapshot.assets), None)
    if unit is None:
        return Rejected(rule, f"{pool.id}: its chain knows no stable that counts as a dollar")
    scale = 10 ** snapshot.assets[unit].decimals
    total, unknown = 0, ""
    for asset, held in sorted(pool.holdings.items()):
        value = snapshot.value(asset, held, unit)
        if isinstance(value, NoPrice):
            unknown = f"; {asset} cannot be valued: {value.detail}"
        else:
            total += value
    if total >= least_usd * scale:
        return None
    text = f"{pool.id} holds {total // scale} dollars, min_liquidity_usd is {least_usd}{unknown}"
    return Rejected(rule, text, (("found", total // scale), ("limit", least_usd)))
