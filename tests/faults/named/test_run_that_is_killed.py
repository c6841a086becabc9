"""kill -9 at the three moments at which money could be lost or paid twice: the next run takes up exactly what is there."""

import json
import signal
from collections.abc import Iterator

import pytest

from tests.faults.live_stand import Stand, live_stand
from tests.faults.named.altered import altered, check_books, included, signed_for, waiting
from tidemill.domain.intent import IntentRecord, IntentState

DIE = "\nimport os, signal\ndef die():\n    os.kill(os.getpid(), signal.SIGKILL)\n"
BEFORE_BROADCAST = """
async def broadcast(self, signed):
    die()
module.SimLink.broadcast = broadcast
"""
AFTER_BROADCAST = """
real = module.SimLink.broadcast
async def broadcast(self, signed):
    await real(self, signed)
    die()
module.SimLink.broadcast = broadcast
"""
IN_THE_TRANSACTION = """
real = module.SqliteStore.keep_intents
def keep_intents(self, changes, at, **kwargs):
    if kwargs.get("rows"):
        import tidemill_store_sqlite.intent_tables as tables
        tables.keep_changes = lambda connection, changes, at: die()
    real(self, changes, at, **kwargs)
module.SqliteStore.keep_intents = keep_intents
"""
"""Ends the process when the entries of an outcome are written and what became of its transaction is not, before their commit."""


@pytest.fixture(scope="module")
def stand(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stand]:
    """One stand for all: each test leaves it with books that are the chain's."""
    with live_stand(tmp_path_factory.mktemp("killed")) as stand:
        yield stand


def killed(stand: Stand, module: str, patch: str) -> IntentRecord:
    """Run until the patch ends it; return the one transaction that it left open."""
    status, _, err = stand.run("--blocks", "60", first=altered({module: patch}, DIE))
    assert -signal.SIGKILL == status, err
    (left,) = (one for one in stand.booked().intents if not one.ended)
    return left


def test_kill_between_the_commit_of_an_intent_and_its_broadcast(stand: Stand) -> None:
    """The signed bytes are on disk and nowhere else; the next run sends these very bytes, and the chain has them once at most."""
    left = killed(stand, "tidemill_chain_sim.link", BEFORE_BROADCAST)
    out = [*waiting(stand), *included(stand)]
    status, _, err = stand.run("--blocks", "20")
    kept = stand.booked().intents[left.number - 1]

    assert (IntentState.SIGNED, True, False) == (left.state, bool(left.raw), left.tx in out)
    assert 0 == status, err
    assert (left.tx, left.raw, True) == (kept.tx, kept.raw, kept.ended)
    assert included(stand).count(left.tx) == (kept.state is not IntentState.DEAD)
    assert [left.tx] == signed_for(stand, left.number)
    check_books(stand)


def test_kill_after_a_broadcast_and_before_it_is_recorded(stand: Stand) -> None:
    """The chain has what the books call signed only: it is found by its name, booked once, and nothing is sent in its place."""
    left = killed(stand, "tidemill_chain_sim.link", AFTER_BROADCAST)
    out = [*waiting(stand), *included(stand)]
    status, _, err = stand.run("--blocks", "20")
    of_plan = [one for one in stand.booked().intents if one.plan == left.plan]

    assert (IntentState.SIGNED, 1) == (left.state, out.count(left.tx))
    assert 0 == status, err
    assert ([left.tx], [True], 1) == ([one.tx for one in of_plan], [one.ended for one in of_plan], included(stand).count(left.tx))
    assert [left.tx] == signed_for(stand, left.number)
    check_books(stand)


def test_kill_while_a_ledger_transaction_is_written(stand: Stand) -> None:
    """Nothing of the transaction is there: the file is sound, every run balances, and the outcome is booked by the next run."""
    left = killed(stand, "tidemill_store_sqlite.store", IN_THE_TRANSACTION)
    status, said = verified(stand)
    on_chain = included(stand)
    check_books(stand)

    assert IntentState.BROADCAST is left.state
    assert 1 == on_chain.count(left.tx)
    assert (0, True) == (status, said["sound"])
    assert stand.booked().intents[left.number - 1].state in (IntentState.FINAL, IntentState.REVERTED)
    assert True is verified(stand)[1]["sound"]


def verified(stand: Stand) -> tuple[int, dict[str, bool]]:
    """What `tidemill ledger verify` says."""
    status, said = stand.command("ledger", "verify", "--data", "data", "--json")
    return status, json.loads(said)
