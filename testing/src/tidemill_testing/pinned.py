"""A searcher that stays with one snapshot: kept snapshots can be asked for cycles long after the market went on."""

from collections.abc import Iterator

from attrs import evolve, frozen

from tidemill.domain.search import Candidate, CycleQuery, Netted
from tidemill.domain.snapshot import Changed, Snapshot
from tidemill.hookspecs.search import Searcher


@frozen(eq=False)
class Pinned:
    """A searcher over one snapshot, as it answered in the run: brought up to date when it is first asked."""

    searcher: Searcher
    view: Snapshot

    @property
    def name(self) -> str:
        """The searcher's name."""
        return self.searcher.name

    @property
    def max_hops(self) -> int | None:
        """The longest cycle that the searcher answers."""
        return self.searcher.max_hops

    @property
    def work_per_ms(self) -> int:
        """About how many work units the searcher does in a millisecond."""
        return self.searcher.work_per_ms

    def warm(self) -> str:
        """Make the searcher ready."""
        return self.searcher.warm()

    def find(self, query: CycleQuery) -> Iterator[Candidate]:
        """Answer with a fresh searcher that took the market over before it was shown what changed."""
        return self._fresh().find(query)

    def net(self, query: CycleQuery) -> Netted | None:
        """Answer as ``find`` does."""
        return self._fresh().net(query)

    def _fresh(self) -> Searcher:
        fresh = type(self.searcher)(self.searcher.settings)
        fresh.update(evolve(self.view, changed=Changed()))
        fresh.update(self.view)
        return fresh


def standing_alone(snapshot: Snapshot) -> Snapshot:
    """Return the snapshot with a searcher of its own, which later snapshots do not move."""
    finder = snapshot.finder
    return evolve(snapshot, finder=Pinned(finder, evolve(snapshot, finder=None))) if isinstance(finder, Searcher) else snapshot
