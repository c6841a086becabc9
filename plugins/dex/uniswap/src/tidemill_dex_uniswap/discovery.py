"""Which pools exist.

Where assets are named, the address of each pool that they can have follows from the factory (CREATE2), and one read at the head shows
which of them exist. Where none are, the factories' logs list every pool there ever was, most of them dead.

Only pools are found: a token's symbol and decimals stand under no key that all tokens share, and are left to the chain, which can call it.
"""

from collections.abc import AsyncIterator, Iterator
from itertools import combinations
from typing import Final

from tidemill.domain.events import Found, Log
from tidemill.domain.ids import AssetId, ChainId, Key, address_of, erc20, pool_id
from tidemill.domain.pool import LogFilter, PoolRef
from tidemill.errors import DecodeError
from tidemill.hookspecs.chain import ChainReader
from tidemill_dex_uniswap.forks import Fork
from tidemill_evm.create2 import v2_pair_address, v3_pool_address
from tidemill_evm.storage import storage_key
from tidemill_evm.uniswap_v2 import TOKEN0_SLOT
from tidemill_evm.uniswap_v2_logs import PairCreated
from tidemill_evm.uniswap_v3_logs import PoolCreated

KEYS_PER_READ: Final = 500


async def discover_named(reader: ChainReader, dex: str, fork: Fork, chain: ChainId, assets: tuple[AssetId, ...]) -> AsyncIterator[Found]:
    """Yield the pools between these assets that exist at the head; assets of other chains, and native coins, have none.

    Raises:
        Unavailable: the node cannot answer now.
    """
    tokens = sorted({address_of(asset) for asset in assets if asset.startswith(f"{chain}/erc20:")})
    candidates = list(_candidates(dex, fork, chain, tokens))
    for start in range(0, len(candidates), KEYS_PER_READ):
        some = candidates[start : start + KEYS_PER_READ]
        values = dict((await reader.read([key for _, key in some])).values)
        # A contract that was never deployed has no storage: token0 of a pair and a pool's first price are never zero.
        pools = tuple(ref for ref, key in some if any(values.get(key) or b""))
        if pools:
            yield Found(pools=pools)


async def discover_logged(reader: ChainReader, dex: str, fork: Fork, chain: ChainId, heights: range, span: int) -> AsyncIterator[Found]:
    """Yield every pool that a factory created at these heights, from requests of ``span`` blocks each.

    Raises:
        Unavailable: the node cannot answer now.
        DecodeError: a log is not what that factory emits.
    """
    pair, pool = fork.v2.get(chain), fork.v3.get(chain)
    sources = [(pair.address, PairCreated.topic, pair.start)] if pair is not None else []
    sources += [(pool.address, PoolCreated.topic, pool.start)] if pool is not None else []
    for factory, topic, start in sources:
        for low in range(max(heights.start, start), heights.stop, span):
            logs = await reader.logs(LogFilter(factory, (topic,)), low, min(low + span, heights.stop) - 1)
            pools = tuple(_created(log, dex, fork, chain) for log in logs)
            if pools:
                yield Found(pools=pools)


def pair_ref(chain: ChainId, dex: str, address: str, tokens: tuple[str, str], fee_ppm: int) -> PoolRef:
    """Describe a constant product pair; tokens in the contract's order."""
    assets = (erc20(chain, tokens[0]), erc20(chain, tokens[1]))
    return PoolRef(pool_id(chain, dex, address), dex, chain, address, assets, "v2", fee_ppm)


def pool_ref(chain: ChainId, dex: str, address: str, tokens: tuple[str, str], fee_ppm: int, tick_spacing: int) -> PoolRef:
    """Describe a concentrated pool; tokens in the contract's order."""
    assets = (erc20(chain, tokens[0]), erc20(chain, tokens[1]))
    details = (("tick_spacing", tick_spacing),)
    return PoolRef(pool_id(chain, dex, address), dex, chain, address, assets, "v3", fee_ppm, details)


def _candidates(dex: str, fork: Fork, chain: ChainId, tokens: list[str]) -> Iterator[tuple[PoolRef, Key]]:
    """Give every pool that these tokens, in order, could have, with a key that is not zero where it exists."""
    pairs, pools = fork.v2.get(chain), fork.v3.get(chain)
    for one, other in combinations(tokens, 2):
        if pairs is not None:
            address = v2_pair_address(pairs.address, one, other, pairs.init_code_hash)
            yield pair_ref(chain, dex, address, (one, other), pairs.fee_ppm), storage_key(address, TOKEN0_SLOT)
        if pools is not None:
            for fee_ppm, spacing in pools.tiers:
                address = v3_pool_address(pools.deployer, one, other, fee_ppm, pools.init_code_hash)
                yield pool_ref(chain, dex, address, (one, other), fee_ppm, spacing), fork.layout.slot0_keys(address)[0]


def _created(log: Log, dex: str, fork: Fork, chain: ChainId) -> PoolRef:
    if log.topics[:1] == (PairCreated.topic,) and chain in fork.v2:
        pair = PairCreated.of(log)
        return pair_ref(chain, dex, pair.pair, (pair.token0, pair.token1), fork.v2[chain].fee_ppm)
    pool = PoolCreated.of(log)
    if pool.token0 >= pool.token1:
        raise DecodeError(f"{dex}: expected tokens in order, found {pool}")
    return pool_ref(chain, dex, pool.pool, (pool.token0, pool.token1), pool.fee_ppm, pool.tick_spacing)
