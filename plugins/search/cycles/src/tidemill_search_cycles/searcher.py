"""The searcher ``cycles``."""

from collections.abc import Iterator

import attrs

from tidemill import Searcher, settings
from tidemill.domain.ids import AssetId, PoolId, chain_of
from tidemill.domain.opportunity import Leg
from tidemill.domain.search import Candidate, CycleQuery
from tidemill.domain.snapshot import Snapshot
from tidemill_search_cycles.amounts import look_at
from tidemill_search_cycles.graph import Graph
from tidemill_search_cycles.paths import MAX_HOPS, Effort, cycles_through, cycles_through_all
from tidemill_search_cycles.ranking import Asked, best


@settings
class CyclesSettings:
    """``work``: effort of a query that states none, in work units: one for each neighbour looked at, sixteen for each cycle sized."""

    work: int = attrs.field(default=4_000_000, validator=attrs.validators.ge(1), metadata={"doc": "work units of a query that states none"})


class Cycles(Searcher):
    """Finds every cycle of two to four hops that gains, sized to the integer optimum, in plain Python.

    A query for more hops is answered up to four, with ``exact`` false. So are queries whose effort ran out, and markets with pools
    whose marginal rate had to be probed.
    """

    name = "cycles"
    max_hops = MAX_HOPS
    settings: CyclesSettings

    def __init__(self, settings: object | None = None) -> None:
        super().__init__(settings)
        self._graph = Graph()
        self._changed: frozenset[PoolId] = frozenset()
        self._snapshot: Snapshot | None = None

    def update(self, snapshot: Snapshot) -> None:
        self._changed = self._graph.take(snapshot)
        self._snapshot = snapshot

    def find(self, query: CycleQuery) -> Iterator[Candidate]:
        """Yield candidates as ``Searcher.find`` says.

        With several start assets they are ranked by what their profit is worth in the first of them; one without a price ranks as if it
        broke even.
        A loan's fee counts in the optimum, in ``min_profit`` and in the rank, while ``Candidate.profit`` is the bare difference. A cycle
        that leaves no more than its hops cost is left out.
        """
        snapshot = self._snapshot
        if snapshot is None or query.chain not in snapshot.chains:
            return
        effort = Effort(query.work or self.settings.work)
        asked = [one for start in dict.fromkeys(query.starts) if chain_of(start) == query.chain for one in self._ask(query, start, effort)]
        ranked = best(asked, query.top, lambda start, net: _worth(snapshot, start, net, query.starts[0]))
        exact = not effort.spent and query.max_hops <= MAX_HOPS and not self._graph.unproven
        for one, sizing in ranked:
            legs = tuple(Leg(edge.pool_id, edge.sell, edge.buy) for edge in one.cycle)
            yield Candidate(query.chain, one.start, legs, sizing.amounts, sizing.amounts[-1] - sizing.amounts[0], exact)

    def _ask(self, query: CycleQuery, start: AssetId, effort: Effort) -> Iterator[Asked]:
        """Yield the cycles from a start asset that may leave enough, the cheap ones sized."""
        assert self._snapshot is not None  # noqa: S101 find looked
        hops = range(max(2, query.min_hops), min(MAX_HOPS, query.max_hops) + 1)
        cap, per_hop = dict(query.capital).get(start), dict(query.cost_per_hop).get(start, 0)
        at = self._snapshot.at(query.chain)
        found = (
            cycles_through(self._graph, start, hops, self._changed, effort)
            if query.changed_only
            else cycles_through_all(self._graph, start, hops, effort)
        )
        for cycle in found:
            effort.left -= Effort.SIZING
            if effort.spent:
                return
            cost = per_hop * len(cycle)
            least = max(1, query.min_profit, cost + 1)
            answer = look_at(cycle, cap, query.loan_fee_ppm, least, at)
            if answer is not None:
                yield Asked(start, cycle, cost, cap, query.loan_fee_ppm, least, at, answer)


def _worth(snapshot: Snapshot, start: AssetId, net: int, measure: AssetId) -> int:
    """Value what is left in one asset, so that cycles from several starts compare; without a price it ranks as if it broke even."""
    value = snapshot.value(start, net, measure)
    return value if isinstance(value, int) else 0
