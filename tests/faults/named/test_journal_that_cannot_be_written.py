"""The journal cannot be written when money waits for it: nothing leaves that is not in it, the run ends aloud, the next one goes on."""

import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager

import pytest

from tests.faults.live_stand import Stand, live_stand
from tests.faults.named.altered import PATIENCE_S, altered, audit, check_books, included, until, waiting

FULL = """
import resource
real = module.SignerClient.sign
async def sign(self, *args):
    signed = await real(self, *args)
    # From now on each write to a file fails, as on a full disk: Python ignores the signal that comes with it
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, resource.RLIM_INFINITY))
    return signed
module.SignerClient.sign = sign
"""
SHORT = {"tidemill_store_sqlite.connection": "module.BUSY_TIMEOUT_S = 0.4"}


@pytest.fixture(scope="module")
def stand(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stand]:
    """One stand for all: each test leaves it with books that are the chain's."""
    with live_stand(tmp_path_factory.mktemp("journal")) as stand:
        yield stand


@contextmanager
def locked(stand: Stand) -> Iterator[None]:
    """Hold the ledger's write lock, as a shell with an open transaction does."""
    with closing(sqlite3.connect(stand.folder / "data" / "ledger.db", isolation_level=None, timeout=PATIENCE_S)) as other:
        other.execute("BEGIN IMMEDIATE")
        yield
        other.execute("ROLLBACK")


def until_it_trades(stand: Stand, before: int) -> None:
    """Return once the chain holds more of our transactions than before."""
    until(lambda: len(included(stand)) > before, "a trade")


def test_disk_full_at_the_journal_write_between_signing_and_broadcast(stand: Stand) -> None:
    """Signed, and not kept: it does not leave; the run ends with the remedy, and the next one trades on a disk that has room."""
    status, _, err = stand.run("--blocks", "60", first=altered({"tidemill.signing.client": FULL}))
    signed, sent = audit(stand, "signed"), [*waiting(stand), *included(stand)]

    assert (1, 1, []) == (status, len(signed), sent)
    assert "data/ledger.db: " in err
    assert "the disk" in err
    assert "Traceback" not in err
    assert [] == [one for one in stand.booked().intents if one.tx]
    check_books(stand)
    assert included(stand)


def test_ledger_that_another_program_locks_for_a_moment(stand: Stand) -> None:
    """Shorter than the store's patience: orders wait for it, and the run goes on as if nothing had been."""
    process = stand.start("--blocks", "40")
    until_it_trades(stand, len(included(stand)))
    with locked(stand):
        time.sleep(1)
    _, err = process.communicate(timeout=PATIENCE_S * 2)

    assert 0 == process.returncode, err
    check_books(stand)


def refuses_while_locked(stand: Stand, first: str, seconds: float) -> float:
    """Lock the ledger of a run that trades for so long; return after how many seconds the run had ended."""
    process = stand.start("--blocks", "4000", first=first)
    until_it_trades(stand, len(included(stand)))
    with locked(stand):
        began = time.monotonic()
        _, err = process.communicate(timeout=PATIENCE_S * 2)
        took = time.monotonic() - began
        sent = {*waiting(stand), *included(stand)}
        time.sleep(max(0, seconds - took))
    kept = {one.tx for one in stand.booked().intents}

    assert 1 == process.returncode
    assert "data/ledger.db: " in err
    assert "another program has locked it: close it, then start again" in err
    assert set() == sent - kept
    return took


def test_ledger_that_another_program_keeps_locked(stand: Stand) -> None:
    """Longer than the store's patience: nothing leaves that is not journalled, the run ends with the remedy, the next one goes on."""
    took = refuses_while_locked(stand, altered(SHORT), 0)

    assert took < 8
    check_books(stand)


@pytest.mark.heavy
def test_ledger_locked_for_30_seconds(stand: Stand) -> None:
    """With the patience that the store has: orders are refused long before the lock goes, and the run after it goes on."""
    took = refuses_while_locked(stand, "", 30)

    assert took < 15
    check_books(stand)
