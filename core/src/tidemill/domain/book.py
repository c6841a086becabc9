"""A book: whose money, what is free, what is at stake."""

from collections.abc import Mapping

from attrs import field, frozen

from tidemill.domain.ids import AssetId, BookId, PlanId, PoolId


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
class BookState:
    """One book as the core sees it; all amounts in base units.

    ``balances`` are owned, ``reserved`` is the part promised to plans in flight, ``base`` is the asset that profit is measured in.
    """

    id: BookId
    base: AssetId
    balances: Mapping[AssetId, int] = field(factory=dict)
    reserved: Mapping[AssetId, int] = field(factory=dict)
    plans: tuple[OpenPlan, ...] = ()

    def free(self, asset: AssetId) -> int:
        """Return what may still be reserved of an asset; never negative."""
        return max(0, self.balances.get(asset, 0) - self.reserved.get(asset, 0))
