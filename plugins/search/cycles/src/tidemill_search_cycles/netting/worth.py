"""Prices of tokens to begin with, from the rates of the deepest pools."""

import heapq
from collections.abc import Sequence
from math import sqrt

from tidemill.domain.ids import AssetId
from tidemill_search_cycles.netting.directions import Direction

_MOST = 2.0**256
_WIDEST = 256


def first_prices(ways: Sequence[Direction], start: AssetId) -> dict[AssetId, float]:
    """Price every token in base units of the start token for one of its own.

    From the start token on, a token gets its price from the deepest pool that joins it to the priced ones, halfway between the pool's
    two rates: both are apart by the fee.
    """
    rates = [ratio(way.curve.segments[0].a, way.curve.segments[0].b) for way in ways]
    places = {(way.pool.id, way.sell, way.buy): place for place, way in enumerate(ways)}
    around: dict[AssetId, list[int]] = {}
    for place, way in enumerate(ways):
        around.setdefault(way.buy, []).append(place)
        around.setdefault(way.sell, []).append(place)
    prices: dict[AssetId, float] = {}
    queue = [(0.0, -1, start, 1.0)]
    while queue:
        _, _, token, price = heapq.heappop(queue)
        if token in prices:
            continue
        prices[token] = price
        for place in around.get(token, ()):
            way = ways[place]
            bought = way.buy == token
            other = way.sell if bought else way.buy
            if other not in prices:
                back = places.get((way.pool.id, way.buy, way.sell))
                rate = sqrt(rates[place] / rates[back]) if back is not None else rates[place]
                theirs = min(_MOST, max(1.0 / _MOST, price * rate if bought else price / rate))
                depth = _amount(way) * (rates[place] * price if bought else theirs)
                heapq.heappush(queue, (-depth, place, other, theirs))
    return prices


def _amount(way: Direction) -> float:
    """Return what goes into a direction's first stretch to get half of what it tends to, or the whole stretch where that is less."""
    part = way.curve.segments[0]
    size = ratio(part.in_to - part.in_from, 1)
    return min(size, ratio(part.b, part.c)) if part.c else size


def ratio(numerator: int, denominator: int) -> float:
    """Divide, rounded correctly, kept within powers of two that products of a few stay finite in."""
    excess = numerator.bit_length() - denominator.bit_length()
    if abs(excess) > _WIDEST:
        return _MOST if excess > 0 else 1.0 / _MOST
    return numerator / denominator
