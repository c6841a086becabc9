"""The tables of a ledger file.

Amounts are decimal text, since they exceed 64 bits; lists are JSON text with such amounts as strings. ``run`` and ``seq`` number every
row; ids repeat from run to run, because they are made from content. ``seq`` is the canonical order over all tables of a run.

Transactions of ours (``intent_records``) belong to the ledger, not to a run: a later run goes on with those that have not ended. Whatever
changes here is a new version with a revision of its own in ``migrations``.
"""

from sqlalchemy import CheckConstraint, Column, ForeignKeyConstraint, Index, Integer, LargeBinary, MetaData, Table, Text, text

APPLICATION_ID = 0x5469646D
"""What SQLite's header says of a file of ours ("Tidm")."""
SCHEMA_VERSION = 2
"""Which tables a file has: SQLite's ``user_version`` says it. Version 1 has no transactions of ours."""
OPEN = "state IN ('planned', 'signed', 'broadcast', 'seen', 'unknown')"
"""What an open transaction is, in the words of the indexes: SQLite uses them only where a query says it letter for letter."""

METADATA = MetaData()

RUNS = Table(
    "runs",
    METADATA,
    Column("run", Integer, primary_key=True),
    Column("started", Text, nullable=False),
    Column("ended", Text, nullable=False),
    Column("header", Text, nullable=False),
    Column("ledger_hash", Text, nullable=False),
)


def _text(*names: str) -> list[Column[str]]:
    return [Column(name, Text, nullable=False) for name in names]


def _rows(name: str, *columns: Column[str]) -> Table:
    """A table of rows that have a number of their own in the run, and a height."""
    return Table(
        name,
        METADATA,
        Column("run", Integer, primary_key=True),
        Column("seq", Integer, primary_key=True),
        Column("height", Integer, nullable=False),
        *columns,
        CheckConstraint("seq > 0"),
        ForeignKeyConstraint(["run"], ["runs.run"]),
        sqlite_with_rowid=False,
    )


ENTRIES = _rows("entries", *_text("id", "book", "chain", "kind", "ref"))
POSTINGS = Table(
    "postings",
    METADATA,
    Column("run", Integer, primary_key=True),
    Column("seq", Integer, primary_key=True),
    Column("line", Integer, primary_key=True),
    *_text("account", "asset", "amount"),
    ForeignKeyConstraint(["run", "seq"], ["entries.run", "entries.seq"]),
    sqlite_with_rowid=False,
)
OPPORTUNITIES = _rows(
    "arbitrage_opportunities",
    *_text("id", "book", "strategy", "kind", "chain", "asset", "route", "amount", "profit", "decision", "rule", "reason"),
    Column("plan", Text),
)
INTENTS = _rows(
    "intents",
    *_text("plan", "opportunity", "book", "strategy", "chain", "state", "reserved", "cost_cap", "digest", "flow"),
)
RESULTS = _rows(
    "execution_results",
    *_text("plan", "book", "strategy", "chain", "block_hash", "status", "changes", "cost", "reason"),
)
Index("entries_by_id", ENTRIES.c.run, ENTRIES.c.id, unique=True)
Index("intents_by_plan", INTENTS.c.plan)
Index("results_by_plan", RESULTS.c.plan)


def _integers(*names: str) -> list[Column[int]]:
    return [Column(name, Integer, nullable=False) for name in names]


INTENT_RECORDS = Table(
    "intent_records",
    METADATA,
    Column("number", Integer, primary_key=True),
    *_integers("run"),
    *_text("plan", "book", "strategy", "chain", "account", "flow"),
    Column("payload", LargeBinary, nullable=False),
    *_integers("compute_limit", "compute", "expires"),
    *_text("digest"),
    *_integers("height"),
    *_text("slot", "state"),
    *_integers("since"),
    *_text("tx"),
    Column("raw", LargeBinary, nullable=False),
    *_text("reason"),
    *_integers("replaces"),
    CheckConstraint("number > 0"),
    ForeignKeyConstraint(["run"], ["runs.run"]),
)
"""The columns stand in the order of ``IntentRecord``'s fields."""
INTENT_STEPS = Table(
    "intent_steps",
    METADATA,
    Column("number", Integer, primary_key=True),
    Column("step", Integer, primary_key=True),
    *_text("state"),
    *_integers("since"),
    *_text("reason", "at"),
    ForeignKeyConstraint(["number"], ["intent_records.number"]),
    sqlite_with_rowid=False,
)
_PLACE = (INTENT_RECORDS.c.chain, INTENT_RECORDS.c.account, INTENT_RECORDS.c.slot)
Index("open_slots", *_PLACE, sqlite_where=text(OPEN))
Index("one_open_in_slot", *_PLACE, unique=True, sqlite_where=text(f"{OPEN} AND replaces = 0 AND slot LIKE 'nonce:%'"))
Index("intent_records_by_plan", INTENT_RECORDS.c.plan)

ROW_TABLES = (ENTRIES, OPPORTUNITIES, INTENTS, RESULTS)
