"""Searchers that each break just the rule which their test class names, and one that breaks none."""

from collections.abc import Iterable, Iterator
from functools import cache
from itertools import count
from time import perf_counter as ticks
from typing import Any

from attrs import evolve

from tidemill import AssetId, Candidate, CycleQuery, Leg, PoolId, Searcher, Snapshot
from tidemill.domain.pool import Pool
from tidemill.domain.search import Netted
from tidemill.domain.time import ChainTime
from tidemill.domain.valuation import marginal_rate
from tidemill.planning.sizing import best_amount, route_out
from tidemill_testing.conformance import SearchConformance
from tidemill_testing.conformance.hostile_market import FreePool
from tidemill_testing.market import OpaquePool, PairPool

BOTH = frozenset({"complete", "optimal"})
ALL = BOTH | {"screens", "netted"}
WORK = 200_000
UNLIMITED = 1 << 128


def fee_of(amount: int, ppm: int) -> int:
    return -(-amount * ppm // 1_000_000)


def best_of(pools: tuple[Pool, ...], legs: tuple[Leg, ...], at: ChainTime, cap: int, fee_ppm: int) -> int:
    """Return the amount that leaves most along a route."""
    by_id = {pool.id: pool for pool in pools}

    def value(amount: int) -> int:
        out = route_out(legs, by_id, amount, at)
        return out - amount - fee_of(amount, fee_ppm) if out else -UNLIMITED

    return best_amount(value, cap, pools[0].holdings.get(legs[0].sell, 0) >> 10)[0]


kept_best = cache(best_of)


class DepthFirst(Searcher):
    """Walks every route of distinct pools and assets; breaks nothing."""

    name = "depth_first"
    max_hops = 3

    def __init__(self, settings: object | None = None) -> None:
        super().__init__(settings)
        self.view: Snapshot | None = None
        self.by_asset: dict[AssetId, list[Pool]] = {}
        self.rates: dict[tuple[PoolId, AssetId, AssetId], tuple[int, int]] = {}
        self.left = 0

    def update(self, snapshot: Snapshot) -> None:
        self.view = snapshot
        self.by_asset = {}
        self.rates = {}
        for _, pool in sorted(snapshot.pools.items()):
            for asset in pool.assets:
                self.by_asset.setdefault(asset, []).append(pool)

    def find(self, query: CycleQuery) -> Iterator[Candidate]:
        if self.view is None or query.chain not in self.view.chains:
            return
        self.left = query.work or WORK
        found = []
        for start in self.starts(query):
            for legs in self.walks(query, start, start, ()):
                if (query.starts or self.begins(start, legs)) and (not query.changed_only or self.changed(legs)):
                    made = self.sized(query, start, legs)
                    found.extend([made] if made is not None else [])
        found.sort(key=lambda one: self.rank(query, one))
        for one in found[: query.top or None]:
            yield evolve(one, exact=self.left > 0)

    def starts(self, query: CycleQuery) -> Iterable[AssetId]:
        return dict.fromkeys(query.starts or sorted(self.by_asset))

    def begins(self, start: AssetId, legs: tuple[Leg, ...]) -> bool:
        """Tell whether a route that nobody gave a start begins where most others are traded."""
        beside = {leg.sell: len({asset for pool in self.by_asset[leg.sell] for asset in pool.assets}) for leg in legs}
        return start == min(beside, key=lambda asset: (-beside[asset], asset))

    def net(self, query: CycleQuery) -> Netted | None:
        """Make the best cycle of the first start that is not suspect the whole trade."""
        found = [one for one in self.find(evolve(query, top=0)) if one.asset in query.starts[:1] and not self.shunned(one)]
        return self.trade_of(query, found) if found else None

    def shunned(self, one: Candidate) -> bool:
        return bool(one.suspect)

    def trade_of(self, query: CycleQuery, found: list[Candidate]) -> Netted:
        best = found[0]
        legs = tuple(evolve(leg, amount=amount) for leg, amount in zip(best.legs, best.amounts, strict=False))
        return Netted(best.chain, best.asset, legs, best.amounts[1:], best.amounts[0], best.profit, 1)

    def reasons(self, legs: tuple[Leg, ...]) -> tuple[str, ...]:
        assert self.view is not None
        known = [self.view.assets[leg.sell] for leg in legs if leg.sell in self.view.assets]
        return tuple(f"{one.symbol} is {one.transfers}" for one in known if one.transfers in ("taxed", "rebasing", "broken"))

    def changed(self, legs: tuple[Leg, ...]) -> bool:
        assert self.view is not None
        return not {leg.pool for leg in legs}.isdisjoint(self.view.changed.pools)

    def rank(self, query: CycleQuery, one: Candidate) -> tuple[int, tuple[PoolId, ...], AssetId]:
        assert self.view is not None
        left = one.profit - dict(query.cost_per_hop).get(one.asset, 0) * len(one.legs)
        worth = left if query.starts else self.view.value(one.asset, left, self.view.chains[query.chain].native)
        return -worth if isinstance(worth, int) else 0, tuple(leg.pool for leg in one.legs), one.asset

    def deepest(self, query: CycleQuery) -> int:
        return min(query.max_hops, self.max_hops)

    def walks(self, query: CycleQuery, start: AssetId, here: AssetId, legs: tuple[Leg, ...]) -> Iterator[tuple[Leg, ...]]:
        for pool in self.by_asset.get(here, ()):
            for there in pool.assets:
                self.left -= 1
                if self.left <= 0:
                    return
                if there == here or any(leg.pool == pool.id or leg.buy == there for leg in legs):
                    continue
                longer = (*legs, Leg(pool.id, here, there))
                if there == start:
                    if len(longer) >= max(2, query.min_hops):
                        yield longer
                elif len(longer) < self.deepest(query):
                    yield from self.walks(query, start, there, longer)

    def cap(self, query: CycleQuery, start: AssetId) -> int:
        return dict(query.capital).get(start, UNLIMITED)

    def least(self, query: CycleQuery, start: AssetId, legs: tuple[Leg, ...]) -> int:
        return max(1, query.min_profit, dict(query.cost_per_hop).get(start, 0) * len(legs) + 1)

    def best(self, legs: tuple[Leg, ...], query: CycleQuery, start: AssetId) -> int:
        assert self.view is not None
        pools = tuple(self.view.pools[leg.pool] for leg in legs)
        # Pools that are values alone: all these searchers are shown the same markets
        most = kept_best if all(type(pool) in (PairPool, OpaquePool, FreePool) for pool in pools) else best_of
        return most(pools, legs, self.view.at(query.chain), self.cap(query, start), query.loan_fee_ppm)

    def may_gain(self, legs: tuple[Leg, ...], query: CycleQuery) -> bool:
        """Multiply marginal rates; the probes behind them may hide a thousandth."""
        top, base = 1_001, 1_000
        for leg in legs:
            key = leg.pool, leg.sell, leg.buy
            if key not in self.rates:
                assert self.view is not None
                pool = self.view.pools[leg.pool]
                rate = marginal_rate(pool, leg.sell, leg.buy, self.view.at(query.chain))
                self.rates[key] = (rate[0] * (1_000_000 - (pool.fee_ppm or 0)), rate[1] * 1_000_000) if rate else (0, 1)
            top, base = top * self.rates[key][0], base * self.rates[key][1]
        return top > base

    def sized(self, query: CycleQuery, start: AssetId, legs: tuple[Leg, ...]) -> Candidate | None:
        assert self.view is not None
        if not self.may_gain(legs, query):
            return None
        amounts = [self.best(legs, query, start)]
        for leg in legs:
            amounts.append(route_out([leg], self.view.pools, amounts[-1], self.view.at(query.chain)))
        profit = amounts[-1] - amounts[0]
        if amounts[0] <= 0 or profit - fee_of(amounts[0], query.loan_fee_ppm) < self.least(query, start, legs):
            return None
        return Candidate(query.chain, start, legs, tuple(amounts), profit, suspect=self.reasons(legs))


class Deep(DepthFirst):
    max_hops = 4


class FindsAlone(DepthFirst):
    """Makes no trades: what is wrong with its cycles shall show in nothing else."""

    def net(self, query: CycleQuery) -> Netted | None:
        return None


class TestDepthFirst(SearchConformance):
    plugin = Deep
    capabilities = ALL


class TestDepthFirstDeclaresNothing(SearchConformance):
    plugin = DepthFirst


class Clock(DepthFirst):
    def deepest(self, query: CycleQuery) -> int:
        return super().deepest(query) if ticks() > 0 else 2


class TestSCH10Clock(SearchConformance):
    plugin = Clock


BORN = count()


class Firstborn(DepthFirst):
    """Every hundredth instance names its cycles exact: the rules on effort ask only a few."""

    def __init__(self, settings: object | None = None) -> None:
        super().__init__(settings)
        self.number = next(BORN)

    def find(self, query: CycleQuery) -> Iterator[Candidate]:
        for one in super().find(query):
            yield evolve(one, exact=one.exact and self.number % 2 == 0)


class TestSCH11Firstborn(SearchConformance):
    plugin = Firstborn


class Unsorted(DepthFirst):
    """Where effort ends depends on the order of a set."""

    def update(self, snapshot: Snapshot) -> None:
        super().update(snapshot)
        for asset, pools in self.by_asset.items():
            by_id = {pool.id: pool for pool in pools}
            self.by_asset[asset] = [by_id[name] for name in set(by_id)]


class TestSCH12Unsorted(SearchConformance):
    plugin = Unsorted


class Boasts(FindsAlone):
    def sized(self, query: CycleQuery, start: AssetId, legs: tuple[Leg, ...]) -> Candidate | None:
        made = super().sized(query, start, legs)
        return evolve(made, amounts=(*made.amounts[:-1], made.amounts[-1] + 1), profit=made.profit + 1) if made is not None else None


class TestSCH13Boasts(SearchConformance):
    plugin = Boasts


class Backwards(FindsAlone):
    def rank(self, query: CycleQuery, one: Candidate) -> tuple[int, tuple[PoolId, ...], AssetId]:
        cost, pools, asset = super().rank(query, one)
        return -cost if query.starts else cost, pools, asset


class TestSCH14Backwards(SearchConformance):
    plugin = Backwards


class Again(DepthFirst):
    def starts(self, query: CycleQuery) -> Iterable[AssetId]:
        return query.starts or super().starts(query)


class TestSCH15Again(SearchConformance):
    plugin = Again


class OneMore(DepthFirst):
    def deepest(self, query: CycleQuery) -> int:
        return super().deepest(query) + (query.max_hops < self.max_hops)


class TestSCH16OneMore(SearchConformance):
    plugin = OneMore


class Credit(FindsAlone):
    def cap(self, query: CycleQuery, start: AssetId) -> int:
        return super().cap(query, start) + 10**9


class TestSCH17Credit(SearchConformance):
    plugin = Credit


class Generous(DepthFirst):
    def least(self, query: CycleQuery, start: AssetId, legs: tuple[Leg, ...]) -> int:
        return 1


class TestSCH18Generous(SearchConformance):
    plugin = Generous


class LastFew(DepthFirst):
    """Cuts its list at the wrong end."""

    def find(self, query: CycleQuery) -> Iterator[Candidate]:
        found = list(super().find(evolve(query, top=0)))
        yield from found[-query.top :] if query.top else found


class TestSCH19LastFew(SearchConformance):
    plugin = LastFew


class Tireless(DepthFirst):
    def find(self, query: CycleQuery) -> Iterator[Candidate]:
        return super().find(evolve(query, work=0))


class TestSCH20Tireless(SearchConformance):
    plugin = Tireless


class Keeps(DepthFirst):
    """Never lets go of a pool that is gone."""

    def __init__(self, settings: object | None = None) -> None:
        super().__init__(settings)
        self.known: dict[PoolId, Pool] = {}

    def update(self, snapshot: Snapshot) -> None:
        self.known |= dict(snapshot.pools)
        super().update(evolve(snapshot, pools=dict(self.known)))


class TestSCH21Keeps(SearchConformance):
    plugin = Keeps


class FirstLeg(DepthFirst):
    """Looks for a change at the beginning of a cycle only."""

    def changed(self, legs: tuple[Leg, ...]) -> bool:
        return super().changed(legs[:1])


class TestSCH22FirstLeg(SearchConformance):
    plugin = FirstLeg


class Hopeful(DepthFirst):
    def update(self, snapshot: Snapshot) -> None:
        super().update(snapshot)
        fees: list[Any] = [pool.fee_ppm for pool in snapshot.pools.values()]
        self.left = sum(fees)


class TestSCH23Hopeful(SearchConformance):
    plugin = Hopeful


class Picky(DepthFirst):
    """Stops one swap before what it promises."""

    def deepest(self, query: CycleQuery) -> int:
        return min(super().deepest(query), self.max_hops - 1)


class TestSCH24Picky(SearchConformance):
    plugin = Picky
    capabilities = BOTH


class Careful(DepthFirst):
    """Puts half of the best amount in."""

    def best(self, legs: tuple[Leg, ...], query: CycleQuery, start: AssetId) -> int:
        return max(1, super().best(legs, query, start) * 9 // 10)


class TestSCH25Careful(SearchConformance):
    plugin = Careful
    capabilities = BOTH


class Everywhere(DepthFirst):
    """Gives a cycle from each of its assets where nobody names a start."""

    def begins(self, start: AssetId, legs: tuple[Leg, ...]) -> bool:
        return True


class TestSCH26Everywhere(SearchConformance):
    plugin = Everywhere


class Obliging(DepthFirst):
    """Takes contradicting bounds for a slip of the pen."""

    def find(self, query: CycleQuery) -> Iterator[Candidate]:
        low, high = sorted((query.min_hops, query.max_hops))
        return super().find(evolve(query, min_hops=low, max_hops=high))


class TestSCH27Obliging(SearchConformance):
    plugin = Obliging


class Blinkered(DepthFirst):
    """Keeps no more cycles than the width and calls them exact."""

    def find(self, query: CycleQuery) -> Iterator[Candidate]:
        found = list(super().find(query))
        yield from found[: query.width or None]


class TestSCH28Blinkered(SearchConformance):
    plugin = Blinkered


class Trusting(DepthFirst):
    """Says that it screens tokens, and does not."""

    def reasons(self, legs: tuple[Leg, ...]) -> tuple[str, ...]:
        return ()


class TestSCH29Trusting(SearchConformance):
    plugin = Trusting
    capabilities = frozenset({"screens"})


class Fancies(DepthFirst):
    """Promises a unit more than the last pool pays."""

    def trade_of(self, query: CycleQuery, found: list[Candidate]) -> Netted:
        made = super().trade_of(query, found)
        return evolve(made, amounts_out=(*made.amounts_out[:-1], made.amounts_out[-1] + 1), profit=made.profit + 1)


class TestSCH30Fancies(SearchConformance):
    plugin = Fancies


class Modest(DepthFirst):
    """Makes a trade of the worst cycle."""

    def trade_of(self, query: CycleQuery, found: list[Candidate]) -> Netted:
        return super().trade_of(query, found[::-1])


class TestSCH31Modest(SearchConformance):
    plugin = Modest


class Idle(DepthFirst):
    """Says that it nets, and does not."""

    def net(self, query: CycleQuery) -> Netted | None:
        return None


class TestSCH32Idle(SearchConformance):
    plugin = Idle
    capabilities = frozenset({"netted"})


class Overdrawn(DepthFirst):
    """Nets as if capital had no end."""

    def net(self, query: CycleQuery) -> Netted | None:
        return super().net(evolve(query, capital=()))


class TestSCH33Overdrawn(SearchConformance):
    plugin = Overdrawn


class Careless(DepthFirst):
    """Nets what it calls suspect itself."""

    def shunned(self, one: Candidate) -> bool:
        return False


class TestSCH34Careless(SearchConformance):
    plugin = Careless
    capabilities = frozenset({"screens"})


class Worn(DepthFirst):
    """Nets the best cycle once for each update, then the next best."""

    def update(self, snapshot: Snapshot) -> None:
        super().update(snapshot)
        self.given: set[CycleQuery] = set()

    def trade_of(self, query: CycleQuery, found: list[Candidate]) -> Netted:
        seen = query in self.given
        self.given.add(query)
        return super().trade_of(query, found[1:] if seen and len(found) > 1 else found)


class TestSCH35Worn(SearchConformance):
    plugin = Worn
