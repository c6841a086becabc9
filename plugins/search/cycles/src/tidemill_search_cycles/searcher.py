"""The searcher ``cycles``."""

from collections.abc import Collection, Iterator
from itertools import islice

import attrs

from tidemill import Searcher, settings
from tidemill.domain.ids import AssetId, PoolId, chain_of
from tidemill.domain.opportunity import Leg
from tidemill.domain.search import Candidate, CycleQuery, Netted
from tidemill.domain.snapshot import Snapshot
from tidemill_search_cycles import compiled
from tidemill_search_cycles.compound import MOST_HOPS
from tidemill_search_cycles.deep import FEWEST_HOPS, DeepCycles, Probed, Rounds
from tidemill_search_cycles.graph import Graph
from tidemill_search_cycles.kernels.sizing import WORK_A_CYCLE
from tidemill_search_cycles.netting import Costs, Netting, netted_trade
from tidemill_search_cycles.ranking import Ranking, Sized
from tidemill_search_cycles.safety import Screen, ScreenSettings
from tidemill_search_cycles.short import ShortCycles, Wanted
from tidemill_search_cycles.sizing import Sizer
from tidemill_search_cycles.terms import Terms
from tidemill_search_cycles.walks import Walks

_SHORT = FEWEST_HOPS - 1
_FEW = 3
_NETTED, _FREE = 200, 50
"""So many of the best cycles, at most and at least where there are so many, make a netted trade."""
_ROUNDS, _JUDGED = (4, 1, 1), 400
"""So often, at the largest amount and at the smaller ones, long cycles are looked for without what the best of them, so many, proved to be
poison."""
MOST_WORK, MOST_WIDTH = 1 << 40, 1 << 16
"""More effort than a year's, and more part-way cycles than a market has: queries that state more get so much."""
_KEPT = 4
"""So many answers are kept, for those who ask again before the market changes."""
_FAR, _NEAR = 100, 10
"""A cycle that loses with so many times the least profit going in earns less than that least: up to 4 % of gain, up to 50 %."""
_PARTS_OF_DEPTH = (10, 16, 22)
"""What is probed where nothing is known of costs: such parts (2^-n) of what the deepest pool holds."""


@settings
class CyclesSettings(ScreenSettings):
    """Effort, and which tokens are not to be trusted.

    ``work``: effort of a query that states none, in work units: one for each neighbour looked at, sixteen for each cycle sized.
    ``beam_width``: how many part-way cycles of five and more hops are kept at each hop, where a query states none.
    """

    work: int = attrs.field(
        default=4_000_000,
        validator=[attrs.validators.ge(1), attrs.validators.le(MOST_WORK)],
        metadata={"doc": "work units of a query that states none"},
    )
    beam_width: int = attrs.field(
        default=64,
        validator=[attrs.validators.ge(1), attrs.validators.le(MOST_WIDTH)],
        metadata={"doc": "part-way cycles kept at each hop of long ones; more finds more"},
    )


class Cycles(Searcher):
    """Finds every cycle of two to four hops that gains, and the best of up to twelve, sized to the optimum and verified in integers.

    It runs in plain Python, and compiled from ``warm`` on where numba is installed: both find the same. Answers are exact for up to four
    hops alone, unless effort ran out or the rate of a pool had to be probed.
    """

    name = "cycles"
    max_hops = MOST_HOPS
    work_per_ms = 60_000
    settings: CyclesSettings

    def __init__(self, settings: object | None = None) -> None:
        super().__init__(settings)
        self._graph = Graph()
        self._short = ShortCycles(self._graph)
        self._deep = DeepCycles(self._graph)
        self._sizer = Sizer()
        self._screen = Screen(self.settings)
        self._left = 0
        self._changed: frozenset[PoolId] = frozenset()
        self._snapshot: Snapshot | None = None
        self._answers: dict[CycleQuery, _Answer] = {}

    def __getstate__(self) -> dict[str, object]:
        """Leave out the answers, of which some are still being made."""
        return {**self.__dict__, "_answers": {}}

    def warm(self) -> str:
        """Compile the kernels, or load them, and run them from now on; return one sentence on what became of it."""
        return compiled.warm()

    def update(self, snapshot: Snapshot) -> None:
        self._changed = self._graph.take(snapshot)
        self._snapshot = snapshot
        self._answers.clear()

    def find(self, query: CycleQuery) -> Iterator[Candidate]:
        """Yield candidates as ``Searcher.find`` says.

        With several start assets they are ranked by what their profit is worth in the first of them, without any in the native coin;
        one without a price ranks as if it broke even. Without start assets a cycle of up to four hops is given once, from its asset that
        trades for most others (of equals the one whose id comes first); longer ones are looked for from start assets alone.
        A loan's fee counts in the optimum, in ``min_profit`` and in the rank, while ``Candidate.profit`` is the bare difference. A cycle
        that leaves no more than its hops cost is left out.
        """
        snapshot = self._snapshot
        if snapshot is None or query.chain not in snapshot.chains:
            return
        answer = self._answer(query, snapshot)
        for one in answer.first(query.top):
            suspect = self._screen.reasons(legs_of(one), one.sizing.amounts, snapshot)
            yield _candidate(query, one, answer.exact, suspect)

    def net(self, query: CycleQuery) -> Netted | None:
        """Return the trade over the best cycles from the first start asset; those of other starts lend their pools.

        Long cycles crowd out short ones, and more of them are suspect: the trade over those of up to three hops is made as well, and the
        better of the two returned.
        """
        snapshot = self._snapshot
        if snapshot is None or query.chain not in snapshot.chains or not query.starts:
            return None
        costs = Costs(dict(query.cost_per_hop).get(query.starts[0], 0), query.loan_fee_ppm, dict(query.capital).get(query.starts[0]))
        asked = [query, attrs.evolve(query, max_hops=_FEW)] if query.min_hops <= _FEW < query.max_hops else [query]
        made = [self._netting(one, costs, snapshot) for one in asked]
        best = max((one for one in made if one is not None), key=lambda one: one.value, default=None)
        if best is None or best.value < 1 or best.value + costs.per_swap * len(best.trade.legs) < query.min_profit:
            return None
        return best.trade

    def _netting(self, query: CycleQuery, costs: Costs, snapshot: Snapshot) -> Netting | None:
        return netted_trade(self._free(query, snapshot), snapshot.pools, query.starts[0], snapshot.at(query.chain), costs=costs)

    def _free(self, query: CycleQuery, snapshot: Snapshot) -> list[Candidate]:
        """Return the best cycles that are not suspect; where suspect ones crowd the best, more are looked at."""
        answer, top = self._answer(query, snapshot), _NETTED
        while True:
            found = answer.first(top)
            free = self._screen.free([_candidate(query, one, answer.exact) for one in found], snapshot)
            if len(free) >= _FREE or len(found) < top:
                return free[:_NETTED]
            top *= 2

    def _answer(self, query: CycleQuery, snapshot: Snapshot) -> "_Answer":
        """Return the cycles that may leave enough, and whether nothing was left out; the last few are kept until the next update."""
        whole = attrs.evolve(query, top=0)
        found = self._answers.get(whole)
        if found is None or not found.whole:
            ranking = self._rank(query, Terms(query, snapshot))
            exact = self._left >= 0 and query.max_hops <= _SHORT and not self._graph.unproven
            found = _Answer(ranking, exact)
            while len(self._answers) >= _KEPT:
                del self._answers[next(iter(self._answers))]
            self._answers[whole] = found
        return found

    def _rank(self, query: CycleQuery, terms: Terms) -> Ranking:
        """Look for the cycles of a query, from each of its start assets or from any."""
        self._left = min(query.work or self.settings.work, MOST_WORK)
        starts: list[AssetId | None] = [start for start in dict.fromkeys(query.starts) if chain_of(start) == query.chain]
        ranking = Ranking(self._graph, terms)
        for start in starts if query.starts else [None]:
            few = self._sized(self._few_hops(query, start, terms), ranking)
            if start is not None and query.max_hops >= FEWEST_HOPS:
                self._add_many_hops(query, start, terms, few)
            ranking.absorb(few)
        return ranking

    def _sized(self, walks: Walks, ranking: Ranking) -> Ranking:
        """Return cycles in an order of their own, to be absorbed by the ranking of the query. What they cost was counted when found."""
        own = ranking.beside()
        own.add(walks, self._sizer)
        return own

    def _add_many_hops(self, query: CycleQuery, start: AssetId, terms: Terms, ranking: Ranking) -> None:
        """Add cycles of five and more hops to those of fewer: first those worth what swaps cost, then those of about the size of the best.

        A far smaller amount hides what only a large one earns, and the best's own hides what is best at half of it.
        """
        width = min(query.width or self.settings.beam_width, MOST_WIDTH)
        wanted = Probed(max(FEWEST_HOPS, query.min_hops), query.max_hops, start, width)
        self._deep.left = self._left
        rounds = self._deep.rounds(wanted, self._changed if query.changed_only else None)
        self._left = self._deep.left
        kept_out = self._poison(ranking, terms.snapshot, ())
        amounts = self._amounts(query, start, terms)
        for amount, times in zip(amounts, _ROUNDS, strict=False):
            for _ in range(times):
                known, kept_out = kept_out, self._look_at(amount, rounds, ranking, kept_out, terms.snapshot)
                # Long cycles gather where poison is: they are looked for again without it
                if kept_out == known:
                    break
        best = self._best_amount(ranking, terms.snapshot)
        for amount in (best * 4, best, best // 4) if best is not None else ():
            # What is near an amount that was asked before tells nothing new
            if amount > 0 and not any(2 * amount <= 3 * near and 2 * near <= 3 * amount for near in amounts):
                self._look_at(amount, rounds, ranking, kept_out, terms.snapshot)

    def _look_at(self, amount: int, rounds: Rounds, ranking: Ranking, kept_out: Collection[PoolId], snapshot: Snapshot) -> set[PoolId]:
        """Add the cycles that pay for an amount; return the poison, with what those hold."""
        self._deep.left = self._left
        found = rounds.next(amount, kept_out)
        self._left = self._deep.left - WORK_A_CYCLE * len(found)
        many = self._sized(found, ranking)
        poison = self._poison(many, snapshot, kept_out)
        ranking.absorb(many)
        return poison

    def _best_amount(self, ranking: Ranking, snapshot: Snapshot) -> int | None:
        """Return what goes into the best cycle that is not suspect."""
        best = (one for one in ranking.first(_JUDGED) if not self._screen.reasons(legs_of(one), one.sizing.amounts, snapshot))
        return next((one.sizing.amounts[0] for one in best), None)

    def _poison(self, ranking: Ranking, snapshot: Snapshot, known: Collection[PoolId]) -> set[PoolId]:
        """Return the pools that no long cycle should use, judged by the best cycles, with those that are known."""
        best = ((legs_of(one), one.sizing.amounts) for one in ranking.first(_JUDGED))
        return self._screen.kept_out([(legs, self._screen.judge(legs, amounts, snapshot)) for legs, amounts in best], snapshot, known)

    def _few_hops(self, query: CycleQuery, start: AssetId | None, terms: Terms) -> Walks:
        low = max(2, query.min_hops)
        if low > _SHORT:
            return Walks.none(self._graph)
        wanted = Wanted(low, min(_SHORT, query.max_hops), terms.floors(low), terms.least_of_others, query.loan_fee_ppm)
        short, short.left = self._short, self._left
        if query.changed_only:
            found = short.through(start, query.chain, self._changed, wanted)
        else:
            found = short.from_any(query.chain, wanted) if start is None else short.from_start(start, wanted)
        self._left = short.left
        return found

    def _amounts(self, query: CycleQuery, start: AssetId, terms: Terms) -> tuple[int, ...]:
        """Return what pairs are asked to pay for: amounts that, where they lose, leave too little to pay for the swaps."""
        per_hop = terms.cost(start, 1) or terms.snapshot.swap_cost(query.chain, start)
        least = max(query.min_profit, per_hop * max(FEWEST_HOPS, query.min_hops))
        if per_hop == 0 and query.min_profit <= 1:
            holdings = (pool.holdings.get(start, 0) for pool in self._graph.pools.values() if start in pool.assets)
            deepest = max(holdings, default=0)
            return tuple(dict.fromkeys(max(1, deepest >> part) for part in _PARTS_OF_DEPTH))
        return least * _FAR, least * _NEAR


class _Answer:
    """The cycles of one query, confirmed as far as they were asked for. ``exact`` says that nothing was left out."""

    def __init__(self, ranking: Ranking, exact: bool) -> None:
        self._rest = iter(ranking)
        self._ready: list[Sized] = []
        self.exact = exact
        self.whole = True

    def first(self, count: int) -> list[Sized]:
        """Return the best so many; 0: all."""
        self.whole = False  # where a pool raises, what follows it is lost
        if count == 0:
            self._ready.extend(self._rest)
        elif len(self._ready) < count:
            self._ready.extend(islice(self._rest, count - len(self._ready)))
        self.whole = True
        return self._ready[: count or None]


def legs_of(one: Sized) -> tuple[Leg, ...]:
    """Return a cycle's swaps."""
    return tuple(Leg(side.pool_id, side.sell, side.buy) for side in one.cycle)


def _candidate(query: CycleQuery, one: Sized, exact: bool, suspect: tuple[str, ...] = ()) -> Candidate:
    amounts = one.sizing.amounts
    return Candidate(query.chain, one.start, legs_of(one), amounts, amounts[-1] - amounts[0], exact, suspect)
