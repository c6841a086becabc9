"""What one pool pays for a pair."""

from attrs import frozen

from tidemill.domain.ids import AssetId, PoolId
from tidemill.units import BPS_SCALE, PPM_SCALE


@frozen
class Offer:
    """One pool's price for a pair: a small sale of ``base`` gets ``numerator / denominator`` of ``quote``, the fee given back."""

    pool: PoolId
    base: AssetId
    quote: AssetId
    numerator: int
    denominator: int
    fee_ppm: int
    height: int

    def edge_bps(self, dear: "Offer") -> int:
        """Return what buying ``base`` here and selling it at ``dear`` gains after both fees, in bps, rounded down.

        May be negative; -10_000 where one of the two offers nothing.
        """
        if not (self.numerator and dear.numerator):
            return -BPS_SCALE
        gross = dear.numerator * self.denominator * (PPM_SCALE - dear.fee_ppm) * (PPM_SCALE - self.fee_ppm)
        paid = dear.denominator * self.numerator * PPM_SCALE * PPM_SCALE
        return gross * BPS_SCALE // paid - BPS_SCALE
