"""The searcher over a recorded state of 10,704 Uniswap V2 pairs."""

import gzip
import json
from collections.abc import Callable
from math import isqrt
from pathlib import Path

from tidemill.domain.ids import erc20, pool_id
from tidemill.domain.search import CycleQuery
from tidemill_search_cycles import Cycles
from tidemill_testing.market import SIM, PairPool, snapshot_of

WETH = "0xc02aaa39b223fe8d0a0e5c4f27ead9083c756cc2"
Edge = tuple[str, int, int, str]


def recorded_pools(path: Path) -> list[PairPool]:
    return [
        PairPool(
            pool_id(SIM, "uniswap", row["address"]),
            (erc20(SIM, row["token0"]["address"]), erc20(SIM, row["token1"]["address"])),
            (int(row["reserve0"]), int(row["reserve1"])),
        )
        for row in json.loads(gzip.decompress(path.read_bytes()))
    ]


def best_profit(hops: tuple[Edge, ...]) -> int:
    top, base, slope = 1, 1, 0
    for _, held_in, held_out, _ in hops:
        top, base, slope = top * 997 * held_out, base * held_in * 1_000, slope * held_in * 1_000 + top * 997
    if top <= base:
        return 0
    best, profits = (isqrt(top * base) - base) // slope, []
    for amount in range(max(1, best - 3), best + 4):
        left = amount
        for _, held_in, held_out, _ in hops:
            left = left * 997 * held_out // (held_in * 1_000 + left * 997)
        profits.append(left - amount)
    return max(profits)


def test_find_recorded_pairs_equal_brute_force(recorded: Callable[[str], Path]) -> None:
    """Each profitable directed cycle of three hops from WETH, with no less than the profit of the amounts next to the real optimum.

    Where few units of a token pass, other amounts leave more, and a few cycles gain at such amounts alone.
    """
    pools = recorded_pools(recorded("dex/uniswap_v2_pairs_reserves_2020-10.json.gz"))
    near: dict[str, list[Edge]] = {}
    for pool in pools:
        (one, other), (held, held_other) = pool.assets, pool.reserves
        if held and held_other:
            near.setdefault(one, []).append((other, held, held_other, pool.id))
            near.setdefault(other, []).append((one, held_other, held, pool.id))
    start = erc20(SIM, WETH)
    home: dict[str, list[Edge]] = {}
    for nearby, held_out, held_in, identifier in near[start]:
        home.setdefault(nearby, []).append((start, held_in, held_out, identifier))
    want = {}
    for first in near[start]:
        for second in near[first[0]]:
            for third in home.get(second[0], ()) if second[0] != start else ():
                profit = best_profit((first, second, third))
                if profit > 0:
                    want[first[3], second[3], third[3]] = profit
    searcher = Cycles()
    snapshot_of(pools, wrapped=start, searcher=searcher)
    asked = searcher.find(CycleQuery(SIM, (start,), 3, 3))
    found: dict[tuple[str, ...], int] = {tuple(leg.pool for leg in one.legs): one.profit for one in asked}

    assert len(want) > 900
    assert all(found.get(route, 0) >= profit for route, profit in want.items())
    assert len(found.keys() - want.keys()) < len(want) // 50
