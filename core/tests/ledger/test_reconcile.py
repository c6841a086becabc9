"""What reconciling decides: the chain wins, nothing is signed twice, and asked again there is nothing left to do."""

from collections.abc import Mapping, Sequence

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidemill.domain.ids import BookId, ChainId, PlanId
from tidemill.domain.intent import ENDED, NEXT, IntentRecord, IntentState, is_exclusive
from tidemill.domain.outcome import Outcome, OutcomeStatus
from tidemill.ledger.reconcile import INCLUDED, Action, Cancel, ChainView, Change, Send, Tell, reconcile

VIEW = ChainView(head=100, finality=10, patience=5)
S, R = IntentState, OutcomeStatus


def record(number: int = 1, state: IntentState = S.BROADCAST, *, since: int = 99, slot: str = "nonce:4", **fields: object) -> IntentRecord:
    """A transaction of ours; signed unless it is only planned."""
    signed = {} if state is S.PLANNED else {"tx": f"0x{number}", "raw": bytes((number,))}
    return attrs.evolve(
        IntentRecord(
            number=number, run=1, plan=PlanId(f"p{number}"), book=BookId("main"), strategy="s", chain=ChainId("sim:1"), account="0xa",
            flow="{}", payload=b"p", compute_limit=1, compute=1, expires=120, digest="d", height=90, slot=slot, state=state, since=since,
            **signed,  # type: ignore[arg-type]
        ),
        **fields,  # type: ignore[arg-type]
    )  # fmt: skip


def answer(status: OutcomeStatus, height: int = 98, *, cost: int = 0, reason: str = "") -> Outcome:
    return Outcome(status, height, f"0xblock{height}", cost=cost, reason=reason)


def asked(one: IntentRecord, said: Outcome, view: ChainView = VIEW) -> tuple[Action, ...]:
    return reconcile([one], {one.number: said}, view)


def test_reconcile_planned_and_never_signed_is_dead() -> None:
    """Without signed bytes nothing can be on any chain: no answer is needed, and nobody is told."""
    (done,) = reconcile([record(state=S.PLANNED)], {}, VIEW)

    assert isinstance(done, Change)
    assert (1, S.DEAD, 100) == (done.number, done.state, done.since)


@pytest.mark.parametrize("state", [S.SIGNED, S.BROADCAST, S.UNKNOWN])
@pytest.mark.parametrize(("status", "end"), [(R.FILLED, S.FINAL), (R.REVERTED, S.REVERTED)])
def test_reconcile_included_is_told_once_and_ends_when_final(state: IntentState, status: OutcomeStatus, end: IntentState) -> None:
    """In a young block it is seen, in one below the finality it has ended; the core hears of it with the first of the two."""
    said = answer(status, 98)
    told, change = asked(record(state=state), said)
    assert (Tell(PlanId("p1"), said), Change(1, S.SEEN, 98)) == (told, change)

    seen = record(state=S.SEEN, since=98)
    assert () == asked(seen, said)
    assert (Change(1, end, 98),) == asked(seen, said, attrs.evolve(VIEW, head=108))
    assert (Tell(PlanId("p1"), said), Change(1, end, 98)) == asked(record(state=state), said, attrs.evolve(VIEW, head=108))


def test_reconcile_seen_in_another_block_is_told_again() -> None:
    """A reorganisation moved it: what the core knows of the old block was reversed with that."""
    assert [Tell, Change] == [type(one) for one in asked(record(state=S.SEEN, since=97), answer(R.FILLED, 99))]


def test_reconcile_silent_broadcast_becomes_unknown_then_goes_out_again() -> None:
    """Silence is no failure: the same bytes go out again, whatever was or was not heard."""
    assert () == asked(record(since=96), answer(R.UNKNOWN))
    change, told = asked(record(since=95), answer(R.UNKNOWN, reason="not here"))
    assert Change(1, S.UNKNOWN, 100, "not here") == change
    assert isinstance(told, Tell)
    assert (Send(1),) == asked(record(state=S.UNKNOWN, since=99), answer(R.UNKNOWN))
    assert (Send(1),) == asked(record(state=S.SIGNED), answer(R.UNKNOWN))


def test_reconcile_dropped_block_puts_it_back_and_sends_it() -> None:
    """A block that held it is gone: what was booked is taken back, and it is out again, not lost and not failed."""
    said = answer(R.UNKNOWN)
    told, change, send = asked(record(state=S.SEEN, since=98), said)

    assert Tell(PlanId("p1"), said) == told
    assert isinstance(change, Change)
    assert S.BROADCAST is change.state
    assert Send(1) == send


def test_reconcile_expired_slot_is_taken_by_a_transaction_that_does_nothing() -> None:
    """Once, and never by one that takes a slot itself."""
    late = attrs.evolve(VIEW, head=126)
    old = record(since=125)
    assert (Cancel(1),) == asked(old, answer(R.UNKNOWN), late)

    rival = record(2, S.SIGNED, replaces=1, flow="", since=125)
    both = reconcile([old, rival], {1: answer(R.UNKNOWN), 2: answer(R.UNKNOWN)}, late)
    assert (Send(2),) == both


def test_reconcile_replaced_plan_bears_what_taking_its_slot_cost() -> None:
    """The plan is dead, its slot was taken by ours: what that cost stands with the plan, and nothing is told of the other."""
    old, rival = record(1), record(2, replaces=1, flow="")
    answers = {1: answer(R.DEAD, 99), 2: answer(R.FILLED, 99, cost=7)}
    told, replaced, seen = reconcile([old, rival], answers, VIEW)

    assert isinstance(told, Tell)
    assert (R.DEAD, 7) == (told.outcome.status, told.outcome.cost)
    assert isinstance(replaced, Change)
    assert (1, S.REPLACED) == (replaced.number, replaced.state)
    assert Change(2, S.SEEN, 99) == seen


def test_reconcile_replaced_plan_waits_until_it_is_known_who_took_its_slot() -> None:
    """Where the chain tells of only one of the two, neither ends: what taking the slot cost would stand in no book."""
    old, rival = record(1), record(2, S.SEEN, since=80, replaces=1, flow="")
    dead, taken = answer(R.DEAD, 80), answer(R.FILLED, 80, cost=7)

    assert () == reconcile([old, rival], {1: dead}, VIEW)
    assert () == reconcile([old, record(2, since=99, replaces=1, flow="")], {1: dead, 2: answer(R.UNKNOWN)}, VIEW)
    assert () == reconcile([old, rival], {2: taken}, VIEW)
    assert [Tell, Change, Change] == [type(one) for one in reconcile([old, rival], {1: dead, 2: taken}, VIEW)]
    assert [S.REPLACED, S.FINAL] == [one.state for one in reconcile([old, rival], {1: dead, 2: taken}, VIEW) if isinstance(one, Change)]


def test_reconcile_block_hashes_are_no_rivals() -> None:
    """Many transactions may name one block hash: neither takes anything from the other."""
    assert [True, False] == [is_exclusive(slot) for slot in ("nonce:4", "blockhash:abc")]
    both = [record(1, since=125, slot="blockhash:a"), record(2, since=125, slot="blockhash:a")]
    answers = {1: answer(R.DEAD), 2: answer(R.FILLED, 124)}
    (_, dead), _ = (reconcile(both, answers, attrs.evolve(VIEW, head=126))[:2], None)

    assert isinstance(dead, Change)
    assert S.DEAD is dead.state


def test_reconcile_what_nobody_could_be_asked_about_is_left_alone() -> None:
    """An answer that did not come proves nothing."""
    assert () == reconcile([record(state=state) for state in NEXT if state not in {*ENDED, S.PLANNED}], {}, VIEW)


def applied(kept: Sequence[IntentRecord], actions: Sequence[Action], head: int) -> list[IntentRecord]:
    """Carry actions out as a run does: what is sent is out, a slot that is to be taken has a transaction that takes it."""
    found = {one.number: one for one in kept}
    for action in actions:
        if isinstance(action, Change):
            assert action.state in NEXT[found[action.number].state], (found[action.number].state, action)
            found[action.number] = attrs.evolve(found[action.number], state=action.state, since=action.since)
        elif isinstance(action, Send):
            assert found[action.number].raw
            if found[action.number].state is not S.BROADCAST:
                found[action.number] = attrs.evolve(found[action.number], state=S.BROADCAST, since=head)
        elif isinstance(action, Cancel):
            number = max(found) + 1
            found[number] = record(number, S.BROADCAST, since=head, slot=found[action.number].slot, replaces=action.number, flow="")
    return [one for one in found.values() if not one.ended]


OUTCOMES = st.one_of(st.none(), st.builds(answer, st.sampled_from(list(R)), st.integers(80, 130), cost=st.integers(0, 9)))
RECORDS = st.builds(
    record,
    state=st.sampled_from([state for state in NEXT if state not in ENDED]),
    since=st.integers(80, 130),
    slot=st.sampled_from(["nonce:4", "nonce:5", "blockhash:a"]),
    flow=st.sampled_from(["{}", ""]),
)


def uncontradicted(kept: Sequence[IntentRecord], answers: Mapping[int, Outcome]) -> dict[int, Outcome]:
    """Answers as one chain gives them: of a nonce that is used, all transactions but the one that used it are dead."""
    told = [(one.slot, answers[one.number].status, one.number) for one in kept if one.number in answers and is_exclusive(one.slot)]
    users = {slot: number for slot, status, number in told if status in INCLUDED}
    used = {slot for slot, status, _ in told if status is not R.UNKNOWN}
    lost = {number for slot, _, number in told if slot in used and users.get(slot) != number}
    return {number: answer(R.DEAD, said.height) if number in lost else said for number, said in answers.items()}


@given(st.lists(RECORDS, max_size=5), st.lists(OUTCOMES, min_size=5, max_size=5), st.integers(95, 140))
def test_reconcile_twice_does_nothing_more(drawn: Sequence[IntentRecord], said: Sequence[Outcome | None], head: int) -> None:
    """Whatever is kept and whatever the chain says: what follows is allowed, and once it is done there is nothing left to do."""
    kept = [attrs.evolve(one, number=place, plan=PlanId(f"p{place}")) for place, one in enumerate(drawn, start=1)]
    answers = {one.number: found for one, found in zip(kept, said, strict=False) if found is not None and one.raw}
    answers = {number: attrs.evolve(found, height=min(found.height, head)) for number, found in answers.items()}
    view = attrs.evolve(VIEW, head=head)
    answers = uncontradicted(kept, answers)
    after = applied(kept, reconcile(kept, answers, view), head)
    again = reconcile(after, answers, view)

    assert () == again
