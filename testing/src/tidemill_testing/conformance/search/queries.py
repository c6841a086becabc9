"""Rules for searchers on what a query may ask beside hops and limits: any start, nothing at all, a width, and what of it is suspect."""

from collections.abc import Sequence

from attrs import evolve

from tidemill.domain.ids import AssetId
from tidemill.domain.search import Candidate
from tidemill.domain.snapshot import Snapshot
from tidemill_testing.conformance.rule import rule
from tidemill_testing.conformance.search.brute_force import route_of
from tidemill_testing.conformance.search.case import START, found_on, query, tainted_snapshots, wide_market
from tidemill_testing.conformance.search.pure import SearchPurity, told
from tidemill_testing.market import PairPool, snapshot_of, token


class SearchQueries(SearchPurity):
    """The part of ``SearchConformance`` on what a query may ask; authors inherit that class."""

    @rule("SCH-26", "without start assets every cycle is given once")
    def test_without_start_assets_every_cycle_is_given_once(self) -> None:
        """Who names no start wants the whole chain: a cycle from its asset that trades for most others, and only from there.

        If this fails: ask from every asset, keep the cycles in which no asset trades for more others (of equals the one whose id comes
        first), and rank by what ``snapshot.value`` says that the profit is worth in the chain's native coin.
        """
        for market in self._markets(1):
            pools = [pool for pool in market if min(pool.reserves) > 1]
            snapshot, asked = snapshot_of(pools, wrapped=START), query(self._hops(), ())
            hub = _hubs(pools)
            searcher = self.make()
            searcher.update(snapshot)
            found = list(searcher.find(asked))
            singly = [one for start in sorted(hub) for one in searcher.find(query(self._hops(), (start,)))]
            expected = [one for one in singly if one.asset == min((leg.sell for leg in one.legs), key=lambda asset: (-hub[asset], asset))]
            if sorted(map(route_of, found)) != sorted(map(route_of, expected)):
                self.broken(f"from any asset {told(found, expected)}; from each, where it begins: {told(expected, found)}")
            worth = [_worth(one, snapshot) for one in found]
            if worth != sorted(worth, reverse=True):
                self.broken(f"in the native coin they are worth {worth}, expected the best first")

    @rule("SCH-27", "a query that nothing answers is answered by nothing")
    def test_query_that_nothing_answers(self) -> None:
        """A setting that contradicts another, an asset that nobody trades: no cycle and no trade, and nothing raised.

        If this fails: let ``min_hops`` above ``max_hops`` (its own, too) be an empty range; ask only for start assets that are there.
        """
        low, high = self._hops()
        most = self.plugin.max_hops or high
        nothing = (query((high + 1, high)), query((most + 1, most + 1)), query((low, high), (token("nobody trades it"),)))
        for pools in self._markets(1):
            searcher = self.make()
            for asked in nothing[self.plugin.max_hops is None :]:
                found, trade = found_on(searcher, pools, asked), searcher.net(asked)
                if found or trade is not None:
                    self.broken(f"{asked.min_hops} to {asked.max_hops} hops from {asked.starts}: {told(found, ())}, and {trade}")

    @rule("SCH-28", "a narrow search does not call its answer exact")
    def test_narrow_search_does_not_call_its_answer_exact(self) -> None:
        """``width`` bounds what is kept on the way: what it left out may be better, and nobody may take the rest for all of it.

        If this fails: set ``exact`` to False where a route was dropped for the width; a searcher that looks at all routes may ignore it.
        """
        searcher, asked = self.make(), query(self._hops())
        whole = {route_of(one) for one in found_on(searcher, wide_market(), asked)}
        for width in (1, 3):
            part = list(searcher.find(evolve(asked, width=width)))
            if {route_of(one) for one in part} != whole and any(one.exact for one in part):
                self.broken(f"with width {width} it found {len(part)} cycles, without {len(whole)}, and calls them exact")

    @rule("SCH-29", "cycles through tokens that are not sound are suspect", needs="screens")
    def test_cycles_through_unsound_tokens_are_suspect(self) -> None:
        """Pools quote as if every amount arrived: what a token takes on the way is not in the profit, and somebody has to say so.

        If this fails: look at ``snapshot.assets[token].transfers`` of every token that a cycle passes, and give a sentence for each that is
        taxed, rebasing or broken.
        """
        for unsound, snapshot in tainted_snapshots(self._markets(1)):
            searcher = self.make()
            searcher.update(snapshot)
            for one in searcher.find(query(self._hops())):
                if any(unsound == leg.sell for leg in one.legs) and not any(one.suspect):
                    transfers = snapshot.assets[unsound].transfers
                    self.broken(f"{' > '.join(leg.pool for leg in one.legs)} passes {unsound}, which is {transfers}: suspect {one.suspect}")


def _hubs(pools: Sequence[PairPool]) -> dict[AssetId, int]:
    """Return for how many others each asset trades."""
    beside: dict[AssetId, set[AssetId]] = {}
    for pool in pools:
        for asset in pool.assets:
            beside.setdefault(asset, set()).update(other for other in pool.assets if other != asset)
    return {asset: len(others) for asset, others in beside.items()}


def _worth(candidate: Candidate, snapshot: Snapshot) -> int:
    worth = snapshot.value(candidate.asset, candidate.profit, snapshot.chains[candidate.chain].native)
    return worth if isinstance(worth, int) else 0
