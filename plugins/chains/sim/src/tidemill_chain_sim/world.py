"""The state of the simulated chain at one block, as a value: going back to it is taking it again."""

from attrs import frozen
from immutables import Map

from tidemill.domain.events import Log
from tidemill_chain_sim.pools import PoolState


@frozen
class Account:
    """An account of ours: the nonce of its next transaction, native coins in wei, tokens in base units by address."""

    nonce: int
    native: int
    tokens: Map[str, int]


@frozen
class World:
    """Pools in the order of their index, what the vault can lend by token address, accounts of ours by address."""

    pools: tuple[PoolState, ...]
    vault: Map[str, int]
    accounts: Map[str, Account]


@frozen
class Block:
    """A mined block: its header, what it left, what it emitted, and which of our transactions it holds.

    ``fee`` is the base fee in wei a gas; ``fork`` counts how often this height was mined before.
    """

    height: int
    block_hash: str
    parent_hash: str
    unix_time: int
    fee: int
    world: World
    logs: tuple[Log, ...]
    txs: tuple[str, ...] = ()
    fork: int = 0
