"""Whether a file is a ledger, of which version, and making it one of this version when it is new or older."""

from pathlib import Path

from sqlalchemy import Connection

from tidemill.errors import LedgerError
from tidemill_store_sqlite.schema import APPLICATION_ID, METADATA, SCHEMA_VERSION


def lay_out(connection: Connection, path: Path) -> None:
    """Create the tables in an empty file; bring a ledger of an older version to this one, after a copy of it was made.

    Raises:
        LedgerError: the file belongs to another program or a newer version, or could not be upgraded and is as it was.
    """
    if _marks(connection) == (0, 0, 0):
        _journal_mode(connection)
        with connection.begin():
            METADATA.create_all(connection)
            connection.exec_driver_sql(f"PRAGMA application_id={APPLICATION_ID}")
            connection.exec_driver_sql(f"PRAGMA user_version={SCHEMA_VERSION}")
    version = check_layout(connection, path)
    mode = _journal_mode(connection)
    if mode != "wal":
        raise LedgerError(f"{path}: its disk cannot keep a write-ahead log (journal mode {mode!r}); use a local disk for the ledger")
    if version < SCHEMA_VERSION:
        # Imported only where there is something to do: Alembic takes longer to import than a ledger to open
        from tidemill_store_sqlite.upgrade import upgrade

        upgrade(connection, path, version)


def check_layout(connection: Connection, path: Path) -> int:
    """Check that the file is a ledger that can be read, and return the version of its tables, this one or an older one.

    Raises:
        LedgerError: it is not.
    """
    application, version, tables = _marks(connection)
    if (application, version, tables) == (0, 0, 0):
        # A run that was killed before it made its tables leaves an empty file, which the next run takes over
        raise LedgerError(f"{path}: there is no ledger here yet; `tidemill run` writes one, --data names its folder")
    if application != APPLICATION_ID:
        raise LedgerError(f"{path}: this SQLite file was not written by Tidemill; move it away or give another folder")
    if not 1 <= version <= SCHEMA_VERSION:
        raise LedgerError(
            f"{path}: its tables are of version {version}, this tidemill-store-sqlite reads versions 1 to {SCHEMA_VERSION}; "
            "upgrade tidemill-store-sqlite to the one that wrote it, or give another folder"
        )
    return version


def _journal_mode(connection: Connection) -> str:
    """Ask for a write-ahead log and return the mode that the file then has; outside a transaction, since it cannot change within one."""
    return str(connection.connection.cursor().execute("PRAGMA journal_mode=WAL").fetchone()[0])


def _marks(connection: Connection) -> tuple[int, int, int]:
    """Return application id, version and number of tables of the file."""
    raw = connection.connection.cursor()
    queries = ("PRAGMA application_id", "PRAGMA user_version", "SELECT count(*) FROM sqlite_master")
    application, version, tables = (int(raw.execute(query).fetchone()[0]) for query in queries)
    return application, version, tables
