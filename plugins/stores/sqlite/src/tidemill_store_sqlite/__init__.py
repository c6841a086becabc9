"""Keeps the ledger in a SQLite file."""

from collections.abc import Sequence

from tidemill import Store, hookimpl
from tidemill_store_sqlite.store import SqliteStore

__all__ = ["SqliteStore", "tidemill_register_stores"]


@hookimpl
def tidemill_register_stores() -> Sequence[type[Store]]:
    """Register the store."""
    return (SqliteStore,)
