"""The market's state as persistent maps: a checkpoint is a copy of references."""

from collections.abc import Mapping
from typing import Any

import attrs
from attrs import define, field
from immutables import Map

from tidemill.domain.asset import Asset
from tidemill.domain.events import Log, Market
from tidemill.domain.history import History, PairPoint, PricePoint
from tidemill.domain.ids import AssetId, ChainId, Key, MarketId, Pair, PoolId, chain_of
from tidemill.domain.plan import Version
from tidemill.domain.pool import Pool, PoolRef, Watch
from tidemill.domain.snapshot import ChainView
from tidemill.domain.valuation import PriceTree
from tidemill.stages.price_band import Level


@attrs.frozen
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
    """All that a rollback restores. The mappings are persistent: they are replaced, never changed in place.

    ``moved`` holds the pools that changed since their chain's newest head, where somebody wants the history of gaps.
    """

    chains: Map[ChainId, ChainView] = field(factory=Map)
    assets: Map[AssetId, Asset] = field(factory=Map)
    markets: Map[MarketId, Market] = field(factory=Map)
    refs: Map[PoolId, PoolRef] = field(factory=Map)
    pools: Map[PoolId, Pool] = field(factory=Map)
    versions: Map[PoolId, Version] = field(factory=Map)
    seen: Map[PoolId, int] = field(factory=Map)
    watches: Map[PoolId, Watch] = field(factory=Map)
    loading: Map[PoolId, Loading] = field(factory=Map)
    timed: Map[PoolId, int] = field(factory=Map)
    moved: Map[PoolId, None] = field(factory=Map)
    by_pair: Map[Pair, tuple[PoolId, ...]] = field(factory=Map)
    states: Map[ChainId, Map[Key, bytes | None]] = field(factory=Map)
    by_key: Map[ChainId, Map[Key, tuple[PoolId, ...]]] = field(factory=Map)
    by_address: Map[ChainId, Map[str, tuple[PoolId, ...]]] = field(factory=Map)
    prices: Map[AssetId, PricePoint] = field(factory=Map)
    levels: Map[AssetId, Level] = field(factory=Map)
    trees: Map[ChainId, PriceTree] = field(factory=Map)
    history: History = field(factory=History)
    rates: Map[str, int] = field(factory=Map)

    def copy(self) -> "MarketState":
        """Return a checkpoint: the maps are shared."""
        return attrs.evolve(self)


Points = Mapping[Pair, tuple[PairPoint, ...]]
_BY_POOL = ("refs", "pools", "versions", "seen", "watches", "loading", "timed", "moved")
_BY_CHAIN = ("chains", "states", "by_key", "by_address", "trees")


def restored(now: MarketState, then: MarketState, chain: ChainId) -> MarketState:
    """Return ``now`` with everything of one chain as it was ``then``; what comes from elsewhere (prices, order books) stays."""
    result = now.copy()
    for name in _BY_CHAIN:
        setattr(result, name, _swap(getattr(now, name), getattr(then, name), {chain}))
    for name in _BY_POOL:
        current, old = getattr(now, name), getattr(then, name)
        # order: a set of two others
        setattr(result, name, _swap(current, old, {pool for pool in (*current, *old) if chain_of(pool) == chain}))
    pairs = {pair for pair in (*now.by_pair, *then.by_pair) if chain_of(pair[0]) == chain}  # order: a set of another
    result.by_pair = _swap(now.by_pair, then.by_pair, pairs)
    result.history = attrs.evolve(
        now.history,
        pairs=_points(now.history.pairs, then.history.pairs, chain),
        gaps=_points(now.history.gaps, then.history.gaps, chain),
    )
    return result


def without(history: History, chain: ChainId) -> History:
    """Return a history without the points of one chain's pairs."""
    none: Points = Map()
    return attrs.evolve(history, pairs=_points(history.pairs, none, chain), gaps=_points(history.gaps, none, chain))


def _points(now: Points, then: Points, chain: ChainId) -> Points:
    """Return the points of one chain's pairs as they were then, those of other chains as they are now."""
    points, old = Map(now.items()), Map(then.items())
    return _swap(points, old, {pair for pair in (*points, *old) if chain_of(pair[0]) == chain})


def _swap(current: Map[Any, Any], old: Map[Any, Any], keys: set[Any]) -> Map[Any, Any]:
    result = current.mutate()
    for key in keys:  # order: each key is set for itself
        if key in old:
            result[key] = old[key]
        elif key in result:
            del result[key]
    return result.finish()
