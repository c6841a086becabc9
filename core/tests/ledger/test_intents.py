"""The book of our transactions: what may follow what, who holds a slot, and what is refused."""

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from tidemill.domain.ids import ChainId, PlanId
from tidemill.domain.intent import ENDED, NEXT, IntentRecord, IntentState, IntentStep
from tidemill.errors import InvariantError
from tidemill.ledger.intent_rules import record_faults, slot_faults
from tidemill.ledger.intents import KEPT_ENDED, IntentBook
from tidemill_testing.conformance.intents import planned, then, way

PLANNED, SIGNED, BROADCAST, SEEN, FINAL, REPLACED, DEAD = (
    IntentState.PLANNED, IntentState.SIGNED, IntentState.BROADCAST, IntentState.SEEN, IntentState.FINAL, IntentState.REPLACED,
    IntentState.DEAD,
)  # fmt: skip
SIM = ChainId("sim:1")


def book_of(*records: IntentRecord) -> IntentBook:
    book = IntentBook()
    for record in records:
        book.add(record)
    return book


def signed(book: IntentBook, number: int) -> IntentRecord:
    change = then(book.get(number), SIGNED)
    return book.change(number, SIGNED, change.since, tx=change.tx, raw=change.raw)


def steps_of(*records: IntentRecord) -> list[IntentStep]:
    return [IntentStep(record.number, record.state, record.since, record.reason, "") for record in records]


def test_book_finds_transactions_by_number_plan_and_slot() -> None:
    """A run asks by each of the three, and gets them as they are now."""
    book = book_of(planned(1), planned(2), planned(3, slot="nonce:1", replaces=1, plan=PlanId("plan-1")))
    first = signed(book, 1)
    assert (first, first) == (book.get(1), book.records()[0])
    assert [1, 3] == [record.number for record in book.of_plan(PlanId("plan-1"))]
    assert () == book.of_plan(PlanId("none"))
    assert [1, 3] == [record.number for record in book.in_slot(SIM, "0xac", "nonce:1")]
    assert ("nonce:1", "nonce:2") == book.slots(SIM, "0xac")
    assert ((), ()) == (book.slots(SIM, "0xbd"), book.in_slot(SIM, "0xac", "nonce:9"))
    assert 4 == book.next_number


def test_book_forgets_nothing_when_a_transaction_ends_but_frees_its_slot() -> None:
    """What has ended is known by number and plan, and holds nothing."""
    book = book_of(planned(1), planned(2))
    ended = book.change(1, DEAD, 120, "the head passed 110")
    assert (DEAD, 120, "the head passed 110", b"") == (ended.state, ended.since, ended.reason, ended.raw)
    assert ([2], ("nonce:2",)) == ([record.number for record in book.open()], book.slots(SIM, "0xac"))
    assert (ended,) == book.of_plan(PlanId("plan-1"))
    assert planned(3, slot="nonce:1") == book.add(planned(3, slot="nonce:1"))
    assert ended == book.change(1, DEAD, 120, "the head passed 110")


def test_book_holds_the_last_that_ended_and_all_that_are_open() -> None:
    """A run that lasts does not grow with what it did; the numbers go on."""
    book = book_of(planned(1))
    for number in range(2, 2 * KEPT_ENDED):
        book.add(planned(number, plan=PlanId(f"plan-{number // 2}")))
        book.change(number, DEAD, 120)
    numbers = [record.number for record in book.records()]
    assert [1, *range(KEPT_ENDED, 2 * KEPT_ENDED)] == numbers
    assert numbers == [record.number for record in IntentBook(book.records()).records()]
    assert 2 * KEPT_ENDED == book.next_number
    assert () == book.of_plan(PlanId("plan-2"))
    with pytest.raises(InvariantError, match="there is no intent 2, or it ended long ago: the last one is 511"):
        book.get(2)


def test_book_goes_on_where_the_store_ended() -> None:
    """Filled from a store in any order it has the same answers, and the next number even where what has ended was left out."""
    book = book_of(planned(1), planned(2), planned(3))
    book.change(3, DEAD, 101)
    again = IntentBook(reversed(book.records()))
    assert (book.records(), book.open(), 4) == (again.records(), again.open(), again.next_number)
    assert 4 == IntentBook(book.open(), last=3).next_number
    with pytest.raises(InvariantError, match="two intents 1: stop, and run `tidemill ledger verify`"):
        IntentBook([planned(1), planned(1)])


@pytest.mark.parametrize(
    ("new", "said"),
    [
        (planned(4), "intent 4: the next number is 3"),
        (then(planned(3), SIGNED), "intent 3: a transaction begins as planned"),
        (planned(3, slot="nonce:1"), "intent 1 holds slot nonce:1 of 0xac and is open"),
        (planned(3, slot="nonce:1", replaces=2), "it replaces intent 2, which is no open one in slot nonce:1"),
        (planned(3, replaces=3), "it replaces intent 3, which is no open one"),
    ],
)
def test_book_refuses_what_cannot_begin(new: IntentRecord, said: str) -> None:
    """A new transaction has the next number, is planned, and holds a slot that is free or that it replaces."""
    book = book_of(planned(1), planned(2))
    with pytest.raises(InvariantError, match=said):
        book.add(evolve(new, number=3) if new.number != 4 else new)
    assert (2, 3) == (len(book.records()), book.next_number)


def test_book_refuses_bytes_that_change_or_are_missing() -> None:
    """R13: bytes that were signed stand for ever, and nothing is signed without them."""
    book = book_of(planned(1))
    for tx, raw in ((None, None), ("0x1", b""), ("", b"raw")):
        with pytest.raises(InvariantError, match="its signed bytes or their name are missing"):
            book.change(1, SIGNED, 101, tx=tx, raw=raw)
    with pytest.raises(InvariantError, match="is to end unsigned"):
        book.change(1, DEAD, 101, raw=b"raw")
    kept = signed(book, 1)
    for tx, raw in ((None, b"other"), ("0xother", None)):
        with pytest.raises(InvariantError, match="differs from what is kept"):
            book.change(1, BROADCAST, 102, tx=tx, raw=raw)
    assert kept.raw == book.change(1, BROADCAST, 102).raw
    with pytest.raises(InvariantError, match="there is no intent 7, or it ended long ago: the last one is 1"):
        book.get(7)


def test_book_follows_next_and_nothing_else() -> None:
    """From every state just those follow that NEXT names, and an ended one never changes again."""

    @given(st.lists(st.sampled_from(list(IntentState)), max_size=12))
    def holds(states: list[IntentState]) -> None:
        book = book_of(planned(1))
        for at, state in enumerate(states, 101):
            kept = book.get(1)
            extra = {"tx": "0x1", "raw": b"raw"} if state is SIGNED else {}
            if state in NEXT[kept.state]:
                changed = book.change(1, state, at, **extra)  # type: ignore[arg-type]
                assert (state, at) == (changed.state, changed.since)
            else:
                with pytest.raises(InvariantError):
                    book.change(1, state, at, **extra)  # type: ignore[arg-type]
                assert kept == book.get(1)
        assert (book.get(1).state in ENDED) == (book.open() == ())

    holds()


def test_slots_are_given_in_the_order_in_which_they_were_taken() -> None:
    """Nonces are counted up: whoever repairs them sees which was taken first, however they are spelled."""
    book = book_of(planned(1, slot="nonce:10"), planned(2, slot="nonce:9"))
    book.change(1, DEAD, 101)
    book.add(planned(3, slot="nonce:10"))
    assert ("nonce:9", "nonce:10") == book.slots(SIM, "0xac")


def test_sound_history_has_no_faults() -> None:
    """A transaction that went its way, with one step told twice, is sound."""
    steps = way(planned(1), SIGNED, BROADCAST, SEEN, SEEN, FINAL)
    assert [] == list(record_faults(steps[-1], steps_of(*steps[:2], steps[1], *steps[2:])))
    assert [] == list(record_faults(then(planned(1), DEAD), steps_of(planned(1), then(planned(1), DEAD))))


def test_faults_name_what_cannot_be() -> None:
    """A state without history, a history that jumps, and bytes that are missing are each told."""
    steps = way(planned(1), SIGNED, FINAL)
    assert ["intent 1: it has no history"] == list(record_faults(planned(1), []))
    assert ["intent 1: its history begins with signed, every transaction begins as planned"] == list(
        record_faults(steps[1], steps_of(steps[1]))
    )
    assert ["intent 1: final does not follow planned in its history"] == list(record_faults(steps[2], steps_of(steps[0], steps[2])))
    assert ["intent 1: it is final since 102, its history ends with signed since 101"] == list(
        record_faults(steps[2], steps_of(*steps[:2]))
    )
    assert ["intent 1: it was signed, and its signed bytes or their name are missing"] == list(
        record_faults(evolve(steps[2], raw=b""), steps_of(*steps))
    )


def test_slot_faults_name_two_in_a_slot_and_numbers_that_are_missing() -> None:
    """Together the transactions of a ledger have all numbers, and each slot one holder and those that replace it."""
    assert [] == list(slot_faults([planned(1), planned(2, slot="nonce:1", replaces=1), then(planned(3), DEAD), planned(4, slot="nonce:3")]))
    assert ["intents 1 and 2 are both open in slot nonce:1 of 0xac on sim:1"] == list(slot_faults([planned(1), planned(2, slot="nonce:1")]))
    assert ["intent 2 is missing: the next one there is intent 3"] == list(slot_faults([planned(1), planned(3)]))
    assert ["intent 2: it replaces intent 1, which is no earlier one in slot nonce:2"] == list(
        slot_faults([planned(1), planned(2, replaces=1)])
    )
