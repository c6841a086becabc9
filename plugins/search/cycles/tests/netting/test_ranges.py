"""Netted trades over concentrated liquidity and constant products together."""

from collections.abc import Callable, Mapping
from random import Random

from attrs import frozen

from tidemill.domain.answers import NoCurve, NoQuote, NoQuoteReason
from tidemill.domain.ids import AssetId, PoolId
from tidemill.domain.pool import Curve, Pool, Quote, Segment, Swapped
from tidemill.domain.search import Candidate
from tidemill.domain.time import ChainTime
from tidemill.planning.replay import Replayed
from tidemill_amm import concentrated
from tidemill_search_cycles.netting import Costs, netted_trade, replayed
from tidemill_testing.market import NEXT, pair_pool, token

NAMES = sorted(token(f"T{place}") for place in range(8))
START = NAMES[0]
E = 10**18


@frozen
class RangePool:
    """A concentrated pool with its virtual reserves as holdings."""

    id: PoolId
    assets: tuple[AssetId, AssetId]
    state: concentrated.ConcentratedState

    @property
    def fee_ppm(self) -> int:
        return self.state.fee_ppm

    @property
    def holdings(self) -> Mapping[AssetId, int]:
        price, liquidity = self.state.sqrt_price_x96, self.state.liquidity
        return {self.assets[0]: (liquidity << 96) // price, self.assets[1]: liquidity * price >> 96}

    def amount_out(self, sell: AssetId, buy: AssetId, amount: int, at: ChainTime) -> int:
        return concentrated.amount_out(self.state, sell == self.assets[0], amount) if amount > 0 else 0

    def quote_exact_in(self, sell: AssetId, buy: AssetId, amount: int, at: ChainTime) -> Quote | NoQuote:
        swapped = self.swap_exact_in(sell, buy, amount, at)
        return swapped.quote if isinstance(swapped, Swapped) else swapped

    def quote_exact_out(self, sell: AssetId, buy: AssetId, amount: int, at: ChainTime) -> Quote | NoQuote:
        return NoQuote(NoQuoteReason.AMOUNT, "not asked for")

    def swap_exact_in(self, sell: AssetId, buy: AssetId, amount: int, at: ChainTime) -> Swapped | NoQuote:
        if self.amount_out(sell, buy, amount, at) <= 0:
            return NoQuote(NoQuoteReason.LIQUIDITY, "beyond the last range")
        result = concentrated.swap(self.state, sell == self.assets[0], amount)
        assert isinstance(result, concentrated.SwapResult)
        quote = Quote(self.id, sell, buy, result.amount_in, result.amount_out, result.fee)
        return Swapped(quote, RangePool(self.id, self.assets, result.state))

    def segments(self, sell: AssetId, buy: AssetId, at: ChainTime, max_in: int) -> Curve | NoCurve:
        found = concentrated.curve_of(self.state, sell == self.assets[0], max_in)
        return Curve(tuple(Segment(*piece) for piece in found.pieces), found.slack) if found.pieces else NoCurve("no range")


def range_pool(random: Random, place: int, one: AssetId, other: AssetId, tick: int) -> RangePool:
    """Some overlapping positions around a tick."""
    ticks: dict[int, tuple[int, int]] = {}
    liquidity = 0
    for _ in range(8):
        lower = tick // 60 * 60 - 60 * random.randint(0, 12)
        upper, amount = lower + 60 * random.randint(2, 30), random.randint(500, 9_000) * E
        for at, net in ((lower, amount), (upper, -amount)):
            gross, before = ticks.get(at, (0, 0))
            ticks[at] = gross + amount, before + net
        liquidity += amount if lower <= tick < upper else 0
    state = concentrated.ConcentratedState.from_ticks(
        sqrt_price_x96=concentrated.sqrt_ratio_at_tick(tick), tick=tick, liquidity=liquidity, fee_ppm=500, tick_spacing=60, ticks=ticks
    )
    return RangePool(PoolId(f"sim:1/range:0x{place:02}"), (one, other), state)


def mixed(seed: int) -> dict[PoolId, Pool]:
    """Pools whose prices are near one, apart by some parts in a thousand."""
    random = Random(seed)
    pools: list[Pool] = []
    for place in range(22):
        one, other = sorted(random.sample(NAMES, 2))
        if place % 2:
            pools.append(range_pool(random, place, one, other, random.randint(-60, 60)))
        else:
            held = random.randint(500, 20_000) * E
            pools.append(pair_pool(f"{place}", {one: held, other: held * random.randint(994, 1_006) // 1_000}, 500))
    return {pool.id: pool for pool in pools}


def test_netted_trade_ranges_and_pairs_replays_and_beats_the_best_cycle(cycles_in: Callable[..., list[Candidate]]) -> None:
    """Over ranges too the trade is carried out as promised, and is near what the prices promise where no circle is in the way."""
    near = 0
    for seed in range(12):
        pools = mixed(seed)
        cycles = cycles_in(pools, START, 3)
        for costs in (Costs(), Costs(per_swap=10**15), Costs(capital=20 * E)):
            found = netted_trade(cycles, pools, START, NEXT, costs=costs)
            if found is None:
                continue
            result = replayed(found.trade, pools, NEXT)
            assert isinstance(result, Replayed)
            assert dict(result.changes)[START] == found.trade.profit
            assert found.bound is not None
            own = [c.profit - costs.per_swap * len(c.legs) for c in cycles if costs.capital is None or c.amounts[0] <= costs.capital]
            assert max(own, default=0) <= found.value
            near += costs == Costs() and (found.bound - found.trade.profit) * 10**7 <= found.bound
    assert near >= 4
