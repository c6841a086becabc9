"""A ledger in memory that can end the process that writes it at any of its commits."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import ClassVar

from tidemill.domain.ids import AssetId, BookId, PlanId
from tidemill.domain.intent import IntentRecord, IntentStep
from tidemill.domain.records import EntryRow, ResultRow, Row
from tidemill.errors import LedgerError
from tidemill.hookspecs.store import RunInfo, Store
from tidemill.ledger.intent_rules import place_of, refusal


class EndingStore(Store):
    """Keeps rows and intents of several runs; ``commits_left`` more commits are made, then every one fails, as after a crash."""

    name: ClassVar[str] = "ending"

    def __init__(self) -> None:
        super().__init__(None)
        self.runs_rows: list[list[Row]] = []
        self.kept: dict[int, IntentRecord] = {}
        self.steps: dict[int, list[IntentStep]] = {}
        self.commits_left = -1

    def open(self, folder: Path, *, write: bool = True) -> None:
        """Nothing is opened."""

    def begin(self, header: str, started: str) -> int:
        self.runs_rows.append([])
        return len(self.runs_rows)

    def write(self, run: int, rows: Sequence[Row], *, durable: bool) -> None:
        self._commit()
        self.runs_rows[run - 1] += rows

    def finish(self, run: int, ledger_hash: str, ended: str) -> None:
        """A run here never ends in order."""

    def rows(self, run: int) -> Iterator[Row]:
        return iter(self.runs_rows[run - 1])

    def runs(self) -> Sequence[RunInfo]:
        return [RunInfo(number, "", "", "{}", len(rows), "") for number, rows in enumerate(self.runs_rows, 1)]

    def balances(self) -> Mapping[tuple[BookId, str, AssetId], int]:
        begun = [
            place for place, rows in enumerate(self.runs_rows) if any(isinstance(row, EntryRow) and row.kind == "opening" for row in rows)
        ]
        sums: dict[tuple[BookId, str, AssetId], int] = {}
        for row in (row for rows in self.runs_rows[max(begun, default=0) :] for row in rows if isinstance(row, EntryRow)):
            for line in row.postings:
                place = (row.book, line.account, line.asset)
                sums[place] = sums.get(place, 0) + line.amount
        return {place: amount for place, amount in sorted(sums.items()) if amount}

    def results(self, plan: PlanId) -> Sequence[ResultRow]:
        return [row for rows in self.runs_rows for row in rows if isinstance(row, ResultRow) and row.plan == plan]

    def keep_intents(self, changes: Sequence[IntentRecord], at: str, *, durable: bool, run: int = 0, rows: Sequence[Row] = ()) -> None:
        self._commit()
        if rows:
            self.runs_rows[run - 1] += rows
        for change in changes:
            holders = [one for one in self.kept.values() if not one.ended and place_of(one) == place_of(change)]
            why = refusal(change, self.kept.get(change.number), holders)
            if why:
                raise LedgerError(why)
            self.kept[change.number] = change
            self.steps.setdefault(change.number, []).append(IntentStep(change.number, change.state, change.since, change.reason, at))

    def intents(self, *, ended: bool = False) -> Sequence[IntentRecord]:
        return [one for _, one in sorted(self.kept.items()) if ended or not one.ended]

    def last_intent(self) -> int:
        return max(self.kept, default=0)

    def intent_steps(self, number: int) -> Sequence[IntentStep]:
        return self.steps.get(number, [])

    def check(self) -> Sequence[str]:
        return []

    def close(self) -> None:
        """Nothing is closed."""

    def _commit(self) -> None:
        """Count a commit.

        Raises:
            LedgerError: the last one that was left has been made.
        """
        if self.commits_left == 0:
            raise LedgerError("the process has ended")
        self.commits_left -= 1
