"""Pools that give no curve: what their quotes tell."""

from fractions import Fraction

from tidemill.domain.ids import AssetId, split_pool_id
from tidemill.domain.pool import Pool
from tidemill.domain.time import ChainTime
from tidemill.errors import PluginContractError
from tidemill.units import UINT256_MAX

Curve = tuple[int, int, int]
"""(a, b, c) of ``y = a * x / (b + c * x)``; all above zero."""

_MOST_PROBE_BITS = 20
_SHIFTS = (6, 10, 14, 20, 32, 48, 64, 80, 96)
"""Probes are such parts of what a pool holds: smaller ones where larger ones get no quote."""


_FINER = (16, 22, 28)
"""Parts (2^-n) of what a pool holds that are tried besides the smallest probe."""
_MARGIN = 1 << 16
"""Rates are taken to be better than the best by one part in so many: more than the impact of the finest probe."""


def rate_above(pool: Pool, sell: AssetId, buy: AssetId, at: ChainTime) -> tuple[int, int] | None:
    """Return an upper bound of what one unit gets, as (numerator, denominator); None where nothing can be sold.

    The smallest probe is so small that the one unit added for its floors weighs more than its price impact. Pools that reckon with powers
    lose more to rounding there: larger ones are tried as well, and the best rate of all counts, with a margin for the impact.
    """
    held_in, held_out = pool.holdings.get(sell, 0), pool.holdings.get(buy, 0)
    bits = max(2, min(_MOST_PROBE_BITS, held_out.bit_length() // 2, held_in.bit_length() // 2))
    first, out = _first_quote(pool, sell, buy, at)
    if not out:
        return None
    smallest = max(1 << bits, (first << bits) // out)
    best, best_rate = (out + 1, max(1, first - 2)), (0, 1)
    if smallest < first:
        for probe in (smallest, *(amount for part in _FINER if smallest < (amount := held_in >> part) < first)):
            better = _quote(pool, sell, buy, probe, at)
            if not better:
                continue
            # Pools round the fee up, so that up to two units of the input may buy nothing.
            best_rate = max(best_rate, (better + 1, max(1, probe - 2)), key=lambda rate: Fraction(*rate))
    if best_rate[0]:
        best = best_rate[0] * (_MARGIN + 1), best_rate[1] * _MARGIN
    return best


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
        out = _quote(pool, sell, buy, probe, at)
        if out:
            return probe, out
        if probe == 1:
            break
    return 0, 0


def _quote(pool: Pool, sell: AssetId, buy: AssetId, amount: int, at: ChainTime) -> int:
    """Return what a pool pays; 0 where it is nothing that a chain can pay."""
    out = pool.amount_out(sell, buy, amount, at)
    whole_numbers(pool, "amount_out", out)
    return out if 0 < out <= UINT256_MAX else 0


def whole_numbers(pool: Pool, member: str, *given: object) -> None:
    """Check what a pool gave: NaN, infinities and fractions would pass through comparisons and be blamed on whoever reckons with them.

    Raises:
        PluginContractError: one is no int; it names the pool's DEX.
    """
    for one in given:
        if type(one) is not int:
            raise PluginContractError(f"dex.{split_pool_id(pool.id)[1]}", f"{member} of {pool.id} gave {one!r:.60}: expected an int")
