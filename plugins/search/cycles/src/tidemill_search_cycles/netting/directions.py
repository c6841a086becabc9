"""The ways through pools that a trade may take, with their curves."""

from collections.abc import Hashable, Iterable, Mapping, Sequence
from typing import TypeVar

from attrs import frozen

from tidemill.domain.answers import NoCurve
from tidemill.domain.ids import AssetId, PoolId
from tidemill.domain.pool import Curve, Pool
from tidemill.domain.search import Candidate
from tidemill.domain.time import ChainTime

CurveKey = tuple[PoolId, AssetId, AssetId]
Curves = Mapping[CurveKey, Curve | NoCurve]
"""Curves by pool, what is sold and what is bought."""

MOST_POOLS = 200
MOST_TOKENS = 100
_REACH = 16
"""A curve is asked for inputs up to so many times what the pool holds: that moves the price of a constant product by 289."""
_UNKNOWN_HOLDING = 1 << 128
_Place = TypeVar("_Place", bound=Hashable)


@frozen
class Direction:
    """One way through a pool, with its curve; it takes at most ``limit`` base units of ``sell``."""

    pool: Pool
    sell: AssetId
    buy: AssetId
    curve: Curve

    @property
    def limit(self) -> int:
        """The last input that the curve covers."""
        return self.curve.segments[-1].in_to


def directions_of(cycles: Sequence[Candidate], pools: Mapping[PoolId, Pool], curves: Curves | None, at: ChainTime) -> list[Direction]:
    """Return both ways through every pair of tokens that a cycle trades at a pool, as far as curves are known.

    The first cycles' pools come first; what is beyond ``MOST_POOLS`` and ``MOST_TOKENS`` is left out.
    """
    found: list[Direction] = []
    seen: set[CurveKey] = set()
    members: set[PoolId] = set()
    tokens: set[AssetId] = set()
    for cycle in cycles:
        wanted, touched = members.union(leg.pool for leg in cycle.legs), tokens.union(leg.sell for leg in cycle.legs)
        if len(wanted) > MOST_POOLS or len(touched) > MOST_TOKENS:
            continue
        members, tokens = wanted, touched
        for leg in cycle.legs:
            for sell, buy in ((leg.sell, leg.buy), (leg.buy, leg.sell)):
                key = (leg.pool, sell, buy)
                pool = pools.get(leg.pool)
                if key in seen or pool is None:
                    continue
                seen.add(key)
                curve = curve_of(pool, sell, buy, curves, at)
                if curve is not None:
                    found.append(Direction(pool, sell, buy, curve))
    return found


def curve_of(pool: Pool, sell: AssetId, buy: AssetId, curves: Curves | None, at: ChainTime) -> Curve | None:
    """Return a direction's curve, given or asked for, None where there is none; stretches that take or pay nothing are left out."""
    curve = curves.get((pool.id, sell, buy)) if curves is not None else None
    if curve is None:
        held = pool.holdings.get(sell, 0)
        curve = pool.segments(sell, buy, at, max(1, held * _REACH) if held else _UNKNOWN_HOLDING)
    if isinstance(curve, NoCurve):
        return None
    parts = tuple(part for part in curve.segments if part.in_to > part.in_from and part.a > 0 and part.b > 0 and part.c >= 0)
    return Curve(parts, curve.slack) if parts else None


def connected(ways: Iterable[Direction], start: AssetId) -> list[Direction]:
    """Return the directions between tokens that can be bought with the start token, however indirectly, and sold for it."""
    kept = list(ways)
    after: dict[AssetId, list[AssetId]] = {}
    before: dict[AssetId, list[AssetId]] = {}
    for way in kept:
        after.setdefault(way.sell, []).append(way.buy)
        before.setdefault(way.buy, []).append(way.sell)
    forward, backward = reached(after, start), reached(before, start)
    both = forward & backward
    return [way for way in kept if way.sell in both and way.buy in both]


def reached(steps: Mapping[_Place, list[_Place]], start: _Place) -> set[_Place]:
    """Return every place that steps lead to, the start among them."""
    found, waiting = {start}, [start]
    while waiting:
        for token in steps.get(waiting.pop(), ()):
            if token not in found:
                found.add(token)
                waiting.append(token)
    return found
