"""What may be kept of our transactions: one set of rules for what a run holds in memory and for what a store takes."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise
from typing import Any

import attrs

from tidemill.domain.ids import ChainId
from tidemill.domain.intent import NEXT, IntentRecord, IntentState, IntentStep, is_exclusive

Place = tuple[ChainId, str, str]
"""What only one open transaction may hold: chain, account, slot."""

_ONCE = ("tx", "raw")
"""Empty until it is signed, and the same ever after."""
_MOVES = ("state", "since", "reason")
_UNSIGNED = (IntentState.PLANNED, IntentState.DEAD)
_FIXED = tuple(field.name for field in attrs.fields(IntentRecord) if field.name not in (*_ONCE, *_MOVES))


def place_of(record: IntentRecord) -> Place:
    """Return the slot of a transaction, with the account and the chain that it is one of."""
    return record.chain, record.account, record.slot


def refusal(change: IntentRecord, kept: IntentRecord | None, holders: Sequence[IntentRecord] = ()) -> str:
    """Return why a change may not be kept, "" where it may.

    A transaction begins as planned, without signed bytes. It holds a slot that nobody holds, or replaces an open one that does. After that
    ``state``, ``since`` and ``reason`` change as ``NEXT`` says, the signed bytes and their name come with ``signed``, and nothing else
    ever changes. What equals what is kept changes nothing and may come again.

    Args:
        change: the transaction as it is to be kept.
        kept: the transaction of this number as it is kept, None for a new number.
        holders: the open transactions in its slot; looked at for a new number.
    """
    why = _new(change, holders) if kept is None else _next(change, kept)
    return f"intent {change.number}: {why}" if why else ""


def record_faults(record: IntentRecord, steps: Sequence[IntentStep]) -> Iterator[str]:
    """Yield what cannot be true of one kept transaction and its history, a sentence each."""
    name = f"intent {record.number}"
    if not steps:
        yield f"{name}: it has no history"
        return
    if steps[0].state is not IntentState.PLANNED:
        yield f"{name}: its history begins with {steps[0].state}, every transaction begins as planned"
    for before, after in pairwise(steps):
        again = (before.state, before.since, before.reason) == (after.state, after.since, after.reason)
        if after.state not in NEXT[before.state] and not again:
            yield f"{name}: {after.state} does not follow {before.state} in its history"
    last = steps[-1]
    if (last.state, last.since, last.reason) != (record.state, record.since, record.reason):
        yield f"{name}: it is {record.state} since {record.since}, its history ends with {last.state} since {last.since}"
    was_signed = any(step.state is IntentState.SIGNED for step in steps) or record.state not in _UNSIGNED
    if was_signed and not (record.raw and record.tx):
        yield f"{name}: it was signed, and its signed bytes or their name are missing"
    if not was_signed and (record.raw or record.tx):
        yield f"{name}: it was never signed, and has signed bytes or their name"


def slot_faults(records: Iterable[IntentRecord]) -> Iterator[str]:
    """Yield what cannot be true of all kept transactions together, given in order of their numbers, a sentence each."""
    places: dict[int, Place] = {}
    holder: dict[Place, int] = {}
    expected = 1
    for record in records:
        if record.number != expected:
            yield f"intent {expected} is missing: the next one there is intent {record.number}"
        expected = record.number + 1
        place = places[record.number] = place_of(record)
        if record.replaces and places.get(record.replaces) != place:
            yield f"intent {record.number}: it replaces intent {record.replaces}, which is no earlier one in slot {record.slot}"
        if not record.ended:
            if place in holder and not record.replaces and is_exclusive(record.slot):
                where = f"slot {record.slot} of {record.account} on {record.chain}"
                yield f"intents {holder[place]} and {record.number} are both open in {where}"
            holder.setdefault(place, record.number)


def _new(change: IntentRecord, holders: Sequence[IntentRecord]) -> str:
    if change.number < 1:
        return "transactions are counted from 1"
    if change.state is not IntentState.PLANNED or change.raw or change.tx:
        return f"a transaction begins as planned and without signed bytes, this one as {change.state}; keep it before it is signed"
    numbers = [holder.number for holder in holders]
    if change.replaces and change.replaces not in numbers:
        return f"it replaces intent {change.replaces}, which is no open one in slot {change.slot} of {change.account}"
    if numbers and not change.replaces and is_exclusive(change.slot):
        return f"intent {numbers[0]} holds slot {change.slot} of {change.account} and is open; replace it, or wait until it has ended"
    return ""


def _next(change: IntentRecord, kept: IntentRecord) -> str:
    if change == kept:
        return ""
    differs = _differing(change, kept, _FIXED if kept.state is IntentState.PLANNED else (*_FIXED, *_ONCE))
    if differs:
        return f"{differs} differs from what is kept, and never changes"
    if change.state not in NEXT[kept.state]:
        return f"{change.state} does not follow {kept.state}"
    if change.state is IntentState.SIGNED and not (change.raw and change.tx):
        return "it is to be signed, and its signed bytes or their name are missing"
    if kept.state is IntentState.PLANNED and change.state is IntentState.DEAD and (change.raw or change.tx):
        return "it is to end unsigned, and comes with signed bytes or their name"
    return ""


def _differing(one: Any, other: Any, names: Iterable[str]) -> str:
    return ", ".join(name for name in names if getattr(one, name) != getattr(other, name))
