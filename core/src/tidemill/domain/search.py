"""What a searcher is asked and what it answers."""

from collections.abc import Iterator
from typing import Protocol

from attrs import frozen

from tidemill.domain.ids import AssetId, ChainId
from tidemill.domain.opportunity import Leg
from tidemill.errors import UsageError


@frozen
class CycleQuery:
    """Which cycles are wanted.

    Args:
        chain: cycles live on one chain.
        starts: assets a cycle may begin and end with; profit is counted in the one it begins with. Empty: any asset of the chain; each
            cycle is then given once, from its asset that trades for most others (of equals the one whose id comes first), and profits
            are compared in the chain's native coin.
        min_hops, max_hops: number of swaps, both included; >= 2.
        capital: the most that may go in, base units per start asset; an asset that is absent is unlimited.
        loan_fee_ppm: what borrowed capital costs; 0 with own money.
        cost_per_hop: expected chain cost of one swap in base units of the start asset, per start asset: taken off when ranking, and a cycle
            that does not earn more than its swaps cost is left out.
        min_profit: least profit before costs, base units of the asset a cycle begins with.
        work: effort in the searcher's work units, 0 for its default: never time.
        width: how many part-way cycles a searcher that cannot look at all of them keeps at each swap, 0 for its default; more finds more.
        top: the best so many, 0 for all.
        changed_only: only cycles through pools that changed since the searcher was last updated.

    Raises:
        UsageError: ``work``, ``width`` or ``top`` is below 0. Hops that no cycle has, and starts that no pool trades, find nothing.
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
    width: int = 0
    top: int = 0
    changed_only: bool = False

    def __attrs_post_init__(self) -> None:
        if self.work < 0 or self.width < 0 or self.top < 0:
            raise UsageError(f"work, width and top of a query must be 0 or more; found {self.work}, {self.width}, {self.top}")


@frozen
class Candidate:
    """A cycle whose amounts were confirmed in integers through the exact pools, one after another.

    ``amounts`` has one more entry than ``legs``: what goes into the first, comes out of each; ``profit`` is last minus first.
    ``exact`` is true when the searcher proved that nothing better was left out within the query. ``suspect`` says why it may pay less on
    the chain than its pools promise (a token that takes a fee on transfer, a gain that no sound market offers), a sentence each.
    """

    chain: ChainId
    asset: AssetId
    legs: tuple[Leg, ...]
    amounts: tuple[int, ...]
    profit: int
    exact: bool = True
    suspect: tuple[str, ...] = ()


@frozen
class Netted:
    """One trade through the pools of many cycles: what they would do one after another, done at once and without going to and fro.

    ``legs`` are swaps in order, each with a fixed ``amount``; no balance falls below zero on the way if ``amount_in`` of ``asset`` is
    there at the beginning, and nothing else is left at the end but what gained too little to be sold. ``amounts_out`` has what each leg
    pays, confirmed in integers through the exact pools as the legs before it left them. ``profit`` is what is left of ``asset`` above
    ``amount_in``. All amounts are base units. ``cycles`` says how many cycles it was made from; a trade of one cycle is that cycle.
    """

    chain: ChainId
    asset: AssetId
    legs: tuple[Leg, ...]
    amounts_out: tuple[int, ...]
    amount_in: int
    profit: int
    cycles: int


class CycleFinder(Protocol):
    """Answers cycle queries over one snapshot."""

    @property
    def name(self) -> str:
        """The searcher's name."""

    @property
    def max_hops(self) -> int | None:
        """The longest cycle it answers, None for no limit."""

    @property
    def work_per_ms(self) -> int:
        """About how many work units it does in a millisecond on an ordinary machine."""

    def warm(self) -> str:
        """Make ready what takes long at its first use, and say so in a sentence; answers stay what they are."""

    def find(self, query: CycleQuery) -> Iterator[Candidate]:
        """Yield candidates, best first, ties by their pools' ids."""

    def net(self, query: CycleQuery) -> Netted | None:
        """Return the trade over the cycles of a query, or None where it makes none."""
