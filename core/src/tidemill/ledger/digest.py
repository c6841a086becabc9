"""The hash of a run's ledger: SHA-256 over its rows in canonical form, in order of ``seq``."""

import hashlib
import json
from collections.abc import Iterable

from tidemill.domain.records import EntryRow, IntentRow, OpportunityRow, Row


def canonical(row: Row) -> bytes:
    """Return one row as bytes: a JSON array of its type and its fields in the order written here, ASCII, closed by a line feed.

    JSON escapes line feeds inside text, so no two sequences of rows give the same bytes. Integers are written in full. Nothing of
    when or where the run took place is part of a row.
    """
    fields: tuple[object, ...]
    match row:
        case EntryRow():
            lines = [(line.account, line.asset, line.amount) for line in row.postings]
            fields = ("entry", row.seq, row.id, row.book, row.chain, row.height, row.kind, row.ref, lines)
        case OpportunityRow():
            fields = (
                "opportunity", row.seq, row.id, row.book, row.strategy, row.kind, row.chain, row.height, row.asset, row.route,
                row.amount, row.profit, row.decision, row.rule, row.reason, row.plan,
            )  # fmt: skip
        case IntentRow():
            fields = (
                "intent", row.seq, row.plan, row.opportunity, row.book, row.strategy, row.chain, row.height, row.state, row.reserved,
                row.cost_cap, row.digest, row.flow,
            )  # fmt: skip
        case _:
            fields = (
                "result", row.seq, row.plan, row.book, row.strategy, row.chain, row.height, row.block_hash, row.status, row.changes,
                row.cost, row.reason,
            )  # fmt: skip
    return json.dumps(fields, separators=(",", ":")).encode("ascii") + b"\n"


class RowDigest:
    """The running hash of one run: add its rows in order, as they are made or as a store gives them back, and get the same hash."""

    def __init__(self) -> None:
        self._sha = hashlib.sha256()

    def add(self, row: Row) -> None:
        """Count a row in."""
        self._sha.update(canonical(row))

    def hexdigest(self) -> str:
        """Return the hash of all rows so far, 64 hexadecimal digits; more may be added afterwards."""
        return self._sha.hexdigest()


def digest_of(rows: Iterable[Row]) -> str:
    """Return the hash of a run's rows, given in order of ``seq``."""
    digest = RowDigest()
    for row in rows:
        digest.add(row)
    return digest.hexdigest()
