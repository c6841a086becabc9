"""What a pool may tell beyond ``Pool``, found by its methods alone: the searcher knows no DEX.

A pool without these is searched all the same, only slower: it is asked for amounts.
"""

from collections.abc import Callable
from functools import lru_cache
from math import gcd
from typing import Protocol, runtime_checkable

from tidemill.domain.ids import AssetId
from tidemill.domain.pool import Pool
from tidemill.domain.time import ChainTime
from tidemill.units import PPM_SCALE

Curve = tuple[int, int, int]
"""(a, b, c) of ``y = a * x / (b + c * x)``; all above zero."""

CurveReserves = Callable[[AssetId, AssetId], tuple[int, int] | None]
SpotRate = Callable[[AssetId, AssetId], tuple[int, int] | None]

_MOST_PROBE_BITS = 20
_SHIFTS = (6, 10, 14, 20, 32, 48, 64, 80, 96)
"""Probes are such parts of what a pool holds: smaller ones where larger ones get no quote."""


@runtime_checkable
class ConstantProduct(Protocol):
    """A pool that is a constant product over its whole range, with ``fee_ppm`` taken from the input."""

    def curve_reserves(self, sell: AssetId, buy: AssetId) -> tuple[int, int] | None:
        """Return (reserve of ``sell``, reserve of ``buy``) in base units.

        With them ``amount_out`` must be ``x * r * out // (in * 10^6 + x * r)`` for ``r = 10^6 - fee_ppm``, or 0 where the pool refuses.
        None where this direction is no constant product.
        """


@runtime_checkable
class SpotPriced(Protocol):
    """A pool that knows its marginal rate, such as concentrated liquidity."""

    def spot_rate(self, sell: AssetId, buy: AssetId) -> tuple[int, int] | None:
        """Return (numerator, denominator) of the rate of the first unit, fee taken off: no amount gets more than this a unit.

        None where nothing can be sold in this direction.
        """


@lru_cache(maxsize=256)
def fee_fraction(fee_ppm: int) -> tuple[int, int]:
    """Return what is left of the input after the fee as a shortened fraction: 3_000 gives (997, 1000)."""
    rest = PPM_SCALE - fee_ppm
    divisor = gcd(rest, PPM_SCALE)
    return rest // divisor, PPM_SCALE // divisor


def constant_product_curve(pool: Pool, sell: AssetId, buy: AssetId) -> Curve | None:
    """Return the exact curve of a constant product with something on both sides, else None."""
    # Not isinstance: to ask whether a protocol is fulfilled costs more than the answer
    curve_reserves: CurveReserves | None = getattr(pool, "curve_reserves", None)
    fee_ppm = pool.fee_ppm
    if curve_reserves is None or fee_ppm is None or not 0 <= fee_ppm < PPM_SCALE:
        return None
    reserves = curve_reserves(sell, buy)
    if reserves is None or reserves[0] <= 0 or reserves[1] <= 0:
        return None
    rest, scale = fee_fraction(fee_ppm)
    return rest * reserves[1], scale * reserves[0], rest


def rate_above(pool: Pool, sell: AssetId, buy: AssetId, at: ChainTime) -> tuple[int, int] | None:
    """Return an upper bound of what one unit gets, as (numerator, denominator); None where nothing can be sold.

    From ``spot_rate``, else from a probe so small that the one unit added for its floors weighs more than its price impact.
    """
    spot_rate: SpotRate | None = getattr(pool, "spot_rate", None)
    if spot_rate is not None:
        rate = spot_rate(sell, buy)
        return rate if rate is not None and rate[0] > 0 and rate[1] > 0 else None
    held_in, held_out = pool.holdings.get(sell, 0), pool.holdings.get(buy, 0)
    bits = max(2, min(_MOST_PROBE_BITS, held_out.bit_length() // 2, held_in.bit_length() // 2))
    probe, out = _first_quote(pool, sell, buy, at)
    if not out:
        return None
    smaller = max(1 << bits, (probe << bits) // out)
    if smaller < probe:
        better = pool.amount_out(sell, buy, smaller, at)
        if better:
            probe, out = smaller, better
    # Pools round the fee up, so that up to two units of the input may buy nothing.
    return out + 1, max(1, probe - 2)


def fitted_curve(pool: Pool, sell: AssetId, buy: AssetId, rate: tuple[int, int], at: ChainTime) -> Curve | None:
    """Return a constant product through the marginal rate and one larger quote: a first guess for sizing, no more."""
    numerator, denominator = rate
    amount, out = _first_quote(pool, sell, buy, at)
    bend = numerator * amount - denominator * out
    return (numerator * amount * out, denominator * amount * out, max(1, bend)) if out else None


def _first_quote(pool: Pool, sell: AssetId, buy: AssetId, at: ChainTime) -> tuple[int, int]:
    """Return the largest probe that gets a quote, and what it gets; (0, 0) where none does."""
    # A concentrated pool may hold nothing of what it buys; the other side is some measure then.
    held = pool.holdings.get(sell, 0) or pool.holdings.get(buy, 0)
    for shift in _SHIFTS:
        probe = max(1, held >> shift)
        out = pool.amount_out(sell, buy, probe, at)
        if out:
            return probe, out
        if probe == 1:
            break
    return 0, 0
