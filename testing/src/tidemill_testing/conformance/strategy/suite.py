"""Rules for strategies: pure, repeatable, without memory, blind to the future, and within what they are allowed."""

import pickle
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from tidemill.domain.decision import Sized
from tidemill.domain.events import Proposals
from tidemill.domain.opportunity import Opportunity
from tidemill.domain.snapshot import Snapshot
from tidemill.errors import DecodeError
from tidemill.hookspecs.strategy import Strategy
from tidemill.tape.codec import decode_event, encode_event
from tidemill_testing.conformance import asking, deals
from tidemill_testing.conformance.groups import wrong_group
from tidemill_testing.conformance.hostile_market import hostile_snapshots
from tidemill_testing.conformance.rule import rule
from tidemill_testing.conformance.strategy.pure import StrategyPurity, carried_out
from tidemill_testing.pinned import Pinned
from tidemill_testing.sim import run_strategy

MOST_DEALS = 24
TRADED_BLOCKS = 30


class StrategyConformance(StrategyPurity):
    """What every strategy must hold to; ``class TestLag(StrategyConformance): plugin = Lag`` is the whole test.

    An author must give:
        plugin: the strategy's class.

    An author may give:
        settings, assets, capabilities, exempt: as for every kind.
        snapshots: a fixture; what the strategy is asked about, oldest first. The default is twelve blocks of a small simulated
            market; give snapshots on which the strategy finds something, such as ``sim_market(tape=…)``.

    Capabilities:
        ``trades_simulated``: it finds something on the simulated market with these settings.

    A strategy whose class says ``deterministic = False`` is not held to the rules on equal answers.
    """

    @rule("STR-15", "opportunities are well formed")
    def test_opportunities_are_well_formed(self, snapshots: Sequence[Snapshot]) -> None:
        """What is found must be something that can be carried out: under its own name, through loaded pools, in whole base units.

        If this fails: build opportunities with ``self.opportunity(buy=…, sell=…)`` or ``self.from_cycle(…)`` where they fit, and use
        integer division for amounts.
        """
        for snapshot, opportunities in self._found(snapshots):
            for one in opportunities:
                self._none(deals.wrong_opportunity(one, self.plugin.name, snapshot))

    @rule("STR-16", "an id names one opportunity")
    def test_an_id_names_one_opportunity(self, snapshots: Sequence[Snapshot]) -> None:
        """Of two ideas with one id the second is dropped unseen: the id must be made from all that tells them apart.

        If this fails: make ids with ``tidemill.domain.opportunity.arbitrage_id``, or from strategy, height, market, side and route.
        """
        for _, opportunities in self._found(snapshots):
            by_id: dict[str, Opportunity] = {}
            for one in opportunities:
                other = by_id.setdefault(one.id, one)
                if other != one:
                    self.broken(f"id {one.id} stands for {other!r:.160} and for {one!r:.160}")

    @rule("STR-17", "a hostile market does not stop it")
    def test_hostile_market_does_not_stop_it(self, snapshots: Sequence[Snapshot]) -> None:
        """Anybody can make a pool of anything: markets without pools, quotes or changes and reserves beyond reason must not raise.

        If this fails: ask for pools with ``.get``, expect ``NoQuote``, ``NoPrice`` and rates of 0, and do not divide by what may be 0.
        """
        strategy = self.make()
        finder = next((one.finder for one in snapshots if isinstance(one.finder, Pinned)), None)
        for name, snapshot in hostile_snapshots(finder.searcher if isinstance(finder, Pinned) else None):
            try:
                found = asking.asked(strategy, snapshot)
                for deal in deals.deals([(snapshot, found)], 4):
                    carried_out(strategy, deal)
            except asking.RAISED as error:
                self.broken(f"{name}: it raised {type(error).__name__}: {error}")

    @rule("STR-18", "validation answers Valid or Rejected")
    def test_validation_answers(self, snapshots: Sequence[Snapshot]) -> None:
        """A stale idea is turned away with a rule and a reason that the ledger can keep, never with an exception.

        If this fails: return ``Rejected("rule", "a sentence", (("name", number),))`` for every no, also for an amount of 0.
        """
        strategy = self.make()
        for deal in self._deals(snapshots):
            for amount in (deal.opportunity.amount, 0, 1, deals.UNLIMITED):
                told = deals.poorer(deal, amount)
                answer = self._answer("validate_opportunity", strategy.validate_opportunity, told.opportunity, told.snapshot)
                self._none(deals.wrong_validation(answer))

    @rule("STR-19", "the size stays within its allowance")
    def test_size_stays_within_its_allowance(self, snapshots: Sequence[Snapshot]) -> None:
        """The allowance is what the risk checks left: a size above it would risk what nobody allowed.

        If this fails: compare own money with ``allowance.own`` and a loan with ``allowance.borrowed``; where they are 0, return Rejected.
        """
        strategy = self.make()
        for deal in self._deals(snapshots):
            for allowance in deals.allowances(deal):
                size = self._answer("calculate_position_size", strategy.calculate_position_size, deal.opportunity, allowance, deal.desk())
                self._none(deals.wrong_size(size, allowance))

    @rule("STR-20", "a plan is what was asked and holds when it is replayed")
    def test_plan_is_what_was_asked_and_holds(self, snapshots: Sequence[Snapshot]) -> None:
        """A plan that breaks on the very snapshot it was made on would pay the chain for a revert.

        If this fails: quote each swap on ``desk.view.pools`` with what the swap before gives, and ask for no more than it pays.
        """
        strategy = self.make()
        for deal, size, plan in self._plans(strategy, snapshots):
            self._none(deals.wrong_plan(plan, deal, strategy, size))

    @rule("STR-22", "opportunities survive pickling and the tape")
    def test_opportunities_survive_pickling_and_the_tape(self, snapshots: Sequence[Snapshot]) -> None:
        """An isolated strategy's answers cross processes, and stand on tapes as proposals: they must come back equal.

        If this fails: use plain integers, text and tuples in opportunities, no subclasses and no lists.
        """
        for _, opportunities in self._found(snapshots):
            if not opportunities:
                continue
            sent = Proposals(self.plugin.name, opportunities)
            try:
                back, read = pickle.loads(pickle.dumps(opportunities)), decode_event(encode_event(sent))  # noqa: S301 our own bytes
            except (pickle.PicklingError, AttributeError, TypeError, DecodeError) as error:
                self.broken(f"{asking.shown(opportunities)}: {type(error).__name__}: {error}")
            if back != opportunities or read != sent or repr(read) != repr(sent):
                self.broken(f"{asking.shown(opportunities)} came back as {read!r:.200}")

    @rule("STR-24", "it finds something on the simulated market", needs="trades_simulated")
    def test_finds_something_on_the_simulated_market(self) -> None:
        """A strategy that declares it must be seen to find something in a whole run, with paper fills.

        If this fails: run ``tidemill_testing.sim.run_strategy`` and read the rows: they say why ideas were rejected.
        """
        summary = run_strategy(self.plugin, self.made_settings(), blocks=TRADED_BLOCKS).summary
        if not summary.opportunities:
            self.broken(f"nothing was found in {summary.blocks} blocks")

    @rule("STR-25", "the legs of a group hold one after the other, before its deadline")
    def test_legs_of_a_group_hold(self, snapshots: Sequence[Snapshot]) -> None:
        """Legs that are not atomic together leave at the same time: one that breaks on what the others leave stands alone at once.

        If this fails: build groups with ``tidemill.planning.legs.build_group``, or quote each leg on the pools as the legs before it leave
        them, pay it from own money, and set ``deadline_ns`` after ``desk.view.now_ns``. A strategy without groups keeps this rule.
        """
        for deal, size, plan in self._plans(self.make(), snapshots):
            self._none(wrong_group(plan, deal, size))

    def _plans(self, strategy: Strategy, snapshots: Sequence[Snapshot]) -> Iterator[tuple[deals.Deal, Sized, object]]:
        """Yield what is built of each sound size."""
        for deal in self._deals(snapshots):
            for allowance in deals.allowances(deal):
                size = self._answer("calculate_position_size", strategy.calculate_position_size, deal.opportunity, allowance, deal.desk())
                if isinstance(size, Sized) and deals.wrong_size(size, allowance) is None:
                    build = strategy.build_execution_plan
                    yield deal, size, self._answer("build_execution_plan", build, deal.opportunity, size, deal.desk())

    def _deals(self, snapshots: Sequence[Snapshot]) -> list[deals.Deal]:
        sound = [
            (snapshot, [one for one in found if deals.wrong_opportunity(one, self.plugin.name, snapshot) is None])
            for snapshot, found in self._found(snapshots)
        ]
        return deals.deals(sound, MOST_DEALS)

    def _answer(self, what: str, call: Callable[..., object], *arguments: Any) -> object:
        try:
            return call(*arguments)
        except (ArithmeticError, LookupError, TypeError, ValueError, AttributeError, RuntimeError) as error:
            self.broken(f"{what} raised {type(error).__name__}: {error}")

    def _none(self, wrong: str | None) -> None:
        if wrong is not None:
            self.broken(wrong)
