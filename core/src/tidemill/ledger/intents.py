"""Our transactions as a live run holds them in memory: what it may do next is asked here, what it did is kept in the store."""

from collections import deque
from collections.abc import Iterable

import attrs

from tidemill.domain.ids import ChainId, PlanId
from tidemill.domain.intent import IntentRecord, IntentState
from tidemill.errors import InvariantError
from tidemill.ledger.intent_rules import Place, place_of, refusal

KEPT_ENDED = 256
"""So many transactions that have ended are held, the last ones: a run that lasts must not grow with what it did."""


class IntentBook:
    """The current state of each open transaction, and of the last ones that ended, by number, plan and slot.

    It does nothing outside itself: what ``add`` and ``change`` return must be kept in the store before anything is done about it, and in
    this order. Whatever it accepts a store accepts as well, because both ask ``intent_rules``.

    Args:
        records: what the store keeps, in any order: all of it, or what is open.
        last: the highest number that was ever given, where ``records`` leaves it out.

    Raises:
        InvariantError: two of the records have one number.
    """

    def __init__(self, records: Iterable[IntentRecord] = (), *, last: int = 0) -> None:
        self._records: dict[int, IntentRecord] = {}
        self._plans: dict[PlanId, list[int]] = {}
        self._held: dict[Place, list[int]] = {}
        self._ended: deque[int] = deque()
        self._last = last
        for record in sorted(records, key=lambda record: record.number):
            if record.number in self._records:
                raise InvariantError(f"the store has two intents {record.number}: stop, and run `tidemill ledger verify`")
            self._insert(record)

    @property
    def next_number(self) -> int:
        """The number that the next new transaction has."""
        return self._last + 1

    def records(self) -> tuple[IntentRecord, ...]:
        """Return the transactions as they are now, in order of their numbers: all that are open, and the last ones that ended."""
        return tuple(self._records.values())

    def open(self) -> tuple[IntentRecord, ...]:
        """Return the transactions that have not ended, in order of their numbers."""
        numbers = sorted(number for held in self._held.values() for number in held)
        return tuple(self._records[number] for number in numbers)

    def get(self, number: int) -> IntentRecord:
        """Return one transaction as it is now.

        Raises:
            InvariantError: there is none of this number, or it ended long ago.
        """
        record = self._records.get(number)
        if record is None:
            raise InvariantError(f"there is no intent {number}, or it ended long ago: the last one is {self._last}")
        return record

    def of_plan(self, plan: PlanId) -> tuple[IntentRecord, ...]:
        """Return the transactions of a plan in order of their numbers: several where one replaced another."""
        return tuple(self._records[number] for number in self._plans.get(plan, ()))

    def in_slot(self, chain: ChainId, account: str, slot: str) -> tuple[IntentRecord, ...]:
        """Return the open transactions that hold a slot: none, one, or one and those that are to replace it."""
        return tuple(self._records[number] for number in self._held.get((chain, account, slot), ()))

    def slots(self, chain: ChainId, account: str) -> tuple[str, ...]:
        """Return the slots of an account that open transactions hold, in the order in which they were taken."""
        taken = [(held[0], slot) for (where, whose, slot), held in self._held.items() if (where, whose) == (chain, account)]
        return tuple(slot for _, slot in sorted(taken))

    def add(self, record: IntentRecord) -> IntentRecord:
        """Take a new transaction in, which is planned and has the next number, and return it.

        Raises:
            InvariantError: it has another number or another state, or its slot is held by one that it does not replace.
        """
        if record.number != self.next_number:
            raise InvariantError(f"intent {record.number}: the next number is {self.next_number}")
        self._accept(record, None)
        self._insert(record)
        return record

    def change(
        self, number: int, state: IntentState, since: int, reason: str = "", *, tx: str | None = None, raw: bytes | None = None
    ) -> IntentRecord:
        """Bring a transaction into a state and return it as it is then.

        Args:
            number: which one.
            state: the state that it has reached.
            since: the height of the head at which it was reached.
            reason: why, for people; "" where the state says it all.
            tx: the name of the signed bytes; None leaves it as it is.
            raw: the signed bytes; None leaves them as they are.

        Raises:
            InvariantError: there is no such transaction, the state does not follow from the one that it has (``NEXT``), it was signed
                with other bytes, or signed bytes are missing or come without being signed.
        """
        kept = self.get(number)
        changed = attrs.evolve(
            kept, state=state, since=since, reason=reason, tx=kept.tx if tx is None else tx, raw=kept.raw if raw is None else raw
        )
        self._accept(changed, kept)
        self._records[number] = changed
        held = self._held.get(place_of(kept), [])
        if changed.ended and number in held:
            held.remove(number)
            if not held:
                del self._held[place_of(kept)]
            self._forget(number)
        return changed

    def _accept(self, change: IntentRecord, kept: IntentRecord | None) -> None:
        why = refusal(change, kept, self.in_slot(*place_of(change)))
        if why:
            raise InvariantError(why)

    def _insert(self, record: IntentRecord) -> None:
        self._records[record.number] = record
        self._plans.setdefault(record.plan, []).append(record.number)
        self._last = max(self._last, record.number)
        if record.ended:
            self._forget(record.number)
        else:
            self._held.setdefault(place_of(record), []).append(record.number)

    def _forget(self, ended: int) -> None:
        """Hold one more that has ended, and let go of the one that ended longest ago."""
        self._ended.append(ended)
        if len(self._ended) > KEPT_ENDED:
            oldest = self._records.pop(self._ended.popleft())
            numbers = self._plans[oldest.plan]
            numbers.remove(oldest.number)
            if not numbers:
                del self._plans[oldest.plan]
