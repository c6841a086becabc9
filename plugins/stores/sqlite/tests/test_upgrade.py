"""Ledgers of an older version: read as they are, upgraded whole or not at all, and never without a copy."""

import os
import random
import resource
import shutil
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy

from tidemill.api.ledger import open_ledger
from tidemill.domain.ids import AssetId, BookId
from tidemill.errors import LedgerError
from tidemill.ledger.digest import digest_of
from tidemill_store_sqlite import SqliteStore
from tidemill_store_sqlite.connection import writing_engine
from tidemill_store_sqlite.schema import METADATA, SCHEMA_VERSION
from tidemill_testing.conformance.child import Child, Say
from tidemill_testing.conformance.intents import planned
from tidemill_testing.power_loss import Disk, has_strace, watched

OLD = Path(__file__).with_name("ledger_v1.sql").read_text("utf-8")
DIGEST = "9fe0fb89ed6539b98b554bb42b1cdc9ca70d3a549fd9b975a50b43d773e73da3"
"""What version 1 said of its first run."""
WALLET = (BookId("main"), "wallet", AssetId("sim:1/erc20:0xaa"))


@pytest.fixture
def old(tmp_path: Path) -> Path:
    """The folder of a ledger as version 1 left it: with a log that its writer was killed over."""
    return make_old(tmp_path / "old")


def make_old(folder: Path) -> Path:
    folder.mkdir()
    with closing(sqlite3.connect(folder / "made.db", isolation_level=None)) as made:
        made.execute("PRAGMA journal_mode=WAL")
        made.executescript(OLD)
        # Copied while it is open: what was committed last stands in the log alone
        for name in ("made.db", "made.db-wal"):
            shutil.copy(folder / name, folder / name.replace("made", "ledger"))
    (folder / "made.db").unlink()
    return folder


def version_of(file: Path) -> int:
    with closing(sqlite3.connect(file)) as connection:
        found: int = connection.execute("PRAGMA user_version").fetchone()[0]
    return found


def tables_of(file: Path) -> list[tuple[str, str]]:
    """Return the names and definitions of tables and indexes, spaces and quotes left out."""
    with closing(sqlite3.connect(file)) as connection:
        found = connection.execute("SELECT name, sql FROM sqlite_master ORDER BY name").fetchall()
    return [(name, "".join((sql or "").split()).replace('"', "")) for name, sql in found]


def assert_is_all_there(store: SqliteStore) -> None:
    """What version 1 wrote is there, to the hash that it gave."""
    assert (DIGEST, DIGEST) == (store.runs()[0].ledger_hash, digest_of(store.rows(1)))
    assert ((6, 2), ()) == (tuple(info.rows for info in store.runs()), store.check())
    assert (1 << 200) + 100 == store.balances()[WALLET]


@contextmanager
def file_limit(size: int) -> Iterator[None]:
    """Let no file of this process grow beyond a size."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    ignored = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        signal.signal(signal.SIGXFSZ, ignored)


def test_old_ledger_is_upgraded_with_all_that_is_in_it(old: Path) -> None:
    """Opened to be written, a ledger of version 1 has the tables of today, its rows, and goes on."""
    store = SqliteStore()
    store.open(old)
    assert_is_all_there(store)
    assert 3 == store.begin("{}", "")
    store.keep_intents([planned(1, run=3)], "", durable=True)
    assert ((planned(1, run=3),), ()) == (store.intents(), store.check())
    store.close()
    assert SCHEMA_VERSION == version_of(old / "ledger.db")


def test_old_ledger_is_sound_before_and_after(old: Path) -> None:
    """What version 1 wrote passes every check of today, read as it is and upgraded: an upgrade makes nothing true or false."""
    with open_ledger(old) as ledger:
        before = ledger.verify()
    store = SqliteStore()
    store.open(old)
    store.close()
    with open_ledger(old) as ledger:
        after = ledger.verify()

    assert ((), ()) == (before.problems, after.problems)
    assert [DIGEST, DIGEST] == [found.runs[0].ledger_hash for found in (before, after)]


def test_copy_of_the_old_ledger_is_kept_beside_it(old: Path) -> None:
    """Who wants to go back finds the old ledger whole in one file, readable by those who could read the ledger."""
    (old / "ledger.db").chmod(0o600)
    store = SqliteStore()
    store.open(old)
    store.close()
    assert ["ledger.db", "ledger.db.v1.bak", "ledger.lock"] == sorted(path.name for path in old.iterdir())
    assert 0o600 == (old / "ledger.db.v1.bak").stat().st_mode & 0o777
    back = old / "back"
    back.mkdir()
    (old / "ledger.db.v1.bak").rename(back / "ledger.db")
    assert 1 == version_of(back / "ledger.db")
    store.open(back, write=False)
    assert_is_all_there(store)
    store.close()


def test_upgraded_tables_are_those_of_a_new_ledger(old: Path, tmp_path: Path) -> None:
    """However a ledger came to this version, its tables and indexes are the same."""
    for folder in (old, tmp_path / "new"):
        store = SqliteStore()
        store.open(folder)
        store.close()
    assert tables_of(old / "ledger.db") == tables_of(tmp_path / "new" / "ledger.db")


def test_revisions_from_the_first_on_make_the_tables_of_a_new_ledger(tmp_path: Path) -> None:
    """The revisions tell the whole history: from nothing they come to the tables that a new file gets at once."""
    from tidemill_store_sqlite.upgrade import migrate

    for name in ("grown.db", "made.db"):
        with writing_engine(tmp_path / name).connect() as connection, connection.begin():
            migrate(connection, "base") if name == "grown.db" else METADATA.create_all(connection)
    assert tables_of(tmp_path / "grown.db") == tables_of(tmp_path / "made.db")


def test_old_ledger_that_is_read_stays_as_it_is(old: Path) -> None:
    """A report of an old ledger needs no upgrade: rows are read, transactions of ours were none."""
    store = SqliteStore()
    store.open(old, write=False)
    assert_is_all_there(store)
    assert ((), (), (), 0) == (store.intents(), store.intents(ended=True), store.intent_steps(1), store.last_intent())
    writer = SqliteStore()
    writer.open(old)
    writer.begin("{}", "")
    writer.keep_intents([planned(1)], "", durable=True)
    assert (1, ()) == (len(store.intents()), store.check())
    writer.close()
    store.close()


def test_old_ledger_in_a_read_only_folder_is_read_and_not_upgraded(readable_tmp: Path) -> None:
    """An archive is read where nothing can be written; a run there is refused, and nothing changes."""
    old = make_old(readable_tmp / "archive")
    with closing(sqlite3.connect(old / "ledger.db")) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    before = (old / "ledger.db").read_bytes()
    (old / "ledger.db").chmod(0o444)
    old.chmod(0o555)
    with Child(lambda say: read_only(old, say)) as child:
        assert ["read", "refused"] == [child.line(30), child.line(30)]
    old.chmod(0o755)
    assert (before, ["ledger.db"]) == ((old / "ledger.db").read_bytes(), [path.name for path in old.iterdir()])


def read_only(folder: Path, say: Say) -> None:
    """Read and try to write as a user who may not; the modules are imported by then, which that user may not read."""
    import tidemill_store_sqlite.reading
    import tidemill_store_sqlite.upgrade  # noqa: F401

    if os.geteuid() == 0:
        os.setuid(65534)
    store = SqliteStore()
    store.open(folder, write=False)
    assert_is_all_there(store)
    store.close()
    say("read")
    try:
        store.open(folder)
    except LedgerError as error:
        say("refused" if "Permission denied; give a folder that can be written" in str(error) else str(error))


def test_upgrade_without_room_for_the_copy_changes_nothing(old: Path) -> None:
    """Where the copy does not fit there is no upgrade: the ledger is as it was, no half copy is left, and the message says what to do."""
    store = SqliteStore()
    with (
        file_limit(40_000),
        pytest.raises(LedgerError, match=r"v1.bak: the ledger is to be upgraded and cannot be copied to here .*make room"),
    ):
        store.open(old)
    assert 1 == version_of(old / "ledger.db")
    assert not list(old.glob("*.bak*"))
    store.open(old)
    assert_is_all_there(store)
    store.close()


def test_upgrade_on_a_disk_that_fills_up_changes_nothing(old: Path) -> None:
    """Where the change itself does not fit, nothing of it stays."""
    with closing(sqlite3.connect(old / "ledger.db", isolation_level=None)) as connection:
        for _ in range(30):
            connection.execute("UPDATE runs SET header = ?", ("x" * 30_000,))
        store = SqliteStore()
        # The log is as long as a file may be by now; the copy, of the ledger as it stands, is shorter
        with file_limit((old / "ledger.db-wal").stat().st_size), pytest.raises(LedgerError, match=r"from version 1 to 2 failed: .*disk"):
            store.open(old)
        assert (old / "ledger.db.v1.bak").exists()
    assert 1 == version_of(old / "ledger.db")
    store.open(old)
    assert (2, ()) == (len(store.runs()), store.check())
    store.close()


def killed_at(number: int, folder: Path) -> bool:
    """Open a ledger to write in a process that is killed at the so-manieth step of the upgrade; return whether there was such a step."""
    seen = 0

    def count(*_: object) -> None:
        nonlocal seen
        seen += 1
        if seen == number:
            os.kill(os.getpid(), signal.SIGKILL)

    def before(call: Callable[..., Any]) -> Callable[..., Any]:
        def counted(*arguments: Any) -> Any:
            count()
            return call(*arguments)

        return counted

    def work(say: Say) -> None:
        # Every statement, the commit, every sync and every rename is a step
        sqlalchemy.event.listen(sqlalchemy.Engine, "before_cursor_execute", count)
        sqlalchemy.event.listen(sqlalchemy.Engine, "commit", count)
        os.fsync, Path.replace = before(os.fsync), before(Path.replace)  # type: ignore[method-assign]
        SqliteStore().open(folder)
        say("opened")

    with Child(work) as child:
        return child.line(60) != "opened"


def test_kill_at_any_step_of_the_upgrade_leaves_the_old_ledger_or_the_new_one(tmp_path: Path) -> None:
    """R13: killed -9 anywhere, the file is sound and of one version with all of its tables, and the next start ends what was begun."""
    versions = []
    for number in range(1, 200):
        folder = make_old(tmp_path / str(number))
        was_killed = killed_at(number, folder)
        file = folder / "ledger.db"
        versions.append(version_of(file))
        names = [name for name, _ in tables_of(file)]
        assert (versions[-1] == 2) == ("intent_steps" in names) == ("intent_records_by_plan" in names)
        if versions[-1] == 2:
            assert 1 == version_of(folder / "ledger.db.v1.bak")
        store = SqliteStore()
        store.open(folder, write=False)
        assert_is_all_there(store)
        store.close()
        store.open(folder)
        assert_is_all_there(store)
        store.close()
        assert (2, 1, []) == (version_of(file), version_of(folder / "ledger.db.v1.bak"), list(folder.glob("*.part")))
        if not was_killed:
            break
    assert {1, 2} == set(versions)
    assert sorted(versions) == versions
    assert len(versions) > 8


@pytest.mark.skipif(not has_strace(), reason="strace is not here, or may not watch processes")
def test_power_loss_at_any_call_of_the_upgrade_leaves_the_old_ledger_or_the_new_one(old: Path, tmp_path: Path, quick: Path) -> None:
    """R13: whatever the disk did of what was not synced, a ledger of one version is there, and beside a new one the whole old one."""
    disk, chance = Disk(), random.Random(7)
    versions: list[int] = []
    for file in old.iterdir():
        disk.put(file.name, file.read_bytes())
    code = "import sys; from pathlib import Path; from tidemill_store_sqlite import SqliteStore; SqliteStore().open(Path(sys.argv[1]))"
    for place, call in enumerate(watched([sys.executable, "-c", code, str(old)], old, tmp_path / "log")):
        disk.play(call)
        for files in (disk.least(), disk.most(), disk.some(chance)) if place % 3 == 0 or call.kind != "write" else ():
            folder = quick / f"disk-{len(versions)}"
            folder.mkdir()
            for name, content in files.items():
                if not name.endswith("-shm"):
                    (folder / name).write_bytes(content)
            versions.append(version_of(folder / "ledger.db"))
            store = SqliteStore()
            store.open(folder, write=False)
            assert_is_all_there(store)
            store.close()
            if versions[-1] == 2:
                (folder / "ledger.db.v1.bak").replace(folder / "ledger.db")
                (folder / "ledger.db-wal").unlink(missing_ok=True)
                store.open(folder, write=False)
                assert_is_all_there(store)
                store.close()
    assert {1, 2} == set(versions)


def test_ledger_that_is_up_to_date_is_opened_without_alembic(tmp_path: Path) -> None:
    """R7: what is done once in the life of a ledger costs no other start anything, a new ledger included."""
    code = (
        "import sys; from pathlib import Path; from tidemill_store_sqlite import SqliteStore\n"
        "for _ in range(2):\n    store = SqliteStore(); store.open(Path(sys.argv[1])); store.close()\n"
        "sys.exit('alembic' in sys.modules)"
    )
    assert 0 == subprocess.run([sys.executable, "-c", code, str(tmp_path / "ledger")], check=False).returncode


def test_revisions_are_shipped_with_the_package() -> None:
    """Each version has its revision where the package is installed."""
    from tidemill_store_sqlite.upgrade import MIGRATIONS

    assert SCHEMA_VERSION == len(list((MIGRATIONS / "versions").glob("v*.py")))
