"""What lenders offer, looked at before anybody counts with it."""

from attrs import frozen

from tidemill.domain.answers import NoLoan
from tidemill.domain.ids import AssetId, ChainId
from tidemill.domain.lending import LoanTerms
from tidemill.domain.snapshot import Snapshot
from tidemill.errors import PluginContractError
from tidemill.hookspecs.lender import Lender
from tidemill.stages.contract import given, whole

_AMOUNTS = ("available", "numerator", "denominator", "minimum")


@frozen
class Offers:
    """A lender's terms as planning sees them."""

    lender: Lender

    def terms(self, asset: AssetId, chain: ChainId, snapshot: Snapshot) -> LoanTerms | NoLoan:
        """Return what the lender offers now.

        Raises:
            PluginContractError: it gave no terms, or such that no fee can be computed from; it names the lender.
        """
        path = f"lenders.{self.lender.name}"
        answer: LoanTerms | NoLoan = given(
            self.lender.terms(asset, chain, snapshot), (LoanTerms, NoLoan), path, "terms", "LoanTerms or NoLoan"
        )
        if isinstance(answer, LoanTerms):
            for name in _AMOUNTS:
                whole(path, "terms", name, getattr(answer, name))
            if (answer.lender, answer.asset) != (self.lender.name, asset):
                text = f"of {answer.lender!r:.60} for {answer.asset!r:.60}: expected those of {self.lender.name} for {asset}"
                raise PluginContractError(path, f"terms gave terms {text}")
            if answer.denominator < 1 or answer.numerator < 0 or answer.minimum < 0:
                text = f"{answer.numerator} / {answer.denominator}, at least {answer.minimum}"
                raise PluginContractError(path, f"terms gave a fee of {text}: expected a denominator above 0, and nothing below 0")
        return answer
