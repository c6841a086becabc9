"""A store that holds back what one run writes until its end, when it is kept as a whole, or not at all."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import ClassVar

from tidemill.domain.ids import AssetId, BookId, PlanId
from tidemill.domain.intent import IntentRecord, IntentStep
from tidemill.domain.records import EntryRow, ResultRow, Row
from tidemill.errors import LedgerError
from tidemill.hookspecs.plugin import NoSettings
from tidemill.hookspecs.store import RunInfo, Store


class StagedStore(Store):
    """Reads from another store, and writes to it at the end of the run: only where that found something, and where it may.

    A run that did no more than open its books leaves nothing behind. What was done outside meanwhile is no more than can be done twice:
    bytes that are on disk were sent again.

    Args:
        kept: the ledger.
        keep: whether anything is written at all; without it the ledger is opened to be read alone, beside a run that writes it.
    """

    name: ClassVar[str] = "staged"
    settings: NoSettings

    def __init__(self, kept: Store, *, keep: bool) -> None:
        super().__init__()
        self.rows_held: list[Row] = []
        self.run = 0
        self._kept = kept
        self._keep = keep
        self._changes: list[IntentRecord] = []
        self._header = ("", "")
        self._at = ""

    @property
    def found(self) -> bool:
        """Whether there is anything to keep beside how the books stood at the start."""
        return bool(self._changes) or any(not isinstance(row, EntryRow) or row.kind != "opening" for row in self.rows_held)

    def open(self, folder: Path, *, write: bool = True) -> None:
        self._kept.open(folder, write=write and self._keep)

    def begin(self, header: str, started: str) -> int:
        self._header = (header, started)
        runs = self._kept.runs()
        return (runs[-1].run if runs else 0) + 1

    def write(self, run: int, rows: Sequence[Row], *, durable: bool) -> None:
        self.rows_held.extend(rows)

    def keep_intents(self, changes: Sequence[IntentRecord], at: str, *, durable: bool, run: int = 0, rows: Sequence[Row] = ()) -> None:
        self._changes.extend(changes)
        self.rows_held.extend(rows)
        self._at = at

    def finish(self, run: int, ledger_hash: str, ended: str) -> None:
        """Write everything to the ledger, the changes of intents and all rows in one transaction.

        Raises:
            LedgerError: it cannot be written, or somebody else wrote it meanwhile.
        """
        if not (self._keep and self.found):
            return
        number = self._kept.begin(*self._header)
        if number != run:
            raise LedgerError(f"the ledger gave this run the number {number} and not {run}: somebody else wrote it meanwhile; look again")
        self._kept.keep_intents(self._changes, self._at or ended, durable=True, run=run, rows=self.rows_held)
        self._kept.finish(run, ledger_hash, ended)
        self.run = run

    def rows(self, run: int) -> Iterator[Row]:
        return self._kept.rows(run)

    def runs(self) -> Sequence[RunInfo]:
        return self._kept.runs()

    def balances(self) -> Mapping[tuple[BookId, str, AssetId], int]:
        return self._kept.balances()

    def moved(self) -> Mapping[tuple[BookId, str, AssetId], int]:
        return self._kept.moved()

    def naming(self, text: str) -> Iterator[tuple[int, Row]]:
        return self._kept.naming(text)

    def results(self, plan: PlanId) -> Sequence[ResultRow]:
        return self._kept.results(plan)

    def last_intent(self) -> int:
        return self._kept.last_intent()

    def intents(self, *, ended: bool = False) -> Sequence[IntentRecord]:
        return self._kept.intents(ended=ended)

    def intent_steps(self, number: int) -> Sequence[IntentStep]:
        return self._kept.intent_steps(number)

    def check(self) -> Sequence[str]:
        return self._kept.check()

    def close(self) -> None:
        self._kept.close()
