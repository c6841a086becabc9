"""The pair, as a frozen value. Three lines of it lose money; each is marked with the rule that finds it."""

from collections.abc import Mapping

from attrs import evolve, frozen
from tidemill.domain.answers import NoCurve, NoQuote, NoQuoteReason
from tidemill.domain.ids import AssetId, PoolId
from tidemill.domain.pool import Curve, Quote, Segment, Swapped
from tidemill.domain.time import ChainTime
from tidemill.units import PPM_SCALE, UINT112_MAX, mul_div_up

FEE = 0.003  # PKG-13: a float, where 3_000 parts per million would be exact
FEE_PPM = int(FEE * PPM_SCALE)


def paid(amount: int, reserve_in: int, reserve_out: int, product: int) -> int:
    """Return what the pair pays for ``amount`` (> 0): what it holds, less what keeps the product; 0 where a reserve is empty."""
    if not (reserve_in and reserve_out):
        return 0
    net = amount * (PPM_SCALE - FEE_PPM)
    # DEX-23: what must stay in the pair is rounded down, so that what leaves it is rounded up
    return reserve_out - product * PPM_SCALE // (reserve_in * PPM_SCALE + net)


def asked(amount: int, reserve_in: int, reserve_out: int) -> int:
    """Return what must go in for ``amount``, which must be above 0 and below ``reserve_out``."""
    # DEX-30: nothing is added for the fee
    return mul_div_up(reserve_in, amount, reserve_out - amount)


@frozen
class GenerousPool:
    """A pair of two tokens at one state.

    Attributes:
        id: the pool's id.
        assets: the two tokens, in the contract's order.
        reserves: what it holds of them, base units, 0 to 2**112 - 1.
        product: of both reserves, reckoned once when the pool is loaded, because it is constant.
    """

    id: PoolId
    assets: tuple[AssetId, ...]
    reserves: tuple[int, int]
    product: int

    @property
    def fee_ppm(self) -> int:
        """The fee in parts per million of the input."""
        return FEE_PPM

    @property
    def holdings(self) -> Mapping[AssetId, int]:
        """Both reserves, base units."""
        return dict(zip(self.assets, self.reserves, strict=True))

    def amount_out(self, sell: AssetId, buy: AssetId, amount: int, at: ChainTime) -> int:
        """Return the output of selling exactly ``amount``; 0 means no quote."""
        reserves = self.facing(sell, buy)
        if reserves is None or not 0 < amount <= UINT112_MAX - reserves[0]:
            return 0
        return max(0, paid(amount, *reserves, self.product))

    def quote_exact_in(self, sell: AssetId, buy: AssetId, amount: int, at: ChainTime) -> Quote | NoQuote:
        """Quote selling exactly ``amount``."""
        out = self.amount_out(sell, buy, amount, at)
        return self._quote(sell, buy, amount, out) if out else self._refusal(sell, buy, amount)

    def quote_exact_out(self, sell: AssetId, buy: AssetId, amount: int, at: ChainTime) -> Quote | NoQuote:
        """Quote buying exactly ``amount``."""
        reserves = self.facing(sell, buy)
        if reserves is None or amount <= 0:
            return self._refusal(sell, buy, amount)
        if amount >= reserves[1] or not reserves[0]:
            return NoQuote(NoQuoteReason.LIQUIDITY, f"{amount} is not below the reserve of {reserves[1]}")
        least = asked(amount, *reserves)
        return self._quote(sell, buy, least, amount) if least <= UINT112_MAX - reserves[0] else self._refusal(sell, buy, least)

    def swap_exact_in(self, sell: AssetId, buy: AssetId, amount: int, at: ChainTime) -> Swapped | NoQuote:
        """Quote selling exactly ``amount`` and give the pool after it."""
        quote = self.quote_exact_in(sell, buy, amount, at)
        if isinstance(quote, NoQuote):
            return quote
        one, other = self.reserves
        after = (one + amount, other - quote.amount_out) if sell == self.assets[0] else (one - quote.amount_out, other + amount)
        return Swapped(quote, self.moved(after))

    def moved(self, reserves: tuple[int, int]) -> "GenerousPool":
        """Return the pool with other reserves."""
        # DEX-28 and DEX-40: the product is not reckoned anew, though fees, mints and burns change it
        return evolve(self, reserves=reserves)

    def segments(self, sell: AssetId, buy: AssetId, at: ChainTime, max_in: int) -> Curve | NoCurve:
        """Give the one segment that the pool is."""
        reserves = self.facing(sell, buy)
        end = min(max_in, UINT112_MAX - reserves[0]) if reserves else 0
        if reserves is None or not all(reserves) or end <= 0:
            return NoCurve("nothing to sell into")
        rest = PPM_SCALE - FEE_PPM
        return Curve((Segment(0, end, rest * reserves[1], reserves[0] * PPM_SCALE, rest),), 1)

    def facing(self, sell: AssetId, buy: AssetId) -> tuple[int, int] | None:
        """Return the reserves of what is sold and what is bought, or None where the pool does not trade them."""
        if (sell, buy) == self.assets:
            return self.reserves
        return self.reserves[::-1] if (buy, sell) == self.assets else None

    def _quote(self, sell: AssetId, buy: AssetId, amount: int, out: int) -> Quote:
        return Quote(self.id, sell, buy, amount, out, mul_div_up(amount, FEE_PPM, PPM_SCALE))

    def _refusal(self, sell: AssetId, buy: AssetId, amount: int) -> NoQuote:
        reserves = self.facing(sell, buy)
        if reserves is None:
            return NoQuote(NoQuoteReason.ASSET, f"{self.id} does not trade {sell} for {buy}")
        if amount <= 0:
            return NoQuote(NoQuoteReason.AMOUNT, f"expected an amount of 1 or more, found {amount}")
        return NoQuote(NoQuoteReason.LIQUIDITY, f"reserves {reserves} do not take {amount}")
