"""The four DEXs keep every rule of a DEX."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar

import pytest

from tidemill.domain.events import Log
from tidemill.domain.ids import AssetId, ChainId, Key, erc20, pool_id
from tidemill.domain.pool import PoolRef
from tidemill.domain.time import ChainTime
from tidemill.hookspecs.dex import Dex
from tidemill_amm.concentrated import sqrt_ratio_at_tick
from tidemill_amm.concentrated.amounts import amounts_for_liquidity
from tidemill_dex_uniswap.forks import Fork
from tidemill_dex_uniswap.pancakeswap import PancakeSwap
from tidemill_dex_uniswap.quickswap import QuickSwap
from tidemill_dex_uniswap.sushiswap import SushiSwap
from tidemill_dex_uniswap.uniswap import Uniswap
from tidemill_evm import uniswap_v3_logs as v3
from tidemill_evm.storage import storage_key
from tidemill_evm.uniswap_v2 import Reserves, encode_reserves, reserves_key
from tidemill_evm.uniswap_v2_logs import Sync
from tidemill_evm.uniswap_v3 import UNISWAP_V3, Slot0
from tidemill_testing.conformance import DexConformance, PoolCase, RecordedAnswer
from tidemill_testing.recorded import data_folder

pytestmark = pytest.mark.uncounted

CHAIN = ChainId("eip155:1")
AT = ChainTime(CHAIN, 100, 1_700_000_000)
ADDRESS, NOBODY = "0x" + "ab" * 20, "0x" + "99" * 20
ASSETS = (erc20(CHAIN, "0x" + "11" * 20), erc20(CHAIN, "0x" + "22" * 20))
E18 = 10**18

Position = tuple[int, int, int]
"""Lower tick, upper tick, liquidity."""


def ref(dex: str, kind: str, fee_ppm: int, spacing: int = 0, address: str = ADDRESS) -> PoolRef:
    details = (("tick_spacing", spacing),) if spacing else ()
    return PoolRef(pool_id(CHAIN, dex, address), dex, CHAIN, address, ASSETS, kind, fee_ppm, details)


def pair(dex: str, fee_ppm: int, name: str, reserve0: int, reserve1: int) -> PoolCase:
    """A pair, and what a Sync of half as much again makes of it."""
    key, after = reserves_key(ADDRESS), (reserve0 * 3 // 2 + 1, reserve1 * 2 // 3 + 1)
    return PoolCase(
        ref(dex, "v2", fee_ppm),
        {key: encode_reserves(Reserves(reserve0, reserve1, 1))},
        AT,
        logs=(Sync(*after).log(ADDRESS),),
        after={key: encode_reserves(Reserves(*after, 2))},
        name=name,
    )


def pairs(dex: str, fee_ppm: int) -> tuple[PoolCase, ...]:
    return (
        pair(dex, fee_ppm, "deep pair", 5_000 * E18, 9_000_000 * 10**6),
        pair(dex, fee_ppm, "dear token", 10**21, 3),
        pair(dex, fee_ppm, "one unit each", 1, 1),
        pair(dex, fee_ppm, "empty pair", 0, 0),
    )


def storage(fork: Fork, spacing: int, tick: int, positions: tuple[Position, ...]) -> dict[Key, bytes | None]:
    """The storage of a concentrated pool that holds these positions, its price in the middle of a tick."""
    ticks: dict[int, tuple[int, int]] = {}
    for lower, upper, liquidity in positions:
        for at, net in ((lower, liquidity), (upper, -liquidity)):
            gross, held = ticks.get(at, (0, 0))
            ticks[at] = gross + liquidity, held + net
    within = sum(liquidity for lower, upper, liquidity in positions if lower <= tick < upper)
    slots = fork.layout.pool_storage(Slot0(price(tick), tick), within, spacing, ticks)
    return {storage_key(ADDRESS, slot): word for slot, word in slots.items()}


def price(tick: int) -> int:
    return (sqrt_ratio_at_tick(tick) + sqrt_ratio_at_tick(tick + 1)) // 2


def held(positions: tuple[Position, ...], tick: int) -> dict[AssetId, int]:
    """What the contract has, with all that may come in: the whole range of each position on one side."""
    most = [(amounts_for_liquidity(sqrt_ratio_at_tick(tick), lower, upper, liquidity)) for lower, upper, liquidity in positions]
    return {asset: sum(amounts[side] for amounts in most) + len(most) + 1 for side, asset in enumerate(ASSETS)}


def swap_log(fork: Fork, tick: int, liquidity: int) -> Log:
    moved = (NOBODY, NOBODY, 5, -4, price(tick), liquidity, tick)
    return (v3.PancakeSwap(*moved, 0, 0) if fork.swap is v3.PancakeSwap else v3.Swap(*moved)).log(ADDRESS)


def concentrated(dex: str, fork: Fork, fee_ppm: int, spacing: int) -> tuple[PoolCase, ...]:
    """Positions around the price, to the ends, and beyond the window that is loaded at first; and a pool without any price."""
    end = 887_220 // spacing * spacing
    near, far = (-20 * spacing, 20 * spacing, E18), (spacing * 3_000, spacing * 3_001, E18)
    positions = (near, (-end, end, E18 // 10), far) if far[1] < end else (near, (-end, end, E18 // 10))
    added, taken = (-10 * spacing, 10 * spacing, E18 // 3), E18 // 4
    left = ((near[0], near[1], near[2] - taken), *positions[1:], added)
    moved = 2 * spacing + 3
    before, after = storage(fork, spacing, 7, positions), storage(fork, spacing, moved, left)
    logs = (
        v3.Mint(NOBODY, NOBODY, *added, 1, 1).log(ADDRESS),
        v3.Burn(NOBODY, near[0], near[1], taken, 1, 1).log(ADDRESS),
        swap_log(fork, moved, E18 // 10 + E18 - taken + added[2]),
        v3.Collect(NOBODY, NOBODY, near[0], near[1], 1, 1).log(ADDRESS),
    )
    described = ref(dex, "v3", fee_ppm, spacing)
    # Each tick that a swap crosses rounds twice
    slack = dict.fromkeys(ASSETS, 2 * 2 * len(positions))
    known = PoolCase(described, before, AT, logs, after, balances=held(positions, 7), slack=slack, name="three positions")
    return known, PoolCase(described, {}, AT, name="no price yet")


def recorded_pool() -> Iterator[PoolCase]:
    """The WBTC/WETH pool of Ethereum with what its quoter answered, where the data is."""
    folder = data_folder(Path(__file__).parent) / "evm"
    golden = folder / "golden/uniswap/v3/test_uniswap_v3_onchain_parity/test_cached_calculations_v3_wbtc_weth.json"
    state = folder / "chain_data/1/uniswap_v3_wbtc_weth_block_24407242.json"
    if not (golden.is_file() and state.is_file()):
        return
    pool = json.loads(state.read_text("utf-8"))
    scalars, address = pool["scalars"], pool["pool"].lower()
    ticks = {int(tick): (gross, net) for tick, (gross, net, _) in pool["tick_data"].items()}
    slots = UNISWAP_V3.pool_storage(Slot0(scalars["sqrt_price_x96"], scalars["tick"]), scalars["liquidity"], 60, ticks)
    described = ref("uniswap", "v3", 3_000, 60, address)
    answers = []
    for name, entry in json.loads(golden.read_text("utf-8"))["entries"].items():
        _, function, direction, amount = name.split("|")
        sell, buy = ASSETS if direction.startswith("WBTC") else ASSETS[::-1]
        # Of an input that the pool cannot take the quoter tells what a part of it pays
        if function == "quoteExactInputSingle" and int(amount) < 1 << 128:
            answers.append(RecordedAnswer(sell, buy, int(amount), int(entry["value"])))
    states = {storage_key(address, slot): word for slot, word in slots.items()}
    balances = dict.fromkeys(ASSETS, 1 << 128)
    yield PoolCase(described, states, AT, answers=tuple(answers), balances=balances, slack=dict.fromkeys(ASSETS, 1 << 64), name="WBTC/WETH")


RECORDED = tuple(recorded_pool())
BOTH = frozenset({"exact_out", "segments", "logs", "steps"})


class TestUniswapV2(DexConformance):
    plugin: ClassVar[type[Dex]] = Uniswap
    cases = pairs("uniswap", 3_000)
    capabilities = BOTH | {"least_in"}


class TestUniswapV3(DexConformance):
    plugin: ClassVar[type[Dex]] = Uniswap
    cases = (*concentrated("uniswap", Uniswap.fork, 3_000, 60), *RECORDED)
    capabilities = BOTH | ({"recorded"} if RECORDED else set())


class TestSushiswap(DexConformance):
    plugin: ClassVar[type[Dex]] = SushiSwap
    cases = (*pairs("sushiswap", 3_000), *concentrated("sushiswap", SushiSwap.fork, 100, 1))
    capabilities = BOTH


class TestQuickswap(DexConformance):
    plugin: ClassVar[type[Dex]] = QuickSwap
    cases = pairs("quickswap", 3_000)
    capabilities = BOTH | {"least_in"}


class TestPancakeswap(DexConformance):
    plugin: ClassVar[type[Dex]] = PancakeSwap
    cases = (*pairs("pancakeswap", 2_500), *concentrated("pancakeswap", PancakeSwap.fork, 2_500, 50))
    capabilities = BOTH
    settings: ClassVar[dict[str, object]] = {"log_span": 500}
