"""Stores: where the ledger's rows are kept."""

from abc import abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import ClassVar

from attrs import evolve, frozen

from tidemill.domain.exposure import ENDED_GROUPS
from tidemill.domain.ids import AssetId, BookId, PlanId
from tidemill.domain.intent import IntentRecord, IntentStep
from tidemill.domain.records import EntryRow, IntentRow, ResultRow, Row, mentions
from tidemill.hookspecs.markers import hookspec
from tidemill.hookspecs.plugin import Plugin

GROUP_MARK = '"type":"Group"'
"""What the text of a group of plans holds, and that of no other plan."""


@frozen
class RunInfo:
    """One run in a store.

    ``ledger_hash`` is "" while it has not been closed; ``started`` and ``ended`` are ISO 8601 wall clocks, for people, and never part of
    the hash. ``header`` is JSON: mode, seed, configuration without secrets, plugin versions.
    """

    run: int
    started: str
    ended: str
    header: str
    rows: int
    ledger_hash: str


class Store(Plugin):
    """Keeps rows, durably and in order. All methods are synchronous and are called from one writer thread."""

    interface_version: ClassVar[int] = 1

    @abstractmethod
    def open(self, folder: Path, *, write: bool = True) -> None:
        """Open the ledger in a folder; with ``write`` create what is missing and become its one writer.

        Raises:
            LedgerInUse: another process writes it. LedgerError: it cannot be opened or created, or is not a ledger.
        """

    @abstractmethod
    def begin(self, header: str, started: str) -> int:
        """Begin a run and return its number, one more than the last."""

    @abstractmethod
    def write(self, run: int, rows: Sequence[Row], *, durable: bool) -> None:
        """Write rows in one transaction: all or none. With ``durable`` they, and all that was written before, survive a loss of power.

        Raises:
            LedgerError: they could not be written (disk full, read-only); nothing of the group was.
        """

    @abstractmethod
    def finish(self, run: int, ledger_hash: str, ended: str) -> None:
        """Close a run with its hash.

        Raises:
            LedgerError: there is no such run, or it is closed.
        """

    @abstractmethod
    def rows(self, run: int) -> Iterator[Row]:
        """Yield a run's rows in order of ``seq``, equal to what was written."""

    @abstractmethod
    def runs(self) -> Sequence[RunInfo]:
        """Return all runs, oldest first."""

    @abstractmethod
    def balances(self) -> Mapping[tuple[BookId, str, AssetId], int]:
        """Return how accounts stand: per book and chain the sum of the postings since the latest opening, per account and asset.

        Every run states in its opening what it begins with, so that runs are self-contained. Zeros are left out.
        """

    def moved(self) -> Mapping[tuple[BookId, str, AssetId], int]:
        """Return what moved through each account since the ledger began, per account and asset: openings restate and do not count.

        Zeros are left out. A store that can sum by itself need not give every row for it.
        """
        sums: dict[tuple[BookId, str, AssetId], int] = {}
        entries = (row for info in self.runs() for row in self.rows(info.run) if isinstance(row, EntryRow) and row.kind != "opening")
        for entry in entries:
            for line in entry.postings:
                place = (entry.book, line.account, line.asset)
                sums[place] = sums.get(place, 0) + line.amount
        return {place: amount for place, amount in sorted(sums.items()) if amount}

    def naming(self, text: str) -> Iterator[tuple[int, Row]]:
        """Yield the rows of all runs that mention an id which begins with a text (see ``mentions``), each with its run, in order.

        A store that can search need not give every row for it.
        """
        return ((info.run, row) for info in self.runs() for row in self.rows(info.run) if mentions(row, text))

    @abstractmethod
    def results(self, plan: PlanId) -> Sequence[ResultRow]:
        """Return what became of a plan: its results of all runs, the oldest run first, of one run in order of ``seq``.

        It is asked for every plan that is still open when a run starts: an index by plan keeps that start quick.
        """

    def open_groups(self) -> Sequence[IntentRow]:
        """Return the groups of plans of all runs that have not ended, oldest first: the first row of each, in the state of its last one.

        By default all rows are looked at; a store that can ask for rows by their plan need not.
        """
        found: dict[PlanId, IntentRow] = {}
        for run in self.runs():
            for row in self.rows(run.run):
                if isinstance(row, IntentRow) and (row.plan in found or GROUP_MARK in row.flow):
                    found[row.plan] = evolve(found.get(row.plan, row), state=row.state)
        return tuple(row for row in found.values() if row.state not in ENDED_GROUPS)

    @abstractmethod
    def keep_intents(self, changes: Sequence[IntentRecord], at: str, *, durable: bool, run: int = 0, rows: Sequence[Row] = ()) -> None:
        """Keep transactions of ours as they are now, in one transaction: new numbers are added, known ones take their new state.

        ``rows`` of ``run`` are written in the same transaction: what became of an intent and its entries are there together, or not at all.
        Each change is also a step of the intent's history, at the wall clock ``at`` (ISO 8601). With ``durable`` all of it, and all that
        was written before, survives a loss of power once this returns. Equal changes a second time add a step and change nothing else.

        Raises:
            LedgerError: they could not be written, or a change does not follow from the state that is kept (``NEXT``), names other bytes
                than were signed, or would be a second open transaction in one slot of an account without replacing the first; nothing of
                the group was written.
        """

    @abstractmethod
    def intents(self, *, ended: bool = False) -> Sequence[IntentRecord]:
        """Return the transactions of all runs that have not ended, in order of their numbers; with ``ended`` all of them."""

    @abstractmethod
    def last_intent(self) -> int:
        """Return the highest number of a transaction of any run, ended or not; 0 where there has been none."""

    @abstractmethod
    def intent_steps(self, number: int) -> Sequence[IntentStep]:
        """Return the history of one transaction, oldest first; empty where there is none of this number."""

    @abstractmethod
    def check(self) -> Sequence[str]:
        """Return what is wrong with the stored file itself, a sentence each; empty when it is sound."""

    @abstractmethod
    def close(self) -> None:
        """Flush and release the ledger; may be called twice."""


@hookspec
def tidemill_register_stores() -> Sequence[type[Store]]:  # type: ignore[empty-body]
    """Return the store classes this plugin provides; one is enabled at a time.

    What to return: classes derived from Store, each with a name of its own.
    When: once, while the pipeline is assembled, before any file is opened.
    Must not: do I/O, read the environment, or return a name already taken.
    Raises: nothing; bad settings are found when the configuration is read.
    Example: plugins/stores/sqlite/src/tidemill_store_sqlite/__init__.py
    """
