"""What must be done about transactions of ours: a pure function of what is kept of them and of what the chain says.

The chain wins. Nothing is ever signed again here: the same bytes go out again, or a transaction that does nothing takes the slot. What is
done is kept by the caller; asked again with the new records and the same answers, there is nothing left to do.
"""

from collections.abc import Mapping, Sequence

from attrs import frozen

from tidemill.domain.ids import PlanId
from tidemill.domain.intent import IntentRecord, IntentState, is_exclusive
from tidemill.domain.outcome import Outcome, OutcomeStatus


@frozen
class Change:
    """Bring a transaction into a state, reached at a height."""

    number: int
    state: IntentState
    since: int
    reason: str = ""


@frozen
class Tell:
    """Let the core know what became of a plan."""

    plan: PlanId
    outcome: Outcome


@frozen
class Send:
    """Broadcast a transaction's signed bytes as they are; sent before or not, they can be included once."""

    number: int


@frozen
class Cancel:
    """Sign a transaction that does nothing but take this one's slot, so that money need not wait for it any longer."""

    number: int


Action = Change | Tell | Send | Cancel


@frozen
class ChainView:
    """How far a chain has come: its head, below how many further blocks one is final, and how many heights a transaction may be silent."""

    head: int
    finality: int
    patience: int


INCLUDED = (OutcomeStatus.FILLED, OutcomeStatus.REVERTED)
"""A block holds it."""


def reconcile(kept: Sequence[IntentRecord], answers: Mapping[int, Outcome], view: ChainView) -> tuple[Action, ...]:
    """Return what is to be done about one chain's open transactions, in the order in which it must be.

    Args:
        kept: the transactions that have not ended, in order of their numbers.
        answers: what the chain says of them by number; one that is absent could not be asked about, and is left alone.
        view: the chain as it is now.
    """
    rivals: dict[tuple[str, str], list[IntentRecord]] = {}
    for record in kept:
        if is_exclusive(record.slot) and record.raw:
            rivals.setdefault((record.account, record.slot), []).append(record)
    actions: list[Action] = []
    for record in kept:
        others = [one for one in rivals.get((record.account, record.slot), ()) if one is not record]
        if record.state is IntentState.PLANNED:
            actions.append(Change(record.number, IntentState.DEAD, view.head, "it was never signed: the run ended before"))
        elif record.number in answers:
            actions += _about(record, answers[record.number], others, answers, view)
    return tuple(actions)


def _about(
    record: IntentRecord, answer: Outcome, others: Sequence[IntentRecord], answers: Mapping[int, Outcome], view: ChainView
) -> list[Action]:
    if answer.status in INCLUDED:
        return _included(record, answer, others, answers, view)
    if answer.status is OutcomeStatus.DEAD:
        return _dead(record, answer, others, answers)
    return _silent(record, answer, others, view)


def _included(
    record: IntentRecord, answer: Outcome, others: Sequence[IntentRecord], answers: Mapping[int, Outcome], view: ChainView
) -> list[Action]:
    # What only takes a slot stays until the plan whose slot it took has ended: that one bears its cost
    borne = bool(record.flow) or not _undecided(others, answers)
    final = view.head - answer.height >= view.finality and borne
    ended = IntentState.FINAL if answer.status is OutcomeStatus.FILLED else IntentState.REVERTED
    known = record.state is IntentState.SEEN and record.since == answer.height
    # A transaction that only takes a slot is no plan's: its cost is told with the plan whose slot it took
    told: list[Action] = [Tell(record.plan, answer)] if record.flow and not known else []
    if final:
        return [*told, Change(record.number, ended, answer.height, answer.reason)]
    return [] if known else [*told, Change(record.number, IntentState.SEEN, answer.height, answer.reason)]


def _dead(record: IntentRecord, answer: Outcome, others: Sequence[IntentRecord], answers: Mapping[int, Outcome]) -> list[Action]:
    winner = next((one for one in others if one.number in answers and answers[one.number].status in INCLUDED), None)
    if winner is None and _undecided(others, answers):
        # Which transaction of ours took its slot, if any, says what is booked of it
        return []
    state = IntentState.DEAD if winner is None else IntentState.REPLACED
    reason = answer.reason if winner is None else f"transaction {winner.number} ({winner.tx}) took its slot"
    change = Change(record.number, state, answer.height, reason)
    if not record.flow:
        return [change]
    spent = answers[winner.number].cost if winner is not None and not winner.flow else 0
    dead = Outcome(OutcomeStatus.DEAD, answer.height, answer.block_hash, cost=spent, reason=reason, proof=answer.proof)
    return [Tell(record.plan, dead), change]


def _undecided(others: Sequence[IntentRecord], answers: Mapping[int, Outcome]) -> bool:
    """Whether the chain has not said yet what became of one of these."""
    return any(one.number not in answers or answers[one.number].status is OutcomeStatus.UNKNOWN for one in others)


def _silent(record: IntentRecord, answer: Outcome, others: Sequence[IntentRecord], view: ChainView) -> list[Action]:
    """Return what to do about one that the chain neither includes nor excludes."""
    waited = view.head - record.since
    late = view.head > record.expires + view.patience and waited > 0
    if late and not record.replaces and record.state is not IntentState.SEEN:
        # What it was for is over: its slot is taken, once, or runs out by itself
        return [Cancel(record.number)] if is_exclusive(record.slot) and not others else []
    match record.state:
        case IntentState.SIGNED:
            return [Send(record.number)]
        case IntentState.SEEN:
            # Its block was dropped; whoever mines next may take it from any node that still has it
            reason = f"the block at {record.since} that held it is no longer part of the chain"
            back: list[Action] = [Tell(record.plan, answer)] if record.flow else []
            return [*back, Change(record.number, IntentState.BROADCAST, view.head, reason), Send(record.number)]
        case IntentState.BROADCAST if waited >= view.patience > 0:
            told: list[Action] = [Tell(record.plan, answer)] if record.flow else []
            return [Change(record.number, IntentState.UNKNOWN, view.head, answer.reason or "no node says what became of it"), *told]
        case IntentState.UNKNOWN if waited > 0:
            return [Send(record.number)]
    return []
