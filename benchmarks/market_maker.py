"""Made-up markets of any size for the benchmarks of search: a few hubs that trade for everything, and a long tail.

Nothing of it was recorded: how many cycles gain is a property of what is made here. Tokens have a price in dollars and 6, 8 or 18 decimals.
Every token trades for a hub, the further pools join tokens by a power law of their rank. Seven in ten pools take 30 bp; prices are off by
less than the fee, but for one pool in ten that holds next to nothing and is off by about a tenth, and for mispricings that are planted.
"""

from bisect import bisect
from itertools import accumulate
from math import exp
from random import Random

from attrs import frozen

from tidemill.domain.ids import AssetId, pool_id
from tidemill_amm.constant_product import MAX_RESERVE
from tidemill_testing.market import SIM, PairPool, token

FEES = (100, 500, 2_500) + (3_000,) * 14 + (10_000,) * 3
DECIMALS = (18, 18, 18, 18, 18, 18, 18, 6, 8)
DUST_SHARE, DUST_OFF = 10, 0.10
MOST_BESIDE = 5
"""So many pools may trade one pair."""


@frozen
class MadeMarket:
    """Pools, and of each token what one dollar of it is in base units."""

    tokens: tuple[AssetId, ...]
    units: dict[AssetId, float]
    pools: tuple[PairPool, ...]


def made_market(tokens: int, pools: int, *, planted: int = 20, seed: int = 1) -> MadeMarket:
    """Return a market; ``planted`` pools of 50,000 to 500,000 dollars a side are off by 80 to 250 bp. Equal arguments, equal markets."""
    random = Random(seed)
    names = tuple(token(f"M{place}") for place in range(tokens))
    units = {name: 10 ** random.choice(DECIMALS) / 10 ** random.uniform(-3, 4) for name in names}
    hubs = list(accumulate(1 / (place + 1) ** 1.3 for place in range(max(4, min(12, tokens // 200)))))
    tail = list(accumulate(1 / (place + 8) ** 0.75 for place in range(tokens)))
    made: list[PairPool] = []
    beside: dict[tuple[int, int], int] = {}
    for place in range(pools):
        one = bisect(hubs, random.uniform(0, hubs[-1]))
        other = place + 1 if place + 1 < tokens else bisect(tail, random.uniform(0, tail[-1]))
        while other == one or beside.get((one, other), 0) + beside.get((other, one), 0) >= MOST_BESIDE:
            other = random.randrange(tokens)
        beside[one, other] = beside.get((one, other), 0) + 1
        made.append(_pool(random, place, names[min(one, tokens - 1)], names[min(other, tokens - 1)], units, one + other < 64))
    deep = [place for place, pool in enumerate(made) if 5e4 < _dollars(pool, units) < 5e5]
    for place in random.sample(deep, min(planted, len(deep))):
        off = random.choice((-1, 1)) * random.uniform(0.008, 0.025)
        made[place] = moved(made[place], off)
    return MadeMarket(names, units, tuple(made))


def moved(pool: PairPool, off: float) -> PairPool:
    """Return the pool with its first reserve changed by a part of it."""
    held, other = pool.reserves
    return PairPool(pool.id, pool.assets, (min(MAX_RESERVE, max(1, int(held * (1 + off)))), other), pool.fee_ppm)


def _pool(random: Random, place: int, one: AssetId, other: AssetId, units: dict[AssetId, float], hub: bool) -> PairPool:
    fee = random.choice(FEES)
    if random.randrange(100) < DUST_SHARE:
        depth, off = 10 ** random.uniform(0.5, 2.5), random.choice((-1, 1)) * random.uniform(0.5, 1.5) * DUST_OFF
    else:
        depth, off = min(3e7, exp(random.gauss(13.5 if hub else 10.5, 1.4))), random.uniform(-0.9, 0.9) * fee / 1e6
    held = {one: depth * units[one] * (1 + off), other: depth * units[other]}
    first, second = sorted((one, other))
    reserves = tuple(max(1, min(MAX_RESERVE, int(held[asset]))) for asset in (first, second))
    return PairPool(pool_id(SIM, "made", f"0x{place:040x}"), (first, second), (reserves[0], reserves[1]), fee)


def _dollars(pool: PairPool, units: dict[AssetId, float]) -> float:
    return min(held / units[asset] for asset, held in zip(pool.assets, pool.reserves, strict=True))
