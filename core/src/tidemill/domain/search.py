"""What a searcher is asked and what it answers."""

from collections.abc import Iterator
from typing import Protocol

from attrs import frozen

from tidemill.domain.ids import AssetId, ChainId
from tidemill.domain.opportunity import Leg


@frozen
class CycleQuery:
    """Which cycles are wanted.

    Args:
        chain: cycles live on one chain.
        starts: assets a cycle may begin and end with; profit is counted in the one it begins with.
        min_hops, max_hops: number of swaps, both included; >= 2.
        capital: the most that may go in, base units per start asset; an asset that is absent is unlimited.
        loan_fee_ppm: what borrowed capital costs; 0 with own money.
        cost_per_hop: expected chain cost of one swap in base units of the start asset, per start asset: taken off when ranking, and a cycle
            that does not earn more than its swaps cost is left out.
        min_profit: least profit before costs, base units of the start asset.
        work: effort in the searcher's work units, 0 for its default: never time.
        top: the best so many, 0 for all.
        changed_only: only cycles through pools that changed since the searcher was last updated.
    """

    chain: ChainId
    starts: tuple[AssetId, ...]
    min_hops: int = 2
    max_hops: int = 3
    capital: tuple[tuple[AssetId, int], ...] = ()
    loan_fee_ppm: int = 0
    cost_per_hop: tuple[tuple[AssetId, int], ...] = ()
    min_profit: int = 1
    work: int = 0
    top: int = 0
    changed_only: bool = False


@frozen
class Candidate:
    """A cycle whose amounts were confirmed in integers through the exact pools, one after another.

    ``amounts`` has one more entry than ``legs``: what goes into the first, comes out of each; ``profit`` is last minus first.
    ``exact`` is true when the searcher proved that nothing better was left out within the query.
    """

    chain: ChainId
    asset: AssetId
    legs: tuple[Leg, ...]
    amounts: tuple[int, ...]
    profit: int
    exact: bool = True


class CycleFinder(Protocol):
    """Answers cycle queries over one snapshot; ``max_hops`` is the longest cycle it knows, None for no limit."""

    @property
    def max_hops(self) -> int | None:
        """The longest cycle it answers."""

    def find(self, query: CycleQuery) -> Iterator[Candidate]:
        """Yield candidates, best first, ties by their pools' ids."""
