"""Where pools are found: the factories' logs name them, pool and Vault describe them. The only module that reads."""

from collections.abc import Sequence

from attrs import frozen
from tidemill.domain.ids import AssetId, Key, erc20, pool_id
from tidemill.domain.pool import LogFilter, PoolRef
from tidemill.hookspecs.chain import ChainReader
from tidemill.hookspecs.dex import PoolFilter
from tidemill_evm.abi import decode
from tidemill_evm.logs import Event, event

from tidemill_dex_weighted.state import tokens_key, vault_id_key

VAULT = "0xba12222222228d8ba445958a75a0704d566bf2c8"
"""Balancer's Vault, V2."""


@event("PoolCreated(address indexed pool)")
@frozen
class PoolCreated(Event):
    """A new pool, by a factory."""

    pool: str


async def created_pools(reader: ChainReader, factories: Sequence[str], first: int, last: int) -> tuple[str, ...]:
    """Return the pools that the factories created from height ``first`` to ``last``, both included."""
    logs = [log for factory in factories for log in await reader.logs(LogFilter(factory.lower(), (PoolCreated.topic,)), first, last)]
    return tuple(PoolCreated.of(log).pool for log in logs)


async def described(reader: ChainReader, want: PoolFilter, vault: str, pools: Sequence[str], height: int) -> tuple[PoolRef, ...]:
    """Return descriptors of those pools that hold two of the wanted assets, or of all where none are named; names as of ``height``."""
    keys = {pool: vault_id_key(pool) for pool in pools}
    ids = {pool: answer for pool, answer in (await _answers(reader, keys, height)).items() if len(answer) == 32}
    held = await _answers(reader, {pool: tokens_key(vault, vault_id) for pool, vault_id in ids.items()}, height)
    refs = [_ref(want, pool, vault, ids[pool], answer) for pool, answer in held.items()]
    return tuple(ref for ref in refs if not want.assets or len(set(ref.assets) & set(want.assets)) > 1)


async def _answers(reader: ChainReader, keys: dict[str, Key], height: int) -> dict[str, bytes]:
    """Return what calls answered, by pool; those that revert are left out."""
    values = dict((await reader.read(tuple(keys.values()), height)).values) if keys else {}
    return {pool: answer for pool, key in keys.items() if (answer := values.get(key)) is not None}


def _ref(want: PoolFilter, pool: str, vault: str, vault_id: bytes, held: bytes) -> PoolRef:
    tokens, _, _ = decode(("address[]", "uint256[]", "uint256"), held)
    assets: tuple[AssetId, ...] = tuple(erc20(want.chain, str(token)) for token in tokens) if isinstance(tokens, tuple) else ()
    details = (("vault", vault), ("vault_id", f"0x{vault_id.hex()}"))
    return PoolRef(pool_id(want.chain, "weighted", pool), "weighted", want.chain, pool, assets, details=details)
