"""One searcher that follows a market against a new one after each update, over every type of pool."""

from collections.abc import Callable, Mapping
from random import Random
from typing import NoReturn

import pytest
from attrs import evolve

from tidemill.domain.ids import AssetId, PoolId
from tidemill.domain.pool import Pool
from tidemill.domain.search import CycleQuery
from tidemill_search_cycles import Cycles
from tidemill_testing.market import SIM, snapshot_of, token

pytestmark = pytest.mark.uncounted

Make = Callable[..., list[Pool]]
Amounts = dict[tuple[PoolId, ...], tuple[int, ...]]

QUERIES = (CycleQuery(SIM, (), 2, 4), CycleQuery(SIM, (token("T0"),), 2, 4))


def told(searcher: Cycles, query: CycleQuery) -> Amounts:
    """Return what is found, in order: pools and amounts."""
    return {tuple(leg.pool for leg in one.legs): one.amounts for one in searcher.find(query)}


def follow(kind: str, steps: int, every_market: Make, seed: int = 0, tokens: int = 8, count: int = 26) -> int:
    """Change pools to others of the same ids, let some go and come, and compare after each update; return how many cycles changed."""
    random, variants = Random(f"{kind} {seed}"), [every_market(kind, 10_000 + seed + place, tokens, count) for place in range(12)]
    held: dict[PoolId, Pool] = {pool.id: pool for pool in variants[0]}
    names, changed, searcher, many = sorted(held), set(held), Cycles(), 0
    for _ in range(steps):
        searcher.update(snapshot_of(held.values(), changed=changed))
        fresh = Cycles()
        fresh.update(snapshot_of(held.values()))
        for query in QUERIES:
            everything = told(fresh, query)
            assert list(everything.items()) == list(told(searcher, query).items())
            through = {pools: amounts for pools, amounts in everything.items() if changed & set(pools)}
            assert list(through.items()) == list(told(searcher, evolve(query, changed_only=True)).items())
            many += len(through)
        changed = set(random.sample(names, random.choice([1, 1, 2, 3, 6])))
        for name in sorted(changed):
            other = next(pool for pool in random.choice(variants) if pool.id == name)
            if name in held and random.randrange(6) == 0:
                del held[name]
            else:
                held[name] = other
    return many


@pytest.mark.usefixtures("compiled_kernels")
@pytest.mark.parametrize("kind", ["pairs", "ranges", "books", "weighted", "mixed"])
def test_find_after_each_update_over_a_type_of_pool_equals_a_new_searcher(kind: str, every_market: Make) -> None:
    """Pools that change their price, depth, type or assets, go and come: everything, and what changed, is what a new searcher finds."""
    assert follow(kind, 8, every_market) > 50


@pytest.mark.heavy
def test_find_after_each_of_ten_thousand_updates_of_mixed_pools_equals_a_new_searcher(every_market: Make) -> None:
    """The same over ten thousand updates of a market of all types."""
    assert follow("mixed", 10_000, every_market, 77, 5, 9) > 50_000


def test_find_after_each_update_by_plain_kernels_equals_a_new_searcher(every_market: Make) -> None:
    """The same with kernels that nobody compiled."""
    assert follow("mixed", 8, every_market, 0, 5, 11) > 10


@pytest.mark.usefixtures("compiled_kernels")
def test_update_after_a_pool_raised_comes_to_what_a_new_searcher_finds(every_market: Make) -> None:
    """A pool that raises while it is read leaves nothing half done: with it sound or gone, every other is still there."""
    random, query = Random(5), QUERIES[1]
    variants = [every_market("pairs", 50 + place, 8, 60) for place in range(3)]
    for turn in range(12):
        first, second = random.sample(variants, 2)
        sick = random.randrange(len(second))
        hurt: list[Pool] = [*second]
        hurt[sick] = Raising(second[sick])
        searcher, fresh = Cycles(), Cycles()
        if turn % 3:
            searcher.update(snapshot_of(first[turn:]))
        with pytest.raises(OSError, match="the node is gone"):
            searcher.update(snapshot_of(hurt))
        left = second if turn % 2 else second[:sick] + second[sick + 1 :]
        # What an update that failed has not taken in counts as changed once more
        searcher.update(snapshot_of(left, changed=[pool.id for pool in (*first, *second)]))
        fresh.update(snapshot_of(left))

        assert told(fresh, query)
        assert list(told(fresh, query).items()) == list(told(searcher, query).items())


class Raising:
    """A pool that raises when it is asked for its curve."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self.id, self.assets, self.fee_ppm, self.amount_out = pool.id, pool.assets, pool.fee_ppm, pool.amount_out
        self.quote_exact_in, self.quote_exact_out, self.swap_exact_in = pool.quote_exact_in, pool.quote_exact_out, pool.swap_exact_in

    @property
    def holdings(self) -> Mapping[AssetId, int]:
        return self._pool.holdings

    def segments(self, *_: object) -> NoReturn:
        raise OSError("the node is gone")
