"""What a query asks of every cycle, by the asset that it begins with."""

from tidemill.domain.ids import AssetId
from tidemill.domain.search import CycleQuery
from tidemill.domain.snapshot import Snapshot


class Terms:
    """A query over a snapshot. ``measure`` is the asset in which cycles of several start assets compare."""

    __slots__ = ("_capital", "_cost_per_hop", "_min_profit", "at", "loan_fee_ppm", "measure", "snapshot")

    def __init__(self, query: CycleQuery, snapshot: Snapshot) -> None:
        self.snapshot = snapshot
        self.at = snapshot.at(query.chain)
        self.loan_fee_ppm = query.loan_fee_ppm
        self.measure = query.starts[0] if query.starts else snapshot.chains[query.chain].native
        self._capital, self._cost_per_hop = dict(query.capital), dict(query.cost_per_hop)
        self._min_profit = max(1, query.min_profit)

    def capital(self, start: AssetId) -> int | None:
        """Return the most that may go in, base units; None for no limit."""
        return self._capital.get(start)

    def cost(self, start: AssetId, hops: int) -> int:
        """Return what the swaps of a cycle cost, base units of the asset it begins with."""
        return self._cost_per_hop.get(start, 0) * hops

    def least(self, start: AssetId, hops: int) -> int:
        """Return what a cycle must leave before the cost of its swaps, base units, > 0."""
        return max(self._min_profit, self.cost(start, hops) + 1)

    def floors(self, hops: int) -> dict[AssetId, int]:
        """Return the same of cycles of so many swaps, for the assets that have a cost."""
        return {start: self.least(start, hops) for start in self._cost_per_hop}

    @property
    def least_of_others(self) -> int:
        """What a cycle from an asset without a cost must leave."""
        return self._min_profit

    def worth(self, start: AssetId, left: int) -> int:
        """Return the rank of what is left after costs: its value in ``measure``; without a price as if nothing were left."""
        if start == self.measure:
            return left
        value = self.snapshot.value(start, left, self.measure)
        return value if isinstance(value, int) else 0
