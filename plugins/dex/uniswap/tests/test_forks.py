"""The table of factories, held against pools that are known to exist."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from tidemill.domain.ids import ChainId
from tidemill_dex_uniswap.forks import (
    ARBITRUM,
    BASE,
    BSC,
    ETHEREUM,
    OPTIMISM,
    PANCAKESWAP,
    POLYGON,
    QUICKSWAP,
    SUSHISWAP,
    UNISWAP,
    Fork,
)
from tidemill_evm.create2 import v2_pair_address, v3_pool_address

FORKS = {"uniswap": UNISWAP, "sushiswap": SUSHISWAP, "quickswap": QUICKSWAP, "pancakeswap": PANCAKESWAP}
USDC, WETH = "0xa0b86991c6218b36c1d19d4a2e9eb0ce3606eb48", "0xc02aaa39b223fe8d0a0e5c4f27ead9083c756cc2"
WETH_L2 = "0x4200000000000000000000000000000000000006"
USDC_OPTIMISM, USDC_E_OPTIMISM = "0x0b2c639c533813f4aa9d7837caf62653d097ff85", "0x7f5c764cbc14f9669b88837ca1490cca17c31607"
USDC_BASE, USDBC_BASE = "0x833589fcd6edb6e08f4c7c32d4f71b54bda02913", "0xd9aaec86b65d86f6a7b5b1b0c42ffa531710b6ca"
WETH_ARB, USDC_ARB = "0x82af49447d8a07e3bd95bd0d56f35241523fbab1", "0xaf88d065e77c8cc2239327c5edb3a432268e5831"
USDC_E_ARB = "0xff970a61a04b1ca14834a43f5de4533ebddb5cc8"
WBNB, USDT_BSC = "0xbb4cdb9cbd36b01bd1cbaebf2de08d9173bc095c", "0x55d398326f99059ff775485246999027b3197955"
BUSD = "0xe9e7cea3dedca5984780bafc599bd69add087d56"
WMATIC, USDT_POL = "0x0d500b1d8e8ef31e21c99d1db9a6444d3adf1270", "0xc2132d05d31c914a87c6611c10748aeb04b58e8f"
USDC_E_POL, WETH_POL = "0x2791bca1f2de4661ed88a30c99a7a9449aa84174", "0x7ceb23fd6bc0add59e62ac25578270cff1b9f619"

# DEX, chain, fee of a V3 pool (0: a pair), tokens, address as block explorers and other projects know it
KNOWN = (
    ("uniswap", ETHEREUM, 0, USDC, WETH, "0xb4e16d0168e52d35cacd2c6185b44281ec28c9dc"),
    ("uniswap", ETHEREUM, 3_000, USDC, WETH, "0x8ad599c3a0ff1de082011efddc58f1908eb6e6d8"),
    ("uniswap", OPTIMISM, 0, WETH_L2, USDC_OPTIMISM, "0x4c43646304492a925e335f2b6d840c1489f17815"),
    ("uniswap", OPTIMISM, 500, WETH_L2, USDC_E_OPTIMISM, "0x85149247691df622eaf1a8bd0cafd40bc45154a9"),
    ("uniswap", BSC, 500, USDT_BSC, WBNB, "0x6fe9e9de56356f7edbfcbb29fab7cd69471a4869"),
    ("uniswap", POLYGON, 0, WMATIC, USDT_POL, "0x93ca061a80bfb622e7b529f6de1fde4a9129cf8e"),
    ("uniswap", POLYGON, 500, USDC_E_POL, WETH_POL, "0x45dda9cb7c25131df268515131f647d726f50608"),
    ("uniswap", BASE, 0, WETH_L2, USDC_BASE, "0x88a43bbdf9d098eec7bceda4e2494615dfd9bb9c"),
    ("uniswap", BASE, 500, WETH_L2, USDC_BASE, "0xd0b53d9277642d899df5c87a3966a349a798f224"),
    ("uniswap", ARBITRUM, 0, WETH_ARB, USDC_ARB, "0xf64dfe17c8b87f012fcf50fbda1d62bfa148366a"),
    ("uniswap", ARBITRUM, 500, WETH_ARB, USDC_E_ARB, "0xc31e54c7a869b9fcbecc14363cf510d1c41fa443"),
    ("sushiswap", ETHEREUM, 0, USDC, WETH, "0x397ff1542f962076d0bfe58ea045ffa2d347aca0"),
    ("sushiswap", ETHEREUM, 500, USDC, WETH, "0x35644fb61afbc458bf92b15add6abc1996be5014"),
    ("sushiswap", POLYGON, 0, USDC_E_POL, WETH_POL, "0x34965ba0ac2451a34a0471f04cca3f990b8dea27"),
    ("sushiswap", POLYGON, 500, WMATIC, USDC_E_POL, "0x21988c9cfd08db3b5793c2c6782271dc94749251"),
    ("sushiswap", ARBITRUM, 0, WETH_ARB, USDC_E_ARB, "0x905dfcd5649217c42684f23958568e533c711aa3"),
    ("sushiswap", ARBITRUM, 500, WETH_ARB, USDC_E_ARB, "0x15e444da5b343c5a0931f5d3e85d158d1efc3d40"),
    ("quickswap", POLYGON, 0, USDC_E_POL, WETH_POL, "0x853ee4b2a13f8a742d64c8f088be7ba2131f670d"),
    ("pancakeswap", ETHEREUM, 0, USDC, WETH, "0x2e8135be71230c6b1b4045696d41c09db0414226"),
    ("pancakeswap", ETHEREUM, 500, USDC, WETH, "0x1ac1a8feaaea1900c4166deeed0c11cc10669d36"),
    ("pancakeswap", BSC, 0, WBNB, BUSD, "0x58f876857a02d6762e0101bb5c46a8c1ed44dc16"),
    ("pancakeswap", BSC, 500, USDT_BSC, WBNB, "0x36696169c63e42cd08ce11f5deebbcebae652050"),
    ("pancakeswap", BASE, 0, WETH_L2, USDBC_BASE, "0x92363f9817f92a7ae0592a4cb29959a88d885cc8"),
    ("pancakeswap", BASE, 100, WETH_L2, USDC_BASE, "0x72ab388e2e2f6facef59e3c3fa2c4e29011c2d38"),
    ("pancakeswap", ARBITRUM, 0, WETH_ARB, USDC_ARB, "0xa59bd260f9707ea44551c510f714ccd482ec75d8"),
    ("pancakeswap", ARBITRUM, 500, WETH_ARB, USDC_ARB, "0xd9e2a1a61b6e61b275cec326465d417e52c1b95c"),
)


def address(fork: Fork, chain: ChainId, fee_ppm: int, one: str, other: str) -> str:
    if not fee_ppm:
        pairs = fork.v2[chain]
        return v2_pair_address(pairs.address, one, other, pairs.init_code_hash)
    pools = fork.v3[chain]
    assert fee_ppm in dict(pools.tiers)
    return v3_pool_address(pools.deployer, one, other, fee_ppm, pools.init_code_hash)


@pytest.mark.parametrize(("dex", "chain", "fee_ppm", "one", "other", "expected"), KNOWN)
def test_factory_puts_a_known_pool_where_it_is(dex: str, chain: ChainId, fee_ppm: int, one: str, other: str, expected: str) -> None:
    """Factory, deployer, init code hash and fee give the address of a pool that exists on that chain."""
    assert expected == address(FORKS[dex], chain, fee_ppm, one, other)


def test_every_factory_is_held_against_a_known_pool() -> None:
    """No row of the table stands unproved."""
    rows = {(dex, chain, "v2") for dex, fork in FORKS.items() for chain in fork.v2}
    rows |= {(dex, chain, "v3") for dex, fork in FORKS.items() for chain in fork.v3}

    assert rows == {(dex, chain, "v3" if fee_ppm else "v2") for dex, chain, fee_ppm, *_ in KNOWN}


def test_recorded_pools_stand_where_the_table_puts_them(recorded: Callable[[str], Path]) -> None:
    """All 230 recorded pools of Ethereum stand at the address, with the fee and the spacing, that the table gives them."""
    pools = json.loads(recorded("evm/multi_pool/mainnet_18806136_18806161_v2_v3.json").read_text("utf-8"))
    expected, actual = {}, {}
    for pool in (*pools["v2"], *pools["v3"]):
        dex, _, kind = pool["exchange"].rpartition("_")
        fork, fee_ppm = FORKS[dex], pool["fee_pips"]
        key = pool["address"].lower()
        expected[key] = (key, pool.get("tick_spacing", 0), fee_ppm)
        tiers = dict(fork.v3[ETHEREUM].tiers)
        found = address(fork, ETHEREUM, fee_ppm if kind == "v3" else 0, pool["token0"], pool["token1"])
        actual[key] = (found, tiers[fee_ppm] if kind == "v3" else 0, fee_ppm if kind == "v3" else fork.v2[ETHEREUM].fee_ppm)

    assert 230 == len(expected)
    assert expected == actual
