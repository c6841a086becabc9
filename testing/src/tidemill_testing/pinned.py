"""A searcher that stays with one snapshot: kept snapshots can be asked for cycles long after the market went on."""

from collections.abc import Iterator

from attrs import evolve, frozen

from tidemill.domain.search import Candidate, CycleQuery
from tidemill.domain.snapshot import Changed, Snapshot
from tidemill.hookspecs.search import Searcher


@frozen(eq=False)
class Pinned:
    """A searcher over one snapshot, as it answered in the run: brought up to date when it is first asked."""

    searcher: Searcher
    view: Snapshot

    @property
    def max_hops(self) -> int | None:
        """The longest cycle that the searcher answers."""
        return self.searcher.max_hops

    def find(self, query: CycleQuery) -> Iterator[Candidate]:
        """Answer with a fresh searcher that took the market over before it was shown what changed."""
        fresh = type(self.searcher)(self.searcher.settings)
        fresh.update(evolve(self.view, changed=Changed()))
        fresh.update(self.view)
        return fresh.find(query)


def standing_alone(snapshot: Snapshot) -> Snapshot:
    """Return the snapshot with a searcher of its own, which later snapshots do not move."""
    finder = snapshot.finder
    return evolve(snapshot, finder=Pinned(finder, evolve(snapshot, finder=None))) if isinstance(finder, Searcher) else snapshot
