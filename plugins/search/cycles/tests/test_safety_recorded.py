"""The screen over a recorded state of 10,704 Uniswap V2 pairs, whose greatest gains nobody could take."""

import gzip
import json
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from attrs import evolve

from tidemill.domain.asset import Asset
from tidemill.domain.ids import AssetId, address_of, erc20, pool_id
from tidemill.domain.opportunity import Leg
from tidemill.domain.pool import Pool
from tidemill.domain.search import Candidate, CycleQuery
from tidemill.domain.snapshot import Snapshot
from tidemill_search_cycles import Cycles
from tidemill_search_cycles.safety import Screen
from tidemill_testing.market import NEXT, SIM, PairPool, snapshot_of

USDC = "0xa0b86991c6218b36c1d19d4a2e9eb0ce3606eb48"
WETH = "0xc02aaa39b223fe8d0a0e5c4f27ead9083c756cc2"
POISON = {
    "0x0e511aa1a137aad267dfe3a6bfca0b856c1a3682",  # BPT
    "0x86fadb80d8d2cff3c3680819e4da99c10232ba0f",  # EBASE
    "0x4d13d624a87baa278733c068a174412afa9ca6c8",  # XBASE
    "0xa4c9b58d1ce7ea0d9b351185e0c333683ebde00b",  # YFKA
    "0x7777770f8a6632ff043c8833310e245eba9209e6",  # TOB
}
"""Behind each of the twenty greatest gains of two to four hops stands one of these."""
WETH_UNI, UNI_USDT = "0xd3d2e2692501a5c9ca623199d38826e513033a17", "0x5ac13261c181a9c3938bfe1b649e65d10f98566b"
WETH_USDT, LINK_USDT = "0x0d4a11d5eeaac28ec3f61d100daf4d40471f1852", "0x9db10c305c671153662119d453c4d2c123725566"
WETH_LINK, LINK_UNI = "0xa2107fa5b38d9bbd2c461d6edf11b11a50f6b974", "0x9b2662dc8b80b0fe79310ad316b943cb5bb15e8b"
SOUND = (
    ((WETH_UNI, UNI_USDT, WETH_USDT), 10**18),
    ((WETH_LINK, LINK_UNI, WETH_UNI), 10**18),
    ((WETH_LINK, LINK_USDT, WETH_USDT), 10**17),
)
"""Pairs from WETH back to it, and an amount that gains there."""


@pytest.fixture(scope="module")
def snapshot(recorded: Callable[[str], Path]) -> Snapshot:
    rows = json.loads(gzip.decompress(recorded("dex/uniswap_v2_pairs_reserves_2020-10.json.gz").read_bytes()))
    pools, assets = [], {}
    for row in rows:
        tokens = [row["token0"], row["token1"]]
        ids = tuple(erc20(SIM, one["address"]) for one in tokens)
        assets.update({known: Asset(known, one["symbol"], one["decimal"]) for known, one in zip(ids, tokens, strict=True)})
        if int(row["reserve0"]) and int(row["reserve1"]):
            pools.append(PairPool(pool_id(SIM, "uniswap", row["address"]), ids, (int(row["reserve0"]), int(row["reserve1"]))))
    for verified in (erc20(SIM, WETH), erc20(SIM, USDC)):
        assets[verified] = evolve(assets[verified], transfers="sound")
    return snapshot_of(pools, assets=assets.values(), wrapped=erc20(SIM, WETH))


@pytest.fixture(scope="module")
def found(snapshot: Snapshot) -> Sequence[Candidate]:
    searcher = Cycles()
    searcher.update(snapshot)
    start = erc20(SIM, WETH)
    return list(searcher.find(CycleQuery(SIM, (start,), min_hops=2, max_hops=4, min_profit=10**18, work=1 << 62, top=20)))


def test_twenty_greatest_gains_are_marked_and_the_poison_is_blamed(snapshot: Snapshot, found: Sequence[Candidate]) -> None:
    """Each of the greatest gains is suspect, and a sentence names the token that makes it."""
    assert 20 == len(found)
    for candidate in found:
        (reason,) = Screen().reasons(candidate.legs, candidate.amounts, snapshot)
        here = POISON & {address_of(leg.sell) for leg in candidate.legs}
        assert here & {address for address in POISON if address in reason}, reason


def test_pools_kept_out_are_few_and_no_hub_is_blamed(snapshot: Snapshot, found: Sequence[Candidate]) -> None:
    """A hub that poison is traded through stays free: no deep pool is kept out, and no token is blamed for being on the way."""
    verdicts = [Screen().judge(candidate.legs, candidate.amounts, snapshot) for candidate in found]
    kept_out = {pool for verdict in verdicts for pool in verdict.pools}
    assert all(not POISON.isdisjoint(map(address_of, snapshot.pools[pool].assets)) for pool in kept_out)
    blamed = {name for verdict in verdicts for name in verdict.reasons[0].partition("sound: ")[2].split(", ")}
    assert {"BPT", "EBASE", "STA", "TOB", "XBASE", "YFKA"} == {name.partition(" ")[0] for name in blamed}


@pytest.mark.parametrize(("route", "amount"), SOUND)
def test_sound_cycles_that_gain_are_not_marked(snapshot: Snapshot, route: Sequence[str], amount: int) -> None:
    """Cycles that gain through well-known tokens pass, though nobody has verified one of them."""
    legs, amounts = walked([snapshot.pools[pool_id(SIM, "uniswap", address)] for address in route], amount)
    assert amounts[-1] > amounts[0]
    assert () == Screen().reasons(legs, amounts, snapshot)


def walked(pools: Sequence[Pool], amount: int) -> tuple[tuple[Leg, ...], tuple[int, ...]]:
    legs: list[Leg] = []
    amounts, held = [amount], AssetId(erc20(SIM, WETH))
    for pool in pools:
        got = next(asset for asset in pool.assets if asset != held)
        amounts.append(pool.amount_out(held, got, amounts[-1], NEXT))
        legs.append(Leg(pool.id, held, got))
        held = got
    return tuple(legs), tuple(amounts)
