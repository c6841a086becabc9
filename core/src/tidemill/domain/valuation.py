"""The one valuation: what an amount is worth in another asset, in integers.

Oracle prices decide where both assets have one; else the deepest pools. A tree, grown from one root asset by depth (the pool that holds
most of the already valued side comes first), says which pool prices which asset; the rates along it are read from the pools as they stand.
"""

import heapq
from collections.abc import Iterable, Mapping

from attrs import frozen
from immutables import Map

from tidemill.domain.ids import AssetId, PoolId
from tidemill.domain.pool import Pool
from tidemill.domain.time import ChainTime
from tidemill.units import PPM_SCALE

Rate = tuple[int, int]
"""(numerator, denominator): ``amount * numerator // denominator`` converts."""

_PROBE_SHIFTS = (14, 10, 6, 2)


def marginal_rate(pool: Pool, sell: AssetId, buy: AssetId, at: ChainTime) -> Rate | None:
    """Return what a small sale gets at a pool, its fee given back where it is known; None without a quote.

    The probe is a 2^-14 part of the pool's holdings, more where that rounds to nothing: large enough for precision, too small for
    impact.
    """
    held = pool.holdings.get(sell, 0)
    for shift in _PROBE_SHIFTS:
        probe = max(1, held >> shift)
        out = pool.amount_out(sell, buy, probe, at)
        if out >= 1024 or (out and shift == _PROBE_SHIFTS[-1]):
            return out * PPM_SCALE, probe * (PPM_SCALE - (pool.fee_ppm or 0))
    return None


@frozen
class PriceTree:
    """For every reachable asset the pool that prices it and the asset on that pool's other side, one step nearer to ``root``."""

    root: AssetId
    towards: Mapping[AssetId, tuple[PoolId, AssetId]]
    pool_count: int

    def path(self, asset: AssetId) -> tuple[tuple[PoolId, AssetId], ...] | None:
        """Return the steps from ``asset`` to the root, or None where no pool leads there."""
        steps = []
        while asset != self.root:
            step = self.towards.get(asset)
            if step is None:
                return None
            steps.append(step)
            asset = step[1]
        return tuple(steps)


def grow_price_tree(root: AssetId, pools: Iterable[Pool], at: ChainTime) -> PriceTree:
    """Grow the tree from ``root``: at each step the deepest pool that reaches a new asset, depth valued in the root.

    Depth is what the pool holds of the known side; ties go to the smaller pool id, so that the tree depends on its input alone.
    """
    by_asset: dict[AssetId, list[Pool]] = {}
    count = 0
    for pool in pools:
        count += 1
        for asset in pool.assets:
            by_asset.setdefault(asset, []).append(pool)
    towards: dict[AssetId, tuple[PoolId, AssetId]] = {}
    heap: list[tuple[int, PoolId, AssetId, AssetId, Rate, Pool]] = []

    def reach(asset: AssetId, rate: Rate) -> None:
        for pool in by_asset.get(asset, ()):
            depth = pool.holdings.get(asset, 0) * rate[0] // rate[1]
            for other in pool.assets:
                if other != asset and other != root and other not in towards:
                    heapq.heappush(heap, (-depth, pool.id, other, asset, rate, pool))

    reach(root, (1, 1))
    while heap:
        _, identifier, asset, nearer, nearer_rate, pool = heapq.heappop(heap)
        if asset in towards:
            continue
        step = marginal_rate(pool, asset, nearer, at)
        if step is None:
            continue
        towards[asset] = (identifier, nearer)
        reach(asset, _shorten((step[0] * nearer_rate[0], step[1] * nearer_rate[1])))
    return PriceTree(root, Map(towards), count)


def _shorten(rate: Rate) -> Rate:
    """Keep 128 significant bits: long chains of rates would otherwise grow without bound."""
    excess = max(0, min(rate[0].bit_length(), rate[1].bit_length()) - 128)
    return (rate[0] >> excess, rate[1] >> excess) if excess else rate
