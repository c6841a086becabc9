"""The market's state as persistent maps: a checkpoint is a copy of references."""

import attrs
from attrs import define, field
from immutables import Map

from tidemill.domain.asset import Asset
from tidemill.domain.events import Log, Market
from tidemill.domain.history import History, PricePoint
from tidemill.domain.ids import AssetId, ChainId, Key, MarketId, Pair, PoolId
from tidemill.domain.plan import Version
from tidemill.domain.pool import Pool, PoolRef, Watch
from tidemill.domain.snapshot import ChainView
from tidemill.domain.valuation import PriceTree


@define
class Loading:
    """A pool whose state is being read: ``keys`` asked for so far, ``rounds`` of asking, ``logs`` (height, log) that wait for it.

    ``height`` is that of the first read, -1 before it: all reads of a first load must be of one height.
    """

    keys: tuple[Key, ...] = ()
    rounds: int = 0
    height: int = -1
    logs: tuple[tuple[int, Log], ...] = ()


@define
class MarketState:
    """All that a rollback restores. Mappings are persistent: they are replaced, never changed in place."""

    chains: Map[ChainId, ChainView] = field(factory=Map)
    assets: Map[AssetId, Asset] = field(factory=Map)
    markets: Map[MarketId, Market] = field(factory=Map)
    refs: Map[PoolId, PoolRef] = field(factory=Map)
    pools: Map[PoolId, Pool] = field(factory=Map)
    versions: Map[PoolId, Version] = field(factory=Map)
    seen: Map[PoolId, int] = field(factory=Map)
    watches: Map[PoolId, Watch] = field(factory=Map)
    by_pair: Map[Pair, tuple[PoolId, ...]] = field(factory=Map)
    states: Map[ChainId, Map[Key, bytes | None]] = field(factory=Map)
    by_key: Map[ChainId, Map[Key, tuple[PoolId, ...]]] = field(factory=Map)
    by_address: Map[ChainId, Map[str, tuple[PoolId, ...]]] = field(factory=Map)
    prices: Map[AssetId, PricePoint] = field(factory=Map)
    trees: Map[ChainId, PriceTree] = field(factory=Map)
    history: History = field(factory=History)

    def copy(self) -> "MarketState":
        """Return a checkpoint: the maps are shared."""
        return attrs.evolve(self)
