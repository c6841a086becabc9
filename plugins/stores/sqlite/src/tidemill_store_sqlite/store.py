"""The store: one file, one writer, whole groups."""

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from tidemill import NoSettings, Store
from tidemill.domain.ids import AssetId, BookId, PlanId
from tidemill.domain.intent import IntentRecord, IntentStep
from tidemill.domain.records import IntentRow, ResultRow, Row
from tidemill.errors import LedgerError
from tidemill.hookspecs.store import RunInfo
from tidemill_store_sqlite.lock import WriterLock

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from tidemill_store_sqlite.reading import Reader

FILE = "ledger.db"


class SqliteStore(Store):
    """Keeps the ledger in ``<folder>/ledger.db`` (SQLite, WAL).

    A group of rows, or of changes of intents, is one transaction: after a crash of the process it is there as a whole or not at all.
    Durable groups, the begin and the end of a run are committed with ``synchronous=FULL``: they, and everything before them, survive a
    loss of power. Other groups are committed with ``synchronous=NORMAL``: a loss of power may take the last of them, always the newest
    first and always whole; a crash of the process alone takes none.

    A ledger of an older version is upgraded when it is opened to be written, after a copy of it was made beside it (``ledger.db.v1.bak``);
    opened to be read it is left as it is.
    """

    name: ClassVar[str] = "sqlite"
    settings: NoSettings

    def __init__(self, settings: object | None = None) -> None:
        super().__init__(settings)
        self._path = Path()
        self._lock: WriterLock | None = None
        self._writer: Connection | None = None
        self._reader: Reader | None = None
        self._synchronous = ""

    def open(self, folder: Path, *, write: bool = True) -> None:
        if self._reader is not None:
            raise LedgerError(f"{self._path}: this store is open already; close it before it is opened again")
        from tidemill_store_sqlite.reading import Reader

        self._path = folder / FILE
        if write:
            try:
                self._open_writer(folder)
            except LedgerError:
                self.close()
                raise
        else:
            self._open_reader()
        self._reader = Reader(self._path)

    def _open_writer(self, folder: Path) -> None:
        from tidemill_store_sqlite.connection import translated, writing_engine
        from tidemill_store_sqlite.layout import lay_out

        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise LedgerError(f"{folder}: cannot be created: {error.strerror}; give a folder that can be written with --data") from error
        lock = WriterLock(folder)
        lock.acquire()
        self._lock = lock
        with translated(self._path, "opening the ledger"):
            self._writer = writing_engine(self._path).connect()
            lay_out(self._writer, self._path)
        _sync_folder(folder)

    def _open_reader(self) -> None:
        from tidemill_store_sqlite.connection import finish_rollback, reading_engine, translated
        from tidemill_store_sqlite.layout import check_layout

        if not self._path.is_file():
            raise LedgerError(f"{self._path}: there is no ledger here; `tidemill run` writes one, --data names its folder")
        with translated(self._path, "opening the ledger"):
            finish_rollback(self._path)
        with translated(self._path, "opening the ledger"), reading_engine(self._path).connect() as connection:
            check_layout(connection, self._path)

    def begin(self, header: str, started: str) -> int:
        from tidemill_store_sqlite.writing import begin_run

        with self._transaction("beginning a run", durable=True) as connection:
            return begin_run(connection, header, started)

    def write(self, run: int, rows: Sequence[Row], *, durable: bool) -> None:
        from tidemill_store_sqlite.writing import insert_rows

        with self._transaction(f"writing {len(rows)} rows of run {run}", durable=durable) as connection:
            insert_rows(connection, run, rows)

    def finish(self, run: int, ledger_hash: str, ended: str) -> None:
        from tidemill_store_sqlite.writing import finish_run

        with self._transaction(f"closing run {run}", durable=True) as connection:
            if not finish_run(connection, run, ledger_hash, ended):
                raise LedgerError(f"{self._path}: run {run} cannot be closed: it is not there, or was closed before")

    def rows(self, run: int) -> Iterator[Row]:
        return self._open_for_reading().rows(run)

    def runs(self) -> Sequence[RunInfo]:
        return self._open_for_reading().runs()

    def balances(self) -> Mapping[tuple[BookId, str, AssetId], int]:
        return self._open_for_reading().balances()

    def results(self, plan: PlanId) -> Sequence[ResultRow]:
        return self._open_for_reading().results(plan)

    def moved(self) -> Mapping[tuple[BookId, str, AssetId], int]:
        return self._open_for_reading().moved()

    def naming(self, text: str) -> Iterator[tuple[int, Row]]:
        return self._open_for_reading().naming(text)

    def open_groups(self) -> Sequence[IntentRow]:
        return self._open_for_reading().open_groups()

    def keep_intents(self, changes: Sequence[IntentRecord], at: str, *, durable: bool, run: int = 0, rows: Sequence[Row] = ()) -> None:
        from tidemill_store_sqlite.intent_tables import keep_changes
        from tidemill_store_sqlite.writing import insert_rows

        with self._transaction(f"keeping {len(changes)} changes of intents", durable=durable) as connection:
            if rows:
                insert_rows(connection, run, rows)
            keep_changes(connection, changes, at)

    def intents(self, *, ended: bool = False) -> Sequence[IntentRecord]:
        return self._open_for_reading().intents(ended=ended)

    def last_intent(self) -> int:
        return self._open_for_reading().last_intent()

    def intent_steps(self, number: int) -> Sequence[IntentStep]:
        return self._open_for_reading().intent_steps(number)

    def check(self) -> Sequence[str]:
        return self._open_for_reading().check()

    def close(self) -> None:
        writer, lock = self._writer, self._lock
        self._reader = self._writer = self._lock = None
        self._synchronous = ""
        if writer is not None:
            from tidemill_store_sqlite.connection import translated

            try:
                with translated(self._path, "closing the ledger"):
                    writer.close()
            finally:
                if lock is not None:
                    lock.release()
        elif lock is not None:
            lock.release()

    def _open_for_reading(self) -> "Reader":
        if self._reader is None:
            raise LedgerError("the store is not open: call open() first")
        return self._reader

    @contextmanager
    def _transaction(self, doing: str, *, durable: bool) -> "Iterator[Connection]":
        """Run a block as one transaction, committed with the durability asked for; an error leaves nothing of it."""
        from tidemill_store_sqlite.connection import translated

        if self._writer is None:
            raise LedgerError(f"{doing}: the store is not open for writing")
        with translated(self._path, doing):
            wanted = "FULL" if durable else "NORMAL"
            if wanted != self._synchronous:
                # Outside any transaction, where alone it has an effect: SQLAlchemy would begin one
                self._writer.connection.cursor().execute(f"PRAGMA synchronous={wanted}")
                self._synchronous = wanted
            with self._writer.begin():
                yield self._writer


def _sync_folder(folder: Path) -> None:
    """Make the new file's name survive a loss of power, as its content does."""
    file = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(file)
    finally:
        os.close(file)
