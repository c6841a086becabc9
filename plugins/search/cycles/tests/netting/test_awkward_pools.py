"""Netted trades over order books, baskets, and pools that are empty, full, frozen, sick or gone."""

from collections.abc import Callable, Mapping

import attrs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tidemill.domain.answers import NoCurve, NoQuote, NoQuoteReason
from tidemill.domain.ids import AssetId, PoolId
from tidemill.domain.opportunity import Leg
from tidemill.domain.pool import Curve, Pool, Quote, Segment, Swapped
from tidemill.domain.search import Candidate
from tidemill.domain.time import ChainTime
from tidemill_search_cycles.netting import Netting, netted_trade
from tidemill_testing.market import NEXT, SIM, PairPool, pair_pool, token

pytestmark = pytest.mark.uncounted

E = 10**18
START, A, B, C, D = (token(name) for name in ("start", "a", "b", "c", "d"))
Check = Callable[[Netting, Mapping[PoolId, Pool], AssetId], None]
MakeCycle = Callable[..., Candidate]
Market = tuple[AssetId, dict[PoolId, PairPool]]
Busy = Callable[..., Market]
CyclesIn = Callable[..., list[Candidate]]


def market(*pools: Pool) -> dict[PoolId, Pool]:
    return {pool.id: pool for pool in pools}


def two_hops(name: str, middle: AssetId, off_bps: int, depth: int = 1_000) -> tuple[PairPool, PairPool]:
    """Two pools of one pair whose prices are apart."""
    cheap = pair_pool(f"{name} cheap", {START: depth * E, middle: depth * E * (10_000 + off_bps) // 10_000})
    return cheap, pair_pool(f"{name} dear", {START: depth * E, middle: depth * E})


@attrs.frozen
class Levels:
    """An order book: each level sells a fixed amount at a fixed rate, and what was taken is gone."""

    id: PoolId
    assets: tuple[AssetId, AssetId]
    book: tuple[tuple[int, int, int], ...]
    """(left of the first asset that it takes, numerator, denominator) of each level, best first; it sells one way only."""
    fee_ppm: int | None = 0

    @property
    def holdings(self) -> Mapping[AssetId, int]:
        return {self.assets[0]: 0, self.assets[1]: sum(size * top // base for size, top, base in self.book)}

    def _taken(self, sell: AssetId, amount: int) -> tuple[int, tuple[tuple[int, int, int], ...]] | None:
        if sell != self.assets[0] or amount <= 0:
            return None
        out, left = 0, []
        for size, top, base in self.book:
            part = min(size, amount)
            amount -= part
            out += part * top // base
            left.append((size - part, top, base))
        return None if amount else (out, tuple(left))

    def amount_out(self, sell: AssetId, buy: AssetId, amount: int, at: ChainTime) -> int:
        taken = self._taken(sell, amount)
        return taken[0] if taken is not None else 0

    def quote_exact_in(self, sell: AssetId, buy: AssetId, amount: int, at: ChainTime) -> Quote | NoQuote:
        taken = self._taken(sell, amount)
        return Quote(self.id, sell, buy, amount, taken[0]) if taken is not None else NoQuote(NoQuoteReason.LIQUIDITY, "the book is empty")

    def quote_exact_out(self, sell: AssetId, buy: AssetId, amount: int, at: ChainTime) -> Quote | NoQuote:
        return NoQuote(NoQuoteReason.AMOUNT, "not asked for")

    def swap_exact_in(self, sell: AssetId, buy: AssetId, amount: int, at: ChainTime) -> Swapped | NoQuote:
        quote, taken = self.quote_exact_in(sell, buy, amount, at), self._taken(sell, amount)
        if isinstance(quote, NoQuote) or taken is None:
            return NoQuote(NoQuoteReason.LIQUIDITY, "the book is empty")
        return Swapped(quote, attrs.evolve(self, book=taken[1]))

    def segments(self, sell: AssetId, buy: AssetId, at: ChainTime, max_in: int) -> Curve | NoCurve:
        if sell != self.assets[0]:
            return NoCurve("sells one way only")
        parts, begin = [], 0
        for size, top, base in self.book:
            parts.append(Segment(begin, begin + size, top, base, 0))
            begin += size
        return Curve(tuple(parts), len(parts))


@attrs.frozen
class Basket:
    """A pool of several assets, any two of which trade as a constant product of what it holds of them."""

    id: PoolId
    held: tuple[tuple[AssetId, int], ...]
    fee_ppm: int | None = 3_000

    @property
    def assets(self) -> tuple[AssetId, ...]:
        return tuple(asset for asset, _ in self.held)

    @property
    def holdings(self) -> Mapping[AssetId, int]:
        return dict(self.held)

    def _pair(self, sell: AssetId, buy: AssetId) -> PairPool:
        return pair_pool("inside", {sell: self.holdings[sell], buy: self.holdings[buy]})

    def amount_out(self, sell: AssetId, buy: AssetId, amount: int, at: ChainTime) -> int:
        return self._pair(sell, buy).amount_out(sell, buy, amount, at)

    def quote_exact_in(self, sell: AssetId, buy: AssetId, amount: int, at: ChainTime) -> Quote | NoQuote:
        out = self.amount_out(sell, buy, amount, at)
        return Quote(self.id, sell, buy, amount, out) if out else NoQuote(NoQuoteReason.AMOUNT)

    def quote_exact_out(self, sell: AssetId, buy: AssetId, amount: int, at: ChainTime) -> Quote | NoQuote:
        return NoQuote(NoQuoteReason.AMOUNT, "not asked for")

    def swap_exact_in(self, sell: AssetId, buy: AssetId, amount: int, at: ChainTime) -> Swapped | NoQuote:
        quote = self.quote_exact_in(sell, buy, amount, at)
        if isinstance(quote, NoQuote):
            return quote
        moves = {sell: amount, buy: -quote.amount_out}
        return Swapped(quote, Basket(self.id, tuple((asset, held + moves.get(asset, 0)) for asset, held in self.held)))

    def segments(self, sell: AssetId, buy: AssetId, at: ChainTime, max_in: int) -> Curve | NoCurve:
        return self._pair(sell, buy).segments(sell, buy, at, max_in)


class Sick(PairPool):
    """A pool whose curve cannot be asked for."""

    def segments(self, sell: AssetId, buy: AssetId, at: ChainTime, max_in: int) -> Curve | NoCurve:
        raise ArithmeticError("sick")


class Frozen(PairPool):
    """A pool that promises what it does not pay."""

    def swap_exact_in(self, sell: AssetId, buy: AssetId, amount: int, at: ChainTime) -> Swapped | NoQuote:
        return NoQuote(NoQuoteReason.CLOSED, "frozen")


def test_netted_trade_order_books_are_filled_level_by_level(check: Check, candidate: MakeCycle) -> None:
    """Levels of constant rate are taken whole while they gain, in part where another pool's price ends it."""
    book = Levels(pair_pool("book", {START: 1, A: 1}).id, (A, START), ((5 * E, 11, 10), (5 * E, 105, 100), (50 * E, 102, 100)))
    pool = pair_pool("pool", {START: 2_000 * E, A: 2_000 * E}, 500)
    pools = market(book, pool)
    cycles = [candidate(pools, 4 * E, (pool, START, A), (book, A, START))]
    found = netted_trade(cycles, pools, START, NEXT)
    assert found is not None
    check(found, pools, START)
    bought = found.trade.amounts_out[0]
    assert 10 * E < bought < 60 * E
    after = pool.swap_exact_in(START, A, found.trade.amount_in, NEXT)
    assert isinstance(after, Swapped)
    # One more unit through the pool costs what the level pays, 1.02.
    assert 10**6 == pytest.approx(after.pool.amount_out(START, A, E, NEXT) * 1.02 / E * 10**6, rel=1e-3)


def test_netted_trade_pool_of_three_assets_is_quoted_as_it_moves(check: Check, candidate: MakeCycle) -> None:
    """A pool that two cycles use for different pairs is no two pools: what is promised is what it pays after the first."""
    basket = Basket(pair_pool("basket", {START: 1, A: 1}).id, ((START, 1_000 * E), (A, 1_060 * E), (B, 1_050 * E)))
    one, other = pair_pool("a", {START: 1_000 * E, A: 1_000 * E}), pair_pool("b", {START: 1_000 * E, B: 1_000 * E})
    pools = market(basket, one, other)
    cycles = [
        candidate(pools, 10 * E, (basket, START, A), (one, A, START)),
        candidate(pools, 10 * E, (basket, START, B), (other, B, START)),
    ]
    found = netted_trade(cycles, pools, START, NEXT)
    assert found is not None
    check(found, pools, START)
    assert found.trade.profit > cycles[0].profit


@pytest.mark.parametrize("reserves", [(0, 0), (0, E), (E, 0), (1, 1), (1, 10**30), ((1 << 112) - 1, 1), ((1 << 112) - 1,) * 2])
def test_netted_trade_strange_pools_beside_sound_ones_do_no_harm(reserves: tuple[int, int], check: Check, candidate: MakeCycle) -> None:
    """Empty, one-sided, dust and full pools leave the trade of the others as it is, or better it."""
    one = two_hops("a", A, 300)
    low, high = sorted((START, B))
    strange = pair_pool("strange", {low: reserves[0], high: reserves[1]})
    others = pair_pool("b s", {START: 100 * E, B: 100 * E}), pair_pool("b a", {B: 100 * E, A: 100 * E})
    pools = market(*one, strange, *others)
    cycles = [
        candidate(pools, 6 * E, (one[0], START, A), (one[1], A, START)),
        Candidate(SIM, START, (Leg(strange.id, START, B), Leg(others[0].id, B, START)), (1, 1, 1), 0),
        Candidate(SIM, START, (Leg(others[0].id, START, B), Leg(strange.id, B, START)), (1, 1, 1), 0),
        Candidate(SIM, START, (Leg(one[0].id, START, A), Leg(others[1].id, A, B), Leg(strange.id, B, START)), (1, 1, 1, 1), 0),
    ]
    found = netted_trade(cycles, pools, START, NEXT)
    assert found is not None
    check(found, pools, START)
    assert found.trade.profit >= cycles[0].profit


EXTREMES = st.sampled_from([0, 1, 2, 1_000, 10**9, E, 10**27, (1 << 112) - 1])


@settings(max_examples=150, derandomize=True, deadline=None)
@given(
    reserves=st.lists(st.tuples(EXTREMES, EXTREMES), min_size=7, max_size=7),
    fees=st.lists(st.sampled_from([0, 1, 3_000, 999_999]), min_size=7),
)
def test_netted_trade_any_reserves_gives_what_replays(
    reserves: list[tuple[int, int]], fees: list[int], cycles_in: CyclesIn, check: Check
) -> None:
    """Reserves from nothing to the most a pair can hold, all at once, end in a trade that replays or in none."""
    pairs = ((START, A), (START, A), (START, B), (A, B), (A, C), (B, C), (C, START))
    made = [
        pair_pool(f"{place}", dict(zip(pair, held, strict=True)), fee)
        for place, (pair, held, fee) in enumerate(zip(pairs, reserves, fees[:7], strict=True))
    ]
    pools = market(*made)
    cycles = cycles_in(pools, START)
    found = netted_trade(cycles, pools, START, NEXT)
    if found is not None:
        check(found, pools, START)
    assert (found.trade.profit if found is not None else 0) >= max((cycle.profit for cycle in cycles), default=0)


def test_netted_trade_frozen_pool_is_left_for_another_cycle(check: Check, candidate: MakeCycle) -> None:
    """A pool that refuses its swap costs the trade no more than its own cycle."""
    one, other = two_hops("a", A, 300), two_hops("b", B, 200)
    stuck = Frozen(one[1].id, one[1].assets, one[1].reserves)
    pools = market(one[0], stuck, *other)
    cycles = [
        candidate(pools, 6 * E, (one[0], START, A), (stuck, A, START)),
        candidate(pools, 3 * E, (other[0], START, B), (other[1], B, START)),
    ]
    found = netted_trade(cycles, pools, START, NEXT)
    assert found is not None
    check(found, pools, START)
    assert found.trade.profit >= cycles[1].profit


def test_netted_trade_pool_that_raises_is_the_callers(candidate: MakeCycle) -> None:
    """An error of a pool passes through: who guards against pools stands outside."""
    one = two_hops("a", A, 300)
    sick = Sick(one[1].id, one[1].assets, one[1].reserves)
    pools = market(one[0], sick)
    with pytest.raises(ArithmeticError, match="sick"):
        netted_trade([candidate(pools, E, (one[0], START, A), (sick, A, START))], pools, START, NEXT)


def test_netted_trade_given_curves_are_not_asked_for(candidate: MakeCycle) -> None:
    """Curves that the caller has are taken; a direction without one stays out of the prices and takes part in its cycle."""
    one = two_hops("a", A, 300)
    sick = Sick(one[1].id, one[1].assets, one[1].reserves)
    pools = market(one[0], sick)
    cycles = [candidate(pools, 6 * E, (one[0], START, A), (sick, A, START))]
    curves = {
        (pool.id, sell, buy): one[place].segments(sell, buy, NEXT, 10**24)
        for place, pool in enumerate((one[0], sick))
        for sell, buy in ((START, A), (A, START))
    }
    assert netted_trade(cycles, pools, START, NEXT, curves=curves) is not None
    unknown = dict.fromkeys(curves, NoCurve("unknown"))
    found = netted_trade(cycles, pools, START, NEXT, curves=unknown)
    assert found is not None
    assert found.trade.profit == cycles[0].profit
    assert found.bound is None
    assert found.made == "cycle"


def test_netted_trade_missing_pool_leaves_its_cycle_out(candidate: MakeCycle) -> None:
    """A cycle whose pool is gone is not tried."""
    one = two_hops("a", A, 300)
    pools = market(*one)
    cycle = candidate(pools, E, (one[0], START, A), (one[1], A, START))
    del pools[one[1].id]
    assert netted_trade([cycle], pools, START, NEXT) is None


def test_netted_trade_no_cycles_is_none() -> None:
    """Of nothing comes nothing."""
    assert netted_trade([], {}, START, NEXT) is None
