"""Groups from the plan to the door: each leg on what the ones before it leave, everything else together."""

from typing import Any

import pytest
from attrs import evolve

from tidemill.domain.answers import CannotFit, Rejected
from tidemill.domain.asset import AssetAmount
from tidemill.domain.book import BookState
from tidemill.domain.decision import Allowance, Sized
from tidemill.domain.ids import MAIN_BOOK, ChainId, MarketId, OpportunityId, PlanId
from tidemill.domain.opportunity import Arbitrage, Leg
from tidemill.domain.plan import Flow, Group, Orders, Plan, PlannedSwap
from tidemill.domain.snapshot import Snapshot
from tidemill.domain.transaction import Wallet
from tidemill.errors import PluginContractError
from tidemill.hookspecs.risk import RiskCheck
from tidemill.hookspecs.strategy import Strategy
from tidemill.planning.desk import Desk
from tidemill.planning.legs import build_group
from tidemill.planning.replay import Broken
from tidemill.stages.plan_check import check_plan
from tidemill.stages.planner import Attempt, PlannedGroup, Tools, capped, compose, plan_idea
from tidemill_testing.market import ETHER, SIM, pair_pool, snapshot_of
from tidemill_testing.toy import GAS, USD, WETH, ToyDex, ToyRules

DEEP = 10**21
CHEAP = pair_pool("cheap", {USD: DEEP, WETH: DEEP}, dex="toy")
DEAR = pair_pool("dear", {USD: DEEP * 11 // 10, WETH: DEEP}, dex="toy")
IDEA = Arbitrage(
    OpportunityId("idea"), "split", SIM, USD, (Leg(CHEAP.id, USD, WETH), Leg(DEAR.id, WETH, USD)), 10**18, 10**16, 100
)  # fmt: skip
LIMIT = AssetAmount(USD, 10**20)


class Split(Strategy):
    """Sends both legs apart, at a fixed size; ``change`` is done to the group."""

    name = "split"

    def __init__(self, **change: Any) -> None:
        super().__init__()
        self.change = change

    def find_opportunities(self, snapshot: Snapshot) -> Any:
        yield IDEA

    def calculate_position_size(self, opportunity: Any, allowance: Allowance, desk: Desk) -> Sized | Rejected:
        return Sized(min(10**18, allowance.own), 10**16)

    def build_execution_plan(self, opportunity: Any, size: Sized, desk: Desk) -> Plan | Rejected:
        group = build_group(opportunity, size, desk, within_s=60)
        assert isinstance(group, Group)
        return evolve(group, **self.change)


class Looking(RiskCheck):
    """Notes what stands at the door; refuses what ``verdict`` says."""

    name = "looking"

    def __init__(self, verdict: Rejected | None = None, cost: int = 10**40) -> None:
        super().__init__()
        self.seen: list[Plan] = []
        self.verdict, self.cost = verdict, cost

    def allow(self, opportunity: Any, book: BookState, snapshot: Snapshot) -> Allowance | Rejected:
        return Allowance(USD, 10**30, 0, self.cost)

    def check(self, plan: Plan, book: BookState, snapshot: Snapshot) -> Rejected | None:
        self.seen.append(plan)
        return self.verdict


def book_of(usd: int = 10**24, weth: int = 10**24, ether: int = 10**9) -> BookState:
    return BookState(MAIN_BOOK, USD, {USD: usd, WETH: weth, ETHER: ether})


def tools_of(*risks: RiskCheck, rules: ToyRules | None = None, limit: AssetAmount | None = LIMIT) -> Tools:
    return Tools({"toy": ToyDex()}, (), {SIM: rules or ToyRules()}, risks, {(MAIN_BOOK, SIM): Wallet(SIM, "0xowner")}, 1, limit)


def view_of() -> Snapshot:
    return snapshot_of((CHEAP, DEAR), wrapped=WETH)


def tried(strategy: Strategy | None = None, book: BookState | None = None, view: Snapshot | None = None, **made: Any) -> Attempt:
    risks = made.pop("risks", ())
    return plan_idea(IDEA, strategy or Split(), book or book_of(), view or view_of(), tools_of(*risks, **made))


def rule_of(attempt: Attempt) -> str:
    assert isinstance(attempt.answer, Rejected), attempt.answer
    return attempt.answer.rule


def group_of(**change: Any) -> Group:
    built = Split(**change).build_execution_plan(IDEA, Sized(10**18, 1), tools_of().desk(view_of(), book_of()))
    assert isinstance(built, Group)
    return built


def leg(place: int = 0, **change: Any) -> Flow:
    found = group_of().plans[place]
    assert isinstance(found, Flow)
    return evolve(found, **change)


def test_group_passes_the_door_with_every_leg_composed() -> None:
    """Each leg has its own bytes; the risk checks see the group as one plan."""
    looking = Looking()
    attempt = tried(risks=[looking])

    assert isinstance(attempt.answer, PlannedGroup)
    assert [one.plan.id for one in attempt.answer.legs] == [one.unsigned.plan for one in attempt.answer.legs]
    assert [attempt.answer.plan] == looking.seen
    assert isinstance(looking.seen[0], Group)


def test_leg_that_touches_an_earlier_legs_pool_is_composed_on_what_is_left() -> None:
    """The second of two equal sales gets less: its minimum decides, and the whole group falls with it."""
    swap = PlannedSwap(CHEAP.id, USD, WETH, 10**18, 0)
    first = leg(0, swaps=(swap,), guards=())
    same = evolve(first, id=PlanId("again"))
    tools = tools_of()
    made = compose(group_of(plans=(first, same)), tools.desk(view_of(), book_of()), tools)
    assert isinstance(made, PlannedGroup)
    one, two = (dict(part.replayed.changes)[WETH] for part in made.legs)
    assert two < one
    strict = evolve(same, swaps=(evolve(swap, min_out=one),))
    broken = compose(group_of(plans=(first, strict)), tools.desk(view_of(), book_of()), tools)
    assert isinstance(broken, Broken)
    assert "min_out" == broken.rule


def test_group_is_judged_by_the_sum_of_its_legs() -> None:
    """A leg alone gains nothing; costs of both are taken off; what both use must be free together."""
    assert "net_profit" == rule_of(tried(book=book_of(ether=10**40), rules=ToyRules(gas=10**21)))
    assert "funds" == rule_of(tried(book=book_of(weth=10)))
    assert "funds" == rule_of(tried(book=book_of(ether=6 * GAS - 1)))
    assert isinstance(tried(book=book_of(ether=6 * GAS)).answer, PlannedGroup)


def test_cost_that_is_allowed_is_shared_by_the_legs_in_order() -> None:
    """Together the legs of the opportunity's chain may not cost more than one plan may; another chain's coin is another's."""
    far = leg(1, chain=ChainId("sim:2"), cost_cap=70)
    shared = capped(group_of(plans=(leg(0, cost_cap=30), leg(1, cost_cap=30), far)), Allowance(USD, 1, 1, 50))
    assert isinstance(shared, Group)
    assert [30, 20, 70] == [part.cost_cap for part in shared.plans]
    assert "cost" == rule_of(tried(risks=[Looking(cost=GAS)]))


def test_group_that_a_risk_check_refuses_ends_there() -> None:
    """Its rule is the answer."""
    assert "mine" == rule_of(tried(risks=[Looking(Rejected("mine", "no"))]))


def test_group_above_the_limit_or_without_one_is_rejected_for_exposure() -> None:
    """What one leg alone would leave counts, not what all of them do."""
    assert "exposure" == rule_of(tried(limit=None))
    assert "exposure" == rule_of(tried(limit=AssetAmount(USD, 10**17)))


def test_group_whose_deadline_is_over_is_rejected() -> None:
    """By the time of the newest batch, never by a clock."""
    late = evolve(view_of(), now_ns=10**9)
    assert "deadline" == rule_of(tried(Split(deadline_ns=10**9), view=late))
    assert isinstance(tried(Split(deadline_ns=10**9 + 1), view=late).answer, PlannedGroup)


def test_orders_in_a_group_are_rejected_by_name() -> None:
    """No venue carries them out."""
    order = Orders(PlanId("o"), IDEA.id, "split", MAIN_BOOK, SIM, "venue", MarketId("venue/x"), "buy", 1, None, ())
    assert "venue" == rule_of(tried(Split(plans=(leg(0), order))))


def test_leg_on_a_chain_that_is_not_enabled_is_rejected() -> None:
    """Legs may lie on several chains, but on those of the run."""
    assert "chain" == rule_of(tried(Split(plans=(leg(0), leg(1, chain=ChainId("sim:2"))))))


def test_leg_that_does_not_fit_its_chain_sizes_the_group_again() -> None:
    """One leg too many steps for its chain is the same answer as for a plan alone."""
    tools = tools_of(rules=ToyRules(max_steps=0))
    assert isinstance(compose(group_of(), tools.desk(view_of(), book_of()), tools), CannotFit)
    assert "fit" == rule_of(tried(rules=ToyRules(max_steps=0)))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"plans": ()}, "cannot be told apart"),
        ({"plans": (leg(0),)}, "cannot be told apart"),
        ({"plans": (leg(0), leg(0))}, "cannot be told apart"),
        ({"plans": (leg(0), leg(1, id=group_of().id))}, "cannot be told apart"),
        ({"plans": (leg(0), group_of())}, "cannot be told apart"),
        ({"plans": (leg(0), leg(1, opportunity=OpportunityId("x")))}, "whose opportunity is 'x'"),
        ({"plans": (leg(0), leg(1, book="x"))}, "whose book is 'x'"),
        ({"plans": (leg(0), leg(1, strategy="x"))}, "whose strategy is 'x'"),
        ({"plans": (leg(0), leg(1, funds=((USD, 0),)))}, "funds that cannot be reserved"),
        ({"plans": (leg(0), leg(1, expires=1.5))}, "expected an int"),
        ({"deadline_ns": 1.5}, "expected an int"),
        ({"unwind": "hope"}, "without a sound unwind policy"),
        ({"unwind": "hedge"}, "without a sound unwind policy"),
        ({"hedge": MarketId("perp:1")}, "without a sound unwind policy"),
        ({"book": "x"}, "whose book is 'x'"),
        ({"chain": "sim:2"}, "whose chain is 'sim:2'"),
    ],
)
def test_group_that_is_not_what_was_asked_is_its_strategys_fault(change: dict[str, Any], said: str) -> None:
    """Ids, names, amounts and the policy are looked at leg by leg, before anything is composed."""
    with pytest.raises(PluginContractError, match=said):
        check_plan(group_of(**change), IDEA, Split(), book_of())


def test_group_with_a_hedge_names_its_market() -> None:
    """That is what it takes to be sound."""
    check_plan(group_of(unwind="hedge", hedge=MarketId("perp:1")), IDEA, Split(), book_of())
    check_plan(group_of(plans=(leg(0), leg(1, chain=ChainId("sim:2")))), IDEA, Split(), book_of())
