"""What can be read from a ledger file. Each call has a connection of its own, so that reading never stands in a writer's transaction."""

import heapq
from collections.abc import Callable, Iterator, Sequence
from operator import attrgetter
from pathlib import Path
from typing import Any

from attrs import evolve
from sqlalchemy import Column, ColumnElement, Connection, Select, Table, and_, func, or_, select

from tidemill.domain.exposure import ENDED_GROUPS
from tidemill.domain.ids import AssetId, BookId, PlanId
from tidemill.domain.intent import IntentRecord, IntentStep
from tidemill.domain.records import EntryRow, IntentRow, ResultRow, Row, mentions
from tidemill.errors import LedgerError
from tidemill.hookspecs.store import GROUP_MARK, RunInfo
from tidemill_store_sqlite.connection import reading_engine, translated
from tidemill_store_sqlite.intent_tables import find_faults, last_number, read_records, read_steps
from tidemill_store_sqlite.rows import Values, entry_of, intent_of, opportunity_of, result_of
from tidemill_store_sqlite.schema import ENTRIES, INTENTS, OPPORTUNITIES, POSTINGS, RESULTS, ROW_TABLES, RUNS

_NAMING = ("id", "plan", "route")
"""The columns of an opportunity that name something."""


class Reader:
    """Reads one ledger file."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._engine = reading_engine(path)

    def rows(self, run: int) -> Iterator[Row]:
        """Yield the rows of a run in order of ``seq``, as they stand when the first one is asked for.

        Raises:
            LedgerError: there is no such run, or the file cannot be read.
        """
        with translated(self._path, f"reading run {run}"), self._engine.connect() as connection:
            if connection.execute(select(RUNS.c.run).where(RUNS.c.run == run)).first() is None:
                raise LedgerError(f"{self._path}: there is no run {run}")
            yield from heapq.merge(
                _entries(connection, run),
                _plain(connection, OPPORTUNITIES, run, opportunity_of),
                _plain(connection, INTENTS, run, intent_of),
                _plain(connection, RESULTS, run, result_of),
                key=attrgetter("seq"),
            )

    def runs(self) -> tuple[RunInfo, ...]:
        """Return all runs, oldest first."""
        with translated(self._path, "reading the runs"), self._engine.connect() as connection:
            counts: dict[int, int] = {}
            for table in ROW_TABLES:
                for run, count in connection.execute(select(table.c.run, func.count()).group_by(table.c.run)):
                    counts[run] = counts.get(run, 0) + count
            found = connection.execute(select(RUNS).order_by(RUNS.c.run)).all()
        return tuple(RunInfo(r.run, r.started, r.ended, r.header, counts.get(r.run, 0), r.ledger_hash) for r in found)

    def balances(self) -> dict[tuple[BookId, str, AssetId], int]:
        """Return the sums of postings as they stand now, zeros left out.

        An opening restates what earlier runs left: per book and chain, what counts begins with the latest run that has one.
        """
        opened = (
            select(ENTRIES.c.book, ENTRIES.c.chain, func.max(ENTRIES.c.run).label("run"))
            .where(ENTRIES.c.kind == "opening")
            .group_by(ENTRIES.c.book, ENTRIES.c.chain)
            .subquery()
        )
        current = (
            select(ENTRIES.c.book, POSTINGS.c.account, POSTINGS.c.asset, POSTINGS.c.amount)
            .join(POSTINGS, and_(POSTINGS.c.run == ENTRIES.c.run, POSTINGS.c.seq == ENTRIES.c.seq))
            .join(opened, and_(opened.c.book == ENTRIES.c.book, opened.c.chain == ENTRIES.c.chain), isouter=True)
            .where(ENTRIES.c.run >= func.coalesce(opened.c.run, 0))
        )
        return self._summed(current)

    def moved(self) -> dict[tuple[BookId, str, AssetId], int]:
        """Return the sums of all postings but those of openings, zeros left out."""
        every = (
            select(ENTRIES.c.book, POSTINGS.c.account, POSTINGS.c.asset, POSTINGS.c.amount)
            .join(POSTINGS, and_(POSTINGS.c.run == ENTRIES.c.run, POSTINGS.c.seq == ENTRIES.c.seq))
            .where(ENTRIES.c.kind != "opening")
        )
        return self._summed(every)

    def _summed(self, query: Select[Any]) -> dict[tuple[BookId, str, AssetId], int]:
        sums: dict[tuple[BookId, str, AssetId], int] = {}
        with translated(self._path, "summing the postings"), self._engine.connect() as connection:
            for book, account, asset, amount in connection.execute(query):
                place = (BookId(book), account, AssetId(asset))
                sums[place] = sums.get(place, 0) + _amount(self._path, amount)
        return {place: amount for place, amount in sorted(sums.items()) if amount}

    def results(self, plan: PlanId) -> tuple[ResultRow, ...]:
        """Return what became of a plan over all runs, oldest first."""
        found = select(RESULTS).where(RESULTS.c.plan == plan).order_by(RESULTS.c.run, RESULTS.c.seq)
        with translated(self._path, f"reading what became of plan {plan}"), self._engine.connect() as connection:
            return tuple(result_of(tuple(record)) for record in connection.execute(found))

    def naming(self, text: str) -> Iterator[tuple[int, Row]]:
        """Yield the rows that mention an id which begins with a text, each with its run, in order."""
        for info in self.runs():
            with translated(self._path, f"searching run {info.run}"), self._engine.connect() as connection:
                found = heapq.merge(
                    _entries(connection, info.run, (_holds(ENTRIES.c.id, text), _holds(ENTRIES.c.ref, text))),
                    _plain(
                        connection, OPPORTUNITIES, info.run, opportunity_of, tuple(_holds(OPPORTUNITIES.c[name], text) for name in _NAMING)
                    ),
                    _plain(connection, INTENTS, info.run, intent_of, (_holds(INTENTS.c.plan, text), _holds(INTENTS.c.opportunity, text))),
                    _plain(connection, RESULTS, info.run, result_of, (_holds(RESULTS.c.plan, text),)),
                    key=attrgetter("seq"),
                )
                # The tables say which rows may mention it, the rows which do
                yield from ((info.run, row) for row in found if mentions(row, text))

    def open_groups(self) -> tuple[IntentRow, ...]:
        """Return the groups of plans that have not ended, oldest first, in the state of their last row."""
        first = select(INTENTS).where(INTENTS.c.flow.contains(GROUP_MARK, autoescape=True)).order_by(INTENTS.c.run, INTENTS.c.seq)
        with translated(self._path, "reading the groups of plans"), self._engine.connect() as connection:
            found = [intent_of(tuple(record)) for record in connection.execute(first)]
            return tuple(row for one in found if (row := _in_its_last_state(connection, one)).state not in ENDED_GROUPS)

    def intents(self, *, ended: bool) -> tuple[IntentRecord, ...]:
        """Return the transactions that have not ended, in order of their numbers; with ``ended`` all of them."""
        with translated(self._path, "reading the intents"), self._engine.connect() as connection:
            return read_records(connection, ended=ended) if _has_intents(connection) else ()

    def last_intent(self) -> int:
        """Return the highest number of a transaction, 0 where there is none."""
        with translated(self._path, "reading the last intent"), self._engine.connect() as connection:
            return last_number(connection) if _has_intents(connection) else 0

    def intent_steps(self, number: int) -> tuple[IntentStep, ...]:
        """Return the history of one transaction, oldest first."""
        with translated(self._path, f"reading the steps of intent {number}"), self._engine.connect() as connection:
            return read_steps(connection, number) if _has_intents(connection) else ()

    def check(self) -> tuple[str, ...]:
        """Return what SQLite finds wrong with the file, numbers that two rows of one run share, and intents that cannot be."""
        with translated(self._path, "checking the file"), self._engine.connect() as connection:
            problems = [f"{self._path}: {said}" for (said,) in connection.exec_driver_sql("PRAGMA integrity_check") if said != "ok"]
            for table, _, parent, _ in connection.exec_driver_sql("PRAGMA foreign_key_check"):
                problems.append(f"{self._path}: a row of table {table} belongs to none of table {parent}")
            everything = " UNION ALL ".join(f"SELECT run, seq FROM {table.name}" for table in ROW_TABLES)  # noqa: S608  names of ours
            twice = f"SELECT run, seq FROM ({everything}) GROUP BY run, seq HAVING count(*) > 1"  # noqa: S608  names of ours
            problems += [f"{self._path}: run {run} has several rows {seq}" for run, seq in connection.exec_driver_sql(twice)]
            if _has_intents(connection):
                problems += [f"{self._path}: {fault}" for fault in find_faults(connection)]
        return tuple(problems)


def _in_its_last_state(connection: Connection, row: IntentRow) -> IntentRow:
    last = select(INTENTS.c.state).where(INTENTS.c.plan == row.plan).order_by(INTENTS.c.run.desc(), INTENTS.c.seq.desc()).limit(1)
    return evolve(row, state=connection.execute(last).scalar_one())


def _has_intents(connection: Connection) -> bool:
    """Whether the file has their tables now: who reads an older ledger may see it upgraded meanwhile."""
    return int(connection.exec_driver_sql("PRAGMA user_version").scalar_one()) > 1


def _entries(connection: Connection, run: int, among: Sequence[ColumnElement[bool]] = ()) -> Iterator[EntryRow]:
    heads = _stream(connection, ENTRIES, run, among=among)
    if among:
        for head in heads:
            own = select(POSTINGS).where(POSTINGS.c.run == run, POSTINGS.c.seq == head[1]).order_by(POSTINGS.c.line)
            yield entry_of(head, [tuple(record) for record in connection.execute(own)])
        return
    lines = _stream(connection, POSTINGS, run, POSTINGS.c.line)
    line = next(lines, None)
    for head in heads:
        posted: list[Values] = []
        while line is not None and line[1] <= head[1]:
            posted.append(line)
            line = next(lines, None)
        yield entry_of(head, posted)


def _plain(
    connection: Connection, table: Table, run: int, make: Callable[[Values], Row], among: Sequence[ColumnElement[bool]] = ()
) -> Iterator[Row]:
    return (make(values) for values in _stream(connection, table, run, among=among))


def _stream(
    connection: Connection, table: Table, run: int, *then: ColumnElement[int], among: Sequence[ColumnElement[bool]] = ()
) -> Iterator[Values]:
    """Yield a table's records of one run in order, as plain tuples; ``among``: those of which one of these is true."""
    query = select(table).where(table.c.run == run).order_by(table.c.seq, *then)
    if among:
        query = query.where(or_(*among))
    return (tuple(record) for record in connection.execute(query))


def _holds(column: Column[str], text: str) -> ColumnElement[bool]:
    """Whether a column holds a text anywhere, letter for letter."""
    return func.instr(column, text) > 0


def _amount(path: Path, text: str) -> int:
    try:
        return int(text)
    except ValueError as error:
        raise LedgerError(f"{path}: {text!r} in table postings is no amount: the file was altered by other means") from error
