"""Transactions of ours: as they are, and how they came there."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_OPEN = "state IN ('planned', 'signed', 'broadcast', 'seen', 'unknown')"


def upgrade() -> None:
    """Add the tables of transactions; what stands in the others is not touched."""
    op.create_table(
        "intent_records",
        sa.Column("number", sa.Integer, primary_key=True),
        _integer("run"),
        *_texts("plan", "book", "strategy", "chain", "account", "flow"),
        _bytes("payload"),
        *map(_integer, ("compute_limit", "compute", "expires")),
        *_texts("digest"),
        _integer("height"),
        *_texts("slot", "state"),
        _integer("since"),
        *_texts("tx"),
        _bytes("raw"),
        *_texts("reason"),
        _integer("replaces"),
        sa.CheckConstraint("number > 0"),
        sa.ForeignKeyConstraint(["run"], ["runs.run"]),
    )
    op.create_table(
        "intent_steps",
        sa.Column("number", sa.Integer, primary_key=True),
        sa.Column("step", sa.Integer, primary_key=True),
        *_texts("state"),
        _integer("since"),
        *_texts("reason", "at"),
        sa.ForeignKeyConstraint(["number"], ["intent_records.number"]),
        sqlite_with_rowid=False,
    )
    place = ["chain", "account", "slot"]
    op.create_index("open_slots", "intent_records", place, sqlite_where=sa.text(_OPEN))
    first_of_a_nonce = sa.text(f"{_OPEN} AND replaces = 0 AND slot LIKE 'nonce:%'")
    op.create_index("one_open_in_slot", "intent_records", place, unique=True, sqlite_where=first_of_a_nonce)
    op.create_index("intent_records_by_plan", "intent_records", ["plan"])


def _texts(*names: str) -> list[sa.Column[str]]:
    return [sa.Column(name, sa.Text, nullable=False) for name in names]


def _integer(name: str) -> sa.Column[int]:
    return sa.Column(name, sa.Integer, nullable=False)


def _bytes(name: str) -> sa.Column[bytes]:
    return sa.Column(name, sa.LargeBinary, nullable=False)
