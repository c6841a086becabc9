"""Runs and their rows: entries with their postings, opportunities, intents and results."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the tables of version 1 in an empty file."""
    op.create_table(
        "runs",
        sa.Column("run", sa.Integer, primary_key=True),
        *_texts("started", "ended", "header", "ledger_hash"),
    )
    _rows("entries", *_texts("id", "book", "chain", "kind", "ref"))
    op.create_table(
        "postings",
        *_keys("run", "seq", "line"),
        *_texts("account", "asset", "amount"),
        sa.ForeignKeyConstraint(["run", "seq"], ["entries.run", "entries.seq"]),
        sqlite_with_rowid=False,
    )
    _rows(
        "arbitrage_opportunities",
        *_texts("id", "book", "strategy", "kind", "chain", "asset", "route", "amount", "profit", "decision", "rule", "reason"),
        sa.Column("plan", sa.Text),
    )
    _rows("intents", *_texts("plan", "opportunity", "book", "strategy", "chain", "state", "reserved", "cost_cap", "digest", "flow"))
    _rows("execution_results", *_texts("plan", "book", "strategy", "chain", "block_hash", "status", "changes", "cost", "reason"))
    op.create_index("entries_by_id", "entries", ["run", "id"], unique=True)
    op.create_index("intents_by_plan", "intents", ["plan"])
    op.create_index("results_by_plan", "execution_results", ["plan"])


def _texts(*names: str) -> list[sa.Column[str]]:
    return [sa.Column(name, sa.Text, nullable=False) for name in names]


def _keys(*names: str) -> list[sa.Column[int]]:
    return [sa.Column(name, sa.Integer, primary_key=True) for name in names]


def _rows(name: str, *columns: sa.Column[str]) -> None:
    op.create_table(
        name,
        *_keys("run", "seq"),
        sa.Column("height", sa.Integer, nullable=False),
        *columns,
        sa.CheckConstraint("seq > 0"),
        sa.ForeignKeyConstraint(["run"], ["runs.run"]),
        sqlite_with_rowid=False,
    )
