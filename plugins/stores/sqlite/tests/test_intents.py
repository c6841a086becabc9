"""Transactions of ours: kept as they are, changed only as they may be, found again by whoever looks."""

import sqlite3
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from attrs import evolve
from hypothesis import given, settings
from hypothesis import strategies as st

from tidemill.domain.ids import PlanId
from tidemill.domain.intent import IntentRecord, IntentState, IntentStep
from tidemill.domain.records import Row
from tidemill.errors import InvariantError, LedgerError
from tidemill.ledger.intents import IntentBook
from tidemill_store_sqlite import SqliteStore
from tidemill_testing.conformance.intents import planned, then, way

PLANNED, SIGNED, BROADCAST, SEEN, UNKNOWN = (
    IntentState.PLANNED, IntentState.SIGNED, IntentState.BROADCAST, IntentState.SEEN, IntentState.UNKNOWN,
)  # fmt: skip
FINAL, REPLACED, DEAD = IntentState.FINAL, IntentState.REPLACED, IntentState.DEAD
Rows = Callable[..., list[Row]]


def altered(folder: Path, *statements: str) -> None:
    """Change the file as another program would."""
    other = sqlite3.connect(folder / "ledger.db")
    for statement in statements:
        other.execute(statement)
    other.commit()
    other.close()


@pytest.fixture
def kept(store: SqliteStore) -> SqliteStore:
    """A store that keeps an open transaction that was sent, one that ended, and one that is planned."""
    store.begin("{}", "")
    store.keep_intents(way(planned(1), SIGNED, BROADCAST), "t1", durable=True)
    store.keep_intents(way(planned(2), SIGNED, SEEN, SEEN, FINAL), "t2", durable=True)
    store.keep_intents([planned(3)], "t3", durable=False)
    return store


def test_intents_come_back_equal_and_in_order(kept: SqliteStore, tmp_path: Path) -> None:
    """R13: what is open is told in order of its numbers, whoever reads it, and what ended only where it is asked for."""
    expected = (way(planned(1), SIGNED, BROADCAST)[-1], way(planned(2), SIGNED, SEEN, SEEN, FINAL)[-1], planned(3))
    reader = SqliteStore()
    reader.open(tmp_path / "ledger", write=False)
    for store in (kept, reader):
        assert ((expected[0], expected[2]), expected) == (store.intents(), store.intents(ended=True))
    with pytest.raises(LedgerError, match="not open for writing"):
        reader.keep_intents([planned(4)], "", durable=True)
    reader.close()
    assert () == kept.check()


def test_last_number_and_results_of_a_plan_are_asked_of_indexes(kept: SqliteStore, tmp_path: Path) -> None:
    """A start of a run asks for these: it must not read all that was ever kept."""
    other = sqlite3.connect(tmp_path / "ledger" / "ledger.db")
    told = [
        " ".join(str(step[-1]) for step in other.execute(f"EXPLAIN QUERY PLAN {query}"))
        for query in ("SELECT max(number) FROM intent_records", "SELECT * FROM execution_results WHERE plan = 'p' ORDER BY run, seq")
    ]
    other.close()

    assert 3 == kept.last_intent()
    assert () == kept.results(PlanId("plan-1"))
    assert ["SEARCH" in one and "SCAN" not in one for one in told] == [True, True], told


def test_intent_steps_are_the_history(kept: SqliteStore) -> None:
    """Every change is a step with its wall clock; an intent that is not there has none."""
    assert [
        IntentStep(1, PLANNED, 100, "", "t1"), IntentStep(1, SIGNED, 101, "", "t1"), IntentStep(1, BROADCAST, 102, "", "t1"),
    ] == list(kept.intent_steps(1))  # fmt: skip
    assert () == kept.intent_steps(7)


def test_equal_change_adds_a_step_and_nothing_else(kept: SqliteStore) -> None:
    """A run that is not sure whether it kept a change keeps it again."""
    before = kept.intents(ended=True)
    kept.keep_intents([before[0], before[1]], "again", durable=True)
    assert (before, 4, 6, ()) == (kept.intents(ended=True), len(kept.intent_steps(1)), len(kept.intent_steps(2)), kept.check())


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (planned(0), "intent 0: transactions are counted from 1"),
        (then(planned(4), SIGNED), "intent 4: a transaction begins as planned and without signed bytes, this one as signed"),
        (planned(4, slot="nonce:3"), "intent 3 holds slot nonce:3 of 0xac and is open; replace it"),
        (planned(4, slot="nonce:3", replaces=1), "it replaces intent 1, which is no open one in slot nonce:3"),
        (planned(4, slot="nonce:2", replaces=2), "it replaces intent 2, which is no open one in slot nonce:2"),
        (then(planned(3), BROADCAST), "intent 3: broadcast does not follow planned"),
        (evolve(planned(3), state=SIGNED), "it is to be signed, and its signed bytes or their name are missing"),
        (evolve(then(planned(3), SIGNED), state=DEAD), "it is to end unsigned, and comes with signed bytes"),
        (evolve(planned(3), reason="other"), "intent 3: planned does not follow planned"),
        (evolve(then(planned(3), SIGNED), payload=b"other"), "intent 3: payload differs from what is kept"),
        (evolve(way(planned(1), SIGNED, BROADCAST, SEEN)[-1], raw=b"other"), "intent 1: raw differs from what is kept"),
        (evolve(way(planned(1), SIGNED, BROADCAST, SEEN)[-1], tx="0x", slot="nonce:7"), "intent 1: slot, tx differs"),
        (then(way(planned(2), SIGNED)[-1], UNKNOWN), "intent 2: unknown does not follow final"),
    ],
)
def test_change_that_does_not_follow_leaves_nothing_of_its_group(kept: SqliteStore, change: IntentRecord, said: str) -> None:
    """R13: what cannot be true of a transaction is refused, and whatever came with it is not kept either."""
    before = kept.intents(ended=True)
    with pytest.raises(LedgerError, match=said):
        kept.keep_intents([then(before[0], SEEN), change, planned(9)], "", durable=True)
    assert (before, 3, ()) == (kept.intents(ended=True), len(kept.intent_steps(1)), kept.check())


def test_slot_is_free_again_when_its_holder_has_ended(kept: SqliteStore) -> None:
    """Within one group the first may end and another take its slot; the replaced and the one that replaces are both open until then."""
    kept.keep_intents([then(planned(3), DEAD), planned(4, slot="nonce:3")], "", durable=True)
    kept.keep_intents([planned(5, slot="nonce:3", replaces=4), planned(6, slot="nonce:3", account="0xbd")], "", durable=True)
    kept.keep_intents(way(planned(5, slot="nonce:3", replaces=4), SIGNED, BROADCAST, FINAL)[1:], "", durable=True)
    kept.keep_intents(way(planned(4, slot="nonce:3"), SIGNED, REPLACED)[1:], "", durable=True)
    assert ([1, 6], ()) == ([record.number for record in kept.intents()], kept.check())


def test_intent_that_sqlite_cannot_hold_raises(kept: SqliteStore) -> None:
    """A number beyond 64 bits is refused with its group."""
    with pytest.raises(LedgerError, match=r"keeping 2 changes of intents failed: .*nothing was written"):
        kept.keep_intents([planned(4), planned(5, expires=1 << 63)], "", durable=True)
    assert 3 == len(kept.intents(ended=True))


def test_unsigned_and_signed_bytes_stay_out_of_messages(kept: SqliteStore) -> None:
    """Whoever reads a refusal learns no bytes that could be sent."""
    with pytest.raises(LedgerError) as caught:
        kept.keep_intents([evolve(then(planned(3), SIGNED), payload=b"other")], "", durable=True)
    assert "signed\\x" not in str(caught.value)
    assert "other" not in str(caught.value)


def test_durable_changes_are_synced_and_others_not(kept: SqliteStore) -> None:
    """R13: a durable change is committed with synchronous=FULL."""
    assert kept._writer is not None
    cursor = kept._writer.connection.cursor()
    seen = [cursor.execute("PRAGMA synchronous").fetchone()[0]]
    kept.keep_intents([then(planned(3), DEAD)], "", durable=True)
    assert [1, 2] == [*seen, cursor.execute("PRAGMA synchronous").fetchone()[0]]


def test_slots_are_looked_up_in_an_index(kept: SqliteStore) -> None:
    """Keeping a change takes no longer in a ledger of years: what is open is found without reading what has ended."""
    from tidemill_store_sqlite.intent_tables import _ALL_OPEN, _HOLDERS, _ONE

    assert kept._writer is not None
    cursor = kept._writer.connection.cursor()
    for query, values, index in (
        (_HOLDERS, ("", "", ""), "open_slots (chain=?"),
        (_ALL_OPEN, (), "open_slots"),
        (_ONE, (1,), "PRIMARY KEY"),
    ):
        plans = [line[3] for line in cursor.execute(f"EXPLAIN QUERY PLAN {query}", values)]
        assert index in plans[0], plans


@pytest.mark.parametrize(
    ("statement", "said"),
    [
        ("UPDATE intent_records SET state = 'final' WHERE number = 3", "intent 3: it is final since 100, its history ends with planned"),
        ("UPDATE intent_records SET raw = x'' WHERE number = 1", "intent 1: it was signed, and its signed bytes or their name are missing"),
        ("UPDATE intent_records SET tx = '0x7' WHERE number = 3", "intent 3: it was never signed, and has signed bytes or their name"),
        ("UPDATE intent_records SET state = 'lost' WHERE number = 3", "intent 3: what stands in table intent_records cannot be read"),
        ("UPDATE intent_records SET raw = 'text' WHERE number = 1", "intent 1: what stands in table intent_records cannot be read"),
        ("UPDATE intent_steps SET state = 'lost' WHERE number = 3", "intent 3: what stands in table intent_steps cannot be read"),
        ("UPDATE intent_steps SET state = 'final' WHERE number = 1 AND step = 2", "intent 1: final does not follow planned in its history"),
        ("UPDATE intent_steps SET state = 'seen' WHERE number = 3", "intent 3: its history begins with seen"),
        ("DELETE FROM intent_steps WHERE number = 1", "intent 1: it has no history"),
        ("DELETE FROM intent_records WHERE number = 2", "intent 2 is missing: the next one there is intent 3"),
        ("UPDATE intent_records SET replaces = 1 WHERE number = 3", "intent 3: it replaces intent 1, which is no earlier one in slot"),
    ],
)  # fmt: skip
def test_check_names_intents_that_cannot_be(kept: SqliteStore, tmp_path: Path, statement: str, said: str) -> None:
    """What other programs did to our transactions is told."""
    altered(tmp_path / "ledger", statement)
    assert any(said in problem for problem in kept.check()), kept.check()


def test_check_names_two_open_ones_in_a_slot(kept: SqliteStore, tmp_path: Path) -> None:
    """Two open transactions in one slot are told, though the index that forbids them was dropped."""
    altered(tmp_path / "ledger", "DROP INDEX one_open_in_slot", "UPDATE intent_records SET slot = 'nonce:1' WHERE number = 3")
    assert [f"{tmp_path / 'ledger' / 'ledger.db'}: intents 1 and 3 are both open in slot nonce:1 of 0xac on sim:1"] == list(kept.check())


def test_index_forbids_two_open_ones_in_a_slot(kept: SqliteStore, tmp_path: Path) -> None:
    """The file itself refuses what no code of ours writes."""
    with pytest.raises(sqlite3.IntegrityError, match="UNIQUE"):
        altered(tmp_path / "ledger", "UPDATE intent_records SET slot = 'nonce:1' WHERE number = 3")


STATES = st.sampled_from(list(IntentState))
CHANGES = st.tuples(
    st.integers(0, 5),
    STATES,
    st.integers(0, 3),
    st.sampled_from([b"", b"signed"]),
    st.sampled_from(["", "0x1"]),
    st.sampled_from(["", "why"]),
)
NEW = st.tuples(st.sampled_from(["nonce:1", "nonce:2"]), st.integers(0, 4), st.sampled_from(["0xac", "0xbd"]))


def test_store_takes_what_a_book_accepts_and_refuses_what_it_refuses() -> None:
    """R13: what a run holds in memory is what it finds after a crash: both accept the same changes, in any order of them."""

    @settings(max_examples=80, deadline=None)
    @given(st.lists(st.one_of(NEW, CHANGES), max_size=25), st.lists(st.booleans(), min_size=25, max_size=25))
    def holds(moves: list[tuple[Any, ...]], grouped: list[bool]) -> None:
        book = IntentBook()
        with TemporaryDirectory() as name:
            store = SqliteStore()
            store.open(Path(name))
            store.begin("{}", "")
            group: list[IntentRecord] = []
            for move, is_last in zip(moves, grouped, strict=False):
                change = change_of(move, book)
                try:
                    group.append(accepted(change, book))
                except InvariantError:
                    store.keep_intents(group, "", durable=False)
                    group = []
                    with pytest.raises(LedgerError):
                        store.keep_intents([change], "", durable=False)
                if is_last:
                    store.keep_intents(group, "", durable=False)
                    group = []
            store.keep_intents(group, "", durable=False)
            read = IntentBook(store.intents(ended=True))
            assert (book.records(), book.open(), book.next_number) == (read.records(), store.intents(), read.next_number)
            assert () == store.check()
            store.close()

    holds()


def change_of(move: tuple[Any, ...], book: IntentBook) -> IntentRecord:
    """Return the change that a move asks for: a new transaction, or one there is in some state."""
    if len(move) == 3:
        slot, replaces, account = move
        return planned(book.next_number, slot=slot, replaces=replaces, account=account)
    number, state, since, raw, tx, reason = move
    known = [record for record in book.records() if record.number == number]
    base = known[0] if known else planned(0)
    return evolve(base, state=state, since=since, raw=raw or base.raw, tx=tx or base.tx, reason=reason)


def accepted(change: IntentRecord, book: IntentBook) -> IntentRecord:
    """Bring a change into a book and return what is to be kept."""
    if change.number == book.next_number:
        return book.add(change)
    return book.change(change.number, change.state, change.since, change.reason, tx=change.tx, raw=change.raw)
