"""Cycles over concentrated liquidity, which no closed form sizes."""

from collections.abc import Callable, Iterator, Mapping
from random import Random
from typing import Any

import pytest
from attrs import frozen

from tidemill.domain.answers import NoCurve, NoQuote, NoQuoteReason
from tidemill.domain.ids import AssetId, PoolId
from tidemill.domain.pool import Curve, Pool, Quote, Segment
from tidemill.domain.search import Candidate, CycleQuery
from tidemill.domain.time import ChainTime
from tidemill_amm import concentrated
from tidemill_search_cycles import Cycles
from tidemill_testing.market import NEXT, SIM, OpaquePool, PairPool, snapshot_of, token

NAMES = [token(f"T{place}") for place in range(4)]
START = NAMES[0]
Found = dict[tuple[tuple[PoolId, ...], tuple[AssetId, ...]], int]


@frozen
class RangePool(OpaquePool):
    """A concentrated pool, as far as the searcher asks."""

    state: Any = None

    @property
    def holdings(self) -> Mapping[AssetId, int]:
        return dict(zip(self.assets, self.reserves, strict=True))

    def amount_out(self, sell: AssetId, buy: AssetId, amount: int, at: ChainTime) -> int:
        if {sell, buy} != set(self.assets) or amount <= 0:
            return 0
        return concentrated.amount_out(self.state, sell == self.assets[0], amount)

    def quote_exact_in(self, sell: AssetId, buy: AssetId, amount: int, at: ChainTime) -> Quote | NoQuote:
        out = self.amount_out(sell, buy, amount, at)
        return Quote(self.id, sell, buy, amount, out) if out else NoQuote(NoQuoteReason.LIQUIDITY)


@frozen
class DrawnRangePool(RangePool):
    """The same, giving its curve."""

    def segments(self, sell: AssetId, buy: AssetId, at: ChainTime, max_in: int) -> Curve | NoCurve:
        drawn = concentrated.curve_of(self.state, sell == self.assets[0], max_in)
        return Curve(tuple(Segment(*piece) for piece in drawn.pieces), drawn.slack) if drawn.pieces else NoCurve("nothing to sell into")


def range_pool(random: Random, place: int, kind: type[RangePool]) -> RangePool:
    """A few overlapping positions around a price near one."""
    tick = random.randint(-150, 150)
    positions = [(tick // 60 * 60 - 60 * random.randint(0, 9), 10 ** random.randint(18, 21)) for _ in range(4)]
    ticks: dict[int, tuple[int, int]] = {}
    liquidity = 0
    for lower, amount in positions:
        upper = lower + 60 * random.randint(1, 30)
        for at, net in ((lower, amount), (upper, -amount)):
            gross, before = ticks.get(at, (0, 0))
            ticks[at] = gross + amount, before + net
        liquidity += amount if lower <= tick < upper else 0
    state = concentrated.ConcentratedState.from_ticks(
        sqrt_price_x96=concentrated.sqrt_ratio_at_tick(tick), tick=tick, liquidity=liquidity, fee_ppm=500, tick_spacing=60, ticks=ticks
    )
    one, other = sorted(random.sample(NAMES, 2))
    return kind(PoolId(f"sim:1/range:0x{place:02}"), (one, other), (10**19, 10**19), 500, state)


def mixed(seed: int, kind: type[RangePool]) -> list[PairPool]:
    random = Random(seed)
    pools: list[PairPool] = [range_pool(random, place, kind) for place in range(6)]
    for place in range(5):
        one, other = sorted(random.sample(NAMES, 2))
        held = 10 ** random.randint(19, 21)
        pools.append(PairPool(PoolId(f"sim:1/pair:0x{place:02}"), (one, other), (held, held * random.randint(980, 1_020) // 1_000)))
    return pools


def by_grid(pools: list[PairPool]) -> Found:
    """Every route, quoted with seven amounts for each factor of two."""
    found: Found = {}

    def walk(here: AssetId, used: tuple[PairPool, ...], sells: tuple[AssetId, ...]) -> None:
        for pool in pools:
            if here not in pool.assets or pool in used:
                continue
            there = pool.assets[1 - pool.assets.index(here)]
            route, tokens = (*used, pool), (*sells, here)
            if there == START and used:
                best = max(gain(route, tokens, (1 << bits) * (8 + part) // 8) for bits in range(20, 72) for part in range(7))
                if best > 0:
                    found[tuple(one.id for one in route), tokens] = best
            elif there not in tokens and there != START and len(route) < 4:
                walk(there, route, tokens)

    def gain(route: tuple[PairPool, ...], tokens: tuple[AssetId, ...], amount: int) -> int:
        left = amount
        for pool, sell, buy in zip(route, tokens, (*tokens[1:], START), strict=True):
            left = pool.amount_out(sell, buy, left, NEXT) if left else 0
        return left - amount

    walk(START, (), ())
    return found


@pytest.mark.parametrize("kind", [RangePool, DrawnRangePool])
@pytest.mark.parametrize("seed", range(3))
def test_find_mixed_pools_finds_all_that_a_grid_finds(
    seed: int, kind: type[RangePool], found_by: Callable[[Iterator[Candidate]], Found]
) -> None:
    """Over pairs and concentrated pools every route that gains on a fine grid is found, sized no worse than the grid's best."""
    pools = mixed(seed, kind)
    searcher = Cycles()
    snapshot_of(pools, searcher=searcher)
    want, got = by_grid(pools), found_by(searcher.find(CycleQuery(SIM, (START,), 2, 4)))

    assert all(isinstance(pool, Pool) for pool in pools)
    assert len(want) > 3
    assert set(want) <= set(got)
    for key, profit in want.items():
        assert profit - profit // 10**6 - 8 <= got[key]


@pytest.mark.parametrize(("kind", "exact"), [(RangePool, False), (DrawnRangePool, True)])
def test_find_concentrated_pools_are_exact_with_a_curve(kind: type[RangePool], exact: bool) -> None:
    """Only a curve proves that nothing was left out."""
    searcher = Cycles()
    snapshot_of(mixed(0, kind), searcher=searcher)

    assert {exact} == {candidate.exact for candidate in searcher.find(CycleQuery(SIM, (START,), 2, 4))}
