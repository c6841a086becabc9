"""The ledger as Python sees it: runs, rows, figures, and whether all of it can be true."""

from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Literal, Self

from attrs import frozen

from tidemill.config.model import PluginTable
from tidemill.config.settings import make_settings
from tidemill.discovery.load import load_plugins
from tidemill.discovery.scan import find_plugins
from tidemill.domain.ids import AssetId, BookId, ChainId, PlanId, chain_of
from tidemill.domain.intent import IntentRecord, IntentStep
from tidemill.domain.records import EntryRow, IntentRow, ResultRow, Row
from tidemill.errors import UsageError
from tidemill.hookspecs.store import RunInfo, Store
from tidemill.ledger.digest import RowDigest
from tidemill.ledger.export import csv_lines, json_lines
from tidemill.ledger.statement import Statement, statement_of
from tidemill.ledger.verify import IN_FLIGHT, verify

Format = Literal["csv", "json"]
Held = dict[tuple[BookId, AssetId], int]


@frozen
class RunCheck:
    """What verifying one run found: ``ledger_hash`` is that of its rows as they are now, ``problems`` a sentence each.

    A run that is not ``closed`` was broken off, or is being written; that alone is no problem.
    """

    run: int
    rows: int
    closed: bool
    ledger_hash: str
    problems: tuple[str, ...]


@frozen
class Verification:
    """What verifying a ledger found: ``file`` is what the store says of its own file."""

    file: tuple[str, ...]
    runs: tuple[RunCheck, ...]

    @property
    def sound(self) -> bool:
        """Whether nothing is wrong."""
        return not self.problems

    @property
    def problems(self) -> tuple[str, ...]:
        """Everything that is wrong, each with its run."""
        return (*self.file, *(f"run {run.run}: {problem}" for run in self.runs for problem in run.problems))


class Ledger:
    """An open ledger, read only: it can be looked at while a run writes it. Close it, or use it in a ``with`` block.

    Wherever a run may be named, None is the latest.
    """

    def __init__(self, store: Store, folder: Path) -> None:
        self._store = store
        self._folder = folder
        store.open(folder, write=False)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Release the file; may be called twice."""
        self._store.close()

    def runs(self) -> tuple[RunInfo, ...]:
        """Return all runs, oldest first."""
        return tuple(self._store.runs())

    def run(self, run: int | None = None) -> RunInfo:
        """Return one run.

        Raises:
            UsageError: there is no such run, or none at all.
        """
        runs = self.runs()
        if not runs:
            raise UsageError(f"{self._folder}: this ledger holds no run yet; `tidemill run` writes one")
        for info in runs:
            if info.run == (runs[-1].run if run is None else run):
                return info
        raise UsageError(f"{self._folder}: there is no run {run}; there are {_numbers(runs)}")

    def rows(self, run: int | None = None) -> Iterator[Row]:
        """Yield a run's rows in order of ``seq``.

        Raises:
            UsageError: there is no such run. LedgerError: it cannot be read.
        """
        return self._store.rows(self.run(run).run)

    def statement(self, run: int | None = None) -> Statement:
        """Return the figures of a run: gains, costs, positions, counts."""
        return statement_of(self.rows(run))

    def balances(self) -> dict[tuple[BookId, str, AssetId], int]:
        """Return the balances of all books as they stand, per account and asset in base units, zeros left out."""
        return dict(self._store.balances())

    def moved(self) -> dict[tuple[BookId, str, AssetId], int]:
        """Return what moved through each account over all runs, openings left out: base units, zeros left out."""
        return dict(self._store.moved())

    def naming(self, text: str) -> Iterator[tuple[int, Row]]:
        """Yield the rows of all runs that mention an id which begins with a text, each with its run, in order."""
        return self._store.naming(text)

    def intents(self, *, ended: bool = False) -> tuple[IntentRecord, ...]:
        """Return our transactions that have not ended, in order of their numbers; with ``ended`` all there ever were."""
        return tuple(self._store.intents(ended=ended))

    def last_intent(self) -> int:
        """Return the highest number of a transaction of ours, ended or not; 0 where there has been none."""
        return self._store.last_intent()

    def open_groups(self) -> tuple[IntentRow, ...]:
        """Return the groups of plans that have not ended, oldest first, each as its last row says."""
        return tuple(self._store.open_groups())

    def results(self, plan: PlanId) -> tuple[ResultRow, ...]:
        """Return what became of a plan, over all runs, oldest first."""
        return tuple(self._store.results(plan))

    def steps(self, number: int) -> tuple[IntentStep, ...]:
        """Return the history of one transaction of ours, oldest first."""
        return tuple(self._store.intent_steps(number))

    def hash(self, run: int | None = None) -> str:
        """Return the hash of a run's rows as they are now: of a closed run it must be the one that was printed at its end."""
        digest = RowDigest()
        for row in self.rows(run):
            digest.add(row)
        return digest.hexdigest()

    def verify(self, run: int | None = None) -> Verification:
        """Check the file, and every run or the one that is named: see ``tidemill.ledger.verify``.

        Beyond a run's own rows: a closed run must still have the hash it was closed with, and each run must open a book on a chain with
        what the run before left there.

        Raises:
            UsageError: there is no such run. LedgerError: the file cannot be read.
        """
        wanted = None if run is None else self.run(run).run
        chain = _Chain()
        checks = [chain.check(info, self._store.rows(info.run)) for info in self.runs() if wanted is None or info.run <= wanted]
        return Verification(tuple(self._store.check()), tuple(check for check in checks if wanted in (None, check.run)))

    def export(self, run: int | None = None, form: Format = "json") -> Iterator[str]:
        """Yield a run's rows as lines without line ends: JSON objects, or CSV with a head line.

        Raises:
            UsageError: there is no such run or format.
        """
        rows = self.rows(run)
        match form:
            case "json":
                return json_lines(rows)
            case "csv":
                return csv_lines(rows)
        raise UsageError(f"there is no export format {form!r}: choose json or csv")


class _Chain:
    """What one run leaves to the next: plans in flight and money."""

    def __init__(self) -> None:
        self._open: tuple[PlanId, ...] = ()
        self._held: Held = {}

    def check(self, info: RunInfo, rows: Iterator[Row]) -> RunCheck:
        """Check a run against its rows and against what the runs before it left."""
        digest, statement = RowDigest(), Statement()
        opened: Held = {}

        def watched() -> Iterator[Row]:
            for row in rows:
                digest.add(row)
                statement.add(row)
                if isinstance(row, EntryRow) and row.kind == "opening":
                    opened.update({(row.book, line.asset): line.amount for line in row.postings if line.account == "wallet"})
                yield row

        problems = verify(watched(), known=self._open)
        problems += self._carried(opened)
        if info.ended and info.ledger_hash != digest.hexdigest():
            problems.append(f"its rows hash to {digest.hexdigest()}, it was closed with {info.ledger_hash}: rows were altered")
        started = {(book, chain_of(asset)) for book, asset in opened}
        left = {place: amount for place, amount in self._held.items() if (place[0], chain_of(place[1])) not in started}
        for place, amount in statement.positions.items():
            left[place] = left.get(place, 0) + amount
        self._held = left
        # A run that was killed early says nothing of what it took up: that stays open for the next one
        silent = tuple(plan for plan in self._open if plan not in statement.states)
        self._open = (*silent, *(plan for plan, state in statement.states.items() if state in IN_FLIGHT))
        return RunCheck(info.run, statement.rows, bool(info.ended), digest.hexdigest(), tuple(problems))

    def _carried(self, opened: Held) -> list[str]:
        """Compare an opening with what was left, per book and chain; one that was left with nothing may begin anew."""
        places: set[tuple[BookId, ChainId]] = {(book, chain_of(asset)) for book, asset in opened}
        left = {place: amount for place, amount in self._held.items() if amount and (place[0], chain_of(place[1])) in places}
        begun_before = {(book, chain_of(asset)) for book, asset in left}
        opened_again = {place: amount for place, amount in opened.items() if (place[0], chain_of(place[1])) in begun_before}
        return [
            f"it opens book {book} with {opened_again.get((book, asset), 0)} of {asset}, the run before left {left.get((book, asset), 0)}"
            for book, asset in sorted({*left, *opened_again})
            if left.get((book, asset), 0) != opened_again.get((book, asset), 0)
        ]


def open_ledger(folder: Path | str = "tidemill-data", *, store: Store | str = "sqlite") -> Ledger:
    """Open the ledger in a folder to read it.

    Args:
        folder: what ``run --data`` names.
        store: an instance, or the name of an installed store plugin.

    Raises:
        LedgerError: there is none, or it cannot be read.
        ConfigError: no store plugin of that name is installed.
        PluginError: the plugin cannot be used.
    """
    return Ledger(store if isinstance(store, Store) else _store(store), Path(folder))


def _store(name: str) -> Store:
    table = PluginTable("store", name)
    loaded = load_plugins((table,), find_plugins()).loaded("store")[0]
    made = loaded.make(make_settings(table, loaded.plugin_class, {}))
    assert isinstance(made, Store)  # noqa: S101 discovery checked the class
    return made


def _numbers(runs: tuple[RunInfo, ...]) -> str:
    return "run 1" if len(runs) == 1 else f"runs {runs[0].run} to {runs[-1].run}"
