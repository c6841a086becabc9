"""The pool, as a frozen value that quotes what the contract would pay and ask, to the unit."""

from collections.abc import Mapping

import attrs
from attrs import frozen
from tidemill.domain.answers import NoCurve, NoQuote, NoQuoteReason
from tidemill.domain.ids import AssetId, PoolId
from tidemill.domain.pool import Curve, Quote, Swapped
from tidemill.domain.time import ChainTime
from tidemill.units import PPM_SCALE, mul_div_up

from tidemill_dex_weighted.bounds import MAX_BALANCE
from tidemill_dex_weighted.formula import MOST, ONE, in_given_out, mul_down, mul_up, out_given_in


@frozen
class Terms:
    """What no swap changes.

    Attributes:
        vault: the contract that holds the balances and is called to swap.
        vault_id: what the Vault calls the pool, 32 bytes: its address, its specialisation, a running number.
        weights: parts of ``ONE``, in the order of the pool's assets; together ``ONE``.
        scales: what a base unit of each asset counts in fixed point, ``10**(18 - decimals)``.
        fee: part of ``ONE`` that is kept of each input.
        squares: whether the contract takes simple powers by multiplication, as those since 2022 do.
    """

    vault: str
    vault_id: bytes
    weights: tuple[int, ...]
    scales: tuple[int, ...]
    fee: int
    squares: bool


@frozen
class WeightedPool:
    """A pool of two to eight tokens at one state.

    Attributes:
        id: the pool's id.
        assets: the tokens, in the Vault's order.
        balances: what the Vault holds of each for this pool, base units, 0 to ``MAX_BALANCE``.
        terms: weights, fee and the like.
    """

    id: PoolId
    assets: tuple[AssetId, ...]
    balances: tuple[int, ...]
    terms: Terms

    @property
    def fee_ppm(self) -> int | None:
        """The fee in parts per million of the input, or None where it is no whole number of them."""
        ppm, rest = divmod(self.terms.fee * PPM_SCALE, ONE)
        return None if rest else ppm

    @property
    def holdings(self) -> Mapping[AssetId, int]:
        """All balances, base units."""
        return dict(zip(self.assets, self.balances, strict=True))

    def amount_out(self, sell: AssetId, buy: AssetId, amount: int, at: ChainTime) -> int:
        """Return the output of selling exactly ``amount``, rounded down; 0 means no quote."""
        places = self.places(sell, buy)
        return self._paid(amount, *places) if places and self._takes(amount, places[0]) else 0

    def quote_exact_in(self, sell: AssetId, buy: AssetId, amount: int, at: ChainTime) -> Quote | NoQuote:
        """Quote selling exactly ``amount``; the fee is rounded up."""
        out = self.amount_out(sell, buy, amount, at)
        return self._quote(sell, buy, amount, out) if out else self._refusal(sell, buy, amount)

    def quote_exact_out(self, sell: AssetId, buy: AssetId, amount: int, at: ChainTime) -> Quote | NoQuote:
        """Quote buying exactly ``amount`` for what the contract asks when the output is given, rounded up."""
        places = self.places(sell, buy)
        if places is None or amount <= 0:
            return self._refusal(sell, buy, amount)
        if not self._gives(amount, *places):
            return NoQuote(NoQuoteReason.LIQUIDITY, f"{amount} is more than 30 % of what the pool has")
        asked = self._asked(amount, *places)
        if self.balances[places[0]] + asked > MAX_BALANCE:
            return NoQuote(NoQuoteReason.LIQUIDITY, f"the pool does not take the {asked} that it asks")
        return self._quote(sell, buy, asked, amount)

    def swap_exact_in(self, sell: AssetId, buy: AssetId, amount: int, at: ChainTime) -> Swapped | NoQuote:
        """Quote selling exactly ``amount`` and give the pool after it; the whole input stays in it."""
        quote = self.quote_exact_in(sell, buy, amount, at)
        if isinstance(quote, NoQuote):
            return quote
        return Swapped(quote, self.moved({sell: amount, buy: -quote.amount_out}))

    def segments(self, sell: AssetId, buy: AssetId, at: ChainTime, max_in: int) -> Curve | NoCurve:
        """Give no curve: a power has no segments; searchers probe the pool."""
        return NoCurve("a weighted pool's curve is a power")

    def moved(self, changes: Mapping[AssetId, int]) -> "WeightedPool":
        """Return the pool with these base units more (less where negative) of each asset."""
        held = (balance + changes.get(asset, 0) for asset, balance in zip(self.assets, self.balances, strict=True))
        return attrs.evolve(self, balances=tuple(held))

    def places(self, sell: AssetId, buy: AssetId) -> tuple[int, int] | None:
        """Return where what is sold and what is bought stand in ``assets``, or None where the pool does not trade them."""
        if sell == buy or sell not in self.assets or buy not in self.assets:
            return None
        return self.assets.index(sell), self.assets.index(buy)

    def _takes(self, amount: int, here: int) -> bool:
        """Whether the contract takes ``amount`` in: above 0, within the Vault's bounds, and less the fee no more than its part."""
        balance, scale = self.balances[here], self.terms.scales[here]
        if not (balance and 0 < amount <= MAX_BALANCE - balance):
            return False
        return self._net(amount) * scale <= mul_down(balance * scale, MOST)

    def _gives(self, amount: int, here: int, there: int) -> bool:
        """Whether the contract pays ``amount`` out: the pool has something of both, and it is no more than its part."""
        scale = self.terms.scales[there]
        return self.balances[here] > 0 and amount * scale <= mul_down(self.balances[there] * scale, MOST)

    def _net(self, amount: int) -> int:
        return amount - mul_up(amount, self.terms.fee)

    def _paid(self, amount: int, here: int, there: int) -> int:
        terms = self.terms
        return out_given_in(self._net(amount) * terms.scales[here], *self._faced(here, there)) // terms.scales[there]

    def _asked(self, amount: int, here: int, there: int) -> int:
        """Return the input for ``amount``: scaled down, rounded up; then the fee on top, rounded up."""
        terms = self.terms
        net = mul_div_up(in_given_out(amount * terms.scales[there], *self._faced(here, there)), 1, terms.scales[here])
        return mul_div_up(net, ONE, ONE - terms.fee)

    def _faced(self, here: int, there: int) -> tuple[int, int, int, int, bool]:
        """Return balance and weight of what comes in, the same of what goes out, in fixed point, and how powers are taken."""
        terms, balances = self.terms, self.balances
        return (
            balances[here] * terms.scales[here],
            terms.weights[here],
            balances[there] * terms.scales[there],
            terms.weights[there],
            terms.squares,
        )

    def _quote(self, sell: AssetId, buy: AssetId, amount: int, out: int) -> Quote:
        return Quote(self.id, sell, buy, amount, out, mul_up(amount, self.terms.fee))

    def _refusal(self, sell: AssetId, buy: AssetId, amount: int) -> NoQuote:
        places = self.places(sell, buy)
        if places is None:
            return NoQuote(NoQuoteReason.ASSET, f"{self.id} does not trade {sell} for {buy}")
        if amount <= 0:
            return NoQuote(NoQuoteReason.AMOUNT, f"expected an amount of 1 or more, found {amount}")
        if not self._takes(amount, places[0]):
            return NoQuote(NoQuoteReason.LIQUIDITY, f"{amount} is more than 30 % of what the pool has, or than the Vault holds")
        return NoQuote(NoQuoteReason.AMOUNT, f"{amount} is too little to buy one unit")
