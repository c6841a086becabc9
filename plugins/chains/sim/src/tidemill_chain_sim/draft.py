"""A block while it is being made: pools that move, and logs in the order of the transactions."""

import hashlib
from collections.abc import Sequence
from typing import NamedTuple

from immutables import Map

from tidemill.domain.events import Log
from tidemill_chain_sim import pools
from tidemill_chain_sim.emitted import swap_events
from tidemill_chain_sim.market import Market
from tidemill_chain_sim.pools import PoolState, Swap
from tidemill_chain_sim.world import Account, World
from tidemill_evm.logs import Event


class Hop(NamedTuple):
    """One swap of a transaction: the pool's index, whether token0 goes in, and what happened."""

    pool: int
    zero_for_one: bool
    swap: Swap


class Draft:
    """The block that is being made on top of a world.

    Attributes:
        market: the fixed part.
        height: of this block.
        time: of this block, seconds since 1970.
        fee: the block's base fee, wei a gas.
        prices: reference prices that traders know now, by token index.
        pools: states by index, as they stand.
        vault: what can be lent, by token address.
        accounts: accounts of ours.
        logs: emitted so far.
    """

    def __init__(self, market: Market, world: World, height: int, time: int, fee: int, prices: tuple[int, ...], fork: int = 0) -> None:
        self.market = market
        self.height = height
        self.time = time
        self.fee = fee
        self.prices = prices
        self.pools: list[PoolState] = list(world.pools)
        self.vault: Map[str, int] = world.vault
        self.accounts: Map[str, Account] = world.accounts
        self.logs: list[Log] = []
        self._name = f"{market.seed}:{height}:{fork}"
        self._count = 0

    def world(self) -> World:
        """Return what the block leaves."""
        return World(tuple(self.pools), self.vault, self.accounts)

    def swap(self, pool: int, zero_for_one: bool, amount: int, trader: str, limit: int | None = None) -> Swap | None:
        """Carry out a transaction of one swap; None where it reverts, which leaves no trace."""
        done = pools.swap(self.market.specs[pool], self.pools[pool], zero_for_one, amount, self.time, limit)
        if done is not None:
            self.commit((Hop(pool, zero_for_one, done),), trader)
        return done

    def commit(self, hops: Sequence[Hop], trader: str, tx: str = "") -> None:
        """Let the swaps of one transaction, computed one upon the other, happen. ``tx`` is its hash; "" makes one."""
        tx = tx or self.next_tx()
        for hop in hops:
            self.pools[hop.pool] = hop.swap.state
            spec = self.market.specs[hop.pool]
            self.emit(spec.address, swap_events(spec, hop.swap, hop.zero_for_one, trader, trader), tx)

    def emit(self, address: str, events: Sequence[Event], tx: str) -> None:
        """Append logs of a contract."""
        for event in events:
            self.logs.append(event.log(address, len(self.logs), tx))

    def next_tx(self) -> str:
        """Return the hash of a further transaction of the order flow."""
        self._count += 1
        return "0x" + hashlib.sha256(f"{self._name}:{self._count}".encode()).hexdigest()
