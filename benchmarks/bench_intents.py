"""How long a transaction waits until it is on the disk: `uv run python -m benchmarks.bench_intents [FOLDER …]`.

Before a run sends a transaction it keeps it as planned and as signed, both in one commit, and waits for the disk once. Beside it stand one
transaction of the bare `sqlite3` module with the same bytes, log and sync, and an append of them to a file with `fdatasync`: what is not
the disk's is ours. Every sample takes each of the three once, in turn, so that a disk that is busy is busy for all of them.
"""

import os
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory, gettempdir
from time import perf_counter_ns

from attrs import evolve

from benchmarks.measure import MILLISECONDS, Case, report, say
from benchmarks.samples import Sampled, p99
from tidemill.domain.ids import BookId, ChainId, PlanId
from tidemill.domain.intent import IntentRecord, IntentState
from tidemill.pipeline.writer import LedgerWriter
from tidemill_store_sqlite import SqliteStore

ROUNDS = 5
SAMPLES = 200
TARGET_MS = 20
MEMORY = Path("/dev/shm")  # noqa: S108  a file system in memory, for comparison: what it keeps no loss of power survives
PAYLOAD, FLOW = bytes(range(250)) * 4, '{"kind":"Flow"}' * 100
"""A transaction of a thousand bytes, for a plan that fills a page and a half."""
OURS, BARE, APPEND = "an intent, kept", "a bare `sqlite3` commit", "an append with `fdatasync`"


class Disk:
    """Three ways to have a transaction on one disk."""

    def __init__(self, folder: Path) -> None:
        self._writer = LedgerWriter(SqliteStore(), folder / "ledger")
        self._run = self._writer.begin("{}")
        self._bare = sqlite3.connect(folder / "bare.db", isolation_level=None)
        self._bare.execute("PRAGMA journal_mode=WAL")
        self._bare.execute("PRAGMA synchronous=FULL")
        self._bare.execute("CREATE TABLE kept (number INTEGER PRIMARY KEY, flow TEXT, payload BLOB, raw BLOB)")
        self._file = os.open(folder / "appended", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        self._number = 0

    def measure(self) -> dict[str, list[float]]:
        """Keep transactions in all three ways: milliseconds of each."""
        taken: dict[str, list[float]] = {OURS: [], BARE: [], APPEND: []}
        for _ in range(SAMPLES):
            self._number += 1
            planned = planned_intent(self._number, self._run)
            signed = evolve(planned, state=IntentState.SIGNED, tx="0x1f", raw=PAYLOAD + b"signed")
            taken[OURS].append(milliseconds(lambda: self._writer.keep([planned, signed], durable=True)))  # noqa: B023  called at once
            taken[BARE].append(milliseconds(lambda: self._commit(signed)))  # noqa: B023  called at once
            taken[APPEND].append(milliseconds(lambda: self._append(signed)))  # noqa: B023  called at once
        return taken

    def _commit(self, record: IntentRecord) -> None:
        self._bare.execute("BEGIN IMMEDIATE")
        values = (record.number, record.flow, record.payload, record.raw)
        self._bare.execute("INSERT OR REPLACE INTO kept VALUES (?, ?, ?, ?)", values)
        self._bare.execute("COMMIT")

    def _append(self, record: IntentRecord) -> None:
        os.write(self._file, record.flow.encode() + record.payload + record.raw)
        os.fdatasync(self._file)

    def close(self) -> None:
        """Let go of all files."""
        self._writer.close()
        self._bare.close()
        os.close(self._file)


def planned_intent(number: int, run: int) -> IntentRecord:
    """Return a transaction that holds a slot of its own."""
    return IntentRecord(
        number, run, PlanId(f"plan-{number}"), BookId("main"), "spatial", ChainId("eip155:1"), "0xac", FLOW, PAYLOAD, 400_000, 300_000, 900,
        "0xfeed", 100, f"nonce:{number}", IntentState.PLANNED, 100,
    )  # fmt: skip


def milliseconds(call: Callable[[], object]) -> float:
    """Return how long a call takes on the wall: what is waited for is a disk, not a processor."""
    started = perf_counter_ns()
    call()
    return (perf_counter_ns() - started) / 1_000_000


def file_system(folder: Path) -> str:
    """Return what a folder is kept on, as `findmnt` tells it."""
    command = ["findmnt", "--noheadings", "--output", "FSTYPE,SOURCE,OPTIONS", "--target", str(folder)]
    try:
        lines = subprocess.run(command, capture_output=True, text=True, check=False).stdout.splitlines()  # noqa: S603
    except FileNotFoundError:
        lines = []
    # Where one file system is mounted over another, the last line is the one that is seen
    found = lines[-1].split() if lines else []
    return f"{found[0]} ({found[1]}, {found[2]})" if len(found) == 3 else "unknown (findmnt does not tell)"


def cases(disk: Disk, kind: str) -> Iterator[Case]:
    """The median and the 99th percentile of each way, with what the others take beside ours."""
    some = Sampled(disk.measure)
    names = {part: f"{kind}: {part}" for part in (OURS, BARE, APPEND)}
    yield Case(f"{names[OURS]}, median", MILLISECONDS, some.first(OURS), None, (f"{names[BARE]}, median", f"{names[APPEND]}, median"))
    worst = (f"{names[BARE]}, 99 in 100", f"{names[APPEND]}, 99 in 100")
    yield Case(f"{names[OURS]}, 99 in 100", MILLISECONDS, some.then(OURS, p99), TARGET_MS, worst)
    for part in (BARE, APPEND):
        yield Case(f"{names[part]}, median", MILLISECONDS, some.then(part))
        yield Case(f"{names[part]}, 99 in 100", MILLISECONDS, some.then(part, p99))


def main(folders: list[str]) -> None:
    """Measure each folder that is given, else the temporary one, this one and memory, where they are on different file systems."""
    chosen = folders or [gettempdir(), str(Path.cwd()), *([str(MEMORY)] if MEMORY.is_dir() else [])]
    by_device = {Path(name).stat().st_dev: Path(name) for name in reversed(chosen)}
    remarks: list[str] = []
    made: list[Case] = []
    with ExitStack() as closing:
        for folder in reversed(by_device.values()):
            said = file_system(folder)
            disk = Disk(Path(closing.enter_context(TemporaryDirectory(dir=folder))))
            closing.callback(disk.close)
            kind = said.partition(" ")[0]
            made += cases(disk, f"{kind} {len(remarks) + 1}" if any(remark.startswith(f"{kind} ") for remark in remarks) else kind)
            remarks.append(f"{said}: {SAMPLES} samples of each a round, timed on the wall.")
        report("An intent to the disk", made, ROUNDS, remarks)


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except OSError as error:
        say(f"not measured: {error}")
