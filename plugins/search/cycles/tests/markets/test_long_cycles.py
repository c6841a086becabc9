"""Cycles of ten to twelve hops over every type of pool at once, planted among others; and long cycles against exhaustive search."""

from collections.abc import Callable
from random import Random

import pytest

from tidemill.domain.ids import AssetId, PoolId, pool_id
from tidemill.domain.pool import Pool
from tidemill.domain.search import Candidate, CycleQuery
from tidemill_search_cycles import Cycles
from tidemill_testing.market import NEXT, SIM, pair_pool, snapshot_of, token

pytestmark = pytest.mark.uncounted

Route = tuple[tuple[PoolId, AssetId, AssetId], ...]
Check = Callable[..., dict[Route, Candidate]]
Makers = dict[str, Callable[..., Pool]]

KINDS = ("pairs", "ranges", "bins", "books", "hidden", "weighted")
START = token("T000")
PROBE = 10**13
LEAST = 10**11
"""Units of the start coin that a planted cycle leaves at least; a probe goes in for a hundred times as much."""


def planted(seed: int, makers: Makers, tokens: int) -> tuple[list[Pool], set[tuple[PoolId, ...]]]:
    """Make pairs off by less than their fee, and three cycles of ten, eleven and twelve pools of all types that gain at each hop.

    Every hop of those is cheap by 150 bps, of which its fee takes up to 100.
    """
    random = Random(seed)
    names = [START, *(token(f"T{place:03}") for place in range(1, tokens))]
    worth = {name: random.randint(1, 50) for name in names}
    pools: list[Pool] = []
    for place in range(1, tokens * 5 // 2):
        one = names[place] if place < tokens else random.choice(names)
        other = random.choice([name for name in (names[:6] if random.randrange(4) else names) if name != one])
        depth = 10 ** random.randint(14, 16)
        held = {one: depth * worth[other] * random.randint(9_980, 10_020) // 10_000, other: depth * worth[one]}
        pools.append(pair_pool(f"noise {place}", held))
    rings = set()
    free = random.sample(names[6:], 30)
    for ring, hops in enumerate((10, 11, 12)):
        coins = [START, *(free.pop() for _ in range(hops - 1))]
        route = []
        for place, (sell, buy) in enumerate(zip(coins, [*coins[1:], START], strict=True)):
            name = pool_id(SIM, "ring", f"0x{ring * 100 + place:040x}")
            held = {sell: 10**16 * worth[buy], buy: 10**16 * worth[sell] * 10_150 // 10_000}
            sides = sorted(held)
            kind = KINDS[(place + ring) % len(KINDS)]
            pool = makers[kind](random, name, sides, [held[side] for side in sides])
            # Some draw but a few units of depth, or take more than was planted
            while pool.amount_out(sell, buy, PROBE * worth[buy], NEXT) * 1_000 < PROBE * worth[sell] * 1_004:
                pool = makers[kind](random, name, sides, [held[side] for side in sides])
            pools.append(pool)
            route.append(name)
        rings.add(tuple(route))
    return pools, rings


def found_rings(seed: int, makers: Makers, tokens: int, checked: Check) -> tuple[set[tuple[PoolId, ...]], set[tuple[PoolId, ...]]]:
    pools, rings = planted(seed, makers, tokens)
    searcher = Cycles()
    snapshot_of(pools, searcher=searcher, wrapped=START)
    asked = CycleQuery(SIM, (START,), 10, 12, min_profit=LEAST, work=1 << 50)
    found = list(searcher.find(asked))
    checked(found, {pool.id: pool for pool in pools})
    return rings, {tuple(leg.pool for leg in one.legs) for one in found}


@pytest.mark.usefixtures("compiled_kernels")
def test_find_planted_cycles_of_ten_to_twelve_hops_of_mixed_pools_finds_all(makers: Makers, checked: Check) -> None:
    """Pairs, ticks, bins, books, weighted and unknown curves in one cycle: each planted one is found and verified."""
    rings, found = found_rings(0, makers, 60, checked)

    assert set() == rings - found


@pytest.mark.heavy
@pytest.mark.usefixtures("compiled_kernels")
def test_find_planted_cycles_among_a_thousand_tokens_finds_all(makers: Makers, checked: Check) -> None:
    """The same among a thousand tokens, on twenty markets."""
    for seed in range(100, 120):
        rings, found = found_rings(seed, makers, 1_000, checked)

        assert set() == rings - found
