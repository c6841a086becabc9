"""What the forks differ in: factories, init code hashes, fees, and PancakeSwap's V3 contracts.

Addresses and hashes stand here only where the address that CREATE2 gives with them is that of a pool known to exist on that chain; the
tests hold one for each row. The factories' start is the block from which their logs are worth reading, 0 where it is not known.
"""

from collections.abc import Mapping
from typing import Final

from attrs import frozen

from tidemill.domain.ids import ChainId
from tidemill_evm import uniswap_v3_logs
from tidemill_evm.uniswap_v3 import PANCAKESWAP_V3, UNISWAP_V3, V3Layout

ETHEREUM, OPTIMISM, BSC = ChainId("eip155:1"), ChainId("eip155:10"), ChainId("eip155:56")
POLYGON, BASE, ARBITRUM = ChainId("eip155:137"), ChainId("eip155:8453"), ChainId("eip155:42161")


@frozen
class V2Factory:
    """A factory of constant product pairs; all its pairs have one fee, parts per million."""

    address: str
    init_code_hash: bytes
    fee_ppm: int
    start: int = 0


@frozen
class V3Factory:
    """A factory of concentrated pools.

    ``deployer`` is the contract that creates them, ``tiers`` the fees (parts per million) with their tick spacings.
    """

    address: str
    deployer: str
    init_code_hash: bytes
    tiers: tuple[tuple[int, int], ...]
    start: int = 0


@frozen
class Fork:
    """One DEX: its factories by chain, the storage layout of its V3 pools and the event that their swaps emit.

    ``kinds`` are the kinds of pools it can read on any chain, also where no factory is known.
    """

    v2: Mapping[ChainId, V2Factory]
    v3: Mapping[ChainId, V3Factory]
    kinds: frozenset[str] = frozenset({"v2", "v3"})
    layout: V3Layout = UNISWAP_V3
    swap: type[uniswap_v3_logs.Swap] | type[uniswap_v3_logs.PancakeSwap] = uniswap_v3_logs.Swap


_UNISWAP_V2_HASH: Final = bytes.fromhex("96e8ac4277198ff8b6f785478aa9a39f403cb768dd02cbee326c3e7da348845f")
_SUSHISWAP_V2_HASH: Final = bytes.fromhex("e18a34eb0e04b04f7a0ac29a6e80748dca96319b42c54d679cb821dca90c6303")
_PANCAKESWAP_V2_HASH: Final = bytes.fromhex("57224589c67f3f30a6b0d7a1b54cf3153ab84563bc609ef41dfb34f8b2974d2d")
_PANCAKESWAP_V2_BSC_HASH: Final = bytes.fromhex("00fb7f630766e6a796048ea87d01acd3068e8ff67d078148a3fa3f4a84f69bd5")
_UNISWAP_V3_HASH: Final = bytes.fromhex("e34f199b19b2b4f47f68442619d555527d244f78a3297ea89325f843f87b8b54")
_PANCAKESWAP_V3_HASH: Final = bytes.fromhex("6ce8eb472fa82df5469c6ab6d485f17c3ad13c8cd7af59b3d4a8026c5ce0f7e2")
_UNISWAP_TIERS: Final = ((100, 1), (500, 10), (3_000, 60), (10_000, 200))
_PANCAKESWAP_TIERS: Final = ((100, 1), (500, 10), (2_500, 50), (10_000, 200))


def _uniswap_v2(address: str, start: int = 0) -> V2Factory:
    return V2Factory(address, _UNISWAP_V2_HASH, 3_000, start)


def _sushiswap_v2(address: str, start: int = 0) -> V2Factory:
    return V2Factory(address, _SUSHISWAP_V2_HASH, 3_000, start)


def _pancakeswap_v2(address: str, start: int, init_code_hash: bytes = _PANCAKESWAP_V2_HASH) -> V2Factory:
    return V2Factory(address, init_code_hash, 2_500, start)


def _uniswap_v3(address: str, start: int = 0) -> V3Factory:
    return V3Factory(address, address, _UNISWAP_V3_HASH, _UNISWAP_TIERS, start)


def _pancakeswap_v3(start: int) -> V3Factory:
    factory, deployer = "0x0bfbcf9fa4f9c56b0f40a671ad40e0805a091865", "0x41ff9aa7e16b8b1a8a8dc4f0efacd93d02d071c9"
    return V3Factory(factory, deployer, _PANCAKESWAP_V3_HASH, _PANCAKESWAP_TIERS, start)


_V3_FACTORY: Final = "0x1f98431c8ad98523631ae4a59f267346ea31f984"
_SUSHISWAP_FACTORY: Final = "0xc35dadb65012ec5796536bd9864ed8773abc74c4"
_PANCAKESWAP_FACTORY: Final = "0x02a84c1b3bbd7401a5f7fa98a384ebc70bb5749e"

UNISWAP: Final = Fork(
    v2={
        ETHEREUM: _uniswap_v2("0x5c69bee701ef814a2b6a3edd4b1652cb9cc5aa6f", 10_000_835),
        OPTIMISM: _uniswap_v2("0x0c3c1c532f1e39edf36be9fe0be1410313e074bf"),
        POLYGON: _uniswap_v2("0x9e5a52f57b3038f1b8eee45f28b3c1967e22799c"),
        BASE: _uniswap_v2("0x8909dc15e40173ff4699343b6eb8132c65e18ec6"),
        ARBITRUM: _uniswap_v2("0xf1d7cc64fb4452f05c498126312ebe29f30fbcf9"),
    },
    v3={
        ETHEREUM: _uniswap_v3(_V3_FACTORY, 12_369_621),
        OPTIMISM: _uniswap_v3(_V3_FACTORY),
        BSC: _uniswap_v3("0xdb1d10011ad0ff90774d0c6bb92e5c5c8b4461f7", 26_324_014),
        POLYGON: _uniswap_v3(_V3_FACTORY, 22_757_547),
        BASE: _uniswap_v3("0x33128a8fc17869897dce68ed026d694621f6fdfd", 1_371_680),
        ARBITRUM: _uniswap_v3(_V3_FACTORY, 165),
    },
)
SUSHISWAP: Final = Fork(
    v2={
        ETHEREUM: _sushiswap_v2("0xc0aee478e3658e2610c5f7a4a2e1777ce9e4f2ac", 10_794_229),
        POLYGON: _sushiswap_v2(_SUSHISWAP_FACTORY, 11_333_218),
        ARBITRUM: _sushiswap_v2(_SUSHISWAP_FACTORY, 70),
    },
    v3={
        ETHEREUM: _uniswap_v3("0xbaceb8ec6b9355dfc0269c18bac9d6e2bdc29c4f", 16_955_547),
        POLYGON: _uniswap_v3("0x917933899c6a5f8e37f31e19f92cdbff7e8ff0e2", 41_024_971),
        ARBITRUM: _uniswap_v3("0x1af415a1eba07a4986a52b6f2e7de7003d82231e", 75_998_697),
    },
)
QUICKSWAP: Final = Fork(
    v2={POLYGON: _uniswap_v2("0x5757371414417b8c6caad45baef941abc7d3ab32", 4_931_780)},
    v3={},
    # Its V3 is Algebra, whose pools have other fees, storage and events.
    kinds=frozenset({"v2"}),
)
PANCAKESWAP: Final = Fork(
    v2={
        ETHEREUM: _pancakeswap_v2("0x1097053fd2ea711dad45caccc45eff7548fcb362", 15_614_590),
        BSC: _pancakeswap_v2("0xca143ce32fe78f1f7019d7d551a6402fc5350c73", 6_809_737, _PANCAKESWAP_V2_BSC_HASH),
        BASE: _pancakeswap_v2(_PANCAKESWAP_FACTORY, 2_910_387),
        ARBITRUM: _pancakeswap_v2(_PANCAKESWAP_FACTORY, 101_022_992),
    },
    v3={
        ETHEREUM: _pancakeswap_v3(16_950_686),
        BSC: _pancakeswap_v3(26_956_207),
        BASE: _pancakeswap_v3(2_912_007),
        ARBITRUM: _pancakeswap_v3(101_028_949),
    },
    layout=PANCAKESWAP_V3,
    swap=uniswap_v3_logs.PancakeSwap,
)
