"""Rules for strategies on what an answer may depend on: the snapshot alone."""

import copy
from collections.abc import Callable, Sequence
from typing import ClassVar

import pytest
from attrs import evolve

from tidemill.domain.decision import Sized
from tidemill.domain.opportunity import Opportunity
from tidemill.domain.snapshot import Snapshot
from tidemill.hookspecs.strategy import Strategy
from tidemill_testing.conformance import asking, deals
from tidemill_testing.conformance.history import more_history
from tidemill_testing.conformance.other_process import OtherProcessFailed, importable, in_other_process
from tidemill_testing.conformance.rule import rule
from tidemill_testing.conformance.sandbox import OutsideWorld, folder_of, sandbox
from tidemill_testing.conformance.suite import Conformance
from tidemill_testing.sim import sim_market

ONLINE_BLOCKS, ONLINE_SEED = 6, 77

Found = list[tuple[Snapshot, tuple[Opportunity, ...]]]


class StrategyPurity(Conformance):
    """The part of ``StrategyConformance`` on what an answer may depend on; authors inherit that class."""

    kind = "strategy"
    prefix = "STR"
    may_give = Conformance.may_give | {"snapshots"}

    plugin: ClassVar[type[Strategy]]

    @pytest.fixture
    def snapshots(self) -> Sequence[Snapshot]:
        """What the strategy is asked about, oldest first."""
        return sim_market(needs=self.plugin.needs)

    @rule("STR-10", "it only computes while it is asked")
    def test_only_computes(self, snapshots: Sequence[Snapshot]) -> None:
        """A decision must come from the market alone, in a replay as on the day: no file, socket, clock, chance, environment.

        If this fails: take times from ``snapshot.now_ns`` and heads, prices from the snapshot; load files while the module is
        imported; make a ``random.Random`` seeded from the height where chance is wanted; tell people something by ``logging``, not
        ``print``. Calls that compiled code makes by itself (``functools.partial(time.time)()``, an extension) are not seen.
        """
        strategy = self.make()

        def work() -> None:
            for snapshot in snapshots:
                found = asking.asked(strategy, snapshot)
                for deal in deals.deals([(snapshot, found)], 1):
                    carried_out(strategy, deal)

        try:
            with sandbox(folder_of(self.plugin)):
                work()
        except OutsideWorld as error:
            self.broken(str(error))

    @rule("STR-11", "another instance finds the same")
    def test_another_instance_finds_the_same(self, snapshots: Sequence[Snapshot]) -> None:
        """A replay makes a new instance and must come to the same decisions, in the same order.

        If this fails: look for ``id()``, default ``repr`` and objects without an order in what is compared or sorted, and for
        attributes of the class or module that one instance leaves behind for the next.
        """
        if not self.plugin.deterministic:
            return
        self._same(asking.asked_in_order(self.make(), snapshots), snapshots, self.make, "another instance")

    @rule("STR-12", "every PYTHONHASHSEED finds the same")
    def test_every_hash_seed_finds_the_same(self, snapshots: Sequence[Snapshot]) -> None:
        """The order of sets and of immutable maps changes from process to process; a ledger must not.

        If this fails: sort sets, and the keys and items of the snapshot's mappings, before their order reaches an answer; never use
        ``hash()`` of text.
        """
        if not self.plugin.deterministic:
            return
        argument = (self.plugin, self.made_settings(), tuple(snapshots))
        self.same_under_every_seed(asking.opportunity_digests, argument, lambda place: _named(snapshots, place))

    @rule("STR-13", "it keeps no state between calls")
    def test_keeps_no_state(self, snapshots: Sequence[Snapshot]) -> None:
        """A rollback, a restart or a pause cannot restore what a strategy remembers; what it needs to know stands in the snapshot.

        If this fails: declare the history you want in ``needs`` and read ``snapshot.history``, which holds your own plans that are over
        in ``plans`` (``Wants(own_plans=N)``); read positions and plans in flight from ``snapshot.book()``; set attributes in the
        constructor only.
        """
        strategy = self.make()
        before = asking.state_of(strategy)
        backwards = [asking.asked(strategy, snapshot) for snapshot in reversed(snapshots)]
        after = asking.state_of(strategy)
        changed = sorted(name for name in {*before, *after} if before.get(name) != after.get(name))
        if changed:
            self.broken(f"being asked changed its attributes {', '.join(changed)}")
        if self.plugin.deterministic:
            self._same(backwards[::-1], snapshots, lambda: strategy, "the same instance, asked in another order,")

    @rule("STR-14", "cutting off the future changes nothing")
    def test_cutting_off_the_future_changes_nothing(self, snapshots: Sequence[Snapshot]) -> None:
        """What it found while the future did not exist yet must be what it finds when the whole run lies in memory.

        If this fails: something reaches what came after the snapshot: a module-level store that an earlier run filled, an object that
        goes on changing, a file. Keep nothing outside the snapshot.
        """
        if not self.plugin.deterministic:
            return
        self._online_finds_the_same()
        self._unknowing_process_finds_the_same(snapshots)

    def _online_finds_the_same(self) -> None:
        """Ask while a run goes on, and a twin when it is over."""
        strategy = self.make()
        later = _twin(strategy, self.make)
        online: list[tuple[Opportunity, ...]] = []
        market = sim_market(
            ONLINE_BLOCKS, ONLINE_SEED, needs=self.plugin.needs, shown=lambda one: online.append(asking.asked(strategy, one))
        )
        for place, (then, snapshot) in enumerate(zip(online, market, strict=True)):
            now = asking.asked(later, snapshot)
            if then != now:
                self.broken(
                    f"at {_named(market, place)} it found {asking.shown(then, now)}; with the future known {asking.shown(now, then)}"
                )

    def _unknowing_process_finds_the_same(self, snapshots: Sequence[Snapshot]) -> None:
        """Ask here, where earlier runs showed everything, and in a new process that is shown one snapshot after another."""
        first, again = (asking.asked_in_order(self.make(), snapshots) for _ in range(2))
        if first != again or not importable(self.plugin):
            return  # other rules tell that
        try:
            there = in_other_process(asking.unordered_digests, self.plugin, (self.plugin, self.made_settings(), tuple(snapshots)), 1)
        except OtherProcessFailed as error:
            self.broken(str(error))
        place = asking.first_difference(asking.unordered(again), there)
        if place is not None:
            self.broken(
                f"at {_named(snapshots, place)} it found {asking.shown(again[place])}; a new process that has not seen what comes later "
                "finds something else"
            )

    @rule("STR-21", "it reads no history that it did not declare")
    def test_reads_no_history_that_it_did_not_declare(self, snapshots: Sequence[Snapshot]) -> None:
        """Another plugin may want more history than this one: then more is there, and this one's answers must not change.

        If this fails: declare in ``needs`` what is read, and cut each sequence to the length declared: ``points[-length:]``.
        """
        if not self.plugin.deterministic:
            return
        richer = [more_history(snapshot, self.plugin.needs) for snapshot in snapshots]
        strategy = self.make()
        twin = _twin(strategy, self.make)
        answers = asking.asked_in_order(strategy, snapshots)
        for place, (one, other) in enumerate(zip(answers, asking.asked_in_order(twin, richer), strict=True)):
            if one != other:
                self.broken(
                    f"with more history at {_named(snapshots, place)}: {asking.shown(other, one)} instead of {asking.shown(one, other)}"
                )

    @rule("STR-23", "it changes nothing that it is given")
    def test_changes_nothing_that_it_is_given(self, snapshots: Sequence[Snapshot]) -> None:
        """Every strategy of a run sees the same snapshot: what one writes into a mapping of it, the others would read.

        If this fails: copy a mapping before you change it (``dict(snapshot.books)``).
        """
        strategy = self.make()
        for snapshot in snapshots:
            mappings = ("chains", "books", "policies", "pools", "prices", "markets")
            before = {name: dict(getattr(snapshot, name)) for name in mappings} | {"balances": _balances(snapshot)}
            asking.asked(strategy, snapshot)
            after = {name: dict(getattr(snapshot, name)) for name in mappings} | {"balances": _balances(snapshot)}
            changed = [name for name, value in before.items() if value != after[name]]
            if changed:
                self.broken(f"being asked changed the snapshot's {', '.join(changed)}")

    def _found(self, snapshots: Sequence[Snapshot]) -> Found:
        strategy = self.make()
        return [(snapshot, asking.asked(strategy, snapshot)) for snapshot in snapshots]

    def _same(self, answers: list[tuple[Opportunity, ...]], snapshots: Sequence[Snapshot], make: Callable[[], Strategy], who: str) -> None:
        others = asking.asked_in_order(make(), snapshots)
        place = asking.first_difference(answers, others)
        if place is not None:
            one, other = answers[place], others[place]
            self.broken(f"at {_named(snapshots, place)} it found {asking.shown(one, other)}; {who} found {asking.shown(other, one)}")


def _twin(strategy: Strategy, make: Callable[[], Strategy]) -> Strategy:
    """Return a copy made before it was asked anything; a new instance where it cannot be copied."""
    try:
        return copy.deepcopy(strategy)
    except (TypeError, copy.Error):
        return make()


def carried_out(strategy: Strategy, deal: deals.Deal) -> None:
    """Take an opportunity through validation, sizing and planning, whatever the answers are."""
    strategy.validate_opportunity(deal.opportunity, deal.snapshot)
    for allowance in deals.allowances(deal):
        size = strategy.calculate_position_size(deal.opportunity, allowance, deal.desk())
        if isinstance(size, Sized):
            strategy.build_execution_plan(deal.opportunity, size, deal.desk())


def _named(snapshots: Sequence[Snapshot], place: int) -> str:
    heads = ", ".join(f"{chain} height {view.head.height}" for chain, view in sorted(snapshots[place].chains.items()))
    return f"snapshot {place} ({heads or 'no head yet'})"


def _balances(snapshot: Snapshot) -> dict[str, object]:
    return {name: evolve(book, balances=dict(book.balances), reserved=dict(book.reserved)) for name, book in snapshot.books.items()}
