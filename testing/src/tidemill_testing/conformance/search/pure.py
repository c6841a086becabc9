"""Rules for searchers on what an answer may depend on: the snapshot and the query alone, whatever came before."""

from collections.abc import Iterator, Sequence
from typing import ClassVar

from attrs import evolve

from tidemill.domain.ids import PoolId
from tidemill.domain.search import Candidate, CycleQuery, Netted
from tidemill.hookspecs.search import Searcher
from tidemill_testing.conformance import asking
from tidemill_testing.conformance.rule import rule
from tidemill_testing.conformance.sandbox import OutsideWorld, folder_of, sandbox
from tidemill_testing.conformance.search.brute_force import route_of
from tidemill_testing.conformance.search.case import MOST_HOPS, SECOND, SOUND_DEPTH, START, found_on, markets, query, steps, wide_market
from tidemill_testing.conformance.suite import Conformance
from tidemill_testing.market import PairPool


class SearchPurity(Conformance):
    """The part of ``SearchConformance`` on what an answer may depend on; authors inherit that class."""

    kind = "search"
    prefix = "SCH"

    plugin: ClassVar[type[Searcher]]

    @rule("SCH-10", "it only computes while it is asked")
    def test_only_computes(self) -> None:
        """What is found must be what a replay finds: no file, socket, clock or chance, and no effort measured in time.

        If this fails: count work in units, one for each neighbour looked at; compile and load while the module is imported.
        """
        searcher = self.make()
        try:
            with sandbox(folder_of(self.plugin)):
                for pools in self._markets(opaque_share=30):
                    found_on(searcher, pools, query(self._hops()))
                    searcher.net(query(self._hops()))
        except OutsideWorld as error:
            self.broken(str(error))

    @rule("SCH-11", "another instance finds the same")
    def test_another_instance_finds_the_same(self) -> None:
        """A replay makes a new searcher and must find the same cycles in the same order.

        If this fails: look for ``id()`` and default ``repr`` in what is compared, and for what one instance leaves for the next.
        """
        for asked in self._varied():
            for pools in self._markets(opaque_share=30):
                (one, trade), (other, second) = (found_and_netted(self.make(), pools, asked) for _ in range(2))
                if one != other:
                    self.broken(f"{told(one, other)}; another instance: {told(other, one)}")
                if trade != second:
                    self.broken(f"the trade is {trade}; of another instance {second}")

    @rule("SCH-12", "every PYTHONHASHSEED finds the same")
    def test_every_hash_seed_finds_the_same(self) -> None:
        """The order of sets and of immutable maps changes from process to process; what is found, and where effort ends, must not.

        If this fails: keep rows sorted by asset id and edges by pool id; sort changed pools before they are walked.
        """
        argument = (self.plugin, self.made_settings(), tuple(self._varied()))
        self.same_under_every_seed(candidate_digests, argument, lambda place: f"query {place}")

    @rule("SCH-21", "an update comes to what a new searcher finds")
    def test_update_comes_to_what_a_new_searcher_finds(self) -> None:
        """What it holds is derived from the snapshot alone: after pools moved, came, went, or a rollback, nothing old may remain.

        If this fails: drop the edges of pools that are gone, replace those of changed ones, and compare the snapshot's pools where
        their number differs.
        """
        searcher, asked = self.make(), query(self._hops(), (START, SECOND))
        for step in steps(self._hops()[1]):
            found = found_on(searcher, step.pools, asked, step.changed)
            fresh = found_on(self.make(), step.pools, asked)
            if [(one.legs, one.amounts) for one in found] != [(one.legs, one.amounts) for one in fresh]:
                self.broken(f"{step.what}: {told(found, fresh)}; a new searcher finds {told(fresh, found)}")

    @rule("SCH-22", "changed only means through a changed pool")
    def test_changed_only_means_through_a_changed_pool(self) -> None:
        """Asked each block for what is new, it must not tell again what was there before, and not miss what the change opened.

        If this fails: remember the pools of the last update, and walk the cycles through them, in both directions.
        """
        searcher, asked = self.make(), query(self._hops(), (START,))
        for step in steps(self._hops()[1]):
            found = found_on(searcher, step.pools, asked, step.changed)
            changed = list(searcher.find(evolve(asked, changed_only=True)))
            expected = [one for one in found if not set(step.changed).isdisjoint(leg.pool for leg in one.legs)]
            if [route_of(one) for one in changed] != [route_of(one) for one in expected]:
                self.broken(f"{step.what}: {told(changed, expected)}; of all, through changed pools: {told(expected, changed)}")

    def _hops(self, most: int = MOST_HOPS) -> tuple[int, int]:
        return 2, min(self.plugin.max_hops or most, most)

    def _markets(self, count: int = 2, *, opaque_share: int = 0, least_depth: int = SOUND_DEPTH) -> Iterator[list[PairPool]]:
        return markets(self._hops()[1], count, opaque_share=opaque_share, least_depth=least_depth)

    def _varied(self) -> Iterator[CycleQuery]:
        asked = query(self._hops(), (START, SECOND))
        yield asked
        yield evolve(asked, changed_only=True, top=5)
        for work in (40, 400):
            yield evolve(asked, work=work)


def candidate_digests(argument: tuple[type[Searcher], object, Sequence[CycleQuery]]) -> list[str]:
    """Return the digest of what a new searcher finds, for each query and again after a change: bounded ones over a wide market."""
    plugin, settings, asked = argument
    narrow, wide = next(markets(asked[0].max_hops, 1, opaque_share=30)), wide_market()
    answers: list[tuple[list[Candidate], Netted | None]] = []
    for one in asked:
        pools = wide if one.work else narrow
        searcher = plugin(settings)
        answers.append(found_and_netted(searcher, pools, one))
        answers.append(found_and_netted(searcher, pools, one, [pool.id for pool in pools[:6]]))
    return asking.digests(answers)


def found_and_netted(
    searcher: Searcher, pools: Sequence[PairPool], asked: CycleQuery, changed: Sequence[PoolId] | None = None
) -> tuple[list[Candidate], Netted | None]:
    """Show a market to a searcher and return what it finds, and what it nets of it."""
    return found_on(searcher, pools, asked, changed), searcher.net(asked)


def told(found: Sequence[Candidate], others: Sequence[Candidate]) -> str:
    """Write an answer for people: how many, and the first that the other answer does not have."""
    first = next((one for one in found if one not in others), None)
    more = f", first {' > '.join(leg.pool for leg in first.legs)} with {first.profit} from {first.amounts[0]}" if first is not None else ""
    return f"{len(found)} cycles{more}"
