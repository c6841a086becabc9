"""The suite for stores."""

from tidemill_testing.conformance.store.files import StoreFiles
from tidemill_testing.conformance.store.intents import StoreIntents
from tidemill_testing.conformance.store.rows import StoreRows
from tidemill_testing.conformance.store.searches import StoreSearches


class StoreConformance(StoreRows, StoreFiles, StoreIntents, StoreSearches):
    """Rules for a store: ``class TestAcme(StoreConformance): plugin = Acme``.

    An author must give:
        plugin: the store's class.

    An author may give:
        settings, assets, exempt: as for every suite.
        capabilities: ``tamper_evident`` says that ``check()`` notices a stored amount that was changed by other means.
        tamper: a method ``tamper(self, folder)`` that changes a stored amount, where it does not stand there as decimal digits.
        patience_s: how many seconds a call may take on a slow machine.

    Never override anything else. A rule forks processes, so that the suite runs on POSIX systems only.
    """
