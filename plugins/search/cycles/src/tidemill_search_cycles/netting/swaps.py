"""Swaps one after another, each quoted by the pool that the swaps before it left: what is held never goes below zero."""

from collections.abc import Mapping

from attrs import frozen

from tidemill.domain.answers import NoQuote
from tidemill.domain.ids import AssetId, PoolId
from tidemill.domain.opportunity import Leg
from tidemill.domain.pool import Pool
from tidemill.domain.search import Netted
from tidemill.domain.time import ChainTime
from tidemill_search_cycles.netting.value import Made, Netting, loan_fee


@frozen
class Costs:
    """What is taken off a profit, and what may go in.

    ``per_swap`` is the chain's cost of a swap, base units of the start token; ``loan_fee_ppm`` the fee of what goes in; ``capital``
    the most that may go in, base units, None for no limit.
    """

    per_swap: int = 0
    loan_fee_ppm: int = 0
    capital: int | None = None


class Swaps:
    """The swaps made so far, on pools that are not changed themselves: a copy of each moves along.

    The start token may be owed while others may not: ``balance`` goes below zero by what must be put in.
    """

    def __init__(self, pools: Mapping[PoolId, Pool], start: AssetId, at: ChainTime, costs: Costs) -> None:
        self._pools = pools
        self._at = at
        self.start = start
        self.costs = costs
        self.moved: dict[PoolId, Pool] = {}
        self.held: dict[AssetId, int] = {}
        self.balance = 0
        self.lowest = 0
        self.used: set[tuple[PoolId, AssetId, AssetId]] = set()
        self._legs: list[Leg] = []
        self._outs: list[int] = []
        self._running: list[int] = []

    def copy(self, costs: Costs | None = None) -> "Swaps":
        """Return swaps that go on from here, under other costs where they are given."""
        other = Swaps(self._pools, self.start, self._at, costs if costs is not None else self.costs)
        other.moved, other.held, other.used = dict(self.moved), dict(self.held), set(self.used)
        other.balance, other.lowest = self.balance, self.lowest
        other._legs, other._outs, other._running = list(self._legs), list(self._outs), list(self._running)
        return other

    def pool(self, identifier: PoolId) -> Pool | None:
        """Return a pool as it stands after the swaps so far."""
        moved = self.moved.get(identifier)
        return moved if moved is not None else self._pools.get(identifier)

    def quote(self, pool: PoolId, sell: AssetId, buy: AssetId, amount: int) -> int:
        """Return what a pool pays now; 0 where it gives no quote."""
        now = self.pool(pool)
        return now.amount_out(sell, buy, amount, self._at) if now is not None and amount > 0 else 0

    def swap(self, pool: PoolId, sell: AssetId, buy: AssetId, amount: int) -> int:
        """Sell a fixed amount of the start token or of what is held, and return what it paid; 0 where that is nothing, which is not done.

        A direction is not used twice, and no more than the capital goes in.
        """
        now = self.pool(pool)
        if now is None or amount <= 0 or (pool, sell, buy) in self.used or amount > self.spendable(sell):
            return 0
        swapped = now.swap_exact_in(sell, buy, amount, self._at)
        if isinstance(swapped, NoQuote) or swapped.quote.amount_in != amount or swapped.quote.amount_out <= 0:
            return 0
        out = swapped.quote.amount_out
        self.moved[pool] = swapped.pool
        self.used.add((pool, sell, buy))
        self._change(sell, -amount)
        self._change(buy, out)
        self._legs.append(Leg(pool, sell, buy, amount))
        self._outs.append(out)
        self._running.append(self.balance)
        return out

    def spendable(self, token: AssetId) -> int:
        """Return how much of a token the next swap may sell."""
        if token != self.start:
            return self.held.get(token, 0)
        return self.balance + self.costs.capital if self.costs.capital is not None else 1 << 256

    def _change(self, token: AssetId, amount: int) -> None:
        if token == self.start:
            self.balance += amount
            self.lowest = min(self.lowest, self.balance)
        else:
            self.held[token] = self.held.get(token, 0) + amount

    @property
    def cost(self) -> int:
        """The swaps' cost and the loan's fee."""
        return self.costs.per_swap * len(self._legs) + loan_fee(-self.lowest, self.costs.loan_fee_ppm)

    @property
    def value(self) -> int:
        """What is gained of the start token, costs taken off; what is left of others counts nothing."""
        return self.balance - self.cost

    def __len__(self) -> int:
        return len(self._legs)

    def netting(self, made: Made, cycles: int, bound: int | None, settled: bool) -> Netting:
        """Return the swaps as a value, made of so many cycles."""
        trade = Netted(self._at.chain, self.start, tuple(self._legs), tuple(self._outs), -self.lowest, self.balance, cycles)
        return Netting(trade, tuple(self._running), self.cost, bound, settled, made)
