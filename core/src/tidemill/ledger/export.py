"""Rows as JSON objects and as CSV records, for other programs: amounts are strings of base units."""

import csv
import io
import json
from collections.abc import Iterable, Iterator, Sequence

from tidemill.domain.ids import AssetId
from tidemill.domain.records import EntryRow, IntentRow, OpportunityRow, Row

COLUMNS = (
    "seq", "row", "book", "chain", "height", "id", "plan", "opportunity", "strategy", "kind", "ref", "account", "asset", "amount", "profit",
    "cost", "state", "decision", "rule", "reason", "route", "changes", "reserved", "cost_cap", "block_hash", "digest", "flow",
)  # fmt: skip
"""The columns of the CSV form, for all types of rows; what a row has not is empty. An entry gives one record for each posting."""


def row_json(row: Row) -> dict[str, object]:
    """Return a row as an object: ``row`` is its type (entry, opportunity, intent, result), amounts are strings."""
    own: dict[str, object]
    match row:
        case EntryRow():
            lines = [{"account": line.account, "asset": line.asset, "amount": str(line.amount)} for line in row.postings]
            own = {"id": row.id, "kind": row.kind, "ref": row.ref, "postings": lines}
            kind = "entry"
        case OpportunityRow():
            own = {
                "id": row.id, "strategy": row.strategy, "kind": row.kind, "asset": row.asset, "route": list(row.route),
                "amount": str(row.amount), "profit": str(row.profit), "decision": row.decision, "rule": row.rule, "reason": row.reason,
                "plan": row.plan,
            }  # fmt: skip
            kind = "opportunity"
        case IntentRow():
            own = {
                "plan": row.plan, "opportunity": row.opportunity, "strategy": row.strategy, "state": row.state,
                "reserved": _amounts(row.reserved), "cost_cap": str(row.cost_cap), "digest": row.digest, "flow": row.flow,
            }  # fmt: skip
            kind = "intent"
        case _:
            own = {
                "plan": row.plan, "strategy": row.strategy, "block_hash": row.block_hash, "state": row.status,
                "changes": _amounts(row.changes), "cost": str(row.cost), "reason": row.reason,
            }  # fmt: skip
            kind = "result"
    return {"seq": row.seq, "row": kind, "book": row.book, "chain": row.chain, "height": row.height, **own}


def json_lines(rows: Iterable[Row]) -> Iterator[str]:
    """Yield each row as one line of JSON, without line ends."""
    return (json.dumps(row_json(row), ensure_ascii=False) for row in rows)


def csv_lines(rows: Iterable[Row]) -> Iterator[str]:
    """Yield a head line and the records of each row, without line ends; what is a list is JSON inside its cell."""
    yield ",".join(COLUMNS)
    for row in rows:
        fields = row_json(row)
        postings = fields.pop("postings", None)
        records = postings if isinstance(postings, list) and postings else [{}]
        for posting in records:
            yield _record([_cell({**fields, **posting}.get(column)) for column in COLUMNS])


def _amounts(pairs: Sequence[tuple[AssetId, int]]) -> list[list[str]]:
    return [[asset, str(amount)] for asset, amount in pairs]


def _cell(value: object) -> str:
    if value is None:
        return ""
    return json.dumps(value, separators=(",", ":")) if isinstance(value, list) else str(value)


def _record(cells: Sequence[str]) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="").writerow(cells)
    return text.getvalue()
