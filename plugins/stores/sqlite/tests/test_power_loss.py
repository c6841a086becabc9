"""What is there after a loss of power: every durable commit, and of what came later the oldest, whole.

With ``strace`` every call is watched, and the disk may have done the unsynced ones in any order, sector by sector. Without it, files are
copied between operations, and a durable one is believed to have synced them: that shows what a log that lost its tail gives back, the
calls show that the store syncs when it says so.
"""

import random
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from tidemill.domain.ids import AssetId, BookId, ChainId
from tidemill.domain.intent import IntentState
from tidemill.domain.records import Row
from tidemill.ledger.journal import Journal
from tidemill_store_sqlite import SqliteStore
from tidemill_testing.conformance.intents import planned, way
from tidemill_testing.power_loss import Call, Disk, has_strace, watched

OPERATIONS = 24
GROUP = 3

WORK = """
import os, sys
from pathlib import Path
from tidemill.domain.ids import AssetId, BookId, ChainId
from tidemill.domain.intent import IntentState
from tidemill.ledger.journal import Journal
from tidemill_store_sqlite import SqliteStore
from tidemill_testing.conformance.intents import planned, way

folder = Path(sys.argv[1])
marks = os.open(folder / "marks", os.O_WRONLY | os.O_CREAT)
store, journal = SqliteStore(), Journal()
store.open(folder)
run = store.begin("{}", "")
os.write(marks, b"0 1\\n")
store._writer.connection.cursor().execute("PRAGMA wal_autocheckpoint=12")
for number in range(1, int(sys.argv[2]) + 1):
    durable = number % 3 == 0
    asset = AssetId("sim:1/erc20:0xaa")
    rows = [journal.adjustment(BookId("main"), ChainId("sim:1"), n, asset, 1, "r") for n in range(3)]
    if number % 2:
        store.write(run, rows, durable=durable)
    else:
        store.keep_intents(way(planned(number // 2), IntentState.SIGNED), "", durable=durable, run=run, rows=rows)
    os.write(marks, b"%d %d\\n" % (number, durable))
store.close()
"""
"""All operations write rows, even ones in one commit with an intent; every third is durable. Each is told in a file once it is done."""


def rows_of(journal: Journal) -> list[Row]:
    return [journal.adjustment(BookId("main"), ChainId("sim:1"), n, AssetId("sim:1/erc20:0xaa"), 1, "r") for n in range(GROUP)]


def operations_in(folder: Path, files: Mapping[str, bytes]) -> int:
    """Return how many operations a disk holds; they must be the first ones, each whole, in a file that is sound."""
    folder.mkdir()
    for name, content in files.items():
        if not name.endswith("-shm"):
            (folder / name).write_bytes(content)
    store = SqliteStore()
    store.open(folder)
    rows = list(store.rows(1)) if store.runs() else []
    kept = store.intents(ended=True)
    assert () == store.check()
    journal = Journal()
    assert [row for _ in range(len(rows) // GROUP) for row in rows_of(journal)] == rows
    assert [way(planned(number), IntentState.SIGNED)[-1] for number in range(1, len(kept) + 1)] == list(kept)
    store.close()
    shutil.rmtree(folder)
    groups, torn = divmod(len(rows), GROUP)
    assert (groups // 2, 0) == (len(kept), torn), "an intent is there without the rows of its commit, or they without it"
    return groups


@pytest.mark.skipif(not has_strace(), reason="strace is not here, or may not watch processes: the test beside this one copies files")
def test_power_loss_at_any_call_leaves_every_durable_commit(tmp_path: Path, quick: Path) -> None:
    """R13: whatever the disk did of what was not synced, all operations that were durable are there, and of the others the first, whole."""
    folder = tmp_path / "watched"
    folder.mkdir()
    calls = watched([sys.executable, "-c", WORK, str(folder), str(OPERATIONS)], folder, tmp_path / "log")
    disk, chance = Disk(), random.Random(7)
    returned, durable, looked, lost = -1, -1, 0, 0
    for place, call in enumerate(calls):
        disk.play(call)
        is_mark = call.name == "marks" and call.kind == "write"
        if is_mark:
            returned, was_durable = map(int, call.data.split())
            durable = returned if was_durable else durable
        is_next_a_sync = place + 1 < len(calls) and calls[place + 1].kind == "sync"
        if is_mark or is_next_a_sync or place % 19 == 0:
            for files in (disk.least(), disk.most(), disk.some(chance)):
                looked += 1
                found = operations_in(quick / f"disk-{looked}", files)
                assert max(durable, 0) <= found <= returned + 1, (place, call.kind, call.name)
                lost += found < returned
    assert (OPERATIONS, OPERATIONS) == (returned, operations_in(quick / "end", disk.least()))
    assert looked > 120
    assert lost > 10, "nothing was ever lost: the watch saw no unsynced write"


def test_log_that_lost_its_tail_has_every_durable_commit(tmp_path: Path, quick: Path) -> None:
    """R13: cut anywhere behind the last durable commit, the log gives back every durable operation and the first of the others."""
    folder = tmp_path / "ledger"
    store, journal = SqliteStore(), Journal()
    store.open(folder)
    run = store.begin("{}", "")
    assert store._writer is not None
    # The log alone grows: the file it belongs to stays as it is, so that what was synced is a beginning of the log
    store._writer.connection.cursor().execute("PRAGMA wal_autocheckpoint=0")
    chance, synced, durable = random.Random(7), (folder / "ledger.db-wal").stat().st_size, 0
    for number in range(1, OPERATIONS + 1):
        is_durable = number % 3 == 0
        if number % 2:
            store.write(run, rows_of(journal), durable=is_durable)
        else:
            changes = way(planned(number // 2), IntentState.SIGNED)
            store.keep_intents(changes, "", durable=is_durable, run=run, rows=rows_of(journal))
        log = (folder / "ledger.db-wal").read_bytes()
        if is_durable:
            synced, durable = len(log), number
        cut = chance.randint(synced, len(log))
        torn = log[:cut] + chance.randbytes(len(log) - cut)
        for place, left in enumerate((log[:synced], log[:cut], torn)):
            files = {"ledger.db": (folder / "ledger.db").read_bytes(), "ledger.db-wal": left}
            found = operations_in(quick / f"disk-{number}-{place}", files)
            assert durable <= found <= number
            assert place or found == durable
    store.close()


def test_disk_forgets_what_was_not_synced_and_nothing_else() -> None:
    """The disk that calls are played on keeps synced bytes, loses others, and knows names that were not synced."""
    disk = Disk()
    disk.put("old", b"0")
    for call in (
        Call("create", "a"), Call("write", "a", 0, b"A" * 600), Call("sync", "a"), Call("write", "a", 512, b"B" * 600),
        Call("write", "a", -1, b"C"), Call("truncate", "a", 1100), Call("rename", "old", 0, b"new"),
    ):  # fmt: skip
        disk.play(call)
    assert {"old": b"0"} == disk.least()
    assert {"a": b"C" + b"A" * 511 + b"B" * 588, "new": b"0"} == disk.most()
    disk.play(Call("sync", ""))
    assert {"a": b"A" * 600, "new": b"0"} == disk.least()
    disk.play(Call("remove", "new"))
    assert ({"a", "new"}, {"a"}) == (set(disk.least()), set(disk.most()))
    seen = {bytes(disk.some(random.Random(seed))["a"][512:513]) for seed in range(40)}
    assert {b"A", b"B"} <= seen
