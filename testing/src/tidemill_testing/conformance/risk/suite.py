"""Rules for risk checks: pure, repeatable, without memory, and never more than there is."""

import copy
import re
from collections.abc import Iterable, Sequence
from typing import ClassVar

import pytest
from attrs import evolve

from tidemill.domain.answers import Rejected
from tidemill.domain.decision import Allowance
from tidemill.domain.plan import Flow, Plan
from tidemill.hookspecs.risk import RiskCheck
from tidemill_testing.conformance import asking
from tidemill_testing.conformance.deals import wrong_rejection
from tidemill_testing.conformance.history import more_history
from tidemill_testing.conformance.risk.answers import (
    Answer,
    allowed,
    answer_digests,
    answer_of,
    answers_of,
    asset_of,
    busier,
    case_name,
    mappings_of,
)
from tidemill_testing.conformance.risk.case import RiskCase, everyday, hostile_cases, resized
from tidemill_testing.conformance.risk.door import NO_LIMIT, beyond, beyond_borrowed, beyond_cost, beyond_own, spoken_for
from tidemill_testing.conformance.rule import rule
from tidemill_testing.conformance.sandbox import OutsideWorld, folder_of, sandbox
from tidemill_testing.conformance.suite import Conformance

_LARGE = tuple((1 << bits) // 3 for bits in (120, 121, 123))
_COARSE = 1 << 40
_RULE = re.compile(r"[a-z][a-z0-9_]*")


class RiskConformance(Conformance):
    """What every risk check must hold to; ``class TestShare(RiskConformance): plugin = Share`` is the whole test.

    An author must give:
        plugin: the check's class.

    An author may give:
        settings, assets, capabilities, exempt: as for every kind. Give settings under which the check bounds something.
        cases: a fixture; what it is asked about. The default is a market of four pools with books from empty to busy
            (``tidemill_testing.conformance.risk.case.everyday``).

    Capabilities:
        ``monotone``: more money in the book never lowers an allowance, one more plan in flight never raises it.
        ``holds_at_the_door``: own or borrowed money above what ``allow`` gave is stopped again by ``check``, when the plan is finished.
        ``bounds_cost``: so is a cost above what ``allow`` gave.
    """

    kind = "risk"
    prefix = "RSK"
    may_give = Conformance.may_give | {"cases"}

    plugin: ClassVar[type[RiskCheck]]

    @pytest.fixture
    def cases(self) -> Sequence[RiskCase]:
        """What the check is asked about."""
        return everyday()

    @rule("RSK-10", "it only computes while it is asked")
    def test_only_computes(self, cases: Sequence[RiskCase]) -> None:
        """A limit must hold in a replay as on the day: no file, socket, clock, chance or environment decides it.

        If this fails: take times from ``snapshot.now_ns`` and heads, money from the book; what an operator sets is a setting.
        """
        check = self.make()
        try:
            with sandbox(folder_of(self.plugin)):
                for case in cases:
                    answer_of(check, case)
        except OutsideWorld as error:
            self.broken(str(error))

    @rule("RSK-11", "another instance answers the same")
    def test_another_instance_answers_the_same(self, cases: Sequence[RiskCase]) -> None:
        """A replay makes a new instance and must come to the same decisions.

        If this fails: look for ``id()``, default ``repr`` and attributes of class or module that one instance leaves for the next.
        """
        self._same(answers_of(self.make(), cases), answers_of(self.make(), cases), "another instance")

    @rule("RSK-12", "every PYTHONHASHSEED answers the same")
    def test_every_hash_seed_answers_the_same(self, cases: Sequence[RiskCase]) -> None:
        """The order of sets and of immutable maps changes from process to process; which limit is told first must not.

        If this fails: sort sets, and the keys and items of mappings, before their order reaches an answer.
        """
        argument = (self.plugin, self.made_settings(), tuple(cases))
        self.same_under_every_seed(answer_digests, argument, lambda place: f"case {place}: {case_name(cases[place])}")

    @rule("RSK-13", "it keeps no state between calls")
    def test_keeps_no_state(self, cases: Sequence[RiskCase]) -> None:
        """A rollback or a restart cannot restore what a check remembers; a limit that forgets lets everything through.

        If this fails: read plans in flight, positions and balances from the book, and history from the snapshot, declared in ``needs``.
        """
        check = self.make()
        before = asking.state_of(check)
        backwards = [answer_of(check, case) for case in reversed(cases)][::-1]
        after = asking.state_of(check)
        changed = sorted(name for name in {*before, *after} if before.get(name) != after.get(name))
        if changed:
            self.broken(f"being asked changed its attributes {', '.join(changed)}")
        self._same(backwards, answers_of(check, cases), "asked in another order it")

    @rule("RSK-14", "an allowance is of the opportunity's asset, in whole base units")
    def test_allowance_is_well_formed(self, cases: Sequence[RiskCase]) -> None:
        """Several checks are combined by taking the least of each figure: all must speak of one asset, none below 0.

        If this fails: start from ``Allowance(asset, book.free(asset), …)``, divide with ``//`` and end with ``max(0, …)``: a float on the
        way loses units from 2**53 on.
        """
        check = self.make()
        for case in cases:
            answer = check.allow(case.opportunity, case.book, case.snapshot)
            if isinstance(answer, Rejected):
                continue
            if not isinstance(answer, Allowance):
                self.broken(f"{case_name(case)}: allow gave {answer!r:.80}, expected an Allowance or Rejected")
            if answer.asset != asset_of(case.opportunity):
                self.broken(f"{case_name(case)}: the allowance is of {answer.asset}")
            for name in ("own", "borrowed", "cost"):
                figure = getattr(answer, name)
                if type(figure) is not int or figure < 0:
                    self.broken(f"{case_name(case)}: the allowance's {name} is {figure!r}, expected a whole number of at least 0")
        self._exact(check, cases)

    def _exact(self, check: RiskCheck, cases: Sequence[RiskCase]) -> None:
        """Find figures that follow what the book holds with 53 bits alone: of large holdings the last bits are all 0."""
        for case in _each_once(cases):
            known = (asset_of(case.opportunity), case.snapshot.chains[case.opportunity.chain].native)
            books = [evolve(case.book, balances={**case.book.balances, **dict.fromkeys(known, held)}) for held in _LARGE]
            answers = [check.allow(case.opportunity, book, case.snapshot) for book in books]
            given = [answer for answer in answers if isinstance(answer, Allowance)]
            for name in ("own", "borrowed", "cost"):
                figures = [getattr(answer, name) for answer in given]
                if len(set(figures)) == len(_LARGE) and not any(figure % _COARSE for figure in figures):
                    self.broken(f"of {_LARGE} held, {name} is {figures}: all are multiples of {_COARSE}, as floats are")

    @rule("RSK-15", "no more of its own is allowed than the book has free")
    def test_no_more_is_allowed_than_is_free(self, cases: Sequence[RiskCase]) -> None:
        """What is reserved for plans in flight is spoken for: a second plan must not count on it.

        Asked with each book, and with nearly all of it reserved. The cost of a chain is paid from the book as well.

        If this fails: bound ``own`` by ``book.free(asset)`` and ``cost`` by ``book.free(native)``, not by ``book.balances``.
        """
        check = self.make()
        for case in _each_once(cases):
            asset, native = asset_of(case.opportunity), case.snapshot.chains[case.opportunity.chain].native
            for book in (case.book, *spoken_for(case.book, (asset, native))):
                answer = check.allow(case.opportunity, book, case.snapshot)
                if not isinstance(answer, Allowance):
                    continue
                asked = case_name(evolve(case, book=book))
                if answer.own > book.free(asset):
                    self.broken(f"{asked}: {answer.own} own is allowed, {book.free(asset)} is free")
                if answer.cost > book.free(native):
                    self.broken(f"{asked}: a cost of {answer.cost} {native} is allowed, {book.free(native)} is free")

    @rule("RSK-16", "a rejection carries rule, reason and numbers")
    def test_rejection_carries_rule_reason_and_numbers(self, cases: Sequence[RiskCase]) -> None:
        """The ledger and ``tidemill why`` tell an operator which limit stopped a trade, by the name that stands in the configuration.

        If this fails: use the setting's name as rule, and give what was found and the limit as numbers.
        """
        for case, answers in zip(cases, answers_of(self.make(), cases), strict=True):
            for answer in answers:
                if isinstance(answer, Rejected):
                    wrong = wrong_rejection(answer)
                    if wrong is not None:
                        self.broken(f"{case_name(case)}: {wrong}")
                    if not _RULE.fullmatch(answer.rule):
                        self.broken(f"{case_name(case)}: a rejection's rule is {answer.rule!r}, expected a name of lower-case letters")

    @rule("RSK-17", "the finished plan passes or is Rejected")
    def test_finished_plan_passes_or_is_rejected(self, cases: Sequence[RiskCase]) -> None:
        """At the door only None opens: a check that answers False or True would let pass what it meant to stop.

        If this fails: return None where the plan may go, ``Rejected(…)`` where not.
        """
        check = self.make()
        for case in cases:
            answer: object = check.check(case.plan, case.book, case.snapshot)
            if answer is not None and not isinstance(answer, Rejected):
                self.broken(f"{case_name(case)}: check gave {answer!r:.80}, expected None or Rejected")

    @rule("RSK-18", "a hostile opportunity does not make it raise")
    def test_hostile_opportunity_does_not_make_it_raise(self) -> None:
        """A check that raises is put aside by its supervisor after a few times: whoever makes it raise has got rid of the limit.

        If this fails: expect pools, prices and assets that are not known, amounts beyond 256 bits, orders and groups; reject what
        cannot be compared with its limit.
        """
        check = self.make()
        for name, case in hostile_cases():
            try:
                check.allow(case.opportunity, case.book, case.snapshot)
                check.check(case.plan, case.book, case.snapshot)
            except asking.RAISED as error:
                self.broken(f"{name}: it raised {type(error).__name__}: {error}")

    @rule("RSK-19", "it changes nothing that it is given")
    def test_changes_nothing_that_it_is_given(self, cases: Sequence[RiskCase]) -> None:
        """The book that a check is shown is the one that the next check, and the reservation, will see.

        If this fails: copy balances before you change them (``dict(book.balances)``).
        """
        check = self.make()
        for case in cases:
            kept = mappings_of(case)
            before = copy.deepcopy(kept)
            answer_of(check, case)
            changed = [name for name, held in mappings_of(case).items() if held != before[name]]
            if changed:
                self.broken(f"{case_name(case)}: being asked changed {', '.join(changed)}")

    @rule("RSK-20", "it reads no history that it did not declare")
    def test_reads_no_history_that_it_did_not_declare(self, cases: Sequence[RiskCase]) -> None:
        """Another plugin may want more history than this one: then more is there, and this one's answers must not change.

        If this fails: declare in ``needs`` what is read, and cut each sequence to the length declared: ``points[-length:]``.
        """
        check = self.make()
        richer = [evolve(case, snapshot=more_history(case.snapshot, self.plugin.needs)) for case in cases]
        self._same(answers_of(check, cases), answers_of(check, richer), "with more history it")

    @rule("RSK-21", "more money never allows less, more in flight never allows more", needs="monotone")
    def test_allowance_is_monotone(self, cases: Sequence[RiskCase]) -> None:
        """A limit that opens as the book fills with risk is none.

        If this fails: bound by what is free and by what plans in flight use already; where falling money should open a limit,
        do not declare ``monotone``.
        """
        check = self.make()
        for case in cases:
            own, borrowed = allowed(check, case)
            asset = asset_of(case.opportunity)
            richer = evolve(case.book, balances={**case.book.balances, asset: 2 * case.book.balances.get(asset, 0) + 1})
            more = allowed(check, evolve(case, book=richer))
            if more[0] < own or more[1] < borrowed:
                self.broken(f"{case_name(case)}: own and borrowed {(own, borrowed)} are allowed, {more} with twice the money")
            fuller = busier(case.book, asset)
            fewer = allowed(check, evolve(case, book=fuller))
            if fewer[0] > own or fewer[1] > borrowed:
                self.broken(f"{case_name(case)}: own and borrowed {(own, borrowed)} are allowed, {fewer} with one more plan in flight")

    @rule("RSK-22", "what it does not allow it stops at the door", needs="holds_at_the_door")
    def test_what_it_does_not_allow_it_stops_at_the_door(self, cases: Sequence[RiskCase]) -> None:
        """A strategy sizes by itself: one that overlooks its allowance must still not get past the limit.

        The money of a plan is the sum of all its funds, of all its loans, and of all parts of a ``Group``. Where all that is free is
        allowed, sums are not asked for: more than is free the kernel stops itself. From 2**200 on an allowance of borrowed money bounds
        nothing. Whether the figures are what an operator meant, only the author's own tests can say.

        If this fails: add up ``plan.funds`` by asset, and ``plan.loans``, over what a ``Group`` holds together, and compare the sums in
        ``check`` with the same figures as in ``allow``.
        """
        check = self.make()
        for case in cases:
            if not isinstance(case.plan, Flow):
                continue
            own, borrowed = allowed(check, case)
            if case.plan.funds:
                self._stopped(check, case, f"{own} own is allowed", [("in a fund", resized(case.plan, beyond(own)))])
                if own < case.book.free(asset_of(case.opportunity)):
                    self._stopped(check, case, f"{own} own is allowed", beyond_own(case.plan, own))
            elif case.plan.loans and borrowed < NO_LIMIT:
                self._stopped(check, case, f"{borrowed} borrowed is allowed", beyond_borrowed(case.plan, borrowed))

    @rule("RSK-23", "a cost that it does not allow it stops at the door", needs="bounds_cost")
    def test_cost_that_it_does_not_allow_it_stops_at_the_door(self, cases: Sequence[RiskCase]) -> None:
        """``cost_cap`` is what a plan may pay to its chain, lost or won: a bid for a place in a block grows as long as nobody says no.

        If this fails: add up ``cost_cap`` over what a ``Group`` holds together, and compare it in ``check`` with the ``cost`` of ``allow``.
        """
        check = self.make()
        for case in cases:
            answer = check.allow(case.opportunity, case.book, case.snapshot)
            if isinstance(answer, Allowance) and isinstance(case.plan, Flow):
                self._stopped(check, case, f"a cost of {answer.cost} is allowed", beyond_cost(case.plan, answer.cost))

    def _stopped(self, check: RiskCheck, case: RiskCase, allowance: str, plans: Iterable[tuple[str, Plan]]) -> None:
        for how, plan in plans:
            if check.check(plan, case.book, case.snapshot) is None:
                self.broken(f"{case_name(case)}: {allowance}, and more {how} passes: {plan!r:.400}")

    def _same(self, one: Sequence[Answer], other: Sequence[Answer], who: str) -> None:
        place = asking.first_difference(one, other)
        if place is not None:
            self.broken(f"case {place}: it answered {one[place]!r:.240}; {who} answered {other[place]!r:.240}")


def _each_once(cases: Sequence[RiskCase]) -> list[RiskCase]:
    """Return the cases without those that differ in their plan alone."""
    return list({(id(case.opportunity), id(case.book), id(case.snapshot)): case for case in cases}.values())
