"""Flash loans on offer."""

from typing import Literal

from attrs import frozen

from tidemill.domain.ids import AssetId


@frozen
class LoanTerms:
    """What a lender offers now: up to ``available`` base units at ``numerator / denominator`` of the amount, never below ``minimum``.

    ``rounding`` is the lender's own: Aave V3 and Solend round to the nearest with halves up, Solend with a least fee of 1.
    """

    lender: str
    asset: AssetId
    available: int
    numerator: int
    denominator: int
    rounding: Literal["down", "up", "half_up"]
    minimum: int = 0

    def fee(self, amount: int) -> int:
        """Return the fee in base units for borrowing ``amount`` (>= 0), rounded as the lender does."""
        product = amount * self.numerator
        if self.rounding == "up":
            fee = -(-product // self.denominator)
        elif self.rounding == "half_up":
            fee = (product + self.denominator // 2) // self.denominator
        else:
            fee = product // self.denominator
        return max(fee, self.minimum)
