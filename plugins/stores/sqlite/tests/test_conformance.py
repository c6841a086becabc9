"""The SQLite store keeps the rules of its kind."""

from tidemill_store_sqlite import SqliteStore
from tidemill_testing.conformance import StoreConformance


class TestSqliteStore(StoreConformance):
    """A store in one file: amounts altered by other means are found by the ledger's hash, not by the store."""

    plugin = SqliteStore
