"""The pools, as frozen values that quote what the contracts would do, to the unit.

A normal "no" is a ``NoQuote``; the bare ``amount_out`` answers 0 wherever ``quote_exact_in`` gives one. An input too small to buy one
unit is refused by a pair, so that it gets no quote; a concentrated pool takes it and pays nothing, and so it quotes 0.
"""

from collections.abc import Mapping
from itertools import starmap

from attrs import frozen

from tidemill.domain.answers import NoCurve, NoQuote, NoQuoteReason
from tidemill.domain.ids import AssetId, PoolId, address_of
from tidemill.domain.pool import Curve, Quote, Segment, Swapped
from tidemill.domain.time import ChainTime
from tidemill.units import PPM_SCALE, UINT112_MAX, UINT256_MAX, mul_div_up
from tidemill_amm import AmmError, PoolCurve, concentrated, constant_product
from tidemill_amm.concentrated import ConcentratedState, MissingState, SwapResult
from tidemill_amm.errors import InsufficientLiquidity, LiquidityOverflow
from tidemill_evm.uniswap_v3 import V3Layout

_INT256_MAX = UINT256_MAX >> 1


@frozen
class V2Pool:
    """A constant product pair (``UniswapV2Pair``, v2-core 1.0.1; the forks differ in the fee).

    Attributes:
        id: the pool's id.
        assets: token0 and token1.
        fee_ppm: fee in parts per million of the input.
        reserve0: stored reserve of token0, base units, uint112.
        reserve1: stored reserve of token1, base units, uint112.
    """

    id: PoolId
    assets: tuple[AssetId, AssetId]
    fee_ppm: int
    reserve0: int
    reserve1: int

    @property
    def holdings(self) -> Mapping[AssetId, int]:
        """The stored reserves, base units; a donation that nobody has synced is not in them."""
        return {self.assets[0]: self.reserve0, self.assets[1]: self.reserve1}

    def amount_out(self, sell: AssetId, buy: AssetId, amount: int, at: ChainTime) -> int:
        """Return the output of selling exactly ``amount``, rounded down; 0 means no quote."""
        first, second = self.assets
        if sell == first and buy == second:
            reserve_in, reserve_out = self.reserve0, self.reserve1
        elif sell == second and buy == first:
            reserve_in, reserve_out = self.reserve1, self.reserve0
        else:
            return 0
        # The pair stores the new reserve in 112 bits and reverts where it does not fit.
        if amount <= 0 or reserve_in + amount > UINT112_MAX:
            return 0
        return constant_product.amount_out(amount, reserve_in, reserve_out, self.fee_ppm)

    def quote_exact_in(self, sell: AssetId, buy: AssetId, amount: int, at: ChainTime) -> Quote | NoQuote:
        """Quote selling exactly ``amount``; the fee is rounded up."""
        out = self.amount_out(sell, buy, amount, at)
        if not out:
            return self._refusal(sell, buy, amount)
        return Quote(self.id, sell, buy, amount, out, -(-amount * self.fee_ppm // PPM_SCALE))

    def quote_exact_out(self, sell: AssetId, buy: AssetId, amount: int, at: ChainTime) -> Quote | NoQuote:
        """Quote buying exactly ``amount``: the least input for which the pair's product does not fall."""
        zero_for_one = _zero_for_one(self.assets, sell, buy)
        if zero_for_one is None:
            return _wrong_asset(self.id, sell, buy)
        if amount <= 0 or amount > UINT256_MAX:
            return NoQuote(NoQuoteReason.AMOUNT, f"expected an amount of 1 to 2**256 - 1, found {amount}")
        reserve_in, reserve_out = (self.reserve0, self.reserve1) if zero_for_one else (self.reserve1, self.reserve0)
        try:
            paid = constant_product.amount_in(amount, reserve_in, reserve_out, self.fee_ppm)
        except InsufficientLiquidity as error:
            return NoQuote(NoQuoteReason.LIQUIDITY, str(error))
        # The router always adds one; where its division was exact the pair takes one unit less.
        if constant_product.amount_out(paid - 1, reserve_in, reserve_out, self.fee_ppm) >= amount:
            paid -= 1
        if reserve_in + paid > UINT112_MAX:
            return NoQuote(NoQuoteReason.LIQUIDITY, f"an input of {paid} overflows the pair's reserve of 112 bits")
        return Quote(self.id, sell, buy, paid, amount, mul_div_up(paid, self.fee_ppm, PPM_SCALE))

    def swap_exact_in(self, sell: AssetId, buy: AssetId, amount: int, at: ChainTime) -> Swapped | NoQuote:
        """Quote selling exactly ``amount`` and give the pair after it; the whole input, fee included, stays in it."""
        quote = self.quote_exact_in(sell, buy, amount, at)
        if isinstance(quote, NoQuote):
            return quote
        out = quote.amount_out
        if sell == self.assets[0]:
            return Swapped(quote, V2Pool(self.id, self.assets, self.fee_ppm, self.reserve0 + amount, self.reserve1 - out))
        return Swapped(quote, V2Pool(self.id, self.assets, self.fee_ppm, self.reserve0 - out, self.reserve1 + amount))

    def segments(self, sell: AssetId, buy: AssetId, at: ChainTime, max_in: int) -> Curve | NoCurve:
        """Give the one segment that the pair is, up to ``max_in`` or what its reserve takes; it is rounded down once."""
        zero_for_one = _zero_for_one(self.assets, sell, buy)
        if zero_for_one is None:
            return _not_traded(self.id, sell, buy)
        reserve_in, reserve_out = (self.reserve0, self.reserve1) if zero_for_one else (self.reserve1, self.reserve0)
        return _curve(constant_product.curve_of(reserve_in, reserve_out, self.fee_ppm, max_in))

    def _refusal(self, sell: AssetId, buy: AssetId, amount: int) -> NoQuote:
        """Say why ``amount_out`` is 0."""
        zero_for_one = _zero_for_one(self.assets, sell, buy)
        if zero_for_one is None:
            return _wrong_asset(self.id, sell, buy)
        if amount <= 0 or amount > UINT256_MAX:
            return NoQuote(NoQuoteReason.AMOUNT, f"expected an amount of 1 to 2**256 - 1, found {amount}")
        if not (self.reserve0 and self.reserve1):
            return NoQuote(NoQuoteReason.LIQUIDITY, f"a reserve is empty: {self.reserve0} and {self.reserve1}")
        if (self.reserve0 if zero_for_one else self.reserve1) + amount > UINT112_MAX:
            return NoQuote(NoQuoteReason.LIQUIDITY, f"an input of {amount} overflows the pair's reserve of 112 bits")
        return NoQuote(NoQuoteReason.AMOUNT, f"{amount} is too little to buy one unit")


@frozen
class V3Pool:
    """A concentrated pool (``UniswapV3Pool``, v3-core 1.0.1, and PancakeSwap V3), as far as its ticks are loaded.

    Attributes:
        id: the pool's id.
        assets: token0 and token1.
        state: price, liquidity, bitmap words and ticks.
        layout: where the contract keeps them, so that a quote can name what it misses.
    """

    id: PoolId
    assets: tuple[AssetId, AssetId]
    state: ConcentratedState
    layout: V3Layout

    @property
    def fee_ppm(self) -> int:
        """The fee in parts per million of the input."""
        return self.state.fee_ppm

    @property
    def holdings(self) -> Mapping[AssetId, int]:
        """The virtual reserves at the price, base units, rounded down: what a constant product pair of the same depth would hold.

        The contract's balances are no part of its state. These are what depth and valuation need; a narrow position makes them far
        larger than what can really be bought.
        """
        state = self.state
        virtual0 = (state.liquidity << 96) // state.sqrt_price_x96
        return {self.assets[0]: virtual0, self.assets[1]: state.liquidity * state.sqrt_price_x96 >> 96}

    def amount_out(self, sell: AssetId, buy: AssetId, amount: int, at: ChainTime) -> int:
        """Return the output of selling exactly ``amount``, rounded as the contract does; 0 means no quote."""
        first, second = self.assets
        if 0 < amount <= _INT256_MAX:
            if sell == first and buy == second:
                return concentrated.amount_out(self.state, True, amount)
            if sell == second and buy == first:
                return concentrated.amount_out(self.state, False, amount)
        return 0

    def quote_exact_in(self, sell: AssetId, buy: AssetId, amount: int, at: ChainTime) -> Quote | NoQuote:
        """Quote selling exactly ``amount``."""
        result = self._swap(sell, buy, amount, 1)
        return result if isinstance(result, NoQuote) else self._quote(result, sell, buy)

    def quote_exact_out(self, sell: AssetId, buy: AssetId, amount: int, at: ChainTime) -> Quote | NoQuote:
        """Quote buying exactly ``amount``: what the contract asks for it."""
        result = self._swap(sell, buy, amount, -1)
        return result if isinstance(result, NoQuote) else self._quote(result, sell, buy)

    def swap_exact_in(self, sell: AssetId, buy: AssetId, amount: int, at: ChainTime) -> Swapped | NoQuote:
        """Quote selling exactly ``amount`` and give the pool after it."""
        result = self._swap(sell, buy, amount, 1)
        if isinstance(result, NoQuote):
            return result
        return Swapped(self._quote(result, sell, buy), V3Pool(self.id, self.assets, result.state, self.layout))

    def segments(self, sell: AssetId, buy: AssetId, at: ChainTime, max_in: int) -> Curve | NoCurve:
        """Give one segment for each range between initialized ticks, up to ``max_in`` or the last tick that is loaded."""
        zero_for_one = _zero_for_one(self.assets, sell, buy)
        if zero_for_one is None:
            return _not_traded(self.id, sell, buy)
        return _curve(concentrated.curve_of(self.state, zero_for_one, min(max_in, _INT256_MAX)))

    def missing(self, missing: MissingState) -> NoQuote:
        """Return the "no" that names the storage keys of words and ticks that are not loaded."""
        address, layout = address_of(self.id), self.layout
        keys = (
            *(layout.word_key(address, position) for position in missing.words),
            *(layout.tick_key(address, tick) for tick in missing.ticks),
        )
        return NoQuote(NoQuoteReason.MISSING_STATE, f"words {missing.words} and ticks {missing.ticks} are not loaded", keys)

    def _quote(self, result: SwapResult, sell: AssetId, buy: AssetId) -> Quote:
        return Quote(self.id, sell, buy, result.amount_in, result.amount_out, result.fee)

    def _swap(self, sell: AssetId, buy: AssetId, amount: int, sign: int) -> SwapResult | NoQuote:
        """Return a swap that fills the whole amount, given as input (sign 1) or output (-1)."""
        zero_for_one = _zero_for_one(self.assets, sell, buy)
        if zero_for_one is None:
            return _wrong_asset(self.id, sell, buy)
        if not 0 < amount <= _INT256_MAX:
            return NoQuote(NoQuoteReason.AMOUNT, f"expected an amount of 1 to 2**255 - 1, found {amount}")
        try:
            result = concentrated.swap(self.state, zero_for_one, sign * amount)
        except LiquidityOverflow as error:
            return NoQuote(NoQuoteReason.STALE, str(error))
        except AmmError as error:  # the price stands at its limit, or an exact output is more than 256 bits can hold
            return NoQuote(NoQuoteReason.LIQUIDITY, str(error))
        if isinstance(result, MissingState):
            return self.missing(result)
        if not result.filled:
            moved = result.amount_in if sign > 0 else result.amount_out
            return NoQuote(NoQuoteReason.LIQUIDITY, f"only {moved} of {amount} can be swapped before liquidity ends")
        return result


@frozen
class ClosedPool:
    """A concentrated pool that was created and has no price yet: it cannot hold liquidity, and quotes nothing before ``Initialize``.

    Attributes:
        id: the pool's id.
        assets: token0 and token1.
        fee_ppm: fee in parts per million of the input.
        tick_spacing: distance of usable ticks.
        layout: where the contract keeps its state.
    """

    id: PoolId
    assets: tuple[AssetId, AssetId]
    fee_ppm: int
    tick_spacing: int
    layout: V3Layout

    @property
    def holdings(self) -> Mapping[AssetId, int]:
        """Nothing of both."""
        return {self.assets[0]: 0, self.assets[1]: 0}

    def amount_out(self, sell: AssetId, buy: AssetId, amount: int, at: ChainTime) -> int:
        """Return 0: no quote."""
        return 0

    def quote_exact_in(self, sell: AssetId, buy: AssetId, amount: int, at: ChainTime) -> NoQuote:
        """Say that the pool is closed, or that it does not hold an asset."""
        if _zero_for_one(self.assets, sell, buy) is None:
            return _wrong_asset(self.id, sell, buy)
        return NoQuote(NoQuoteReason.CLOSED, "the pool has no price yet")

    def quote_exact_out(self, sell: AssetId, buy: AssetId, amount: int, at: ChainTime) -> NoQuote:
        """Say that the pool is closed, or that it does not hold an asset."""
        return self.quote_exact_in(sell, buy, amount, at)

    def swap_exact_in(self, sell: AssetId, buy: AssetId, amount: int, at: ChainTime) -> NoQuote:
        """Say that the pool is closed, or that it does not hold an asset."""
        return self.quote_exact_in(sell, buy, amount, at)

    def segments(self, sell: AssetId, buy: AssetId, at: ChainTime, max_in: int) -> NoCurve:
        """Give no curve: the pool is closed, or it does not hold an asset."""
        return NoCurve("the pool has no price yet")


def _zero_for_one(assets: tuple[AssetId, AssetId], sell: AssetId, buy: AssetId) -> bool | None:
    if (sell, buy) == assets:
        return True
    return False if (buy, sell) == assets else None


def _curve(found: PoolCurve) -> Curve | NoCurve:
    if not found.pieces:
        return NoCurve("hardly a unit can be sold in this direction, as far as its state is loaded")
    return Curve(tuple(starmap(Segment, found.pieces)), found.slack)


def _not_traded(pool: PoolId, sell: AssetId, buy: AssetId) -> NoCurve:
    return NoCurve(f"{pool} does not trade {sell} for {buy}")


def _wrong_asset(pool: PoolId, sell: AssetId, buy: AssetId) -> NoQuote:
    return NoQuote(NoQuoteReason.ASSET, f"{pool} does not trade {sell} for {buy}")
