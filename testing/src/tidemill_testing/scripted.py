"""A searcher that answers what a test says and remembers what it was asked."""

from collections.abc import Iterator, Sequence

from tidemill import Candidate, CycleQuery, Leg, Searcher, Snapshot
from tidemill.domain.ids import AssetId
from tidemill_testing.market import NEXT, SIM, PairPool


class Scripted(Searcher):
    """Gives its candidates for any query, cut to ``top``; ``asked`` holds the queries in order.

    Example::

        from tidemill_strategy_triangular import Triangular
        from tidemill_testing.market import pair_pool, snapshot_of, token
        from tidemill_testing.scripted import Scripted, candidate_through
        WETH, USD = token("WETH"), token("USD")
        cheap = pair_pool("cheap", {WETH: 1_000 * 10**18, USD: 1_100 * 10**18})
        dear = pair_pool("dear", {WETH: 1_100 * 10**18, USD: 1_000 * 10**18})
        searcher = Scripted([candidate_through([cheap, dear], WETH, 10**18)])
        list(Triangular().find_opportunities(snapshot_of([cheap, dear], wrapped=WETH, searcher=searcher)))
        assert WETH == searcher.asked[0].starts[0]
    """

    name = "scripted"

    def __init__(self, candidates: Sequence[Candidate] = ()) -> None:
        super().__init__()
        self.candidates = tuple(candidates)
        self.asked: list[CycleQuery] = []

    def update(self, snapshot: Snapshot) -> None:
        """Take nothing over."""

    def find(self, query: CycleQuery) -> Iterator[Candidate]:
        """Remember the query and give the candidates."""
        self.asked.append(query)
        return iter(self.candidates[: query.top or None])


def candidate_through(pools: Sequence[PairPool], start: AssetId, amount: int) -> Candidate:
    """Return the cycle through these pools in order, quoted with that amount (base units of ``start``); it need not gain."""
    legs, amounts, held = [], [amount], start
    for pool in pools:
        other = pool.assets[1 - pool.assets.index(held)]
        legs.append(Leg(pool.id, held, other))
        amounts.append(pool.amount_out(held, other, amounts[-1], NEXT))
        held = other
    return Candidate(SIM, start, tuple(legs), tuple(amounts), amounts[-1] - amount)
