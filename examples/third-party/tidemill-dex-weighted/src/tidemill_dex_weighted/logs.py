"""What moves a pool after it was read: four kinds of logs, three of the Vault and one of its own. Pure.

The Vault's logs carry the pool's name in the Vault as second topic; those of other pools pass by.
"""

import attrs
from attrs import frozen
from tidemill.domain.events import Log
from tidemill.domain.ids import address_of
from tidemill.errors import DecodeError
from tidemill_evm.abi import decode, event_topic
from tidemill_evm.logs import Event, event

from tidemill_dex_weighted.bounds import checked_balances, checked_fee, numbers
from tidemill_dex_weighted.quoting import WeightedPool


@event("Swap(bytes32 indexed poolId, address indexed tokenIn, address indexed tokenOut, uint256 amountIn, uint256 amountOut)")
@frozen
class Swap(Event):
    """A swap, base units: all that came in and all that went out."""

    pool_id: bytes
    token_in: str
    token_out: str
    amount_in: int
    amount_out: int


@event(
    "PoolBalanceManaged(bytes32 indexed poolId, address indexed assetManager, address indexed token, int256 cashDelta, int256 managedDelta)"
)
@frozen
class PoolBalanceManaged(Event):
    """An asset manager's move, base units; both parts belong to the balance."""

    pool_id: bytes
    asset_manager: str
    token: str
    cash_delta: int
    managed_delta: int


@event("SwapFeePercentageChanged(uint256 swapFeePercentage)")
@frozen
class SwapFeePercentageChanged(Event):
    """A new fee, 18 decimals."""

    swap_fee_percentage: int


BALANCE_CHANGED = event_topic("PoolBalanceChanged(bytes32,address,address[],int256[],uint256[])")
"""A join or exit: per token the change, base units, and the protocol's fee that leaves besides."""
VAULT_TOPICS = (Swap.topic, BALANCE_CHANGED, PoolBalanceManaged.topic)
POOL_TOPICS = (SwapFeePercentageChanged.topic,)


def play_log(pool: WeightedPool, log: Log) -> WeightedPool:
    """Return the pool after a log of the Vault or of its own; one that does not move it returns the pool itself.

    Raises:
        DecodeError: the log is another contract's, or malformed, or takes more than there was.
    """
    try:
        if log.address == pool.terms.vault:
            return _after_vault(pool, log)
        if log.address == address_of(pool.id):
            return _after_own(pool, log)
    except DecodeError as error:
        raise DecodeError(f"{pool.id}: log {log.index}: {error}") from error
    raise DecodeError(f"{pool.id}: expected a log of the Vault or of its own, found one of {log.address}")


def _after_own(pool: WeightedPool, log: Log) -> WeightedPool:
    if log.topics[:1] != POOL_TOPICS:
        return pool
    fee = checked_fee(SwapFeePercentageChanged.of(log).swap_fee_percentage)
    return attrs.evolve(pool, terms=attrs.evolve(pool.terms, fee=fee))


def _after_vault(pool: WeightedPool, log: Log) -> WeightedPool:
    if log.topics[1:2] != (pool.terms.vault_id,):
        return pool
    if log.topics[0] == Swap.topic:
        swap = Swap.of(log)
        return _moved(pool, (swap.token_in, swap.token_out), (swap.amount_in, -swap.amount_out))
    if log.topics[0] == PoolBalanceManaged.topic:
        managed = PoolBalanceManaged.of(log)
        return _moved(pool, (managed.token,), (managed.cash_delta + managed.managed_delta,))
    if log.topics[0] == BALANCE_CHANGED:
        tokens, deltas, fees = decode(("address[]", "int256[]", "uint256[]"), log.data)
        count = len(pool.assets)
        if tokens != tuple(map(address_of, pool.assets)):
            raise DecodeError(f"expected the pool's tokens, found {tokens!r}")
        changes = zip(numbers(deltas, count, "changes"), numbers(fees, count, "fees"), strict=True)
        return _moved(pool, tokens, tuple(delta - fee for delta, fee in changes))
    return pool


def _moved(pool: WeightedPool, tokens: tuple[str, ...], changes: tuple[int, ...]) -> WeightedPool:
    assets = {address_of(asset): asset for asset in pool.assets}
    if not set(tokens) <= set(assets):
        raise DecodeError(f"expected tokens of the pool, found {tokens}")
    moved = pool.moved({assets[token]: change for token, change in zip(tokens, changes, strict=True)})
    checked_balances(moved.balances)
    return moved
