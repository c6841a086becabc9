"""Rows to table columns and back. The order of the values is that of the columns in ``schema``."""

import json
from collections.abc import Sequence
from typing import Any

from tidemill.domain.ids import AssetId, BookId, ChainId, OpportunityId, PlanId
from tidemill.domain.records import EntryRow, IntentRow, OpportunityRow, Posting, ResultRow, Row
from tidemill.errors import LedgerError

Values = tuple[Any, ...]


def _amounts(pairs: Sequence[tuple[AssetId, int]]) -> str:
    return json.dumps([(asset, str(amount)) for asset, amount in pairs], separators=(",", ":"))


def _pairs(text: str) -> tuple[tuple[AssetId, int], ...]:
    return tuple((AssetId(asset), int(amount)) for asset, amount in json.loads(text))


class Columns:
    """What one group of rows puts into each table."""

    def __init__(self, run: int, rows: Sequence[Row]) -> None:
        self.entries: list[Values] = []
        self.postings: list[Values] = []
        self.opportunities: list[Values] = []
        self.intents: list[Values] = []
        self.results: list[Values] = []
        for row in rows:
            match row:
                case EntryRow():
                    self._entry(run, row)
                case OpportunityRow():
                    self._opportunity(run, row)
                case IntentRow():
                    self._intent(run, row)
                case ResultRow():
                    self._result(run, row)

    def _entry(self, run: int, row: EntryRow) -> None:
        self.entries.append((run, row.seq, row.height, row.id, row.book, row.chain, row.kind, row.ref))
        self.postings += [(run, row.seq, i, line.account, line.asset, str(line.amount)) for i, line in enumerate(row.postings)]

    def _opportunity(self, run: int, row: OpportunityRow) -> None:
        self.opportunities.append((
            run, row.seq, row.height, row.id, row.book, row.strategy, row.kind, row.chain, row.asset,
            json.dumps(row.route, separators=(",", ":")), str(row.amount), str(row.profit), row.decision, row.rule, row.reason, row.plan,
        ))  # fmt: skip

    def _intent(self, run: int, row: IntentRow) -> None:
        self.intents.append((
            run, row.seq, row.height, row.plan, row.opportunity, row.book, row.strategy, row.chain, row.state,
            _amounts(row.reserved), str(row.cost_cap), row.digest, row.flow,
        ))  # fmt: skip

    def _result(self, run: int, row: ResultRow) -> None:
        self.results.append((
            run, row.seq, row.height, row.plan, row.book, row.strategy, row.chain, row.block_hash, row.status,
            _amounts(row.changes), str(row.cost), row.reason,
        ))  # fmt: skip


def entry_of(values: Values, postings: Sequence[Values]) -> EntryRow:
    """Return an entry from its columns and those of its postings, in order of their lines.

    Raises:
        LedgerError: what stands in the columns is no entry.
    """
    _, seq, height, identity, book, chain, kind, ref = values
    try:
        lines = tuple(Posting(account, AssetId(asset), int(amount)) for *_, account, asset, amount in postings)
    except ValueError as error:
        raise _unreadable("postings", values) from error
    return EntryRow(seq, identity, BookId(book), ChainId(chain), height, kind, ref, lines)


def opportunity_of(values: Values) -> OpportunityRow:
    """Return an opportunity from its columns.

    Raises:
        LedgerError: what stands in the columns is none.
    """
    (_, seq, height, identity, book, strategy, kind, chain, asset, route, amount, profit, decision, rule, reason, plan) = values
    try:
        return OpportunityRow(
            seq, OpportunityId(identity), BookId(book), strategy, kind, ChainId(chain), height, AssetId(asset), tuple(json.loads(route)),
            int(amount), int(profit), decision, rule, reason, PlanId(plan) if plan is not None else None,
        )  # fmt: skip
    except (ValueError, TypeError) as error:
        raise _unreadable("arbitrage_opportunities", values) from error


def intent_of(values: Values) -> IntentRow:
    """Return an intent from its columns.

    Raises:
        LedgerError: what stands in the columns is none.
    """
    _, seq, height, plan, opportunity, book, strategy, chain, state, reserved, cost_cap, digest, flow = values
    try:
        return IntentRow(
            seq, PlanId(plan), OpportunityId(opportunity), BookId(book), strategy, ChainId(chain), height, state, _pairs(reserved),
            int(cost_cap), digest, flow,
        )  # fmt: skip
    except (ValueError, TypeError) as error:
        raise _unreadable("intents", values) from error


def result_of(values: Values) -> ResultRow:
    """Return a result from its columns.

    Raises:
        LedgerError: what stands in the columns is none.
    """
    _, seq, height, plan, book, strategy, chain, block_hash, status, changes, cost, reason = values
    try:
        return ResultRow(
            seq, PlanId(plan), BookId(book), strategy, ChainId(chain), height, block_hash, status, _pairs(changes), int(cost), reason
        )
    except (ValueError, TypeError) as error:
        raise _unreadable("execution_results", values) from error


def _unreadable(table: str, values: Values) -> LedgerError:
    return LedgerError(
        f"run {values[0]}, row {values[1]}: what stands in table {table} cannot be read: the file was altered by other means"
    )
