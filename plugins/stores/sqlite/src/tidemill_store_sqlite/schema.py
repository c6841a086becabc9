"""The tables of a ledger file.

Amounts are decimal text, since they exceed 64 bits; lists are JSON text with such amounts as strings. ``run`` and ``seq`` number every
row; ids repeat from run to run, because they are made from content. ``seq`` is the canonical order over all tables of a run.
"""

from sqlalchemy import CheckConstraint, Column, ForeignKeyConstraint, Index, Integer, MetaData, Table, Text

APPLICATION_ID = 0x5469646D
"""What SQLite's header says of a file of ours ("Tidm")."""
SCHEMA_VERSION = 1

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

ROW_TABLES = (ENTRIES, OPPORTUNITIES, INTENTS, RESULTS)
