"""A store that holds back what a run writes: all of it at the end, or nothing."""

from collections.abc import Iterator
from pathlib import Path

import attrs
import pytest

from tidemill.domain.ids import MAIN_BOOK, AssetId, ChainId, PlanId
from tidemill.domain.intent import IntentRecord, IntentState
from tidemill.domain.records import Row
from tidemill.errors import LedgerError
from tidemill.ledger.digest import digest_of
from tidemill.ledger.journal import Journal
from tidemill.pipeline.staged import StagedStore
from tidemill.pipeline.writer import LedgerWriter
from tidemill_store_sqlite import SqliteStore

SIM, USDC = ChainId("sim:1"), AssetId("sim:1/erc20:0xaa")
PLANNED = IntentRecord(
    number=1, run=1, plan=PlanId("p"), book=MAIN_BOOK, strategy="s", chain=SIM, account="0xa", flow="{}", payload=b"p", compute_limit=1,
    compute=1, expires=9, digest="d", height=7, slot="nonce:1", state=IntentState.PLANNED, since=7,
)  # fmt: skip
OPENING: list[Row] = [*Journal().opening(MAIN_BOOK, SIM, 0, ((USDC, 9),))]
ADJUSTMENT = Journal(2).adjustment(MAIN_BOOK, SIM, 8, USDC, 5, "the chain says so")


@pytest.fixture
def ledger(tmp_path: Path) -> Path:
    """A ledger of one run that left 9 USDC."""
    with LedgerWriter(SqliteStore(), tmp_path) as writer:
        writer.begin("{}")
        writer.put(OPENING)
        writer.keep([PLANNED], durable=True)
        writer.finish(digest_of(OPENING))
    return tmp_path


@pytest.fixture
def looked(ledger: Path) -> Iterator[SqliteStore]:
    """The same, to look at what is in it."""
    store = SqliteStore()
    store.open(ledger, write=False)
    yield store
    store.close()


def written(folder: Path, store: StagedStore, rows: list[Row], changes: list[IntentRecord]) -> int:
    """Write a run through a staged store as every run is written, and return its number."""
    with LedgerWriter(store, folder) as writer:
        run = writer.begin('{"mode": "reconcile"}')
        writer.put(rows[:1])
        if changes:
            writer.keep(changes, rows[1:], durable=True)
        else:
            writer.put(rows[1:], durable=True)
        writer.finish(digest_of(rows))
    return run


def test_run_that_found_nothing_leaves_nothing(ledger: Path, looked: SqliteStore) -> None:
    """How the books stood at the start is no finding."""
    store = StagedStore(SqliteStore(), keep=True)

    assert (2, 0, False) == (written(ledger, store, OPENING, []), store.run, store.found)
    assert [1] == [info.run for info in looked.runs()]


@pytest.mark.parametrize("changed", [True, False])
def test_run_that_found_something_is_kept_whole(changed: bool, ledger: Path, looked: SqliteStore) -> None:
    """Its rows, its changes of intents, its header and its hash."""
    store = StagedStore(SqliteStore(), keep=True)
    dead = attrs.evolve(PLANNED, state=IntentState.DEAD, reason="never signed")
    rows = [*OPENING, ADJUSTMENT]
    written(ledger, store, rows, [dead] if changed else [])

    assert (2, rows) == (store.run, list(looked.rows(2)))
    assert [("{}", 1), ('{"mode": "reconcile"}', 2)] == [(info.header, len(list(looked.rows(info.run)))) for info in looked.runs()]
    assert digest_of(rows) == looked.runs()[-1].ledger_hash
    assert [IntentState.DEAD if changed else IntentState.PLANNED] == [one.state for one in looked.intents(ended=True)]


def test_change_of_an_intent_alone_is_something(ledger: Path, looked: SqliteStore) -> None:
    """A transaction that was never signed is dead now: nobody needs an entry for that."""
    dead = attrs.evolve(PLANNED, state=IntentState.DEAD, reason="never signed")
    written(ledger, StagedStore(SqliteStore(), keep=True), OPENING, [dead])

    assert (2, ()) == (len(looked.runs()), tuple(looked.intents()))


def test_dry_run_writes_nothing_and_locks_nobody_out(ledger: Path, looked: SqliteStore) -> None:
    """It is opened to be read, beside a run that writes."""
    with LedgerWriter(SqliteStore(), ledger) as other:
        assert {(MAIN_BOOK, "wallet", USDC): 9, (MAIN_BOOK, "opening", USDC): -9} == dict(other.balances())
        store = StagedStore(SqliteStore(), keep=False)
        written(ledger, store, [*OPENING, ADJUSTMENT], [])

    assert (0, True, [1]) == (store.run, store.found, [info.run for info in looked.runs()])


def test_run_whose_number_somebody_took_is_not_kept(ledger: Path) -> None:
    """What it found was found beside somebody who wrote: it must be looked at again."""
    kept = SqliteStore()
    store = StagedStore(kept, keep=True)
    store.open(ledger)
    run = store.begin("{}", "")
    store.write(run, [*OPENING, ADJUSTMENT], durable=False)
    kept.begin("{}", "")

    with pytest.raises(LedgerError, match="number 3 and not 2: somebody else wrote it meanwhile"):
        store.finish(run, "", "")
    store.close()


def test_staged_store_reads_what_is_kept(ledger: Path, looked: SqliteStore) -> None:
    """Whatever is asked of it is asked of the ledger."""
    store = StagedStore(SqliteStore(), keep=False)
    store.open(ledger)

    assert (looked.runs(), dict(looked.balances()), dict(looked.moved())) == (store.runs(), dict(store.balances()), dict(store.moved()))
    assert (OPENING, list(looked.naming("p")), 1) == (list(store.rows(1)), list(store.naming("p")), store.last_intent())
    assert ((PLANNED,), looked.intent_steps(1), ()) == (store.intents(), store.intent_steps(1), tuple(store.results(PlanId("p"))))
    assert [] == list(store.check())
    store.close()


def test_staged_store_of_an_empty_ledger_begins_with_one(tmp_path: Path) -> None:
    """As any store does."""
    store = StagedStore(SqliteStore(), keep=True)
    store.open(tmp_path)

    assert 1 == store.begin("{}", "")
    store.close()
