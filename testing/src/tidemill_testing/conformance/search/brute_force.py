"""Small random markets, and every cycle of them by brute force: what a searcher's answers are held against."""

from collections.abc import Iterable, Iterator, Sequence
from math import isqrt
from random import Random

from tidemill.domain.ids import AssetId, PoolId
from tidemill.domain.search import Candidate
from tidemill.units import PPM_SCALE
from tidemill_testing.market import PairPool, pair_pool, token

Route = tuple[PoolId, ...]
RouteKey = tuple[Route, tuple[AssetId, ...]]
"""The pools of a cycle and what is sold at each."""
Found = dict[RouteKey, int]

_Curve = tuple[tuple[int, int, int], ...]
_FEW_UNITS = 1 << 16
_MOST_BITS = 512
_NEXT_TO = 3


def random_pools(random: Random, tokens: int, count: int, *, opaque_share: int = 0, least_depth: int = 3) -> list[PairPool]:
    """Return pools around true prices, up to 3 % off; one in twelve holds nothing, or one unit, on one side.

    Args:
        random: seeded; equal seeds give equal pools.
        tokens: how many tokens there are.
        count: how many pools; several may trade one pair.
        opaque_share: so many per cent hide their reserves and must be probed.
        least_depth: reserves begin at 10 to this power; 3 makes dust too, where floors are all there is.
    """
    names = [token(f"T{place}") for place in range(tokens)]
    price = {name: random.randint(1, 10**4) for name in names}
    pools = []
    for place in range(count):
        one, other = random.sample(names, 2)
        depth = 10 ** random.randint(least_depth, 24)
        noise = random.randint(9_700, 10_300)
        held = {one: depth * price[other] * noise // 10**8, other: depth * price[one] // 10**4}
        if random.randrange(12) == 0:
            held[random.choice([one, other])] = random.choice([0, 1])
        fee_ppm = random.choice([0, 100, 500, 2_500, 3_000, 3_000, 10_000])
        pools.append(pair_pool(f"P{place}", held, fee_ppm, opaque=random.randrange(100) < opaque_share))
    return pools


def brute_force(pools: Sequence[PairPool], start: AssetId, hops: range, *, steps: bool = False) -> Found:
    """Return every cycle from ``start`` that gains, with the profit of its integer optimum, by depth-first search.

    With ``steps`` inputs are tried as well that just reach another unit of some token on the way: where few units of it pass, the floors
    of all others leave less.
    """
    found: Found = {}
    for used, sells, curve in _routes(pools, start, hops.stop - 1, start, (), (), ()):
        profit = _optimum(curve, steps) if len(used) in hops else 0
        if profit > 0:
            found[used, sells] = profit
    return found


def route_of(candidate: Candidate) -> RouteKey:
    """Return the key of a candidate's cycle."""
    return tuple(leg.pool for leg in candidate.legs), tuple(leg.sell for leg in candidate.legs)


def by_route(candidates: Iterable[Candidate]) -> Found:
    """Return the profits of candidates by their cycles.

    Raises:
        AssertionError: one cycle is given twice.
    """
    found: Found = {}
    for candidate in candidates:
        key = route_of(candidate)
        assert key not in found, f"{' > '.join(key[0])} was given twice"
        found[key] = candidate.profit
    return found


def _routes(
    pools: Sequence[PairPool], start: AssetId, most: int, here: AssetId, used: Route, sells: tuple[AssetId, ...], curve: _Curve
) -> Iterator[tuple[Route, tuple[AssetId, ...], _Curve]]:
    for pool in pools:
        if here not in pool.assets or pool.id in used:
            continue
        side = pool.assets.index(here)
        there = pool.assets[1 - side]
        rest = PPM_SCALE - (pool.fee_ppm or 0)
        after = (*used, pool.id), (*sells, here), (*curve, (pool.reserves[side], pool.reserves[1 - side], rest))
        if there == start and used:
            yield after
        elif there != start and there not in sells and len(used) + 1 < most:
            yield from _routes(pools, start, most, there, *after)


def _optimum(curve: _Curve, steps: bool) -> int:
    """Return the greatest profit of a route of constant products: its Möbius form gives the real optimum, integers next to it decide."""
    if any(not (held_in and held_out) for held_in, held_out, _ in curve):
        return 0
    forms = [_form(curve[:last]) for last in range(1, len(curve) + 1)]
    top, base, slope = forms[-1]
    if top <= base:
        return 0
    best = (isqrt(top * base) - base) // slope
    tried = [*range(max(1, best - _NEXT_TO), best + _NEXT_TO + 1)]
    for last, (above, below, bend) in enumerate(forms, start=1) if steps else ():
        units = above * best // (below + bend * best)
        if units < _FEW_UNITS:
            near = range(max(1, units - _NEXT_TO), units + _NEXT_TO + 1)
            tried += [amount for wanted in near if (amount := _reaching(curve[:last], wanted)) is not None]
    return max(_profit(curve, amount) for amount in tried)


def _form(curve: _Curve) -> tuple[int, int, int]:
    """Return (K, M, N): a route pays ``K x / (M + N x)``, but for its floors."""
    top, base, slope = 1, 1, 0
    for held_in, held_out, rest in curve:
        top, base, slope = top * rest * held_out, base * held_in * PPM_SCALE, slope * held_in * PPM_SCALE + top * rest
    return top, base, slope


def _reaching(curve: _Curve, units: int) -> int | None:
    """Return the least input that pays so many units, by halving; None where none does."""
    low, high = 0, 1
    while _after(curve, high) < units:
        low, high = high, high * 2
        if high.bit_length() > _MOST_BITS:
            return None
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if _after(curve, middle) >= units else (middle, high)
    return high


def _profit(curve: _Curve, amount: int) -> int:
    return _after(curve, amount) - amount


def _after(curve: _Curve, amount: int) -> int:
    for held_in, held_out, rest in curve:
        amount = amount * rest * held_out // (held_in * PPM_SCALE + amount * rest)
    return amount
