"""What a pool pays against the reference prices, in integers."""

from tidemill import AssetId, Snapshot
from tidemill.domain.answers import NoPrice
from tidemill.domain.ids import chain_of
from tidemill.domain.pool import Pool
from tidemill.domain.time import ChainTime
from tidemill.domain.valuation import marginal_rate
from tidemill.units import BPS_SCALE, NS_PER_S, PPM_SCALE, mul_div_up

_FINE = 10**18
"""Both sides of a comparison are scaled by it, so that rounding to base units weighs nothing."""


def uncertainty_ppm(asset: AssetId, snapshot: Snapshot, max_age_s: int) -> int | None:
    """Return how far an asset's reference price may be off by its own statement, ppm rounded up.

    0 for a stable that counts as a dollar and has no price of its own; None where there is no price, or it is older than ``max_age_s``.
    """
    view = snapshot.chains.get(chain_of(asset))
    point = snapshot.prices.get(asset)
    if point is None and view is not None and asset == view.wrapped:
        point = snapshot.prices.get(view.native)
    if point is None:
        return 0 if view is not None and asset in view.dollars else None
    if point.mantissa <= 0 or snapshot.now_ns - point.publish_ns > max_age_s * NS_PER_S:
        return None
    return mul_div_up(point.confidence, PPM_SCALE, point.mantissa)


def edge_bps(pool: Pool, sell: AssetId, buy: AssetId, at: ChainTime, snapshot: Snapshot, max_age_s: int) -> int | None:
    """Return what a small sale gains over the reference prices after fee and stated uncertainty, bps rounded down; may be negative.

    None where the pool gives no quote or one of the two assets has no reference price that counts.
    """
    doubts = (uncertainty_ppm(sell, snapshot, max_age_s), uncertainty_ppm(buy, snapshot, max_age_s))
    rate = marginal_rate(pool, sell, buy, at) if None not in doubts else None
    if rate is None:
        return None
    fair = snapshot.value(sell, rate[1] * _FINE, buy)
    if isinstance(fair, NoPrice) or fair <= 0:
        return None
    got = rate[0] * _FINE * (PPM_SCALE - (pool.fee_ppm or 0)) // PPM_SCALE
    doubt_ppm = sum(doubt or 0 for doubt in doubts)
    return (got - fair) * BPS_SCALE // fair - mul_div_up(doubt_ppm, BPS_SCALE, PPM_SCALE)


def gain(pool: Pool, sell: AssetId, buy: AssetId, amount: int, at: ChainTime, snapshot: Snapshot) -> int:
    """Return what selling ``amount`` gains by reference prices, base units of ``sell`` rounded down; ``-amount`` without a quote."""
    worth = snapshot.value(buy, pool.amount_out(sell, buy, amount, at), sell)
    return -amount if isinstance(worth, NoPrice) else worth - amount
