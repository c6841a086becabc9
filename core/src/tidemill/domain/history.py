"""The past that strategies declared they want to see, and what they declare."""

from collections.abc import Mapping
from typing import Literal

from attrs import field, frozen
from immutables import Map

from tidemill.domain.events import Bar, BookSnapshot, Observation, Trade, TraderEvent
from tidemill.domain.ids import AssetId, BookId, MarketId, Pair, PlanId, PoolId
from tidemill.domain.offer import Offer


@frozen
class BarsWanted:
    """Bars of one market: ``interval_s`` seconds each, the last ``length`` of them."""

    market: MarketId
    interval_s: int
    length: int


@frozen
class Wants:
    """What a strategy wants the market to keep.

    ``pairs``: the extreme offers of these pairs, one point a head, the last ``pair_length``; ``gap_length``: the same of every pair that
    two pools or more trade, but a point only at a head at which one of them changed, the last so many; ``bars``, ``books`` (order books),
    ``trades`` (last ``trade_length`` of a market), ``observations`` by kind and ``traders`` by name likewise; ``own_plans``: the last so
    many of its own plans that are over. Nothing else is kept.
    """

    pairs: tuple[Pair, ...] = ()
    pair_length: int = 0
    gap_length: int = 0
    bars: tuple[BarsWanted, ...] = ()
    books: tuple[MarketId, ...] = ()
    trades: tuple[MarketId, ...] = ()
    trade_length: int = 0
    observations: tuple[str, ...] = ()
    observation_length: int = 1
    traders: tuple[str, ...] = ()
    trader_length: int = 0
    own_plans: int = 0


@frozen
class PairPoint:
    """A pair at the end of one block: where its first asset costs least, and where it sells highest; equal where one pool trades it."""

    height: int
    unix_time: int
    cheapest: Offer
    dearest: Offer

    @property
    def edge_bps(self) -> int:
        """What buying at ``cheapest`` and selling at ``dearest`` gained after both fees, in bps, rounded down."""
        return self.cheapest.edge_bps(self.dearest)


@frozen
class PastPlan:
    """One plan that is over: what a strategy may know of what it did.

    It was decided on at height ``sent`` and was over at height ``ended``. ``changes`` are the book's changes in base units, costs left out,
    sorted by asset; ``cost`` is what the chain took, in native base units. A refused or dead plan changed nothing.
    """

    plan: PlanId
    book: BookId
    pools: tuple[PoolId, ...]
    status: Literal["filled", "reverted", "dead", "refused"]
    sent: int
    ended: int
    changes: tuple[tuple[AssetId, int], ...] = ()
    cost: int = 0


@frozen
class History:
    """What was kept; every sequence is oldest first, never longer than the largest length declared for it.

    Points of ``pairs`` and ``gaps`` are of heads that are over, as the chain left the pools: our fills on paper are not in them. Between
    two points of a pair's ``gaps`` nothing changed. ``plans`` are by the name of their strategy; one whose block was rolled back is in
    flight again, and not among them.
    """

    pairs: Mapping[Pair, tuple[PairPoint, ...]] = field(factory=Map)
    gaps: Mapping[Pair, tuple[PairPoint, ...]] = field(factory=Map)
    bars: Mapping[tuple[MarketId, int], tuple[Bar, ...]] = field(factory=Map)
    books: Mapping[MarketId, BookSnapshot] = field(factory=Map)
    trades: Mapping[MarketId, tuple[Trade, ...]] = field(factory=Map)
    observations: Mapping[tuple[str, str], tuple[Observation, ...]] = field(factory=Map)
    traders: Mapping[str, tuple[TraderEvent, ...]] = field(factory=Map)
    plans: Mapping[str, tuple[PastPlan, ...]] = field(factory=Map)


@frozen
class PricePoint:
    """An oracle price as the market keeps it: ``mantissa * 10**exponent`` US dollars a whole token, with the height it arrived at."""

    asset: AssetId
    mantissa: int
    exponent: int
    confidence: int
    publish_ns: int
    height: int
