"""Stores that each break just the rule which their test class names, and one that breaks none."""

import os
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from attrs import evolve

from tidemill.domain.ids import AssetId, BookId, PlanId
from tidemill.domain.intent import IntentRecord, IntentStep
from tidemill.domain.records import EntryRow, IntentRow, OpportunityRow, ResultRow, Row
from tidemill.errors import LedgerError, LedgerInUse
from tidemill.hookspecs.store import RunInfo
from tidemill_store_sqlite import SqliteStore
from tidemill_testing.conformance import StoreConformance


class Sound(SqliteStore):
    """Breaks nothing."""

    name = "sound"


class TestSound(StoreConformance):
    plugin = Sound


class ForgetsNone(Sound):
    """Gives an empty plan back for none."""

    def rows(self, run: int) -> Iterator[Row]:
        for row in super().rows(run):
            yield evolve(row, plan=PlanId("")) if isinstance(row, OpportunityRow) and row.plan is None else row


class TestSTO10(StoreConformance):
    plugin = ForgetsNone


class CutsTexts(Sound):
    """Keeps no more than 10,000 characters."""

    def rows(self, run: int) -> Iterator[Row]:
        for row in super().rows(run):
            yield evolve(row, ref=row.ref[:10_000]) if isinstance(row, EntryRow) else row


class TestSTO11(StoreConformance):
    plugin = CutsTexts


class SavesWhatItCan(Sound):
    """Writes the good rows of a bad group."""

    def write(self, run: int, rows: Sequence[Row], *, durable: bool) -> None:
        try:
            super().write(run, rows, durable=durable)
        except LedgerError:
            for row in rows[:-1]:
                super().write(run, [row], durable=durable)
            raise


class TestSTO12(StoreConformance):
    plugin = SavesWhatItCan


class WritesLater(Sound):
    """In a process that will be killed, says that rows are written before they are."""

    made_by = os.getpid()

    def write(self, run: int, rows: Sequence[Row], *, durable: bool) -> None:
        if os.getpid() == self.made_by:
            super().write(run, rows, durable=durable)


class TestSTO13(StoreConformance):
    plugin = WritesLater


class LetsTwoIn(Sound):
    """Opens for a second writer all the same."""

    def open(self, folder: Path, *, write: bool = True) -> None:
        try:
            super().open(folder, write=write)
        except LedgerInUse:
            super().open(folder, write=False)


class TestSTO14(StoreConformance):
    plugin = LetsTwoIn


class LetsReadersBegin(Sound):
    """Takes a run from who only reads, and forgets it."""

    def begin(self, header: str, started: str) -> int:
        return super().begin(header, started) if self._writer is not None else 7


class TestSTO15(StoreConformance):
    plugin = LetsReadersBegin


class CountsInMemory(Sound):
    """Numbers runs from 1 whenever it is opened."""

    def __init__(self, settings: object | None = None) -> None:
        super().__init__(settings)
        self._begun = 0

    def begin(self, header: str, started: str) -> int:
        super().begin(header, started)
        self._begun += 1
        return self._begun


class TestSTO16(StoreConformance):
    plugin = CountsInMemory


class ForgetsHeaders(Sound):
    """Tells runs without what they were begun with."""

    def runs(self) -> Sequence[RunInfo]:
        return tuple(evolve(info, header="") for info in super().runs())


class TestSTO17(StoreConformance):
    plugin = ForgetsHeaders


class SumsEverything(Sound):
    """Adds an opening to what it restates."""

    def balances(self) -> Mapping[tuple[BookId, str, AssetId], int]:
        sums: dict[tuple[BookId, str, AssetId], int] = {}
        for info in self.runs():
            for row in self.rows(info.run):
                for line in row.postings if isinstance(row, EntryRow) else ():
                    sums[row.book, line.account, line.asset] = sums.get((row.book, line.account, line.asset), 0) + line.amount
        return {place: amount for place, amount in sums.items() if amount}


class TestSTO18(StoreConformance):
    plugin = SumsEverything


class GivesFloats(Sound):
    """Gives a cost as a float, which compares equal."""

    def rows(self, run: int) -> Iterator[Row]:
        for row in super().rows(run):
            cost: Any = 3.0
            yield evolve(row, cost=cost) if isinstance(row, ResultRow) else row


class TestSTO19(StoreConformance):
    plugin = GivesFloats


class Overwrites(Sound):
    """Makes room for its own file."""

    def open(self, folder: Path, *, write: bool = True) -> None:
        file = folder / "ledger.db"
        if write and file.is_file() and file.stat().st_size and not file.read_bytes().startswith(b"SQLite format 3"):
            file.unlink()
        super().open(folder, write=write)


class TestSTO20(StoreConformance):
    plugin = Overwrites


class MakesFolders(Sound):
    """Makes the folder that it is to look into."""

    def open(self, folder: Path, *, write: bool = True) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        super().open(folder, write=write)


class TestSTO21(StoreConformance):
    plugin = MakesFolders


class ClosesOnce(Sound):
    """Has nothing to close the second time."""

    was_closed = False

    def close(self) -> None:
        if self.was_closed:
            raise LedgerError("closed already")
        self.was_closed = self._reader is not None
        super().close()


class TestSTO22(StoreConformance):
    plugin = ClosesOnce


class CriesWolf(Sound):
    """Says that a run which is going on is broken."""

    def check(self) -> Sequence[str]:
        return (*super().check(), *(f"run {info.run} was not closed" for info in self.runs() if not info.ended))


class TestSTO23(StoreConformance):
    plugin = CriesWolf


class TestSTO24(StoreConformance):
    plugin = Sound
    capabilities = frozenset({"tamper_evident"})


class StaysInItsThread(Sound):
    """Can be used only where it was made."""

    def __init__(self, settings: object | None = None) -> None:
        super().__init__(settings)
        self._thread = threading.get_ident()

    def open(self, folder: Path, *, write: bool = True) -> None:
        if threading.get_ident() != self._thread:
            raise LedgerError("made in another thread")
        super().open(folder, write=write)


class TestSTO25(StoreConformance):
    plugin = StaysInItsThread


class TakesTheLastHash(Sound):
    """Closes a run as often as it is asked to."""

    def finish(self, run: int, ledger_hash: str, ended: str) -> None:
        with self._transaction("closing", durable=True) as connection:
            connection.exec_driver_sql("UPDATE runs SET ledger_hash = ?, ended = ? WHERE run = ?", (ledger_hash, ended, run))


class TestSTO26(StoreConformance):
    plugin = TakesTheLastHash


class SaysNothing(Sound):
    """Leaves a closed run as it is, and lets whoever closes it believe that it was closed now."""

    def finish(self, run: int, ledger_hash: str, ended: str) -> None:
        with suppress(LedgerError):
            super().finish(run, ledger_hash, ended)


class TestSTO26Silent(StoreConformance):
    plugin = SaysNothing


class AddsARow(Sound):
    """Refuses, and tells the run twice from then on."""

    def __init__(self, settings: object | None = None) -> None:
        super().__init__(settings)
        self._again: list[int] = []

    def finish(self, run: int, ledger_hash: str, ended: str) -> None:
        try:
            super().finish(run, ledger_hash, ended)
        except LedgerError:
            self._again.append(run)
            raise

    def runs(self) -> Sequence[RunInfo]:
        found = super().runs()
        return (*found, *(info for info in found if info.run in self._again))


class TestSTO26Twice(StoreConformance):
    plugin = AddsARow


class KnowsNoSignals(Sound):
    """Leaves out what it does not understand."""

    def rows(self, run: int) -> Iterator[Row]:
        return (row for row in super().rows(run) if not (isinstance(row, OpportunityRow) and row.kind == "signal"))


class TestSTO10Left(StoreConformance):
    plugin = KnowsNoSignals


class ReadsTwice(Sound):
    """Reads on where it stood, in what is there by then."""

    def rows(self, run: int) -> Iterator[Row]:
        first = list(super().rows(run))
        yield from first[:1]
        now = list(super().rows(run))
        yield from now[1 : len(first) + (len(now) > len(first))]


class TestSTO15Parted(StoreConformance):
    plugin = ReadsTwice


class SaysItsOwnWay(Sound):
    """Lets the system's error through where there is no folder."""

    def open(self, folder: Path, *, write: bool = True) -> None:
        if not write:
            os.stat(folder)  # noqa: PTH116  what is tested
        super().open(folder, write=write)


class TestSTO21Untranslated(StoreConformance):
    plugin = SaysItsOwnWay


class TestSTO24Untouched(StoreConformance):
    plugin = Sound
    capabilities = frozenset({"tamper_evident"})

    def tamper(self, folder: Path) -> None:
        """Change nothing."""


class DropsZeros(Sound):
    """Ends signed bytes at their first zero."""

    def intents(self, *, ended: bool = False) -> Sequence[IntentRecord]:
        return tuple(evolve(record, raw=record.raw.split(b"\x00")[0]) for record in super().intents(ended=ended))


class TestSTO27(StoreConformance):
    plugin = DropsZeros


class TellsAll(Sound):
    """Gives what has ended to who asks for what is open."""

    def intents(self, *, ended: bool = False) -> Sequence[IntentRecord]:
        return super().intents(ended=True)


class TestSTO27Ended(StoreConformance):
    plugin = TellsAll


class TakesAnything(Sound):
    """Lets whoever keeps a change believe that it was kept."""

    def keep_intents(self, changes: Sequence[IntentRecord], at: str, *, durable: bool, run: int = 0, rows: Sequence[Row] = ()) -> None:
        if self._writer is None:
            super().keep_intents(changes, at, durable=durable, run=run, rows=rows)
        with suppress(LedgerError):
            super().keep_intents(changes, at, durable=durable, run=run, rows=rows)


class TestSTO28(StoreConformance):
    plugin = TakesAnything


class KeepsWhatItCan(Sound):
    """Keeps the good changes of a bad group."""

    def keep_intents(self, changes: Sequence[IntentRecord], at: str, *, durable: bool, run: int = 0, rows: Sequence[Row] = ()) -> None:
        try:
            super().keep_intents(changes, at, durable=durable, run=run, rows=rows)
        except LedgerError:
            for change in changes[:-1]:
                super().keep_intents([change], at, durable=durable)
            raise


class TestSTO28Half(StoreConformance):
    plugin = KeepsWhatItCan


class TellsEachStateOnce(Sound):
    """Leaves out what was kept a second time."""

    def intent_steps(self, number: int) -> Sequence[IntentStep]:
        return tuple({(step.state, step.since): step for step in super().intent_steps(number)}.values())


class TestSTO29(StoreConformance):
    plugin = TellsEachStateOnce


class KeepsLater(Sound):
    """In a process that will be killed, says that intents are kept before they are."""

    made_by = os.getpid()

    def keep_intents(self, changes: Sequence[IntentRecord], at: str, *, durable: bool, run: int = 0, rows: Sequence[Row] = ()) -> None:
        if os.getpid() == self.made_by:
            super().keep_intents(changes, at, durable=durable, run=run, rows=rows)


class TestSTO30(StoreConformance):
    plugin = KeepsLater


class CountsTheOpen(Sound):
    """Knows the highest number only of what is open."""

    def last_intent(self) -> int:
        return max((record.number for record in self.intents()), default=0)


class TestSTO31(StoreConformance):
    plugin = CountsTheOpen


class LooksAtTheLastRun(Sound):
    """Tells what became of a plan in the newest run alone."""

    def results(self, plan: PlanId) -> Sequence[ResultRow]:
        rows = super().rows(self.runs()[-1].run)
        return [row for row in rows if isinstance(row, ResultRow) and row.plan == plan]


class TestSTO32(StoreConformance):
    plugin = LooksAtTheLastRun


class TellsOfEveryPlan(Sound):
    """Tells of whatever plan has results."""

    def results(self, plan: PlanId) -> Sequence[ResultRow]:
        return [row for run in self.runs() for row in super(Sound, self).rows(run.run) if isinstance(row, ResultRow)]


class TestSTO32Others(StoreConformance):
    plugin = TellsOfEveryPlan


class CountsOpenings(Sound):
    """Counts what an opening restates as moved."""

    def moved(self) -> Mapping[tuple[BookId, str, AssetId], int]:
        sums: dict[tuple[BookId, str, AssetId], int] = {}
        for row in (row for run in self.runs() for row in self.rows(run.run) if isinstance(row, EntryRow)):
            for line in row.postings:
                sums[row.book, line.account, line.asset] = sums.get((row.book, line.account, line.asset), 0) + line.amount
        return {place: amount for place, amount in sums.items() if amount}


class TestSTO33(StoreConformance):
    plugin = CountsOpenings


class KeepsZeros(Sound):
    """Tells of accounts through which nothing has moved in the end."""

    def moved(self) -> Mapping[tuple[BookId, str, AssetId], int]:
        return {**super().moved(), (BookId("main"), "loan:aave", AssetId("sim:1/erc20:0xaa")): 0}


class TestSTO33Zeros(StoreConformance):
    plugin = KeepsZeros


class WantsTheWhole(Sound):
    """Finds a row by a whole id alone."""

    def naming(self, text: str) -> Iterator[tuple[int, Row]]:
        for run, row in super().naming(text):
            if not isinstance(row, IntentRow) or text in (row.plan, row.opportunity):
                yield run, row


class TestSTO34(StoreConformance):
    plugin = WantsTheWhole


class TakesAnyCase(Sound):
    """Finds what is written in other letters."""

    def naming(self, text: str) -> Iterator[tuple[int, Row]]:
        return super().naming(text.lower())


class TestSTO34Case(StoreConformance):
    plugin = TakesAnyCase


class ForgetsEarlierGroups(Sound):
    """Knows the groups of the newest run alone."""

    def open_groups(self) -> Sequence[IntentRow]:
        own = {row.plan for run in self.runs()[-1:] for row in self.rows(run.run) if isinstance(row, IntentRow)}
        return [row for row in super().open_groups() if row.plan in own]


class TestSTO35(StoreConformance):
    plugin = ForgetsEarlierGroups


class TellsTheFirstState(Sound):
    """Tells of a group as it began."""

    def open_groups(self) -> Sequence[IntentRow]:
        return [evolve(row, state="planned") for row in super().open_groups()]


class TestSTO35State(StoreConformance):
    plugin = TellsTheFirstState
