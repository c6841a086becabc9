"""What planning may look at."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Protocol

from attrs import frozen

from tidemill.domain.answers import NoLoan
from tidemill.domain.book import BookState
from tidemill.domain.ids import AssetId, ChainId, PoolId
from tidemill.domain.lending import LoanTerms
from tidemill.domain.opportunity import Leg
from tidemill.domain.pool import PoolRef
from tidemill.domain.snapshot import Snapshot
from tidemill.domain.time import ChainTime


class CostRules(Protocol):
    """The part of a chain's rules that planning uses; see ``tidemill.hookspecs.chain.ChainRules``."""

    native: AssetId
    spends_balance: bool
    guards_balance: bool
    lifetime: int

    def executes_at(self, head: ChainTime) -> ChainTime:
        """Return when a transaction sent at ``head`` would execute."""

    def estimate(self, swaps: Sequence[PoolRef], loans: int, snapshot: Snapshot) -> int:
        """Return the expected cost of such a plan in native base units."""


class LoanOffers(Protocol):
    """The part of a lender that planning uses; see ``tidemill.hookspecs.lender.Lender``."""

    def terms(self, asset: AssetId, chain: ChainId, snapshot: Snapshot) -> LoanTerms | NoLoan:
        """Return what the lender offers now."""


@frozen
class Desk:
    """What planning may look at: the snapshot with our own plans on it, the book, the chains' rules and the loans on offer.

    ``patience`` is how many blocks a plan may wait after the one it was made for.
    """

    view: Snapshot
    book: BookState
    rules: Mapping[ChainId, CostRules]
    lenders: Sequence[LoanOffers]
    patience: int = 1

    def at(self, chain: ChainId) -> ChainTime:
        """Return when a plan made now would execute."""
        return self.view.at(chain)

    def pool_refs(self, pools: Sequence[PoolId]) -> tuple[PoolRef, ...]:
        """Return the descriptors of loaded pools; KeyError for one that is not known."""
        return tuple(self.view.refs[pool] for pool in pools)

    def estimate(self, legs: Sequence[Leg], loans: int) -> int:
        """Return the expected cost in native base units of swapping along ``legs`` with so many flash loans."""
        refs = self.pool_refs([leg.pool for leg in legs])
        return self.rules[refs[0].chain].estimate(refs, loans, self.view)

    def loans(self, asset: AssetId, chain: ChainId) -> Iterator[LoanTerms]:
        """Yield what each lender offers of an asset, in the order of the configuration."""
        for lender in self.lenders:
            terms = lender.terms(asset, chain, self.view)
            if isinstance(terms, LoanTerms) and terms.available > 0:
                yield terms
