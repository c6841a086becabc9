"""Connections to a ledger file, and SQLite's errors in words that say what to do."""

import os
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from urllib.parse import quote

import sqlalchemy
from sqlalchemy.exc import DBAPIError

from tidemill.errors import LedgerError

BUSY_TIMEOUT_S = 5
"""How long a statement waits for another program that locked the file, for example a shell with an open transaction."""

_REMEDIES = (
    ("SQLITE_FULL", "the disk is full: make room, then start again; what was committed before is safe"),
    ("SQLITE_IOERR", "the disk refused to write or read (full, over a size limit, or broken): look at it, then start again"),
    ("SQLITE_READONLY_ROLLBACK", "a killed run left it half-made: start a run there, or make the folder writable so that it can be undone"),
    ("SQLITE_READONLY", "file or folder cannot be written: change its permissions or give another folder"),
    ("SQLITE_CANTOPEN", "file or folder cannot be opened: look at its path and permissions"),
    ("SQLITE_PERM", "file or folder may not be accessed: change its permissions or give another folder"),
    ("SQLITE_BUSY", "another program has locked it: close it, then start again"),
    ("SQLITE_LOCKED", "another program has locked it: close it, then start again"),
    ("SQLITE_NOTADB", "it is not a SQLite file: move it away or give another folder"),
    ("SQLITE_CORRUPT", "the file is damaged: keep a copy as evidence and restore a backup"),
)


@contextmanager
def translated(path: Path, doing: str) -> Iterator[None]:
    """Turn what SQLAlchemy and SQLite raise into a LedgerError that names the file, what was being done, and the remedy."""
    try:
        yield
    except (OverflowError, UnicodeEncodeError) as error:
        raise LedgerError(
            f"{path}: {doing} failed: {error}: a number beyond 64 bits or a text that is no Unicode; nothing was written"
        ) from error
    except (DBAPIError, sqlite3.Error) as error:
        cause = error.orig if isinstance(error, DBAPIError) else error
        code = getattr(cause, "sqlite_errorname", "") or ""
        remedy = next((text for prefix, text in _REMEDIES if code.startswith(prefix)), "nothing was changed by this step")
        raise LedgerError(f"{path}: {doing} failed: {cause} ({code or type(cause).__name__}): {remedy}") from error


def writing_engine(path: Path) -> sqlalchemy.Engine:
    """Return an engine whose transactions begin as ``BEGIN IMMEDIATE``: it waits for the write lock at once, not half-way."""
    return _engine(lambda: _connect(path, "rwc"), "BEGIN IMMEDIATE")


def reading_engine(path: Path) -> sqlalchemy.Engine:
    """Return an engine that can only read; each transaction sees one state of the file, whatever is written beside it."""
    return _engine(lambda: _connect(path, "ro&immutable=1" if _is_frozen(path) else "ro"), "BEGIN")


def finish_rollback(path: Path) -> None:
    """Let SQLite undo a transaction that a killed process left half-way in the file; a reader alone may not.

    Only making a new file a ledger goes through a rollback journal (the write-ahead log comes with it), so that this is a run that was
    killed in its first moments. A process that is in the middle of it holds the file's lock, and nothing is undone.
    """
    if Path(f"{path}-journal").exists():
        with closing(_connect(path, "rw")) as connection:
            connection.execute("SELECT count(*) FROM sqlite_master").fetchone()


def _engine(connect: Callable[[], sqlite3.Connection], begin: str) -> sqlalchemy.Engine:
    engine = sqlalchemy.create_engine("sqlite://", creator=connect, poolclass=sqlalchemy.pool.NullPool)
    # The driver opens no transactions of its own (isolation_level None), so that this is where each one begins
    sqlalchemy.event.listen(engine, "begin", lambda connection: connection.exec_driver_sql(begin))
    return engine


def _connect(path: Path, mode: str) -> sqlite3.Connection:
    uri = f"file:{quote(str(path.absolute()))}?mode={mode}"
    return sqlite3.connect(uri, uri=True, isolation_level=None, timeout=BUSY_TIMEOUT_S)


def _is_frozen(path: Path) -> bool:
    """Tell whether nothing can change the file: then SQLite must be told, since it cannot create the files it shares with writers."""
    effective = os.access in os.supports_effective_ids
    return not os.access(path.parent, os.W_OK, effective_ids=effective) and not Path(f"{path}-wal").exists()
