"""What one direction of a pool is to the graph: its best rate, and its curve where the pool gives one."""

from collections.abc import Sequence
from typing import NamedTuple

from tidemill.domain.answers import NoCurve
from tidemill.domain.ids import AssetId, split_pool_id
from tidemill.domain.pool import Curve as DrawnCurve
from tidemill.domain.pool import Pool, Segment
from tidemill.domain.time import ChainTime
from tidemill.errors import PluginContractError
from tidemill.units import UINT256_MAX
from tidemill_search_cycles.graph.arrays import NO_CURVE, ONE_CURVE, SEGMENTED
from tidemill_search_cycles.graph.probing import Curve, fitted_curve, rate_above, whole_numbers

MOST_BITS = 250
"""Rates of base units stay within 2^-250 .. 2^250: the product of four neither vanishes nor becomes NaN, whatever the scales."""
MOST_SEGMENTS = 64
"""So many segments of a curve are kept; what lies beyond is found by asking the pool."""
COARSE_BITS = 16
"""Where a curve of segments passes fewer than 2^16 units, floors take so much that the best amount may be missed."""
FLOOR_SLACK = 1
"""A curve this near is the real one, of which the pool takes the floor."""

ScaledSegment = tuple[float, float, float, float, float]
"""(from, to, a, b, c) in scaled units."""


class Reading(NamedTuple):
    """One direction of a pool that can be traded.

    Args:
        rate: (numerator, denominator) of an upper bound of what a unit gets, both above zero.
        segments: the curve, empty where the pool gives none.
        curve: the whole direction as one exact ``floor(a x / (b + c x))``, else None.
        proven: false where the bound rests on quotes that were tried, or so few units pass that the curve says little.
        slack: base units by which a quote may be above the curve.
    """

    rate: tuple[int, int]
    segments: tuple[Segment, ...]
    curve: Curve | None
    proven: bool
    slack: int = 0


class Entry(NamedTuple):
    """An edge as the arrays hold it: pool number, scaled rate and bend, kind, slack above the curve, and scaled segments."""

    pool: int
    rate: float
    bend: float
    kind: int
    slack: float
    segments: tuple[ScaledSegment, ...]


def read(pool: Pool, sell: AssetId, buy: AssetId, at: ChainTime) -> Reading | None:
    """Read one direction of a pool; None where nothing can be sold."""
    found = _read(pool, sell, buy, at)
    if found is not None and abs(found.rate[0].bit_length() - found.rate[1].bit_length()) >= MOST_BITS:
        return found._replace(proven=False)
    return found


def _read(pool: Pool, sell: AssetId, buy: AssetId, at: ChainTime) -> Reading | None:
    given = pool.segments(sell, buy, at, UINT256_MAX)
    if isinstance(given, NoCurve):
        rate = rate_above(pool, sell, buy, at)
        return Reading(rate, (), None, False) if rate is not None else None
    if not isinstance(given, DrawnCurve):
        raise PluginContractError(f"dex.{split_pool_id(pool.id)[1]}", f"segments of {pool.id} gave {given!r:.60}: expected a Curve")
    for one in given.segments:
        whole_numbers(pool, "segments", one.in_from, one.in_to, one.a, one.b, one.c)
    whole_numbers(pool, "segments", given.slack)
    segments = tuple(one for one in given.segments if one.in_to > one.in_from)[:MOST_SEGMENTS]
    if not segments or not all(one.a > 0 and one.b > 0 and one.c >= 0 for one in segments):
        return None
    first = segments[0]
    whole = len(given.segments) == 1 and given.slack <= FLOOR_SLACK and first.in_from == 0 and first.c > 0
    if whole:
        return Reading((first.a, first.b), segments, (first.a, first.b, first.c), True)
    return Reading((first.a, first.b), segments, None, _passes_many(segments), given.slack)


def _passes_many(segments: Sequence[Segment]) -> bool:
    """Whether a curve takes and pays so many units that what it says in real numbers is what a pool pays, but for little."""
    paid = 0
    for one in segments:
        wide = one.in_to - one.in_from
        paid += one.a * wide // (one.b + one.c * wide)
        if paid >> COARSE_BITS and one.in_to >> COARSE_BITS:
            return True
    return False


def one_curve(pool: Pool, sell: AssetId, buy: AssetId, at: ChainTime, sell_shift: int, buy_shift: int) -> tuple[float, float] | None:
    """Return the scaled rate and bend of a direction that is one exact curve, as ``read`` and ``scaled`` give them; None for any other."""
    given = pool.segments(sell, buy, at, UINT256_MAX)
    if not isinstance(given, DrawnCurve) or len(given.segments) != 1 or given.slack > FLOOR_SLACK:
        return None
    only = given.segments[0]
    a, b, c = only.a, only.b, only.c
    if not (type(a) is type(b) is type(c) is int):
        return None  # ``read`` says whose fault it is
    if only.in_from != 0 or only.in_to <= 0 or a <= 0 or b <= 0 or c <= 0 or abs(a.bit_length() - b.bit_length()) >= MOST_BITS:
        return None
    return a / b * 2.0 ** (sell_shift - buy_shift), _bend(c, b, sell_shift)


def scaled(reading: Reading, pool: int, sell_shift: int, buy_shift: int) -> Entry:
    """Return a reading as an edge of the arrays. Powers of two change no mantissa, so that products of cycles do not know the shifts."""
    difference = sell_shift - buy_shift
    rate = ratio(*reading.rate, difference)
    if not reading.segments:
        return Entry(pool, rate, 0.0, NO_CURVE, 0.0, ())
    if len(reading.segments) == 1:
        only = reading.segments[0]
        bend = _bend(only.c, only.b, sell_shift)
        kind = ONE_CURVE if reading.curve is not None else SEGMENTED
        if kind == ONE_CURVE:
            return Entry(pool, rate, bend, kind, 0.0, ())
    slack = _amount(reading.slack, buy_shift)
    return Entry(pool, rate, 0.0, SEGMENTED, slack, tuple(_scaled_segment(one, sell_shift, difference) for one in reading.segments))


def _scaled_segment(one: Segment, shift: int, difference: int) -> ScaledSegment:
    slope = ratio(one.a, one.b, difference)
    bend = _bend(one.c, one.b, shift)
    return _amount(one.in_from, shift), _amount(one.in_to, shift), slope, 1.0, bend


def _amount(units: int, shift: int) -> float:
    return float(units) * 2.0**-shift


def ratio(numerator: int, denominator: int, shift: int) -> float:
    """Return ``numerator / denominator``, correctly rounded and kept within 2^-250 .. 2^250, times 2^shift; both are above zero."""
    excess = numerator.bit_length() - denominator.bit_length()
    if excess >= MOST_BITS or excess <= -MOST_BITS:
        return 2.0 ** (shift + (MOST_BITS if excess > 0 else -MOST_BITS))
    return numerator / denominator * 2.0**shift


def _bend(numerator: int, denominator: int, shift: int) -> float:
    """Return a bend, rounded down to 0 where it is too small for a rate: then it bounds nothing."""
    small = numerator.bit_length() - denominator.bit_length() <= -4 * MOST_BITS
    return 0.0 if small or not numerator else numerator / denominator * 2.0**shift


class Side:
    """One direction of a pool as a cycle that is sized sees it; ``curve`` is exact where ``exact`` says so."""

    __slots__ = ("_fitted", "_reading", "buy", "curve", "exact", "pool", "pool_id", "segments", "sell")

    def __init__(self, pool: Pool, sell: AssetId, buy: AssetId, reading: Reading) -> None:
        self.pool, self.sell, self.buy, self.pool_id = pool, sell, buy, pool.id
        self.curve = reading.curve
        self.exact = reading.curve is not None
        self.segments = reading.segments
        self._reading = reading
        self._fitted = self.exact

    def guess(self, at: ChainTime) -> Curve | None:
        """Return the curve, fitted once where it is not exact; None where the pool gives no quote to fit."""
        if not self._fitted:
            self.curve = fitted_curve(self.pool, self.sell, self.buy, self._reading.rate, at)
            self._fitted = True
        return self.curve
