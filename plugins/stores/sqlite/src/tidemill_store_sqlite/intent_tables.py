"""Our transactions in their tables: kept, read and looked over. Every call runs in a transaction of its caller's."""

from collections.abc import Iterator, Sequence
from itertools import groupby
from operator import itemgetter
from typing import Any

from sqlalchemy import Connection

from tidemill.domain.ids import BookId, ChainId, PlanId
from tidemill.domain.intent import IntentRecord, IntentState, IntentStep
from tidemill.errors import LedgerError
from tidemill.ledger.intent_rules import record_faults, refusal, slot_faults
from tidemill_store_sqlite.schema import INTENT_RECORDS, OPEN

Values = Sequence[Any]

_COLUMNS = ", ".join(f'"{column.name}"' for column in INTENT_RECORDS.c)
_SELECT = f"SELECT {_COLUMNS} FROM intent_records"  # noqa: S608  names of ours
_ONE = f"{_SELECT} WHERE number = ?"
_HOLDERS = f"{_SELECT} WHERE {OPEN} AND chain = ? AND account = ? AND slot = ? ORDER BY number"
_ALL = f"{_SELECT} ORDER BY number"
# A sorted scan of all would do for SQLite, which does not know that most have ended
_ALL_OPEN = f"{_SELECT} INDEXED BY open_slots WHERE {OPEN} ORDER BY number"
_INSERT = f"INSERT INTO intent_records ({_COLUMNS}) VALUES ({', '.join('?' for _ in INTENT_RECORDS.c)})"  # noqa: S608  names of ours
_UPDATE = "UPDATE intent_records SET state = ?, since = ?, tx = ?, raw = ?, reason = ? WHERE number = ?"
_STEP = (
    'INSERT INTO intent_steps (number, step, state, since, reason, "at") '
    "SELECT ?1, 1 + coalesce(max(step), 0), ?2, ?3, ?4, ?5 FROM intent_steps WHERE number = ?1"
)
_STEPS = 'SELECT number, state, since, reason, "at" FROM intent_steps'
_STEPS_OF = f"{_STEPS} WHERE number = ? ORDER BY step"
_ALL_STEPS = f"{_STEPS} ORDER BY number, step"


def keep_changes(connection: Connection, changes: Sequence[IntentRecord], at: str) -> None:
    """Add new transactions and bring known ones into their new state, in order, each with a step of its history.

    Raises:
        LedgerError: one does not follow from what is kept; the caller's transaction must be undone.
    """
    for change in changes:
        found = connection.exec_driver_sql(_ONE, (change.number,)).first()
        kept = None if found is None else record_of(found)
        place = (change.chain, change.account, change.slot)
        holders = () if kept else tuple(map(record_of, connection.exec_driver_sql(_HOLDERS, place)))
        why = refusal(change, kept, holders)
        if why:
            raise LedgerError(f"{why}; nothing of these {len(changes)} changes was kept")
        if kept is None:
            connection.exec_driver_sql(_INSERT, values_of(change))
        elif kept != change:
            new = (change.state.value, change.since, change.tx, change.raw, change.reason, change.number)
            connection.exec_driver_sql(_UPDATE, new)
        connection.exec_driver_sql(_STEP, (change.number, change.state.value, change.since, change.reason, at))


def read_records(connection: Connection, *, ended: bool) -> tuple[IntentRecord, ...]:
    """Return the transactions that have not ended, in order of their numbers; with ``ended`` all of them.

    Raises:
        LedgerError: what stands in the table is none.
    """
    return tuple(map(record_of, connection.exec_driver_sql(_ALL if ended else _ALL_OPEN)))


def last_number(connection: Connection) -> int:
    """Return the highest number of a transaction, 0 where there is none."""
    return int(connection.exec_driver_sql("SELECT coalesce(max(number), 0) FROM intent_records").scalar_one())


def read_steps(connection: Connection, number: int) -> tuple[IntentStep, ...]:
    """Return the history of one transaction, oldest first.

    Raises:
        LedgerError: what stands in the table is none.
    """
    return tuple(map(step_of, connection.exec_driver_sql(_STEPS_OF, (number,))))


def find_faults(connection: Connection) -> Iterator[str]:
    """Yield what cannot be true of the transactions that are kept, a sentence each."""
    steps = groupby(connection.exec_driver_sql(_ALL_STEPS), key=itemgetter(0))
    number, history = next(steps, (0, iter(())))
    records: list[IntentRecord] = []
    is_readable = True
    for values in connection.exec_driver_sql(_ALL):
        while number and number < values[0]:
            number, history = next(steps, (0, iter(())))
        try:
            record = record_of(values)
            own = tuple(map(step_of, history)) if number == record.number else ()
        except LedgerError as error:
            is_readable = False
            yield str(error)
            continue
        yield from record_faults(record, own)
        records.append(record)
    if is_readable:
        yield from slot_faults(records)


def values_of(record: IntentRecord) -> tuple[Any, ...]:
    """Return a transaction as the columns of its table have it."""
    return (
        record.number, record.run, record.plan, record.book, record.strategy, record.chain, record.account, record.flow, record.payload,
        record.compute_limit, record.compute, record.expires, record.digest, record.height, record.slot, record.state.value, record.since,
        record.tx, record.raw, record.reason, record.replaces,
    )  # fmt: skip


def record_of(values: Values) -> IntentRecord:
    """Return a transaction from its columns.

    Raises:
        LedgerError: what stands in the columns is none.
    """
    (
        number, run, plan, book, strategy, chain, account, flow, payload, compute_limit, compute, expires, digest, height, slot, state,
        since, tx, raw, reason, replaces,
    ) = values  # fmt: skip
    if not (isinstance(payload, bytes) and isinstance(raw, bytes)):
        raise _unreadable("intent_records", number)
    try:
        reached = IntentState(state)
    except ValueError as error:
        raise _unreadable("intent_records", number) from error
    return IntentRecord(
        number, run, PlanId(plan), BookId(book), strategy, ChainId(chain), account, flow, payload, compute_limit, compute, expires, digest,
        height, slot, reached, since, tx, raw, reason, replaces,
    )  # fmt: skip


def step_of(values: Values) -> IntentStep:
    """Return a step from its columns.

    Raises:
        LedgerError: what stands in the columns is none.
    """
    number, state, since, reason, at = values
    try:
        return IntentStep(number, IntentState(state), since, reason, at)
    except ValueError as error:
        raise _unreadable("intent_steps", number) from error


def _unreadable(table: str, number: int) -> LedgerError:
    return LedgerError(f"intent {number}: what stands in table {table} cannot be read: the file was altered by other means")
