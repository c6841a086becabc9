"""What a transaction writes."""

from collections.abc import Sequence

from sqlalchemy import Connection, Table, func, insert, select, update
from sqlalchemy.dialects import sqlite

from tidemill.domain.records import Row
from tidemill_store_sqlite.rows import Columns
from tidemill_store_sqlite.schema import ENTRIES, INTENTS, OPPORTUNITIES, POSTINGS, RESULTS, RUNS


def _statement(table: Table) -> str:
    """The text of an insert, compiled once: values follow the order of the columns."""
    return str(insert(table).compile(dialect=sqlite.dialect(paramstyle="qmark")))


_INSERTS = {table.name: _statement(table) for table in (ENTRIES, POSTINGS, OPPORTUNITIES, INTENTS, RESULTS)}


def begin_run(connection: Connection, header: str, started: str) -> int:
    """Add a run and return its number."""
    last = connection.execute(select(func.coalesce(func.max(RUNS.c.run), 0))).scalar_one()
    run = int(last) + 1
    connection.execute(insert(RUNS).values(run=run, started=started, ended="", header=header, ledger_hash=""))
    return run


def insert_rows(connection: Connection, run: int, rows: Sequence[Row]) -> None:
    """Add rows to a run."""
    columns = Columns(run, rows)
    for table, values in (
        (ENTRIES, columns.entries),
        (POSTINGS, columns.postings),
        (OPPORTUNITIES, columns.opportunities),
        (INTENTS, columns.intents),
        (RESULTS, columns.results),
    ):
        if values:
            connection.exec_driver_sql(_INSERTS[table.name], values)


def finish_run(connection: Connection, run: int, ledger_hash: str, ended: str) -> bool:
    """Close a run; returns whether there was an open one of that number."""
    closing = update(RUNS).where(RUNS.c.run == run, RUNS.c.ended == "").values(ledger_hash=ledger_hash, ended=ended)
    return connection.execute(closing).rowcount == 1
