"""Twelve hops with the largest numbers that there are: reserves of 112 bits, and amounts of 256."""

from collections.abc import Callable, Mapping
from itertools import pairwise
from math import isqrt

import pytest
from attrs import frozen

from tidemill.domain.answers import NoCurve, NoQuote, NoQuoteReason
from tidemill.domain.ids import AssetId, PoolId, pool_id
from tidemill.domain.pool import Curve, Pool, Quote, Segment, Swapped
from tidemill.domain.search import Candidate, CycleQuery
from tidemill.domain.time import ChainTime
from tidemill.units import PPM_SCALE, UINT256_MAX
from tidemill_search_cycles import Cycles
from tidemill_testing.market import SIM, pair_pool, snapshot_of, token

Route = tuple[tuple[PoolId, AssetId, AssetId], ...]
Check = Callable[..., dict[Route, Candidate]]

HOPS = 12
COINS = [token(f"W{place}") for place in range(HOPS)]
START = COINS[0]


@frozen
class Wide:
    """A constant product whose reserves and amounts may have 256 bits; where it does not tell its curve it must be asked."""

    id: PoolId
    assets: tuple[AssetId, AssetId]
    held: tuple[int, int]
    told: bool
    fee_ppm: int | None = 3_000

    @property
    def holdings(self) -> Mapping[AssetId, int]:
        return dict(zip(self.assets, self.held, strict=True))

    def amount_out(self, sell: AssetId, buy: AssetId, amount: int, at: ChainTime) -> int:
        here, there = self.held if sell == self.assets[0] else self.held[::-1]
        if not 0 < amount <= UINT256_MAX - here:
            return 0
        net = amount * (PPM_SCALE - 3_000)
        return net * there // (here * PPM_SCALE + net)

    def quote_exact_in(self, sell: AssetId, buy: AssetId, amount: int, at: ChainTime) -> Quote | NoQuote:
        out = self.amount_out(sell, buy, amount, at)
        return Quote(self.id, sell, buy, amount, out) if out else NoQuote(NoQuoteReason.LIQUIDITY)

    def quote_exact_out(self, sell: AssetId, buy: AssetId, amount: int, at: ChainTime) -> Quote | NoQuote:
        return NoQuote(NoQuoteReason.AMOUNT)

    def swap_exact_in(self, sell: AssetId, buy: AssetId, amount: int, at: ChainTime) -> Swapped | NoQuote:
        return NoQuote(NoQuoteReason.AMOUNT)

    def segments(self, sell: AssetId, buy: AssetId, at: ChainTime, max_in: int) -> Curve | NoCurve:
        here, there = self.held if sell == self.assets[0] else self.held[::-1]
        rest = PPM_SCALE - 3_000
        return Curve((Segment(0, UINT256_MAX - here, there * rest, here * PPM_SCALE, rest),), 1) if self.told else NoCurve("ask it")


def ring(depths: list[int], make: Callable[[int, AssetId, AssetId, int, int], Pool]) -> list[Pool]:
    """Pools from coin to coin and back to the first, each cheap by 50 bps; ``depths`` are what they hold of what is sold."""
    ways = enumerate(zip(pairwise([*COINS, START]), pairwise([*depths, depths[0]]), strict=True))
    return [make(place, sell, buy, here, there * 1_005 // 1_000) for place, ((sell, buy), (here, there)) in ways]


def plain(place: int, sell: AssetId, buy: AssetId, here: int, there: int) -> Pool:
    return pair_pool(f"wide {place}", {sell: here, buy: there})


def wide(told: bool) -> Callable[[int, AssetId, AssetId, int, int], Pool]:
    def make(place: int, sell: AssetId, buy: AssetId, here: int, there: int) -> Pool:
        sides, held = ((sell, buy), (here, there)) if sell < buy else ((buy, sell), (there, here))
        return Wide(pool_id(SIM, "wide", f"0x{place:040x}"), sides, held, told)

    return make


def optimum(pools: list[Pool]) -> int:
    """Return what the ring leaves at most, by its closed form in integers of any size."""
    top, base, slope = 1, 1, 0
    for pool, (sell, buy) in zip(pools, pairwise([*COINS, START]), strict=True):
        a, b, c = pool.holdings[buy] * 997, pool.holdings[sell] * 1_000, 997
        top, base, slope = a * top, b * base, b * slope + c * top
    amount = (isqrt(top * base) - base) // slope
    return top * amount // (base + slope * amount) - amount


CASES = {
    "reserves of 112 bits": ([(1 << 112) * 100 // 101] * HOPS, plain),
    "reserves of 250 bits": ([1 << 250] * HOPS, wide(True)),
    "reserves of 250 bits that must be asked": ([1 << 250] * HOPS, wide(False)),
    "units 2^90 apart from hop to hop": ([1 << (100 + 60 * (place % 3)) for place in range(HOPS)], wide(True)),
    "every second coin of few units": ([10**28 if place % 2 else 10**9 for place in range(HOPS)], plain),
}


@pytest.mark.parametrize("case", CASES)
def test_find_twelve_hops_of_the_largest_numbers_is_sized_to_the_optimum(case: str, checked: Check) -> None:
    """Nothing overflows, amounts stay within 256 bits, and what is left is that of the closed form but for a 10^-9 part and the floors."""
    depths, make = CASES[case]
    pools = ring(depths, make)
    searcher = Cycles()
    snapshot_of(pools, searcher=searcher, wrapped=START)
    found = checked(searcher.find(CycleQuery(SIM, (START,), HOPS, HOPS)), {pool.id: pool for pool in pools})
    (best,) = found.values()
    most = optimum(pools)

    assert max(best.amounts) <= UINT256_MAX
    assert most - most // 10**9 - floors(depths) <= best.profit <= most + 1


def floors(depths: list[int]) -> int:
    """Return what a unit lost at each hop may weigh in the end, of the start coin."""
    return sum(2 * depths[0] // depth + 2 for depth in depths)
