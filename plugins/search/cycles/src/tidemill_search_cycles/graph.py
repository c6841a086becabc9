"""The graph of a market: tokens, and for each ordered pair of them the pools that trade it."""

from collections.abc import Iterable

from tidemill.domain.ids import AssetId, ChainId, PoolId, chain_of
from tidemill.domain.pool import Pool
from tidemill.domain.snapshot import Snapshot
from tidemill.domain.time import ChainTime
from tidemill_search_cycles.shapes import Curve, constant_product_curve, fitted_curve, rate_above

_BITS = 256


class Edge:
    """One direction of one pool. ``rate`` screens: at least the marginal rate, but for the last bit of a double; 0 closes it.

    ``curve`` is exact where ``exact`` says so, else a guess or, before it is asked for, None.
    """

    __slots__ = ("bound", "buy", "curve", "exact", "pool", "pool_id", "rate", "sell")

    def __init__(self, pool: Pool, sell: AssetId, buy: AssetId, at: ChainTime) -> None:
        self.pool_id = pool.id
        self.pool = pool
        self.sell = sell
        self.buy = buy
        self.curve: Curve | None = constant_product_curve(pool, sell, buy)
        self.exact = self.curve is not None
        self.bound: tuple[int, int] | None = self.curve[:2] if self.curve is not None else rate_above(pool, sell, buy, at)
        self.rate = _as_double(*self.bound) if self.bound is not None else 0.0

    def guess(self, at: ChainTime) -> Curve | None:
        """Return the curve, fitted once where it is not exact; None where the pool gives no quote to fit."""
        if self.curve is None and self.bound is not None:
            self.curve = fitted_curve(self.pool, self.sell, self.buy, self.bound, at)
        return self.curve


def _as_double(numerator: int, denominator: int) -> float:
    """Divide, kept within what amounts of uint256 can make, so that a product of four neither vanishes nor becomes NaN.

    ``int / int`` is rounded correctly: a product of four rates is off by less than a 2^-48 part.
    """
    excess = numerator.bit_length() - denominator.bit_length()
    if abs(excess) > _BITS:
        return 2.0**_BITS if excess > 0 else 2.0**-_BITS
    return numerator / denominator


class Hop:
    """All pools that sell one token for another, best marginal rate first, ties by id; ``best`` is the first one's rate."""

    __slots__ = ("best", "edges")

    def __init__(self) -> None:
        self.edges: list[Edge] = []
        self.best = 0.0

    def put(self, edge: Edge) -> None:
        """Add an edge, or replace the one of the same pool."""
        if len(self.edges) > 1 or (self.edges and self.edges[0].pool_id != edge.pool_id):
            self.edges = [other for other in self.edges if other.pool_id != edge.pool_id]
            self.edges.append(edge)
            self.edges.sort(key=_best_first)
        else:
            self.edges = [edge]
        self.best = self.edges[0].rate

    def drop(self, pool: PoolId) -> None:
        """Remove a pool's edge."""
        self.edges = [edge for edge in self.edges if edge.pool_id != pool]
        self.best = self.edges[0].rate if self.edges else 0.0


def _best_first(edge: Edge) -> tuple[float, PoolId]:
    return -edge.rate, edge.pool_id


Row = dict[AssetId, Hop]


class Graph:
    """``out[a][b]`` is the hop from a to b. Rows stand in order of asset ids, whatever the history, so that effort cuts alike."""

    def __init__(self) -> None:
        self.out: dict[AssetId, Row] = {}
        self.pools: dict[PoolId, Pool] = {}
        self.unproven: set[PoolId] = set()
        self._timed: dict[PoolId, ChainTime] = {}

    def take(self, snapshot: Snapshot) -> frozenset[PoolId]:
        """Take over what changed, what is new and what is gone, and return those pools.

        A snapshot that holds other pools than its changes explain is compared as a whole.
        """
        touched = set(snapshot.changed.pools) if self.pools else set(snapshot.pools)
        self._apply(snapshot, touched)
        if len(self.pools) != len(snapshot.pools):
            others = {pool for pool in snapshot.pools if pool not in self.pools} | {
                pool for pool in self.pools if pool not in snapshot.pools
            }
            self._apply(snapshot, others)
            touched |= others
        self._refresh(snapshot)
        return frozenset(touched)

    def _apply(self, snapshot: Snapshot, pools: Iterable[PoolId]) -> None:
        grown: set[AssetId] = set()
        times: dict[ChainId, ChainTime] = {}
        for identifier in sorted(pools):
            pool, held = snapshot.pools.get(identifier), self.pools.get(identifier)
            if held is not None and (pool is None or pool.assets != held.assets):
                self._drop(held)
            if pool is None or pool is held:
                continue
            chain = chain_of(identifier)
            at = times.get(chain) or times.setdefault(chain, snapshot.at(chain))
            self._put(pool, at, grown)
        for asset in sorted(grown):
            self.out[asset] = dict(sorted(self.out[asset].items()))

    def _put(self, pool: Pool, at: ChainTime, grown: set[AssetId]) -> None:
        self.pools[pool.id] = pool
        proven = True
        for sell in pool.assets:
            row = self.out.setdefault(sell, {})
            for buy in pool.assets:
                if buy == sell:
                    continue
                hop = row.get(buy)
                if hop is None:
                    hop = row[buy] = Hop()
                    grown.add(sell)
                edge = Edge(pool, sell, buy, at)
                hop.put(edge)
                proven = proven and (edge.exact or edge.bound is None or hasattr(pool, "spot_rate"))
        if proven:
            self.unproven.discard(pool.id)
        else:
            self.unproven.add(pool.id)
        if pool.fee_ppm is None:
            self._timed[pool.id] = at

    def _drop(self, pool: Pool) -> None:
        del self.pools[pool.id]
        self.unproven.discard(pool.id)
        self._timed.pop(pool.id, None)
        for sell in pool.assets:
            row = self.out[sell]
            for buy in pool.assets:
                if buy == sell:
                    continue
                hop = row[buy]
                hop.drop(pool.id)
                if not hop.edges:
                    del row[buy]
            if not row:
                del self.out[sell]

    def _refresh(self, snapshot: Snapshot) -> None:
        """Read again the rates of pools whose fee varies with time."""
        for identifier, read_at in sorted(self._timed.items()):
            at = snapshot.at(chain_of(identifier))
            if at != read_at:
                self._put(self.pools[identifier], at, set())
