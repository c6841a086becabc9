"""From one idea and one book to the door: the order of the questions, and every way to be turned away."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pytest
from attrs import evolve

from tidemill.domain.answers import CannotFit, NoLoan, NoQuote, NoQuoteReason, Rejected
from tidemill.domain.book import BookState
from tidemill.domain.decision import Allowance, Sized, Valid
from tidemill.domain.ids import MAIN_BOOK, AssetId, ChainId, Key, MarketId, OpportunityId, PlanId
from tidemill.domain.lending import LoanTerms
from tidemill.domain.opportunity import Arbitrage, Leg, Opportunity, Signal
from tidemill.domain.plan import Flow, Loan, Orders, Plan
from tidemill.domain.pool import Quote, Watch
from tidemill.domain.snapshot import Snapshot
from tidemill.domain.transaction import Unsigned, Wallet
from tidemill.hookspecs.chain import Step
from tidemill.hookspecs.lender import Lender
from tidemill.hookspecs.risk import RiskCheck
from tidemill.hookspecs.strategy import Strategy
from tidemill.planning.desk import Desk
from tidemill.stages.planner import MAX_SIZINGS, Attempt, Planned, Tools, net_gain, plan_idea
from tidemill_testing.market import ETHER, SIM, PairPool, pair_pool, snapshot_of
from tidemill_testing.toy import GAS, USD, WETH, ToyDex, ToyRules, ToyStep

DEEP = 10**21
CHEAP = pair_pool("cheap", {USD: DEEP, WETH: DEEP}, dex="toy")
DEAR = pair_pool("dear", {USD: DEEP * 11 // 10, WETH: DEEP}, dex="toy")
IDEA = Arbitrage(
    OpportunityId("idea"), "plain", SIM, USD, (Leg(CHEAP.id, USD, WETH), Leg(DEAR.id, WETH, USD)), 10**18, 10**16, 100
)  # fmt: skip


class Plain(Strategy):
    """Leaves everything to the defaults, and writes down what it was asked."""

    name = "plain"

    def __init__(self, log: list[str] | None = None) -> None:
        super().__init__()
        self.log = [] if log is None else log
        self.sizes: list[int] = []

    def find_opportunities(self, snapshot: Snapshot) -> Iterator[Opportunity]:
        yield IDEA

    def validate_opportunity(self, opportunity: Opportunity, snapshot: Snapshot) -> Valid | Rejected:
        self.log.append("validate")
        return super().validate_opportunity(opportunity, snapshot)

    def calculate_position_size(self, opportunity: Opportunity, allowance: Allowance, desk: Desk) -> Sized | Rejected:
        self.log.append("size")
        size = super().calculate_position_size(opportunity, allowance, desk)
        self.sizes.append(size.units if isinstance(size, Sized) else 0)
        return size

    def build_execution_plan(self, opportunity: Opportunity, size: Sized, desk: Desk) -> Plan | Rejected:
        self.log.append("plan")
        return super().build_execution_plan(opportunity, size, desk)


class Noted(RiskCheck):
    """Allows ``own`` of own money; checks with ``verdict``."""

    name = "noted"

    def __init__(self, log: list[str], own: int = 10**30, verdict: Rejected | None = None, refusal: Rejected | None = None) -> None:
        super().__init__()
        self.log, self.own, self.verdict, self.refusal = log, own, verdict, refusal

    def allow(self, opportunity: Opportunity, book: BookState, snapshot: Snapshot) -> Allowance | Rejected:
        self.log.append("allow")
        return self.refusal or Allowance(USD, self.own, self.own, 10**40)

    def check(self, plan: Plan, book: BookState, snapshot: Snapshot) -> Rejected | None:
        self.log.append("check")
        return self.verdict


class Fitting(ToyRules):
    """Its transactions carry at most ``most`` base units in all their swaps' fixed amounts."""

    def __init__(self, most: int, log: list[str] | None = None, cost: int = GAS) -> None:
        super().__init__()
        self.most, self.log, self.price = most, [] if log is None else log, cost

    def compose(self, plan: Flow, steps: Sequence[Step], wallet: Wallet, snapshot: Snapshot) -> Unsigned | CannotFit:
        self.log.append("compose")
        size = plan.swaps[0].amount_in or 0
        return super().compose(plan, steps, wallet, snapshot) if size <= self.most else CannotFit("bytes", self.most, size)

    def cost(self, unsigned: Unsigned, snapshot: Snapshot) -> int:
        return self.price


BORROW, REPAY = Step(), Step()


class Free(Lender):
    """Lends any asset for nothing."""

    name = "free"
    families = frozenset({"toy"})

    def watch(self, chain: ChainId, states: Mapping[Key, bytes | None]) -> Watch:
        return Watch()

    def terms(self, asset: AssetId, chain: ChainId, snapshot: Snapshot) -> LoanTerms | NoLoan:
        return LoanTerms("free", asset, 10**30, 0, 1, "up")

    def bracket(self, loan: Loan, inner: Sequence[Step], wallet: Wallet, snapshot: Snapshot) -> Sequence[Step]:
        return (BORROW, *inner, REPAY)


def book_of(usd: int = 10**24, ether: int = 10**9, **more: Any) -> BookState:
    return BookState(MAIN_BOOK, USD, {USD: usd, ETHER: ether}, **more)


def tools_of(rules: ToyRules | None = None, risks: Sequence[RiskCheck] = (), lenders: Sequence[Lender] = ()) -> Tools:
    return Tools({"toy": ToyDex()}, lenders, {SIM: rules or ToyRules()}, risks, {(MAIN_BOOK, SIM): Wallet(SIM, "0xowner")}, 1)


def view_of(*pools: PairPool, wrapped: AssetId | None = WETH) -> Snapshot:
    return snapshot_of(pools or (CHEAP, DEAR), wrapped=wrapped)


def tried(strategy: Strategy | None = None, book: BookState | None = None, view: Snapshot | None = None, **made: Any) -> Attempt:
    return plan_idea(IDEA, strategy or Plain(), book or book_of(), view or view_of(), tools_of(**made))


def rule_of(attempt: Attempt) -> str:
    assert isinstance(attempt.answer, Rejected)
    return attempt.answer.rule


def test_plan_asks_in_the_order_of_the_architecture() -> None:
    """Validate, allowance, size, plan, compose, then the check at the door."""
    log: list[str] = []
    attempt = tried(Plain(log), rules=Fitting(10**30, log), risks=[Noted(log)])

    assert ["validate", "allow", "size", "plan", "compose", "check"] == log
    assert isinstance(attempt.answer, Planned)
    assert (GAS, 3 * GAS) == (attempt.answer.cost, attempt.answer.plan.cost_cap)


def test_plan_that_does_not_fit_is_sized_again_under_half_of_what_was_tried() -> None:
    """What does not fit is halved until it fits; the size that fits is the one that goes to the door."""
    whole = Plain()
    tried(whole)
    strategy = Plain()
    attempt = tried(strategy, rules=Fitting(whole.sizes[0] // 3))

    # Of equal profits the smaller input is taken: a few units less than the most that is allowed
    limits = [whole.sizes[0], *(size // 2 for size in strategy.sizes[:-1])]
    assert 3 == len(strategy.sizes)
    assert all(0 <= limit - size < 16 for limit, size in zip(limits, strategy.sizes, strict=True))
    assert isinstance(attempt.answer, Planned)
    assert strategy.sizes[-1] == attempt.answer.plan.swaps[0].amount_in


def test_plan_that_never_fits_is_halved_five_times_and_rejected() -> None:
    """The sixth size that does not fit is the last; the rule and both figures are told."""
    strategy = Plain()
    attempt = tried(strategy, rules=Fitting(0))

    assert 6 == MAX_SIZINGS == len(strategy.sizes)
    assert "fit" == rule_of(attempt)
    assert isinstance(attempt.answer, Rejected)
    assert (("found", strategy.sizes[-1]), ("limit", 0)) == attempt.answer.numbers


def test_plan_of_more_steps_than_the_chain_allows_does_not_fit() -> None:
    """A limit that no size mends ends in the same rejection."""
    assert "fit" == rule_of(tried(rules=ToyRules(max_steps=1)))


def test_plan_of_an_idea_that_no_longer_holds_is_rejected_before_anyone_is_asked() -> None:
    """Validation comes first: no risk check hears of it."""
    log: list[str] = []
    even = pair_pool("dear", {USD: DEEP, WETH: DEEP}, dex="toy")

    assert "validate" == rule_of(tried(view=view_of(CHEAP, even), risks=[Noted(log)]))
    assert [] == log


def test_plan_refused_an_allowance_is_not_sized() -> None:
    """A check that allows nothing ends it with its own rule, and later checks are not asked."""
    log: list[str] = []
    strategy = Plain()
    checks = [Noted(log, refusal=Rejected("mine", "no")), Noted(log)]

    assert "mine" == rule_of(tried(strategy, risks=checks))
    assert (["allow"], []) == (log, strategy.sizes)


def test_plan_keeps_to_the_least_that_several_checks_allow() -> None:
    """Of several allowances the smallest figure counts."""
    strategy = Plain()
    tried(strategy, risks=[Noted([], 10**18), Noted([], 10**15), Noted([], 10**17)])

    assert 0 <= 10**15 - strategy.sizes[0] < 16


def test_plan_without_free_money_is_rejected_for_funds() -> None:
    """Reserved money cannot be sized."""
    assert "funds" == rule_of(tried(book=book_of(10**18, reserved={USD: 10**18})))


def test_plan_whose_strategy_does_not_size_or_plan_is_rejected_by_its_word() -> None:
    """The default methods refuse what is no arbitrage; what a strategy says is passed on."""
    signal = Signal(OpportunityId("s"), "plain", SIM, MarketId("venue/x"), WETH, USD, "buy", 1, 1, 1)
    assert "validate" == rule_of(plan_idea(signal, Plain(), book_of(), view_of(), tools_of()))

    class Sure(Plain):
        def validate_opportunity(self, opportunity: Opportunity, snapshot: Snapshot) -> Valid | Rejected:
            return Valid(1, 1)

    assert "size" == rule_of(plan_idea(signal, Sure(), book_of(), view_of(), tools_of()))

    class Planless(Plain):
        def build_execution_plan(self, opportunity: Opportunity, size: Sized, desk: Desk) -> Plan | Rejected:
            return Rejected("later", "not today")

    assert "later" == rule_of(tried(Planless()))


def test_plan_of_orders_needs_a_venue() -> None:
    """Orders are carried out by venues, and no plugin of this kind is here."""

    class Ordering(Plain):
        def build_execution_plan(self, opportunity: Opportunity, size: Sized, desk: Desk) -> Plan | Rejected:
            return Orders(PlanId("o"), IDEA.id, "plain", MAIN_BOOK, SIM, "venue", MarketId("venue/x"), "buy", 1, None, ())

    assert "venue" == rule_of(tried(Ordering()))


@pytest.mark.parametrize(("change", "rule"), [({"expires": 1}, "expired"), ({"guards": ((USD, 10**30),)}, "guard")])
def test_plan_that_does_not_replay_is_rejected_by_the_broken_rule(change: dict[str, Any], rule: str) -> None:
    """A strategy's own plan is replayed like any other."""

    class Odd(Plain):
        def build_execution_plan(self, opportunity: Opportunity, size: Sized, desk: Desk) -> Plan | Rejected:
            plan = super().build_execution_plan(opportunity, size, desk)
            assert isinstance(plan, Flow)
            return evolve(plan, **change)

    assert rule == rule_of(tried(Odd()))


def test_plan_that_costs_more_than_was_planned_is_rejected() -> None:
    """The composed plan's own cost may not exceed what the book would reserve for it."""
    attempt = tried(rules=Fitting(10**30, cost=3 * GAS + 1))

    assert "cost" == rule_of(attempt)
    assert isinstance(tried(rules=Fitting(10**30, cost=3 * GAS)).answer, Planned)


def test_door_risk_checks_come_before_the_net_profit() -> None:
    """The first check that objects decides."""
    refused = Rejected("cap", "too much")

    assert "cap" == rule_of(tried(rules=ToyRules(gas=10**30), risks=[Noted([], verdict=refused)]))


def test_door_profit_that_does_not_pay_the_cost_is_rejected() -> None:
    """Real gains less real cost, in the book's base asset, must be above zero."""
    attempt = tried(book=book_of(ether=10**40), rules=ToyRules(gas=10**21))

    assert "net_profit" == rule_of(attempt)
    assert isinstance(attempt.answer, Rejected)
    assert dict(attempt.answer.numbers)["net"] < 0


def test_door_loss_that_cannot_be_valued_rejects_and_a_gain_that_cannot_counts_nothing() -> None:
    """A cost in a coin without a price rejects; a gain without one adds nothing to what can be valued."""
    assert "value" == rule_of(tried(view=view_of(wrapped=None)))
    view, strange = view_of(), AssetId("sim:1/erc20:0xstrange")

    assert 5 == net_gain([(USD, 5), (strange, 10**30)], [(USD, 0)], USD, view)
    lost = net_gain([(USD, 5), (strange, -7)], [(USD, 0)], USD, view)
    assert isinstance(lost, Rejected)
    assert ("value", (("loss", 7),)) == (lost.rule, lost.numbers)
    assert 2 == net_gain([(USD, 5)], [(USD, 3)], USD, view)


def test_door_funds_and_cost_must_be_free_together() -> None:
    """The cost cap must be free in native coin, beside the funds."""
    attempt = tried(book=book_of(ether=3 * GAS - 1))

    assert "funds" == rule_of(attempt)
    assert isinstance(attempt.answer, Rejected)
    assert (("needed", 3 * GAS), ("free", 3 * GAS - 1)) == attempt.answer.numbers


def test_plan_on_a_loan_is_bracketed_and_needs_no_own_money() -> None:
    """With a lender the steps stand between borrowing and repaying, and only the cost is reserved."""
    seen: list[Any] = []

    class Watching(ToyRules):
        def compose(self, plan: Flow, steps: Sequence[Step], wallet: Wallet, snapshot: Snapshot) -> Unsigned | CannotFit:
            seen.extend(steps)
            return super().compose(plan, steps, wallet, snapshot)

    attempt = tried(book=book_of(usd=0), rules=Watching(), lenders=[Free()])

    assert isinstance(attempt.answer, Planned)
    assert ((), ["free"]) == (attempt.answer.plan.funds, [loan.lender for loan in attempt.answer.plan.loans])
    assert (BORROW, REPAY) == (seen[0], seen[-1])
    assert [True, True] == [isinstance(step, ToyStep) for step in seen[1:-1]]


def test_plan_tells_which_state_was_missing_to_go_further() -> None:
    """A pool that cannot quote a larger amount for want of state names the keys; the attempt passes them on, also when it is rejected."""

    class Short(PairPool):
        def quote_exact_in(self, sell: AssetId, buy: AssetId, amount: int, at: Any) -> Quote | NoQuote:
            if amount > 10**18:
                return NoQuote(NoQuoteReason.MISSING_STATE, "", (Key("tick:9"),))
            return super().quote_exact_in(sell, buy, amount, at)

    short = Short(CHEAP.id, CHEAP.assets, CHEAP.reserves, CHEAP.fee_ppm)
    good = tried(book=book_of(usd=10**18), view=view_of(short, DEAR))
    bad = tried(book=book_of(usd=10**18, ether=0), view=view_of(short, DEAR))

    assert ((short.id, (Key("tick:9"),)),) == good.missing == bad.missing
    assert isinstance(good.answer, Planned)
    assert "funds" == rule_of(bad)
