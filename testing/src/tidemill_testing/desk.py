"""A desk for tests of sizing and planning: a chain with a flat price list, and a lender with one offer."""

from collections.abc import Mapping, Sequence

from attrs import define, frozen

from tidemill.domain.answers import NoLoan
from tidemill.domain.asset import AssetAmount
from tidemill.domain.book import BookState
from tidemill.domain.ids import MAIN_BOOK, AssetId, ChainId
from tidemill.domain.lending import LoanTerms
from tidemill.domain.pool import PoolRef
from tidemill.domain.snapshot import Snapshot
from tidemill.domain.time import ChainTime
from tidemill.planning.desk import Desk
from tidemill_testing.market import ETHER, SIM


@define
class FlatRules:
    """A chain's rules, as far as planning asks: so much native coin a swap, so much more a flash loan, both in base units.

    ``spends_balance`` and ``guards_balance`` as an executor contract has them; switch them off for a chain of plain instructions.
    """

    cost_per_swap: int = 0
    cost_per_loan: int = 0
    native: AssetId = ETHER
    spends_balance: bool = True
    guards_balance: bool = True
    lifetime: int = 0

    def executes_at(self, head: ChainTime) -> ChainTime:
        """Return the block after ``head``, twelve seconds later."""
        return ChainTime(head.chain, head.height + 1, head.unix_time + 12)

    def estimate(self, swaps: Sequence[PoolRef], loans: int, snapshot: Snapshot) -> int:
        """Return the list price."""
        return self.cost_per_swap * len(swaps) + self.cost_per_loan * loans


@frozen
class FlatLender:
    """Lends what it offers of one asset, base units, at ``fee_ppm`` (parts per million), rounded up."""

    name: str
    offer: AssetAmount
    fee_ppm: int = 500

    def terms(self, asset: AssetId, chain: ChainId, snapshot: Snapshot) -> LoanTerms | NoLoan:
        """Return the offer, or ``NoLoan`` for another asset."""
        if asset != self.offer.asset:
            return NoLoan(f"{self.name} lends {self.offer.asset} only")
        return LoanTerms(self.name, asset, self.offer.amount, self.fee_ppm, 1_000_000, "up")


def desk_of(
    snapshot: Snapshot,
    balances: Mapping[AssetId, int] | None = None,
    *,
    base: AssetId | None = None,
    rules: FlatRules | None = None,
    lenders: Sequence[FlatLender] = (),
    patience: int = 1,
) -> Desk:
    """Return a desk over a snapshot of ``sim:1``: what a strategy sizes and plans at.

    Example::

        from tidemill import AssetAmount
        from tidemill_testing.desk import FlatLender, FlatRules, desk_of
        from tidemill_testing.market import pair_pool, snapshot_of, token
        WETH, USD = token("WETH"), token("USD")
        pool = pair_pool("deep", {WETH: 1_000 * 10**18, USD: 3_000_000 * 10**18})
        desk = desk_of(
            snapshot_of([pool], wrapped=WETH),
            {WETH: 2 * 10**18},
            rules=FlatRules(cost_per_swap=10**14),
            lenders=[FlatLender("lender", AssetAmount(WETH, 500 * 10**18), fee_ppm=500)],
        )
        assert desk.book.free(WETH) == 2 * 10**18

    Args:
        snapshot: the market.
        balances: of the book ``main``, base units; None: nothing.
        base: what the book's profit is measured in; None: that of the snapshot's own book ``main``.
        rules: what swaps and loans cost; None: nothing.
        lenders: who lends; each is asked for its terms.
        patience: how many blocks a plan may wait before it expires.
    """
    book = BookState(MAIN_BOOK, base if base is not None else snapshot.books[MAIN_BOOK].base, dict(balances or {}))
    return Desk(snapshot, book, {SIM: rules or FlatRules()}, lenders, patience)
