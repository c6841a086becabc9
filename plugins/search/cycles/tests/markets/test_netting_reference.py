"""The netted trade of whole markets against a convex program that knows nothing of cycles."""

from collections.abc import Sequence
from random import Random
from typing import Any

import pytest

from tidemill.domain.ids import AssetId
from tidemill.domain.search import CycleQuery
from tidemill.planning.replay import Replayed, replay_flow
from tidemill_search_cycles import Cycles
from tidemill_search_cycles.netting import flow_of
from tidemill_testing.market import NEXT, SIM, PairPool, pair_pool, snapshot_of, token

pytestmark = pytest.mark.uncounted

START = token("T0")
UNIT = 10**15


def market(seed: int, tokens: int, count: int) -> list[PairPool]:
    """Draw pairs up to 2 % off, thousands to hundreds of thousands of units deep."""
    random = Random(seed)
    names = [token(f"T{place}") for place in range(tokens)]
    pools = []
    for place in range(count):
        one = names[place] if place < tokens else random.choice(names)
        other = random.choice([name for name in names[:4] if name != one])
        depth = UNIT * 10 ** random.randint(3, 5)
        pools.append(
            pair_pool(f"{seed} {place}", {one: depth * random.randint(980, 1_020) // 1_000, other: depth}, random.choice([500, 3_000]))
        )
    return pools


def optimum(pools: Sequence[PairPool], start: AssetId) -> float:
    """Return the most of the start asset that any swaps leave, in ``UNIT``: a linear program over tangents, refined where it cheats.

    A variable for what goes into each direction and one for what comes out; of every other asset no more is sold than bought.
    """
    optimize: Any = pytest.importorskip("scipy.optimize", reason="scipy is not installed: there is no reference")
    ways = [(pool, side) for pool in pools for side in (0, 1)]
    count, assets = len(ways), sorted({asset for pool in pools for asset in pool.assets if asset != start})

    def curve(way: int) -> tuple[float, float]:
        pool, side = ways[way]
        here, there, rest = pool.reserves[side] / UNIT, pool.reserves[1 - side] / UNIT, 1 - (pool.fee_ppm or 0) / 1e6
        return rest * there / here, rest / here

    goal = [0.0] * (2 * count)
    for way, (pool, side) in enumerate(ways):
        goal[way] += float(pool.assets[side] == start)
        goal[count + way] -= float(pool.assets[1 - side] == start)
    balance = [
        [float(pool.assets[side] == asset) for pool, side in ways] + [-float(pool.assets[1 - side] == asset) for pool, side in ways]
        for asset in assets
    ]
    cuts = [(way, 0.0) for way in range(count)]
    while True:
        rows, sides = [], []
        for way, at in cuts:
            rate, bend = curve(way)
            slope = rate / (1 + bend * at) ** 2
            row = [0.0] * (2 * count)
            row[way], row[count + way] = -slope, 1.0
            rows.append(row)
            sides.append(rate * at / (1 + bend * at) - slope * at)
        answer = optimize.linprog(goal, A_ub=rows + balance, b_ub=sides + [0.0] * len(assets), bounds=(0, None), method="highs")
        if answer.status == 3:  # not bounded yet: every direction needs a tangent far out
            cuts += [(way, 10.0**6) for way in range(count)]
            continue
        assert answer.status == 0, answer.message
        above = 0.0
        for way in range(count):
            rate, bend = curve(way)
            at, over = answer.x[way], answer.x[count + way] - rate * answer.x[way] / (1 + bend * answer.x[way])
            if over > 1e-7:
                cuts.append((way, at))
                above += over
        if above <= 1e-6 * -answer.fun:
            return float(-answer.fun)


def compare(seeds: range, tokens: int, count: int) -> list[float]:
    """Return which part of the optimum over its cycles' pools each market's trade is worth; it is replayed, and is never worth more."""
    shares = []
    for seed in seeds:
        pools = market(seed, tokens, count)
        searcher = Cycles()
        snapshot_of(pools, searcher=searcher, wrapped=START)
        asked = CycleQuery(SIM, (START,), 2, 4, work=1 << 50)
        trade, cycles = searcher.net(asked), [one for one in searcher.find(asked) if not one.suspect]
        best, used = max((one.profit for one in cycles), default=0), {leg.pool for one in cycles for leg in one.legs}
        if trade is None:
            assert best == 0
            continue
        replayed = replay_flow(flow_of(trade, NEXT), {pool.id: pool for pool in pools}, NEXT)
        most = optimum([pool for pool in pools if pool.id in used], START)
        assert isinstance(replayed, Replayed)
        assert trade.profit == dict(replayed.changes)[START] >= best
        shares.append(trade.profit / UNIT / most)
        assert shares[-1] < 1 + 1e-5
    return shares


def test_net_of_whole_markets_is_near_the_optimum_of_a_convex_program() -> None:
    """Over twelve markets the trade over the pools of its cycles is worth no more than the program's, and mostly no thousandth less."""
    shares = compare(range(12), 6, 12)

    assert len(shares) > 8
    assert sum(share > 0.999 for share in shares) > len(shares) // 2


@pytest.mark.heavy
def test_net_of_many_whole_markets_is_near_the_optimum_of_a_convex_program() -> None:
    """Over a hundred markets, half as large again: never worth more, half of them all but a fiftieth, and 85 % on the mean."""
    shares = compare(range(100, 200), 9, 20)

    assert len(shares) > 90
    assert sum(shares) / len(shares) > 0.85
    assert sorted(shares)[len(shares) // 2] > 0.98
