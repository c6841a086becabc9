"""The writer: order kept, groups whole, nothing dropped, the first error told and final."""

import threading
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import ClassVar

import anyio
import pytest

from tidemill.domain.ids import AssetId, BookId, ChainId, PlanId
from tidemill.domain.intent import IntentRecord, IntentState, IntentStep
from tidemill.domain.records import ResultRow, Row
from tidemill.errors import LedgerError, LedgerInUse
from tidemill.hookspecs.store import RunInfo, Store
from tidemill.ledger.journal import Journal
from tidemill.pipeline.writer import GROUP_ROWS, LedgerWriter


class MemoryStore(Store):
    """Keeps groups in a list, and can be told to be slow or to fail."""

    name: ClassVar[str] = "memory"

    def __init__(self, settings: object | None = None) -> None:
        super().__init__(settings)
        self.groups: list[tuple[list[Row], bool]] = []
        self.kept: list[IntentRecord] = []
        self.commits: list[tuple[list[str], bool]] = []
        self.calls: list[str] = []
        self.threads: set[int] = set()
        self.gate = threading.Event()
        self.gate.set()
        self.entered = threading.Event()
        self.fail: dict[str, Exception] = {}

    def _called(self, name: str) -> None:
        self.calls.append(name)
        self.threads.add(threading.get_ident())
        if name in self.fail:
            raise self.fail[name]

    def open(self, folder: Path, *, write: bool = True) -> None:
        self._called("open")

    def begin(self, header: str, started: str) -> int:
        self._called("begin")
        return 3

    def write(self, run: int, rows: Sequence[Row], *, durable: bool) -> None:
        self.entered.set()
        assert self.gate.wait(20)
        self._called("write")
        self.groups.append((list(rows), durable))
        self.commits.append(([f"row {row.seq}" for row in rows], durable))

    def finish(self, run: int, ledger_hash: str, ended: str) -> None:
        self._called(f"finish {run} {ledger_hash}")

    def rows(self, run: int) -> Iterator[Row]:
        return iter([row for rows, _ in self.groups for row in rows])

    def runs(self) -> Sequence[RunInfo]:
        return ()

    def balances(self) -> Mapping[tuple[BookId, str, AssetId], int]:
        self._called("balances")
        return {(BookId("main"), "wallet", AssetId("a")): 5}

    def keep_intents(self, changes: Sequence[IntentRecord], at: str, *, durable: bool, run: int = 0, rows: Sequence[Row] = ()) -> None:
        assert datetime.fromisoformat(at).tzinfo is UTC
        self.entered.set()
        assert self.gate.wait(20)
        self._called("keep_intents")
        self.kept += changes
        if rows:
            self.groups.append((list(rows), durable))
        said = [f"intent {change.number} {change.state}" for change in changes]
        self.commits.append(([*(f"row {row.seq}" for row in rows), *said], durable))

    def intents(self, *, ended: bool = False) -> Sequence[IntentRecord]:
        self._called(f"intents ended={ended}")
        return self.kept

    def last_intent(self) -> int:
        self._called("last_intent")
        return max((record.number for record in self.kept), default=0)

    def results(self, plan: PlanId) -> Sequence[ResultRow]:
        self._called(f"results {plan}")
        return [row for row in self.rows(3) if isinstance(row, ResultRow) and row.plan == plan]

    def intent_steps(self, number: int) -> Sequence[IntentStep]:
        return ()

    def check(self) -> Sequence[str]:
        return ()

    def close(self) -> None:
        self._called("close")


def rows_of(count: int, journal: Journal) -> list[Row]:
    return [journal.adjustment(BookId("main"), ChainId("sim:1"), 1, AssetId("a"), 1, "r") for _ in range(count)]


def intent_of(number: int) -> IntentRecord:
    return IntentRecord(
        number, 3, PlanId(f"p-{number}"), BookId("main"), "spatial", ChainId("sim:1"), "0xac", "", b"\x01", 21_000, 21_000, 9, "", 1,
        f"nonce:{number}", IntentState.PLANNED, 1,
    )  # fmt: skip


@pytest.fixture
def store() -> MemoryStore:
    return MemoryStore()


@pytest.fixture
def writer(store: MemoryStore, tmp_path: Path) -> LedgerWriter:
    return LedgerWriter(store, tmp_path)


def test_writer_writes_all_rows_in_order_on_one_thread(store: MemoryStore, writer: LedgerWriter) -> None:
    """Every row is written once, in order, and only the writer's thread touches the store."""
    rows = rows_of(1000, Journal())
    assert 5 == writer.balances()[BookId("main"), "wallet", AssetId("a")]
    assert 3 == writer.begin("{}")
    for start in range(0, 1000, 3):
        writer.put(rows[start : start + 3])
    writer.finish("5f2c")
    writer.close()
    writer.close()
    assert rows == list(store.rows(3))
    assert ["open", "balances", "begin"] == store.calls[:3]
    assert ["finish 3 5f2c", "close"] == store.calls[-2:]
    assert 1 == len(store.threads)
    assert threading.get_ident() not in store.threads


def test_writer_groups_what_waits_up_to_its_size(store: MemoryStore, writer: LedgerWriter) -> None:
    """Rows that wait are committed together, at most GROUP_ROWS of them; the rows of one call are never parted."""
    writer.begin("{}")
    store.gate.clear()
    journal = Journal()
    writer.put(rows_of(1, journal))
    assert store.entered.wait(20)
    for size in (100, 100, 100, 300, 1):
        writer.put(rows_of(size, journal))
    store.gate.set()
    writer.flush()
    writer.close()
    assert [1, 200, 100, 300, 1] == [len(rows) for rows, _ in store.groups]
    assert GROUP_ROWS == 256


def test_put_commits_at_once_when_nothing_waits(store: MemoryStore, writer: LedgerWriter) -> None:
    """A row does not wait for company."""
    writer.begin("{}")
    journal = Journal()
    for _ in range(3):
        writer.put(rows_of(2, journal))
        writer.flush()
    writer.close()
    assert [2, 2, 2] == [len(rows) for rows, _ in store.groups]


def test_put_durable_returns_after_its_commit(store: MemoryStore, writer: LedgerWriter) -> None:
    """R13: a durable put returns when its rows, and all before them, are in the store."""
    writer.begin("{}")
    journal = Journal()
    store.gate.clear()
    writer.put(rows_of(1, journal))
    assert store.entered.wait(20)
    writer.put(rows_of(2, journal))
    threading.Timer(0.05, store.gate.set).start()
    writer.put(rows_of(3, journal), durable=True)
    assert [(1, False), (5, True)] == [(len(rows), durable) for rows, durable in store.groups]
    writer.close()


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
def test_keep_durable_lets_other_tasks_go_on(store: MemoryStore, writer: LedgerWriter, backend: str) -> None:
    """Waiting for a commit blocks no event loop, whichever it is."""
    writer.begin("{}")
    store.gate.clear()
    told: list[str] = []

    async def wait() -> None:
        await writer.keep_durable([intent_of(1)])
        told.append("committed")

    async def run() -> None:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(wait)
            await anyio.to_thread.run_sync(store.entered.wait, 20)
            told.append("went on")
            store.gate.set()

    anyio.run(run, backend=backend)
    writer.close()
    assert (["went on", "committed"], [(["intent 1 planned"], True)]) == (told, store.commits)


def test_keep_stays_in_order_with_rows_and_waits_for_the_disk_once(store: MemoryStore, writer: LedgerWriter) -> None:
    """R13: rows and intents that wait are written in the order in which they came, and synced once, with the last of them."""
    writer.begin("{}")
    journal = Journal()
    store.gate.clear()
    writer.put(rows_of(1, journal))
    assert store.entered.wait(20)
    for number in (1, 2):
        writer.keep([intent_of(number)])
    writer.put(rows_of(1, journal))
    waiting = [
        threading.Thread(target=writer.keep, args=([intent_of(3)],), kwargs={"durable": True}),
        threading.Thread(target=writer.put, args=(rows_of(1, journal),), kwargs={"durable": True}),
    ]
    for place, thread in enumerate(waiting):
        thread.start()
        while writer._queue.qsize() < 4 + place:
            thread.join(0.001)
    store.gate.set()
    for thread in waiting:
        thread.join(20)
    assert [
        (["row 1"], False), (["intent 1 planned", "intent 2 planned"], False), (["row 2"], False), (["intent 3 planned"], False),
        (["row 3"], True),
    ] == store.commits  # fmt: skip
    writer.close()


def test_keep_counts_as_rows_do_in_a_group(store: MemoryStore, writer: LedgerWriter) -> None:
    """A group is full with so many rows and changes together: nobody waits for an endless one."""
    writer.begin("{}")
    store.gate.clear()
    writer.put(rows_of(1, Journal()))
    assert store.entered.wait(20)
    for first in (1, 201):
        writer.keep([intent_of(number) for number in range(first, first + 200)])
    writer.keep([])
    store.gate.set()
    writer.flush()
    assert [1, 200, 200] == [len(said) for said, _ in store.commits]
    writer.close()


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
def test_keep_durable_returns_after_its_commit_and_lets_others_go_on(store: MemoryStore, writer: LedgerWriter, backend: str) -> None:
    """R13: whoever broadcasts waits for this, and blocks no event loop by it."""
    writer.begin("{}")
    store.gate.clear()
    told: list[object] = []

    async def wait() -> None:
        await writer.keep_durable([intent_of(1)])
        told.append(store.commits)

    async def run() -> None:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(wait)
            await anyio.to_thread.run_sync(store.entered.wait, 20)
            told.append("went on")
            store.gate.set()

    anyio.run(run, backend=backend)
    writer.close()
    assert ["went on", [(["intent 1 planned"], True)]] == told


def test_intents_are_those_of_the_store(store: MemoryStore, writer: LedgerWriter) -> None:
    """A run asks before it begins what earlier ones left, on the one thread that touches the store."""
    store.kept.append(intent_of(1))
    assert (intent_of(1),) == writer.intents()
    assert (intent_of(1),) == writer.intents(ended=True)
    writer.close()
    assert ["open", "intents ended=False", "intents ended=True", "close"] == store.calls
    assert 1 == len(store.threads)


def test_writer_asks_for_the_last_number_and_for_one_plan(store: MemoryStore, writer: LedgerWriter) -> None:
    """A start asks the store what it needs to know, and reads no rows but those."""
    store.kept.append(intent_of(8))

    assert (8, ()) == (writer.last_intent(), writer.results(PlanId("p-8")))
    writer.close()
    assert ["open", "last_intent", "results p-8", "close"] == store.calls
    assert 1 == len(store.threads)


def test_keep_error_names_the_first_change_that_is_missing(store: MemoryStore, writer: LedgerWriter) -> None:
    """What was not kept must never be broadcast: whoever waits gets the error, and so does every call after it."""
    writer.begin("{}")
    store.fail["keep_intents"] = LedgerError("the disk is full")
    for _ in range(2):
        with pytest.raises(LedgerError, match="the disk is full; that intent 7 is planned, and what comes after it, is not in the ledger"):
            writer.keep([intent_of(7), intent_of(8)], durable=True)
    with pytest.raises(LedgerError, match="that intent 7 is planned"):
        writer.put(rows_of(1, Journal()))
    writer.close()


def test_put_blocks_while_the_queue_is_full(store: MemoryStore, writer: LedgerWriter) -> None:
    """A producer that is too fast waits; nothing is dropped."""
    writer.begin("{}")
    store.gate.clear()
    rows = rows_of(600, Journal())
    put: list[int] = []

    def produce() -> None:
        for row in rows:
            writer.put([row])
            put.append(row.seq)

    producer = threading.Thread(target=produce)
    producer.start()
    producer.join(0.3)
    assert producer.is_alive()
    assert len(put) < 600
    store.gate.set()
    producer.join(20)
    writer.close()
    assert rows == list(store.rows(3))


def test_write_error_is_told_by_the_next_call_and_is_final(store: MemoryStore, writer: LedgerWriter) -> None:
    """After a failed write nothing more is accepted: every call raises, with the first row that is missing."""
    writer.begin("{}")
    journal = Journal()
    writer.put(rows_of(4, journal))
    writer.flush()
    store.fail["write"] = LedgerError("the disk is full")
    writer.put(rows_of(4, journal))
    for _ in range(2):
        with pytest.raises(LedgerError, match="the disk is full; rows from 5 on of run 3 are not in the ledger"):
            writer.flush()
    with pytest.raises(LedgerError, match="rows from 5 on"):
        writer.put(rows_of(1, journal))
    with pytest.raises(LedgerError, match="rows from 5 on"):
        writer.finish("hash")
    writer.close()
    assert (1, "close") == (len(store.groups), store.calls[-1])


def test_write_error_reaches_whoever_waits(store: MemoryStore, writer: LedgerWriter) -> None:
    """A durable put whose group failed, or that waits behind one that failed, raises."""
    writer.begin("{}")
    store.fail["write"] = LedgerError("the disk is full")
    with pytest.raises(LedgerError, match="the disk is full"):
        writer.put(rows_of(1, Journal()), durable=True)
    with pytest.raises(LedgerError, match="the disk is full"):
        anyio.run(writer.keep_durable, [])
    writer.close()


def test_write_error_behind_a_full_queue_releases_the_producer(store: MemoryStore, writer: LedgerWriter) -> None:
    """A producer that waits for room when the writer fails gets the error instead of waiting for ever."""
    writer.begin("{}")
    store.gate.clear()
    store.fail["write"] = LedgerError("the disk is full")
    raised: list[LedgerError] = []

    def produce() -> None:
        try:
            for row in rows_of(2000, Journal()):
                writer.put([row])
        except LedgerError as error:
            raised.append(error)

    producer = threading.Thread(target=produce)
    producer.start()
    producer.join(0.2)
    store.gate.set()
    producer.join(20)
    assert not producer.is_alive()
    assert 1 == len(raised)
    writer.close()


def test_write_error_that_nobody_heard_is_raised_by_close(store: MemoryStore, writer: LedgerWriter) -> None:
    """Nothing is lost in silence: the last chance to tell is taken."""
    writer.begin("{}")
    store.gate.clear()
    store.fail["write"] = LedgerError("the disk is full")
    writer.put(rows_of(1, Journal()))
    store.gate.set()
    with pytest.raises(LedgerError, match="rows from 1 on"):
        writer.close()


def test_with_block_that_raises_keeps_its_error_and_notes_the_writers(store: MemoryStore, tmp_path: Path) -> None:
    """An unheard error of the writer is noted on the exception that ends the block, and raised where there is none."""
    store.fail["close"] = LedgerError("cannot close")

    def break_off() -> None:
        with LedgerWriter(store, tmp_path) as writer:
            writer.begin("{}")
            raise KeyError("mine")

    with pytest.raises(KeyError) as caught:
        break_off()
    assert ["cannot close"] == caught.value.__notes__
    with pytest.raises(LedgerError, match="cannot close"), LedgerWriter(store, tmp_path) as writer:
        writer.begin("{}")


def test_begin_where_another_writes_raises_in_use(store: MemoryStore, writer: LedgerWriter) -> None:
    """A second instance is refused with the store's own error, and stays refused."""
    store.fail["open"] = LedgerInUse("process 7 is writing this ledger")
    for _ in range(2):
        with pytest.raises(LedgerInUse, match="process 7"):
            writer.begin("{}")
    writer.close()


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_store_that_breaks_its_contract_ends_the_writer(store: MemoryStore, writer: LedgerWriter) -> None:
    """An exception that no store may raise is told as the store's fault; nobody waits for ever."""
    writer.begin("{}")
    store.fail["write"] = ZeroDivisionError("oops")
    with pytest.raises(LedgerError, match=r"store memory broke its contract: ZeroDivisionError\('oops'\)"):
        writer.put(rows_of(1, Journal()), durable=True)
    writer.close()


def test_calls_out_of_order_raise(writer: LedgerWriter) -> None:
    """Rows need a run, a writer begins one run, and nothing comes after close."""
    writer.flush()
    with pytest.raises(LedgerError, match=r"call begin\(\) first"):
        writer.put(rows_of(1, Journal()))
    with pytest.raises(LedgerError, match=r"call begin\(\) first"):
        writer.finish("hash")
    writer.put([])
    writer.begin("{}")
    with pytest.raises(LedgerError, match="began run 3 already"):
        writer.begin("{}")
    writer.close()
    with pytest.raises(LedgerError, match=r"nothing after close\(\)"):
        writer.put(rows_of(1, Journal()))
    with pytest.raises(LedgerError, match="is closed"):
        writer.balances()
