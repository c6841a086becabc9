"""Brings a ledger file of an older version to this one: first a copy, then one transaction."""

import contextlib
import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from alembic.operations import Operations
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection

from tidemill.errors import LedgerError
from tidemill_store_sqlite.connection import translated
from tidemill_store_sqlite.schema import SCHEMA_VERSION

MIGRATIONS = Path(__file__).parent / "migrations"


def upgrade(connection: Connection, path: Path, version: int) -> None:
    """Copy the file to ``<path>.v<version>.bak`` and change its tables to those of this version.

    The copy is on the disk before anything is changed, takes the place of an older copy of that version, and is never removed. The tables
    and the version's number change in one transaction: broken off at any moment, the file is what it was or what it is to be.

    Args:
        connection: the ledger's writer, in no transaction.
        path: the ledger's file.
        version: what its tables are of now; older than this one.

    Raises:
        LedgerError: the copy or the change failed; the ledger is as it was.
    """
    doing = f"upgrading its tables from version {version} to {SCHEMA_VERSION}"
    with translated(path, doing):
        _copy(connection, path, Path(f"{path}.v{version}.bak"))
        _driver(connection).execute("PRAGMA synchronous=FULL")
        with connection.begin():
            migrate(connection, f"{version:04d}")
            connection.exec_driver_sql(f"PRAGMA user_version={SCHEMA_VERSION}")


def migrate(connection: Connection, version: str) -> None:
    """Run every revision after a version, oldest first, in the transaction that the connection is in.

    ``user_version`` alone says which version a file is of, in the same transaction; Alembic keeps no table of its own.
    """
    script = ScriptDirectory(str(MIGRATIONS))
    with Operations.context(MigrationContext.configure(connection)):
        for revision in reversed(list(script.iterate_revisions(f"{SCHEMA_VERSION:04d}", version))):
            revision.module.upgrade()


def _copy(connection: Connection, path: Path, target: Path) -> None:
    """Copy the ledger, with what stands in its log, to a file that is there whole or not at all."""
    part = Path(f"{target}.part")
    with _told(target, part):
        part.unlink(missing_ok=True)
        # Whoever may not read the ledger may not read its copy
        os.close(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, path.stat().st_mode & 0o777))
        with closing(sqlite3.connect(part)) as copy:
            # Nothing is to be undone in a file that is thrown away when it is not finished, and it is synced once, at its end
            copy.execute("PRAGMA journal_mode=OFF")
            copy.execute("PRAGMA synchronous=OFF")
            _driver(connection).backup(copy)
        _sync(part)
        part.replace(target)
        _sync(target.parent)


@contextmanager
def _told(target: Path, part: Path) -> Iterator[None]:
    """Take an unfinished copy away, and say what could not be copied where."""
    try:
        yield
    except (OSError, sqlite3.Error) as error:
        with contextlib.suppress(OSError):
            part.unlink(missing_ok=True)
        raise LedgerError(
            f"{target}: the ledger is to be upgraded and cannot be copied to here first: {error}; make room for a second ledger there "
            "(or make the folder writable), then start again; the ledger is as it was"
        ) from error


def _driver(connection: Connection) -> sqlite3.Connection:
    found = connection.connection.driver_connection
    if not isinstance(found, sqlite3.Connection):
        raise LedgerError(f"the ledger is open through {type(found).__name__}: expected Python's own sqlite3")
    return found


def _sync(path: Path) -> None:
    file = os.open(path, os.O_RDONLY)
    try:
        os.fsync(file)
    finally:
        os.close(file)
