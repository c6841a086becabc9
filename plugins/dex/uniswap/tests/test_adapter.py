"""The DEX classes: registration, steps and discovery."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pluggy
import pytest
from attrs import evolve

from tidemill.domain.events import Found
from tidemill.domain.ids import ChainId, PoolId, address_of, erc20, native
from tidemill.domain.plan import PlannedSwap
from tidemill.domain.pool import PoolRef
from tidemill.domain.transaction import Wallet
from tidemill.errors import DecodeError, InvariantError, UsageError
from tidemill.hookspecs import dex as specs
from tidemill.hookspecs.dex import Dex, PoolFilter
from tidemill_dex_uniswap import pancakeswap, quickswap, sushiswap, uniswap
from tidemill_dex_uniswap.adapter import UniswapSettings
from tidemill_dex_uniswap.forks import ETHEREUM, POLYGON
from tidemill_dex_uniswap.quoting import ClosedPool, V2Pool, V3Pool
from tidemill_evm.steps import V2Swap, V3Swap
from tidemill_evm.storage import storage_key, word_bytes
from tidemill_evm.uniswap_v2_logs import PairCreated
from tidemill_evm.uniswap_v3 import UNISWAP_V3
from tidemill_evm.uniswap_v3_logs import PoolCreated
from tidemill_testing.chain_reader import MemoryReader

MODULES = (uniswap, sushiswap, quickswap, pancakeswap)
V2_FACTORY, V3_FACTORY = "0x5c69bee701ef814a2b6a3edd4b1652cb9cc5aa6f", "0x1f98431c8ad98523631ae4a59f267346ea31f984"
USDC, WETH = "0xa0b86991c6218b36c1d19d4a2e9eb0ce3606eb48", "0xc02aaa39b223fe8d0a0e5c4f27ead9083c756cc2"


def collected(found: AsyncIterator[Found]) -> list[PoolRef]:
    async def collect() -> list[PoolRef]:
        return [pool async for event in found for pool in event.pools]

    return asyncio.run(collect())


@pytest.mark.parametrize("module", MODULES, ids=lambda module: module.__name__.rpartition(".")[2])
def test_module_registers_the_dex_of_its_name(module: Any) -> None:
    """Each entry point gives one DEX, whose name is the entry point's."""
    manager = pluggy.PluginManager("tidemill")
    manager.add_hookspecs(specs)
    manager.register(module)
    manager.check_pending()
    ((dex,),) = manager.hook.tidemill_register_dexes()

    assert module.__name__ == f"tidemill_dex_uniswap.{dex.name}"
    assert issubclass(dex, Dex)
    assert UniswapSettings() == dex().settings
    assert (frozenset({"evm"}), True) == (dex.families, dex.exact)


@pytest.mark.parametrize("kind", ["v2", "v3"])
@pytest.mark.parametrize("zero_for_one", [True, False])
@pytest.mark.parametrize("amount_in", [None, 5])
def test_build_steps_swaps_as_planned(bench: Any, kind: str, zero_for_one: bool, amount_in: int | None) -> None:
    """One step a swap, with the plan's amounts, in addresses."""
    pool = pool_of(bench, kind)
    sell, buy = pool.assets if zero_for_one else pool.assets[::-1]
    route = ("0x" + "ab" * 20, address_of(sell), address_of(buy), zero_for_one)
    swap = PlannedSwap(pool.id, sell, buy, amount_in, 3)

    (step,) = uniswap.Uniswap().build_steps(swap, pool, bench.at, Wallet(ETHEREUM, ""))

    expected = V2Swap(*route, 3_000, amount_in, 3) if kind == "v2" else V3Swap(*route, amount_in, 3)
    assert expected == step


def pool_of(bench: Any, kind: str) -> V2Pool | V3Pool:
    ref = bench.ref(kind)
    if kind == "v2":
        return V2Pool(ref.id, ref.assets, 3_000, 5, 7)
    pool = bench.load(uniswap.Uniswap(), ref, bench.storage(ref, 1 << 96, 0, 0, {}))[0].pool
    assert isinstance(pool, V3Pool)
    return pool


def test_build_steps_that_cannot_be_is_a_fault(bench: Any) -> None:
    """A plan for another pool, for assets that the pool lacks, or for a pool without a price must not become a transaction."""
    dex, pool, wallet = uniswap.Uniswap(), pool_of(bench, "v2"), Wallet(ETHEREUM, "")
    swap = PlannedSwap(pool.id, *pool.assets, 5, 0)
    closed = ClosedPool(pool.id, pool.assets, 3_000, 60, UNISWAP_V3)
    for planned, at_pool in (
        (evolve(swap, pool=PoolId("other")), pool),
        (evolve(swap, buy=pool.assets[0]), pool),
        (swap, closed),
    ):
        with pytest.raises(InvariantError):
            dex.build_steps(planned, at_pool, bench.at, wallet)


def test_discover_named_assets_finds_pools_that_exist() -> None:
    """Of the pools that named tokens can have, those with storage exist; native coins and other chains' tokens have none."""
    pair, pool = "0xb4e16d0168e52d35cacd2c6185b44281ec28c9dc", "0x88e6a0c2ddd26feeb64f039a2c41296fcb3f5640"
    values = {
        storage_key(pair, 6): word_bytes(int(USDC, 16)),
        UNISWAP_V3.slot0_keys(pool)[0]: word_bytes(1 << 96),
        storage_key("0x8ad599c3a0ff1de082011efddc58f1908eb6e6d8", 0): word_bytes(0),
    }
    reader = MemoryReader({0: values}, chain=ETHEREUM)
    assets = (erc20(ETHEREUM, WETH), erc20(ETHEREUM, USDC), native(ETHEREUM, 60), erc20(POLYGON, USDC))
    found = collected(uniswap.Uniswap().discover(reader, PoolFilter(ETHEREUM, assets)))

    assert [5] == [len(one.about) for one in reader.asked]
    tokens = (erc20(ETHEREUM, USDC), erc20(ETHEREUM, WETH))
    expected = [
        (f"eip155:1/uniswap:{pair}", "v2", 3_000, (), tokens),
        (f"eip155:1/uniswap:{pool}", "v3", 500, (("tick_spacing", 10),), tokens),
    ]
    assert expected == [(ref.id, ref.kind, ref.fee_ppm, ref.details, ref.assets) for ref in found]


def test_discover_many_assets_reads_in_pieces() -> None:
    """Keys are read some hundreds at a time."""
    reader = MemoryReader(chain=ETHEREUM)
    assets = tuple(erc20(ETHEREUM, f"0x{n:040x}") for n in range(1, 30))

    assert [] == collected(uniswap.Uniswap().discover(reader, PoolFilter(ETHEREUM, assets)))
    counts = [len(one.about) for one in reader.asked]
    assert (29 * 28 // 2 * 5, 500) == (sum(counts), max(counts))


def test_discover_without_assets_reads_the_factories_logs() -> None:
    """From the height asked for, or the factory's first block, to the last one asked for, so many blocks at a time."""
    one, two = "0x" + "01" * 20, "0x" + "02" * 20
    logs = {
        10_000_900: [PairCreated(one, two, "0x" + "aa" * 20, 1).log(V2_FACTORY)],
        10_005_000: [PairCreated(one, two, "0x" + "bb" * 20, 1).log(V2_FACTORY)],
        12_369_700: [PoolCreated(one, two, 500, 10, "0x" + "cc" * 20).log(V3_FACTORY)],
    }
    reader = MemoryReader(logs=logs, chain=ETHEREUM, head=12_370_000)
    dex = uniswap.Uniswap(UniswapSettings(log_span=1_000_000))
    found = collected(dex.discover(reader, PoolFilter(ETHEREUM, from_height=10_001_000, to_height=12_370_000)))

    assert ["v2", "v3"] == [ref.kind for ref in found]
    assert ["0x" + "bb" * 20, "0x" + "cc" * 20] == [ref.address for ref in found]
    expected = [
        (V2_FACTORY, 10_001_000, 11_000_999),
        (V2_FACTORY, 11_001_000, 12_000_999),
        (V2_FACTORY, 12_001_000, 12_370_000),
        (V3_FACTORY, 12_369_621, 12_370_000),
    ]
    assert expected == [(*one.about, one.from_height, one.to_height) for one in reader.asked]


def test_discover_without_assets_or_end_is_refused() -> None:
    """Neither assets nor a last block: there is no telling where to end."""
    with pytest.raises(UsageError, match=r"dex\.uniswap: name the assets"):
        uniswap.Uniswap().discover(MemoryReader(chain=ETHEREUM), PoolFilter(ETHEREUM))


def test_discover_unordered_tokens_are_refused() -> None:
    """A factory's pool has its tokens in order; other logs are not a factory's."""
    log = PoolCreated("0x" + "02" * 20, "0x" + "01" * 20, 500, 10, "0x" + "cc" * 20).log(V3_FACTORY)
    dex = uniswap.Uniswap(UniswapSettings())
    reader = MemoryReader({12_369_621: {}}, {12_369_700: [log]}, chain=ETHEREUM, head=12_370_000)
    with pytest.raises(DecodeError, match="in order"):
        collected(dex.discover(reader, PoolFilter(ETHEREUM, from_height=12_369_621, to_height=12_370_000)))


@pytest.mark.parametrize("module", MODULES, ids=lambda module: module.__name__.rpartition(".")[2])
def test_discover_on_an_unknown_chain_finds_nothing(module: Any) -> None:
    """Where no factory is known nothing is read."""
    reader, chain = MemoryReader(), ChainId("sim:1")
    (dex,) = module.tidemill_register_dexes()

    assert [] == collected(dex().discover(reader, PoolFilter(chain, (erc20(chain, USDC), erc20(chain, WETH)))))
    assert [] == collected(dex(UniswapSettings()).discover(reader, PoolFilter(chain, to_height=10)))
    assert [] == reader.asked
