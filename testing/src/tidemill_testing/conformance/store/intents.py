"""Rules for stores: a transaction that went out is never forgotten, and never changed into what it was not."""

from collections.abc import Sequence
from itertools import count
from pathlib import Path

from attrs import evolve

from tidemill.domain.ids import PlanId
from tidemill.domain.intent import IntentRecord, IntentState, IntentStep
from tidemill.domain.records import ResultRow, Row
from tidemill.hookspecs.store import Store
from tidemill_testing.conformance.child import Child, Say
from tidemill_testing.conformance.intents import planned, then, way
from tidemill_testing.conformance.ledger_rows import MAIN, SIM, TEXTS, USDC, group
from tidemill_testing.conformance.rule import rule
from tidemill_testing.conformance.store.case import StoreCase

PLANNED, SIGNED, BROADCAST, SEEN = IntentState.PLANNED, IntentState.SIGNED, IntentState.BROADCAST, IntentState.SEEN
UNKNOWN, FINAL, DEAD = IntentState.UNKNOWN, IntentState.FINAL, IntentState.DEAD


class StoreIntents(StoreCase):
    """Our transactions, from the door to their end; see ``StoreConformance``."""

    @rule("STO-27", "intents come back as they were kept")
    def test_intents_come_back_as_they_were_kept(self, tmp_path: Path) -> None:
        """After a crash the next run goes on with these: a byte that is lost is a transaction that cannot be sent again.

        If this fails: keep every field, bytes as bytes; give ``intents()`` in order of their numbers, those that have ended only with
        ``ended=True``, those of earlier runs too, and to whoever reads beside the writer.
        """
        sent, ended, odd = planned(1), planned(2), [planned(at, flow=text, reason=text, slot=f"s-{at}") for at, text in enumerate(TEXTS, 3)]
        changes = [
            *way(sent, SIGNED, BROADCAST), *way(ended, SIGNED, SEEN, SEEN, FINAL), *odd, then(odd[0], DEAD, reason=TEXTS[1]),
            planned(99, expires=(1 << 63) - 1, payload=b"", strategy="", account="", slot="", digest=""),
        ]  # fmt: skip
        last = {change.number: change for change in changes}
        expected = [last[number] for number in sorted(last)]
        with self._opened(tmp_path) as store:
            store.begin("{}", "")
            store.keep_intents([change for change in changes if change.number > 50], "", durable=False)
            store.keep_intents([change for change in changes if change.number < 50], "2026-01-01T00:00:00+00:00", durable=True)
            self._keeps(expected, store, "after they were kept")
            with self._opened(tmp_path, write=False) as reader:
                self._keeps(expected, reader, "read beside the writer")
                self._refuses("keep_intents() on a ledger opened to be read", lambda: reader.keep_intents([planned(7)], "", durable=True))
        with self._opened(tmp_path) as store:
            store.begin("{}", "")
            self._keeps(expected, store, "in the next run")

    @rule("STO-28", "an intent changes only as it may")
    def test_intent_changes_only_as_it_may(self, tmp_path: Path) -> None:
        """What is final stays so, signed bytes stay what they are, and a slot has one holder: otherwise money moves twice.

        If this fails: ask ``tidemill.ledger.intent_rules.refusal`` with what is kept, in the transaction that writes, and raise LedgerError
        before anything of the group stays.
        """
        sent, done, fresh = way(planned(1), SIGNED, BROADCAST), way(planned(2), SIGNED, SEEN, FINAL), planned(3)
        bad = {
            "a transaction that was final and is unknown": then(done[-1], UNKNOWN),
            "one that was planned and is broadcast, unsigned": then(fresh, BROADCAST),
            "one that is signed without its bytes": evolve(fresh, state=SIGNED, tx="0x1"),
            "other signed bytes": evolve(then(sent[-1], SEEN), raw=b"other"),
            "another name of the signed bytes": evolve(then(sent[-1], SEEN), tx="0xother"),
            "another payload": evolve(then(sent[-1], SEEN), payload=b"other"),
            "another slot": evolve(then(sent[-1], SEEN), slot="nonce:77"),
            "a new one that is signed already": then(planned(4), SIGNED),
            "a second open one in a slot": planned(4, slot=sent[0].slot),
            "one that replaces what holds another slot": planned(4, slot=sent[0].slot, replaces=3),
            "one that replaces what has ended": planned(4, slot=done[0].slot, replaces=2),
        }
        with self._opened(tmp_path) as store:
            store.begin("{}", "")
            store.keep_intents([*sent, *done, fresh], "", durable=True)
            before = self._states(store)
            for what, change in bad.items():
                changes = [planned(5), change]
                self._refuses(f"keep_intents() of {what}", lambda: store.keep_intents(changes, "", durable=True))  # noqa: B023
                if self._states(store) != before:
                    self.broken(f"after {what} was refused: expected {before}, got {self._states(store)}")
            store.keep_intents([planned(4, slot=sent[0].slot, replaces=1), then(fresh, DEAD)], "", durable=True)
            store.keep_intents([planned(5, slot=fresh.slot)], "", durable=True)
            expected = [*before[:2], (3, DEAD), (4, PLANNED), (5, PLANNED)]
            if self._states(store) != expected:
                self.broken(f"with one that replaces and one in a slot that is free again: expected {expected}, got {self._states(store)}")

    @rule("STO-29", "the history of an intent is told")
    def test_history_of_an_intent_is_told(self, tmp_path: Path) -> None:
        """``tidemill why`` answers from these what became of a transaction and when; a run that is not sure keeps a change twice.

        If this fails: add a step for every change with the time that came with it, also where it changes nothing, oldest first, and give
        none for a number that is not there.
        """
        steps = way(planned(1), SIGNED, BROADCAST, SEEN)
        with self._opened(tmp_path) as store:
            store.begin("{}", "")
            for at, change in enumerate([*steps, steps[-1], evolve(steps[-1], state=UNKNOWN, reason=TEXTS[0] + TEXTS[1])]):
                store.keep_intents([change, planned(2)], f"t{at}", durable=at % 2 == 0)
            expected = [
                *(IntentStep(1, step.state, step.since, "", f"t{at}") for at, step in enumerate([*steps, steps[-1]])),
                IntentStep(1, UNKNOWN, steps[-1].since, TEXTS[1], "t5"),
            ]
            self._tells(expected, store.intent_steps(1))
            self._tells([IntentStep(2, PLANNED, 100, "", f"t{at}") for at in range(6)], store.intent_steps(2))
            self._tells([], store.intent_steps(3))
        with self._opened(tmp_path, write=False) as store:
            self._tells(expected, store.intent_steps(1))

    @rule("STO-30", "a durable intent is there after a kill")
    def test_durable_intent_survives_a_kill(self, tmp_path: Path) -> None:
        """A transaction is sent once its signed bytes are kept: a killed process that loses them sends another one in its place.

        If this fails: with ``durable`` flush and fsync before ``keep_intents`` returns, and write a group whole or not at all.
        """
        with Child(lambda say: self._keep_for_ever(tmp_path, say)) as child:
            said = ""
            for _ in range(5):
                said = child.line(self.patience_s) or self.broken(
                    f"the process that keeps intents said nothing more after {said or 'its start'!r}"
                )
            if not said.isdigit():
                self.broken(f"a process that keeps intents for ever ended: {said}")
            child.kill()
        with self._opened(tmp_path) as store:
            found = self._states(store)
            if len(found) < int(said) or found != [(number, SIGNED) for number in range(1, len(found) + 1)]:
                self.broken(f"{said} intents were reported as signed and kept, what is there is {found[:9]} …")

    @rule("STO-31", "the highest number of an intent is told")
    def test_highest_number_of_an_intent_is_told(self, tmp_path: Path) -> None:
        """A run numbers its transactions from here on: a number that is given twice makes two transactions one.

        If this fails: ``last_intent()`` is the highest number of all runs, whether its transaction has ended or not, and 0 where there
        has been none.
        """
        with self._opened(tmp_path) as store:
            store.begin("{}", "")
            self._ends_at(0, store, "of a ledger without transactions")
            store.keep_intents([planned(1), *way(planned(7), SIGNED, SEEN, FINAL), planned(3)], "", durable=True)
            self._ends_at(7, store, "with one that has ended")
        with self._opened(tmp_path) as store:
            store.begin("{}", "")
            self._ends_at(7, store, "in the next run")
            store.keep_intents([planned(12, run=2), then(planned(12, run=2), DEAD)], "", durable=False)
            self._ends_at(12, store, "with one that was never signed")
        with self._opened(tmp_path, write=False) as store:
            self._ends_at(12, store, "read without a writer")

    @rule("STO-32", "what became of a plan is told over all runs")
    def test_what_became_of_a_plan_is_told_over_all_runs(self, tmp_path: Path) -> None:
        """A run that takes up an open transaction asks what was booked of its plan: what an earlier run booked must not be booked again.

        If this fails: ``results()`` gives the results of one plan alone, of every run, the oldest run first and within a run in order of
        ``seq``; an index by plan keeps it quick.
        """
        mine, other = _result(1, "plan-1", 7), _result(2, "plan-2", 7)
        again, later = _result(3, "plan-1", 8), _result(1, "plan-1", 9)
        with self._opened(tmp_path) as store:
            store.write(store.begin("{}", ""), [mine, other, again, *group(4)], durable=True)
            store.write(store.begin("{}", ""), [later], durable=False)
            self._became([mine, again, later], store, "plan-1")
        with self._opened(tmp_path, write=False) as store:
            self._became([mine, again, later], store, "plan-1")
            self._became([other], store, "plan-2")
            self._became([], store, "plan-3")

    def _keep_for_ever(self, folder: Path, say: Say) -> None:
        store: Store = self.make()
        store.open(folder)
        run = store.begin("{}", "")
        for number in count(1):
            store.write(run, group(4 * number - 3), durable=False)
            store.keep_intents(way(planned(number), SIGNED), "", durable=True)
            say(str(number))

    def _keeps(self, expected: Sequence[IntentRecord], store: Store, when: str) -> None:
        for ended in (True, False):
            wanted = [record for record in expected if ended or not record.ended]
            found = list(store.intents(ended=ended))
            numbers = [record.number for record in wanted], [record.number for record in found]
            if numbers[0] != numbers[1]:
                self.broken(f"{when}, intents(ended={ended}): expected numbers {numbers[0]}, got {numbers[1]}")
            for one, other in zip(wanted, found, strict=True):
                names = [name for name in one.__attrs_attrs__ if getattr(one, name.name) != getattr(other, name.name)]
                if names or type(other.state) is not IntentState:
                    self.broken(
                        f"{when}, intent {one.number}: not as it was kept: {[name.name for name in names] or 'the type of its state'}"
                    )

    def _tells(self, expected: Sequence[IntentStep], found: Sequence[IntentStep]) -> None:
        if list(found) != list(expected):
            self.broken(f"expected the steps {list(expected)}, got {list(found)}"[:600])

    def _ends_at(self, expected: int, store: Store, when: str) -> None:
        found = store.last_intent()
        if type(found) is not int or found != expected:
            self.broken(f"last_intent() {when}: expected {expected}, got {found!r}")

    def _became(self, expected: Sequence[Row], store: Store, plan: str) -> None:
        self._expect(expected, store.results(PlanId(plan)), f"results() of {plan}")

    def _states(self, store: Store) -> list[tuple[int, IntentState]]:
        return [(record.number, record.state) for record in store.intents(ended=True)]


def _result(seq: int, plan: str, height: int) -> ResultRow:
    return ResultRow(seq, PlanId(plan), MAIN, "spatial", SIM, height, f"0x{height:02}", "filled", ((USDC, 10**30 + height),), 3, "")
