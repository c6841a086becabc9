"""What goes wrong outside: two writers, foreign files, full disks, kill -9. Each is a LedgerError that says what to do."""

import os
import resource
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tidemill.domain.records import Row
from tidemill.errors import LedgerError, LedgerInUse
from tidemill.ledger.verify import verify
from tidemill_store_sqlite import SqliteStore

Rows = Callable[..., list[Row]]

WRITER = """
import sys
from pathlib import Path
from tidemill.domain.ids import AssetId, BookId, ChainId
from tidemill.ledger.journal import Journal
from tidemill_store_sqlite import SqliteStore
store, journal = SqliteStore(), Journal()
store.open(Path(sys.argv[1]))
run = store.begin("{}", "")
print("open", flush=True)
groups = 0
while True:
    asset = AssetId("sim:1/erc20:0xaa")
    store.write(run, [journal.adjustment(BookId("main"), ChainId("sim:1"), n, asset, 1, "r") for n in range(7)], durable=groups % 5 == 0)
    groups += 1
    print(groups, flush=True)
"""


HALF_MADE = """
import os, sqlite3, sys
file = sqlite3.connect(sys.argv[1], isolation_level=None)
file.execute("PRAGMA cache_size=1")
file.execute("BEGIN IMMEDIATE")
file.execute("CREATE TABLE runs (text)")
file.executemany("INSERT INTO runs VALUES (?)", [("x" * 3_000,)] * 50)
os._exit(1)
"""
"""A process that dies while it makes the file: what it wrote stands in the file, and how to undo it in the journal beside it."""


@pytest.fixture
def unprivileged(readable_tmp: Path) -> Iterator[Path]:
    """A folder for tests about permissions: root has all, so the test steps down where it runs as root."""
    import tidemill_store_sqlite.connection
    import tidemill_store_sqlite.layout
    import tidemill_store_sqlite.reading
    import tidemill_store_sqlite.writing  # noqa: F401  imported now: the other user may not read where they are

    user = os.geteuid()
    if user == 0:
        os.seteuid(65534)
    yield readable_tmp
    os.seteuid(user)


def test_open_second_writer_is_refused_with_the_process(store: SqliteStore, tmp_path: Path) -> None:
    """Two instances never write one ledger: the second is refused and told which process holds it."""
    with pytest.raises(LedgerInUse, match=f"process {os.getpid()} is writing this ledger; .*--data"):
        SqliteStore().open(tmp_path / "ledger")


def test_open_reader_beside_a_writer_reads(store: SqliteStore, make_rows: Rows, tmp_path: Path) -> None:
    """Reading needs no lock: a ledger can be looked at while it is written."""
    store.write(store.begin("{}", ""), make_rows(), durable=False)
    reader = SqliteStore()
    reader.open(tmp_path / "ledger", write=False)
    assert make_rows() == list(reader.rows(1))
    reader.close()


def test_open_after_a_refusal_still_works(store: SqliteStore, make_rows: Rows, tmp_path: Path) -> None:
    """A refused instance takes nothing from the one that writes, and the lock goes with the writer."""
    second = SqliteStore()
    with pytest.raises(LedgerInUse):
        second.open(tmp_path / "ledger")
    store.write(store.begin("{}", ""), make_rows(), durable=True)
    store.close()
    second.open(tmp_path / "ledger")
    assert 2 == second.begin("{}", "")
    second.close()


def test_kill_in_mid_run_leaves_whole_groups(tmp_path: Path) -> None:
    """R13: after kill -9 the file is sound, every group that was reported is there, none is half there, and the lock is free."""
    for attempt in range(3):
        folder = tmp_path / str(attempt)
        child = subprocess.Popen([sys.executable, "-c", WRITER, str(folder)], stdout=subprocess.PIPE, text=True)
        assert child.stdout is not None
        reported = 0
        while reported < 20 + attempt * 7:
            line = child.stdout.readline()
            assert line, "the child ended by itself"
            reported = int(line) if line.strip().isdigit() else reported
        with pytest.raises(LedgerInUse, match=f"process {child.pid} "):
            SqliteStore().open(folder)
        child.send_signal(signal.SIGKILL)
        rest = child.communicate()[0].split()
        reported = int(rest[-1]) if rest else reported
        store = SqliteStore()
        store.open(folder)
        rows = list(store.rows(1))
        assert ((), [], 0) == (store.check(), verify(rows), len(rows) % 7)
        assert reported * 7 <= len(rows) <= (reported + 1) * 7
        assert ("", 2) == (store.runs()[0].ledger_hash, store.begin("{}", ""))
        store.close()


def test_write_beyond_the_size_limit_leaves_nothing_of_the_group(store: SqliteStore, make_rows: Rows) -> None:
    """When the disk takes no more the group is refused with a remedy, what was there is sound, and later it goes on."""
    run = store.begin("{}", "")
    store.write(run, make_rows(), durable=False)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    ignored = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, hard))
    try:
        with pytest.raises(LedgerError, match=r"writing 4000 rows of run 1 failed: .*the disk refused to write"):
            store.write(run, make_rows(first=5, groups=1000), durable=True)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        signal.signal(signal.SIGXFSZ, ignored)
    assert (make_rows(), ()) == (list(store.rows(run)), store.check())
    store.write(run, make_rows(first=5), durable=True)
    assert 8 == len(list(store.rows(run)))


def test_write_to_a_full_database_says_so(store: SqliteStore, make_rows: Rows) -> None:
    """SQLite's own word for a full disk comes with the remedy."""
    run = store.begin("{}", "")
    assert store._writer is not None
    store._writer.connection.cursor().execute("PRAGMA max_page_count=20")
    with pytest.raises(LedgerError, match=r"SQLITE_FULL.*: the disk is full: make room"):
        store.write(run, make_rows(groups=1000), durable=False)
    assert [] == list(store.rows(run))


def test_write_while_another_program_holds_the_file_says_so(
    store: SqliteStore, make_rows: Rows, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A shell with an open transaction is named as the cause, in bounded time."""
    run = store.begin("{}", "")
    assert store._writer is not None
    store._writer.connection.cursor().execute("PRAGMA busy_timeout=20")
    other = sqlite3.connect(tmp_path / "ledger" / "ledger.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(LedgerError, match="another program has locked it"):
        store.write(run, make_rows(), durable=False)
    other.close()
    store.write(run, make_rows(), durable=False)
    assert 4 == len(list(store.rows(run)))


def test_open_of_a_file_that_is_no_database_raises(tmp_path: Path) -> None:
    """A file of another kind is left as it is."""
    file = tmp_path / "ledger.db"
    file.write_text("not a database, but long enough to be looked at\n" * 40)
    for write in (True, False):
        with pytest.raises(LedgerError, match="not a SQLite file: move it away"):
            SqliteStore().open(tmp_path, write=write)
    assert file.read_text().startswith("not a database")


def test_open_of_another_programs_database_raises(tmp_path: Path) -> None:
    """A SQLite file with other tables is not touched."""
    with sqlite3.connect(tmp_path / "ledger.db") as other:
        other.execute("CREATE TABLE recipes (name TEXT)")
    other.close()
    for write in (True, False):
        with pytest.raises(LedgerError, match="was not written by Tidemill"):
            SqliteStore().open(tmp_path, write=write)


def test_open_of_a_newer_version_raises(store: SqliteStore, tmp_path: Path) -> None:
    """A ledger that a later version wrote is left alone: the message names both versions and what to do."""
    store.close()
    with sqlite3.connect(tmp_path / "ledger" / "ledger.db") as other:
        other.execute("PRAGMA user_version=7")
    other.close()
    for write in (True, False):
        with pytest.raises(LedgerError, match=r"tables are of version 7, this .* reads versions 1 to 2; upgrade"):
            store.open(tmp_path / "ledger", write=write)
    assert not list(tmp_path.rglob("*.bak"))


def test_open_to_read_where_there_is_none_raises(tmp_path: Path) -> None:
    """Reading creates nothing."""
    with pytest.raises(LedgerError, match="there is no ledger here"):
        SqliteStore().open(tmp_path / "none", write=False)
    assert [] == list(tmp_path.iterdir())


def test_open_to_read_what_a_killed_run_left_half_made_undoes_it(store: SqliteStore, tmp_path: Path) -> None:
    """A reader undoes what a run that was killed in its first moments wrote: there is no ledger yet, and the next run makes one."""
    store.close()
    folder = tmp_path / "killed"
    folder.mkdir()
    subprocess.run([sys.executable, "-c", HALF_MADE, str(folder / "ledger.db")], check=False)
    assert (folder / "ledger.db").stat().st_size > 0 < (folder / "ledger.db-journal").stat().st_size

    with pytest.raises(LedgerError, match="there is no ledger here yet"):
        store.open(folder, write=False)
    assert not (folder / "ledger.db-journal").exists()
    store.open(folder)
    assert [] == list(store.runs())


def test_open_in_a_read_only_folder_raises(unprivileged: Path) -> None:
    """A folder that cannot be written is named before anything begins, with what to do."""
    folder = unprivileged / "locked"
    os.seteuid(os.getuid())
    folder.mkdir(mode=0o555)
    if os.getuid() == 0:
        os.seteuid(65534)
    with pytest.raises(LedgerError, match="Permission denied; give a folder that can be written"):
        SqliteStore().open(folder)
    with pytest.raises(LedgerError, match="cannot be created: Permission denied"):
        SqliteStore().open(folder / "below")


def test_open_to_read_in_a_read_only_folder_reads(unprivileged: Path, make_rows: Rows) -> None:
    """A ledger that was closed can be read where nothing can be written."""
    os.seteuid(os.getuid())
    folder = unprivileged / "archive"
    store = SqliteStore()
    store.open(folder)
    store.write(store.begin("{}", ""), make_rows(), durable=False)
    store.close()
    folder.chmod(0o555)
    if os.getuid() == 0:
        os.seteuid(65534)
    store.open(folder, write=False)
    assert make_rows() == list(store.rows(1))
    store.close()


def test_open_where_the_lock_cannot_be_written_raises(tmp_path: Path) -> None:
    """A path that is no folder is an error of the ledger as well."""
    file = tmp_path / "file"
    file.write_text("")
    with pytest.raises(LedgerError, match="cannot be created"):
        SqliteStore().open(file)
