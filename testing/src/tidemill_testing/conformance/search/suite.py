"""Rules for searchers: every candidate exact, in order, once; within its bounds; the same whatever came before."""

from contextlib import suppress
from itertools import pairwise

from attrs import evolve

from tidemill_testing.conformance.asking import RAISED
from tidemill_testing.conformance.hostile_market import hostile_snapshots, hostile_starts
from tidemill_testing.conformance.rule import rule
from tidemill_testing.conformance.search.brute_force import brute_force, route_of
from tidemill_testing.conformance.search.case import (
    SECOND,
    START,
    counting,
    found_on,
    query,
    wide_market,
    wrong_amounts,
)
from tidemill_testing.conformance.search.netted import SearchNetting
from tidemill_testing.conformance.search.pure import told
from tidemill_testing.market import snapshot_of, token

LITTLE_WORK, WORK_SHARE = 1, 4
FLOORS, FLOORS_SHARE = 16, 10**9
"""What an optimum may miss: so many units, and so small a part of the profit: next to the real optimum the floors decide."""


class SearchConformance(SearchNetting):
    """What every searcher must hold to; ``class TestDepthFirst(SearchConformance): plugin = DepthFirst`` is the whole test.

    An author must give:
        plugin: the searcher's class.

    An author may give:
        settings, assets, capabilities, exempt: as for every kind.

    Capabilities:
        ``complete``: within its ``max_hops`` it finds every cycle through distinct pools and assets that gains; brute force is asked.
        ``optimal``: the amount of each is the best, but for what the floors of integer division hide.
        ``screens``: cycles through tokens that were seen to be taxed, rebasing or broken are suspect.
        ``netted``: ``net`` gives a trade wherever a cycle that it trusts gains.
    """

    @rule("SCH-13", "every candidate is exact through its pools")
    def test_every_candidate_is_exact(self) -> None:
        """Amounts are confirmed by the pools, hop by hop, in integers: strategies and planning take them as they are.

        If this fails: feed each output of ``pool.amount_out`` into the next hop, and let the profit be last minus first.
        """
        sound = [snapshot_of(pools) for pools in self._markets(opaque_share=40, least_depth=3)]
        asked = query(self._hops(), (START, SECOND, *hostile_starts()))
        for snapshot in (*sound, *(hostile for _, hostile in hostile_snapshots())):
            searcher, found = self.make(), []
            with suppress(*RAISED):  # SCH-23 tells of it
                searcher.update(snapshot)
                found = list(searcher.find(asked))
            for candidate in found:
                self._none(wrong_amounts(candidate, snapshot, asked))

    @rule("SCH-14", "the best come first")
    def test_the_best_come_first(self) -> None:
        """Who takes the first ten must have the best ten: profit less what the swaps cost, ties by the pools' ids.

        If this fails: sort by ``(-(profit - hops * cost_per_hop), pool ids)`` and then cut to ``top``.
        """
        for cost in (0, 10**14):
            asked = evolve(query(self._hops()), cost_per_hop=((START, cost),))
            for pools in self._markets():
                found = found_on(self.make(), pools, asked)
                ranks = [(cost * len(one.legs) - one.profit, tuple(leg.pool for leg in one.legs)) for one in found]
                for place, (rank, following) in enumerate(pairwise(ranks)):
                    if rank > following:
                        self.broken(f"candidate {place} leaves {-rank[0]}, the next {-following[0]} through {' > '.join(following[1])}")

    @rule("SCH-15", "no cycle is given twice")
    def test_no_cycle_is_given_twice(self) -> None:
        """A cycle entered at another of its assets is the same cycle: per start asset it counts once.

        If this fails: keep a cycle only where it begins at the start asset asked for, and ask for each start asset once.
        """
        asked = query(self._hops(), (START, SECOND, START))
        for pools in self._markets():
            seen = set()
            for candidate in found_on(self.make(), pools, asked):
                key = candidate.asset, route_of(candidate)
                if key in seen:
                    self.broken(f"{' > '.join(leg.pool for leg in candidate.legs)} from {candidate.asset}")
                seen.add(key)

    @rule("SCH-16", "hops stay within what was asked and what it declares")
    def test_hops_stay_within_bounds(self) -> None:
        """Fewer or more swaps than were asked cost differently; more than ``max_hops`` are promised to nobody.

        If this fails: bound the depth by ``min(query.max_hops, max_hops)`` and leave out what is below ``min_hops``.
        """
        for low, high in ((2, 2), (3, 3), (2, 3), (4, 4), (2, 8)):
            for pools in self._markets():
                for candidate in found_on(self.make(), pools, query((low, high))):
                    hops, most = len(candidate.legs), min(high, self.plugin.max_hops or high)
                    if not low <= hops <= most:
                        self.broken(f"{low} to {high} hops were asked, {hops} are given (max_hops {self.plugin.max_hops})")

    @rule("SCH-17", "capital is honoured")
    def test_capital_is_honoured(self) -> None:
        """What may go in at most is what somebody has: more cannot be carried out.

        If this fails: cap the amount before it is sized, not after.
        """
        for pools in self._markets():
            for cap in (0, 1, 10**15):
                for candidate in found_on(self.make(), pools, evolve(query(self._hops()), capital=((START, cap),))):
                    if candidate.amounts[0] > cap:
                        self.broken(f"{candidate.amounts[0]} goes in, at most {cap} was asked")

    @rule("SCH-18", "least profit and costs are honoured")
    def test_least_profit_and_costs_are_honoured(self) -> None:
        """A cycle that leaves less than was asked, or no more than its swaps and its loan cost, is noise to whoever asked.

        If this fails: compare the profit with ``min_profit``, with ``cost_per_hop`` times the hops and with the loan's fee, rounded up.
        """
        asked = query(self._hops())
        for pools in self._markets():
            for limit in (1, 10**15):
                for candidate in found_on(self.make(), pools, evolve(asked, min_profit=limit)):
                    if candidate.profit < limit:
                        self.broken(f"a profit of {candidate.profit}, at least {limit} was asked")
            for candidate in found_on(self.make(), pools, evolve(asked, cost_per_hop=((START, 10**15),))):
                if candidate.profit <= 10**15 * len(candidate.legs):
                    self.broken(f"a profit of {candidate.profit} over {len(candidate.legs)} hops that cost {10**15} each")
            for candidate in found_on(self.make(), pools, evolve(asked, loan_fee_ppm=900)):
                fee = -(-candidate.amounts[0] * 900 // 1_000_000)
                if candidate.profit <= fee:
                    self.broken(f"a profit of {candidate.profit}, the loan's fee is {fee}")

    @rule("SCH-19", "the top so many are the first of all")
    def test_top_are_the_first_of_all(self) -> None:
        """A short list must be the beginning of the long one, or a better cycle was lost.

        If this fails: rank everything before cutting, or prove that what is left out cannot be among the best.
        """
        asked = query(self._hops())
        for pools in self._markets():
            searcher = self.make()
            found = found_on(searcher, pools, asked)
            for top in (1, 3, len(found) + 1):
                best = list(searcher.find(evolve(asked, top=top)))
                if best != found[:top]:
                    self.broken(f"the best {top}: {told(best, found)}; of all {len(found)}: {told(found[:top], best)}")

    @rule("SCH-20", "work is bounded, and what was cut short says so")
    def test_work_is_bounded(self) -> None:
        """Effort is bounded by counting: a block must not wait for a search, and nobody may take part of an answer for all of it.

        If this fails: take a unit for each neighbour looked at, stop when none is left, and set ``exact`` to False from then on.
        """
        pools, counts = counting(wide_market())
        searcher, asked = self.make(), query(self._hops())
        whole = found_on(searcher, pools, asked)
        counts[0] = 0
        list(searcher.find(asked))
        calls, counts[0] = counts[0], 0
        part = list(searcher.find(evolve(asked, work=LITTLE_WORK)))
        if counts[0] * WORK_SHARE > calls:
            self.broken(f"with work {LITTLE_WORK} it asked pools {counts[0]} times, without a bound {calls} times")
        for work in (LITTLE_WORK, 50, 1_000):
            part = list(searcher.find(evolve(asked, work=work)))
            if part != whole and any(candidate.exact for candidate in part):
                self.broken(f"with work {work} it found {len(part)} of {len(whole)} and calls them exact")

    @rule("SCH-23", "a hostile market does not stop it")
    def test_hostile_market_does_not_stop_it(self) -> None:
        """Anybody can make a pool of anything: no pools, no quotes, reserves of 0 or of 2^256-1 must not raise, and stay exact.

        If this fails: expect outputs of 0, floats that overflow, ``fee_ppm`` None, and changed pools that are not there.
        """
        for name, snapshot in hostile_snapshots():
            searcher = self.make()
            asked = query(self._hops(3), (*hostile_starts(), token("nobody trades it")))
            try:
                list(searcher.find(asked))
                searcher.net(asked)
                searcher.update(snapshot)
                for only in (False, True):
                    list(searcher.find(evolve(asked, changed_only=only)))
                searcher.net(asked)
            except RAISED as error:
                self.broken(f"{name}: it raised {type(error).__name__}: {error}")

    @rule("SCH-24", "no cycle that gains is left out", needs="complete")
    def test_no_cycle_that_gains_is_left_out(self) -> None:
        """Within its ``max_hops`` it knows everything that a brute force over all routes finds.

        If this fails: compare the routes that are told here with what prunes them; bounds in floats need room for their rounding.
        """
        for number, pools in enumerate(self._markets(4)):
            expected = brute_force(pools, START, self._range())
            found = {route_of(one): one.profit for one in found_on(self.make(), pools, query(self._hops()))}
            missing = sorted(set(expected) - set(found))
            if missing:
                route, profit = missing[0], expected[missing[0]]
                self.broken(f"market {number}: {len(missing)} of {len(expected)} are missing, first {' > '.join(route[0])} with {profit}")

    @rule("SCH-25", "the amount of each is the best but for the floors", needs="optimal")
    def test_the_amount_of_each_is_the_best(self) -> None:
        """The optimum of a route of constant products is known in closed form; more than what floors take may not be left on the table.

        If this fails: after the real optimum try the integers next to it, or narrow a search until neighbours are compared.
        """
        for number, pools in enumerate(self._markets(4)):
            expected = brute_force(pools, START, self._range())
            for candidate in found_on(self.make(), pools, query(self._hops())):
                best = expected.get(route_of(candidate), candidate.profit)
                if candidate.profit < best - FLOORS - best // FLOORS_SHARE:
                    route = " > ".join(leg.pool for leg in candidate.legs)
                    self.broken(f"market {number}: {route} gains {candidate.profit}, {best} is possible")

    def _none(self, wrong: str | None) -> None:
        if wrong is not None:
            self.broken(wrong)

    def _range(self) -> range:
        low, high = self._hops()
        return range(low, high + 1)
