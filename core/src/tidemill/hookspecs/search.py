"""Searchers: one graph of the market, shared by all strategies."""

from abc import abstractmethod
from collections.abc import Iterator, Sequence
from typing import ClassVar

from tidemill.domain.search import Candidate, CycleQuery, Netted
from tidemill.domain.snapshot import Snapshot
from tidemill.hookspecs.markers import hookspec
from tidemill.hookspecs.plugin import Plugin


class Searcher(Plugin):
    """Finds cycles. Updated once before ideas are asked, then reached by ``snapshot.cycles(query)``.

    ``max_hops`` is the longest cycle that it answers, None for no limit of its own. What it holds is derived from the snapshot alone: after
    a rollback the changed pools stand in ``snapshot.changed`` like any other. ``work_per_ms`` is about how many of its work units it does
    in a millisecond on an ordinary machine: what turns a deadline into effort where nobody measured.
    """

    interface_version: ClassVar[int] = 1
    max_hops: ClassVar[int | None] = None
    work_per_ms: ClassVar[int] = 1_000

    @abstractmethod
    def update(self, snapshot: Snapshot) -> None:
        """Take over the pools that changed (``snapshot.changed``), and those that are new or gone."""

    @abstractmethod
    def find(self, query: CycleQuery) -> Iterator[Candidate]:
        """Yield candidates over the snapshot last given, best first by profit less ``cost_per_hop``, ties by their pools' ids.

        Every candidate's amounts were confirmed through the exact pools. No cycle is given twice; rotations of one cycle are one cycle
        per start asset. Effort is bounded by ``query.work``, counted in work units, never in time.
        """

    def warm(self) -> str:
        """Make ready what takes long at its first use (compiled kernels), and return a sentence about it; "" where there is nothing.

        It may take many seconds, and may be called from a thread of its own while ``update`` and ``find`` are used: it changes when
        answers come, never what they are.
        """
        return ""

    def net(self, query: CycleQuery) -> Netted | None:
        """Return one trade over the pools of the cycles that a query finds, from its first start asset; None where nothing gains.

        It is never worth less, ``cost_per_hop`` taken off for each leg, than the best of those cycles that is not suspect and uses no pool
        kept out because of one that is. By default a searcher makes none.
        """
        return None


@hookspec
def tidemill_register_searchers() -> Sequence[type[Searcher]]:  # type: ignore[empty-body]
    """Return the searcher classes this plugin provides; one is enabled at a time.

    What to return: classes derived from Searcher, each with a name of its own.
    When: once, while the pipeline is assembled, before any connection is opened.
    Must not: do I/O, read the environment, or return a name already taken.
    Raises: nothing; bad settings are found when the configuration is read.
    Example: plugins/search/cycles/src/tidemill_search_cycles/__init__.py
    """
