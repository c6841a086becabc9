"""A book: whose money, what is free, what is at stake."""

from collections.abc import Mapping
from typing import Literal

from attrs import field, frozen

from tidemill.domain.ids import AssetId, BookId, MarketId, PlanId, PoolId


@frozen
class OpenPlan:
    """A plan in flight: what it reserves (base units), the most it may cost (native base units) and the pools it touches."""

    id: PlanId
    strategy: str
    height: int
    reserved: tuple[tuple[AssetId, int], ...]
    cost_cap: int
    native: AssetId
    pools: tuple[PoolId, ...]


@frozen
class Position:
    """What one plan holds in a market until it is closed.

    ``amount`` base units of ``asset`` were paid for with ``cost`` base units of ``funding``. ``target`` and ``stop`` are prices as in
    ``Signal``; times are batch times, ``expires_ns`` 0 for never.
    """

    book: BookId
    id: str
    strategy: str
    plan: PlanId
    market: MarketId | PoolId
    asset: AssetId
    funding: AssetId
    side: Literal["buy", "sell"]
    amount: int
    cost: int
    opened_ns: int
    target: int | None = None
    stop: int | None = None
    expires_ns: int = 0


@frozen
class BookState:
    """One book as the core sees it; all amounts in base units.

    ``balances`` are owned, ``reserved`` is the part promised to plans in flight, ``base`` is the asset that profit is measured in.
    """

    id: BookId
    base: AssetId
    balances: Mapping[AssetId, int] = field(factory=dict)
    reserved: Mapping[AssetId, int] = field(factory=dict)
    plans: tuple[OpenPlan, ...] = ()
    positions: tuple[Position, ...] = ()

    def free(self, asset: AssetId) -> int:
        """Return what may still be reserved of an asset; never negative."""
        return max(0, self.balances.get(asset, 0) - self.reserved.get(asset, 0))
