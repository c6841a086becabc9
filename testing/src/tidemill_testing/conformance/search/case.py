"""What a searcher is asked about: small markets, how they change, and pools that count how often they are asked."""

from collections.abc import Iterable, Iterator, Sequence
from random import Random

from attrs import evolve, frozen

from tidemill.domain.answers import NoQuote
from tidemill.domain.asset import Asset, Transfers
from tidemill.domain.ids import AssetId, PoolId
from tidemill.domain.pool import Pool, Quote, Swapped
from tidemill.domain.search import Candidate, CycleQuery
from tidemill.domain.snapshot import Snapshot
from tidemill.domain.time import ChainTime
from tidemill.hookspecs.search import Searcher
from tidemill_testing.conformance.search.brute_force import random_pools
from tidemill_testing.market import SIM, OpaquePool, PairPool, pair_pool, snapshot_of, token

START, SECOND, UNSOUND = token("T0"), token("T1"), token("T2")
MOST_HOPS = 4
"""Brute force goes no further."""
SOUND_DEPTH = 18
"""Pools of at least this power of ten: what their cycles gain is more than the floors of a few hops."""


def markets(hops: int, count: int = 2, *, opaque_share: int = 0, least_depth: int = SOUND_DEPTH) -> Iterator[list[PairPool]]:
    """Yield small random markets of four or five tokens that cycles of at most ``hops`` swaps lead through, equal in every run."""
    for seed in range(count):
        random = Random(seed)
        tokens, pools = random.randint(4, 5), _crowded(hops, random.randint(7, 11))
        yield random_pools(random, tokens, pools, opaque_share=opaque_share, least_depth=least_depth)


def _crowded(hops: int, pools: int) -> int:
    """Return how many pools a market needs in place of ``pools`` for enough cycles to gain: short ones are fewer."""
    return pools if hops >= MOST_HOPS else pools * 3 // 2


def tainted_snapshots(found: Iterable[Sequence[PairPool]]) -> Iterator[tuple[AssetId, Snapshot]]:
    """Yield markets of which a token was seen to be taxed, to rebase or to be broken, one after another, and that token."""
    transfers: tuple[Transfers, ...] = ("taxed", "rebasing", "broken")
    for pools in found:
        for seen in transfers:
            yield UNSOUND, snapshot_of(pools, assets=[Asset(UNSOUND, "UNSOUND", 18, transfers=seen)])


def wide_market() -> list[PairPool]:
    """Return a market of seven tokens with hundreds of routes from each: where effort has to be bounded."""
    return random_pools(Random(11), 7, 24, least_depth=SOUND_DEPTH)


def query(hops: tuple[int, int], starts: Sequence[AssetId] = (START,)) -> CycleQuery:
    """Return a query without limits on capital, profit, effort or number."""
    return CycleQuery(SIM, tuple(starts), hops[0], hops[1])


def found_on(searcher: Searcher, pools: Iterable[Pool], asked: CycleQuery, changed: Iterable[PoolId] | None = None) -> list[Candidate]:
    """Show a market to a searcher and return what it finds."""
    searcher.update(snapshot_of(pools, changed=changed))
    return list(searcher.find(asked))


@frozen
class Step:
    """A market after a change: its pools, and the ids of those that changed, came or went."""

    what: str
    pools: tuple[PairPool, ...]
    changed: tuple[PoolId, ...]


def steps(hops: int) -> Iterator[Step]:
    """Yield how a market goes on for cycles of at most ``hops`` swaps: prices move, pools come and go, nothing happens, a rollback."""
    random = Random(5)
    first = random_pools(random, 5, _crowded(hops, 11), least_depth=SOUND_DEPTH)
    yield Step("the first market", tuple(first), tuple(pool.id for pool in first))
    moved = [_moved(pool, random) if place % 5 == 0 else pool for place, pool in enumerate(first)]
    yield Step("pools moved", tuple(moved), tuple(pool.id for pool in moved[::5]))
    new = pair_pool("new", {START: 10**21, SECOND: 10**21})
    yield Step("a pool is new", (*moved, new), (new.id,))
    yield Step("a pool is gone", (*moved[1:], new), (moved[0].id,))
    yield Step("nothing changed", (*moved[1:], new), ())
    emptied = evolve(moved[1], reserves=(0, 0))
    yield Step("a pool is empty", (emptied, *moved[2:], new), (emptied.id,))
    back = (*(pool.id for pool in moved[::5]), new.id, moved[0].id, emptied.id)
    yield Step("a rollback", tuple(first), tuple(sorted(set(back))))


def _moved(pool: PairPool, random: Random) -> PairPool:
    one, other = pool.reserves
    return evolve(pool, reserves=(one * random.randint(95, 105) // 100, other))


class CountingPool(OpaquePool):
    """A pair that must be asked for amounts, and counts how often it was, in a list that all pools of a market share."""

    counts: list[int]

    def amount_out(self, sell: AssetId, buy: AssetId, amount: int, at: ChainTime) -> int:
        """Count, and quote."""
        self.counts[0] += 1
        return super().amount_out(sell, buy, amount, at)

    def quote_exact_in(self, sell: AssetId, buy: AssetId, amount: int, at: ChainTime) -> Quote | NoQuote:
        """Count, and quote."""
        self.counts[0] += 1
        return super().quote_exact_in(sell, buy, amount, at)

    def swap_exact_in(self, sell: AssetId, buy: AssetId, amount: int, at: ChainTime) -> Swapped | NoQuote:
        """Count, and swap."""
        self.counts[0] += 1
        return super().swap_exact_in(sell, buy, amount, at)


def counting(pools: Iterable[PairPool]) -> tuple[list[PairPool], list[int]]:
    """Return the same pools as ones that count, and their common counter."""
    counts = [0]
    made: list[PairPool] = []
    for pool in pools:
        one = CountingPool(pool.id, pool.assets, pool.reserves, pool.fee_ppm)
        object.__setattr__(one, "counts", counts)
        made.append(one)
    return made, counts


def wrong_amounts(candidate: Candidate, snapshot: Snapshot, asked: CycleQuery) -> str | None:
    """Return what is wrong with a candidate's route or amounts."""
    legs, amounts = candidate.legs, candidate.amounts
    route = " > ".join(leg.pool for leg in legs)
    if candidate.chain != asked.chain or candidate.asset not in asked.starts or len(amounts) != len(legs) + 1:
        return f"{route}: chain {candidate.chain}, asset {candidate.asset}, {len(legs)} legs and {len(amounts)} amounts"
    if not all(type(amount) is int and amount > 0 for amount in amounts):
        return f"{route}: the amounts are {amounts}, expected whole numbers above 0"
    if len({leg.pool for leg in legs}) != len(legs):
        return f"{route}: it passes a pool twice"
    held = candidate.asset
    for leg, paid, got in zip(legs, amounts, amounts[1:], strict=False):
        pool = snapshot.pools.get(leg.pool)
        if pool is None or leg.sell != held or leg.amount is not None:
            return f"{route}: {leg} does not go on from {held}, or its pool is not in the snapshot"
        out = pool.amount_out(leg.sell, leg.buy, paid, snapshot.at(candidate.chain))
        if out != got:
            return f"{route}: {leg.pool} pays {out} for {paid}, the candidate says {got}"
        held = leg.buy
    if held != candidate.asset:
        return f"{route}: it ends with {held}, it began with {candidate.asset}"
    profit = amounts[-1] - amounts[0]
    return f"{route}: the profit is {profit}, the candidate says {candidate.profit}" if profit != candidate.profit else None
