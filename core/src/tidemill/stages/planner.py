"""From one idea and one book to a plan at the door: validate, allow, size, plan, compose, check."""

from collections.abc import Mapping, Sequence

from attrs import evolve, frozen
from immutables import Map

from tidemill.domain.answers import CannotFit, NoPrice, Rejected
from tidemill.domain.asset import AssetAmount
from tidemill.domain.book import BookState
from tidemill.domain.decision import Allowance, Missing, Sized, Valid
from tidemill.domain.exposure import summed
from tidemill.domain.ids import AssetId, BookId, ChainId
from tidemill.domain.opportunity import Arbitrage, Opportunity
from tidemill.domain.plan import Flow, Group, Orders, Plan
from tidemill.domain.snapshot import Snapshot
from tidemill.domain.transaction import Unsigned, Wallet
from tidemill.hookspecs.chain import ChainRules
from tidemill.hookspecs.dex import Dex
from tidemill.hookspecs.lender import Lender
from tidemill.hookspecs.risk import RiskCheck
from tidemill.hookspecs.strategy import Strategy
from tidemill.planning.desk import Desk
from tidemill.planning.replay import Broken, Replayed, replay_flow
from tidemill.stages.composing import built, composed
from tidemill.stages.contract import given, whole
from tidemill.stages.exposure import refused_exposure
from tidemill.stages.groups import Stake
from tidemill.stages.offers import Offers
from tidemill.stages.plan_check import check_plan

MAX_SIZINGS = 6
"""The first sizing and five more under halved allowances, where a plan does not fit its chain."""


@frozen
class Planned:
    """A plan that passed the door, what replaying it shows, its bytes and what they are expected to cost (at most its ``cost_cap``)."""

    plan: Flow
    replayed: Replayed
    unsigned: Unsigned
    cost: int


@frozen
class PlannedGroup:
    """A group that passed the door: its legs, each on what the ones before it leave."""

    plan: Group
    legs: tuple[Planned, ...]


@frozen
class Tools:
    """What planning works with: the plugins, by name where they are looked up.

    ``max_exposure`` is the most that legs without their counterpart may be worth; None: no group may leave.
    """

    dexes: Mapping[str, Dex]
    lenders: Sequence[Lender]
    rules: Mapping[ChainId, ChainRules]
    risks: Sequence[RiskCheck]
    wallets: Mapping[tuple[BookId, ChainId], Wallet]
    patience: int
    max_exposure: AssetAmount | None = None

    def desk(self, view: Snapshot, book: BookState) -> Desk:
        """Return what planning may look at."""
        return Desk(view, book, self.rules, tuple(Offers(lender) for lender in self.lenders), self.patience)


@frozen
class Attempt:
    """One try at a plan: the answer and the state that was missing on the way."""

    answer: Planned | PlannedGroup | Rejected
    missing: Missing = ()


def plan_idea(
    opportunity: Opportunity, strategy: Strategy, book: BookState, view: Snapshot, tools: Tools, stakes: Sequence[Stake] = ()
) -> Attempt:
    """Carry one idea through to the door, for one book; what does not fit is sized again under half the allowance.

    ``stakes`` are what groups that are out already may come to hold one-sided.
    """
    path = f"strategies.{strategy.name}"
    valid = given(strategy.validate_opportunity(opportunity, view), (Valid, Rejected), path, "validate_opportunity", "Valid or Rejected")
    if isinstance(valid, Rejected):
        return Attempt(valid)
    allowance = allowed(opportunity, book, view, tools)
    if isinstance(allowance, Rejected):
        return Attempt(allowance)
    desk = tools.desk(view, book)
    missing: Missing = ()
    answer = Rejected("fit", "nothing was tried")
    for _ in range(MAX_SIZINGS):
        sized = strategy.calculate_position_size(opportunity, allowance, desk)
        size: Sized | Rejected = given(sized, (Sized, Rejected), path, "calculate_position_size", "Sized or Rejected")
        if isinstance(size, Rejected):
            return Attempt(size, missing)
        whole(path, "calculate_position_size", "units", size.units)
        missing = size.missing
        plan = strategy.build_execution_plan(opportunity, size, desk)
        if isinstance(plan, Rejected):
            return Attempt(plan, missing)
        check_plan(plan, opportunity, strategy, book)
        made = compose(capped(plan, allowance), desk, tools)
        if isinstance(made, Broken):
            return Attempt(Rejected(made.rule, made.reason), made.missing or missing)
        if isinstance(made, Rejected):
            return Attempt(made, missing)
        if isinstance(made, Planned | PlannedGroup):
            return Attempt(at_the_door(made, book, view, tools, stakes), missing)
        text = f"the plan's {made.what} is {made.found}, the chain allows {made.limit}"
        answer = Rejected("fit", text, (("found", made.found), ("limit", made.limit)))
        allowance = allowance.halved(size.units)
    return Attempt(answer, missing)


def capped(plan: Plan, allowance: Allowance) -> Plan:
    """Return the plan with no more cost than is allowed; the legs of a group on one chain share it, in their order."""
    if not isinstance(plan, Group):
        return evolve(plan, cost_cap=min(plan.cost_cap, allowance.cost))
    legs, left = [], allowance.cost
    for leg in plan.plans:
        own = leg.chain == plan.chain
        legs.append(evolve(leg, cost_cap=min(leg.cost_cap, left)) if own else leg)
        left -= legs[-1].cost_cap if own else 0
    return evolve(plan, plans=tuple(legs))


def allowed(opportunity: Opportunity, book: BookState, view: Snapshot, tools: Tools) -> Allowance | Rejected:
    """Return the least that all risk checks allow; without any check, all that is free, any loan and any cost."""
    asset = opportunity.asset if isinstance(opportunity, Arbitrage) else opportunity.funding
    unlimited = 1 << 256
    result = Allowance(asset, book.free(asset), unlimited, unlimited)
    for check in tools.risks:
        answer = given(check.allow(opportunity, book, view), (Allowance, Rejected), f"risk.{check.name}", "allow", "Allowance or Rejected")
        if isinstance(answer, Rejected):
            return answer
        for name in ("own", "borrowed", "cost"):
            whole(f"risk.{check.name}", "allow", name, getattr(answer, name))
        result = result.least(answer)
    return result


def compose(plan: Plan, desk: Desk, tools: Tools) -> Planned | PlannedGroup | CannotFit | Broken | Rejected:
    """Replay a plan, build its steps on the pools as they will stand at each, and make its bytes.

    The legs of a group are made in their order, each on what the ones before it leave.
    """
    if not isinstance(plan, Group):
        return compose_one(plan, desk, tools)
    legs: list[Planned] = []
    for leg in plan.plans:
        if leg.chain not in tools.rules or leg.chain not in desk.view.chains:
            return Rejected("chain", f"no chain {leg.chain} is enabled")
        made = compose_one(leg, desk, tools)
        if not isinstance(made, Planned):
            return made
        legs.append(made)
        pools = Map(desk.view.pools).update(dict(made.replayed.after))
        desk = evolve(desk, view=evolve(desk.view, pools=pools))
    return PlannedGroup(plan, tuple(legs))


def compose_one(plan: Flow | Orders, desk: Desk, tools: Tools) -> Planned | CannotFit | Broken | Rejected:
    """Make the bytes of what is atomic."""
    if not isinstance(plan, Flow):
        return Rejected("venue", "no plugin of this run carries out orders")
    view, rules = desk.view, tools.rules[plan.chain]
    replayed = replay_flow(plan, view.pools, view.at(plan.chain))
    if isinstance(replayed, Broken):
        return replayed
    wallet = tools.wallets[plan.book, plan.chain]
    steps = built(plan, replayed, view, wallet, tools.dexes, {lender.name: lender for lender in tools.lenders})
    answer = composed(plan, steps, rules, wallet, view)
    if isinstance(answer, CannotFit):
        return answer
    unsigned, cost = answer
    if cost > plan.cost_cap:
        return Rejected("cost", f"costs {cost}, at most {plan.cost_cap} was planned", (("cost", cost), ("cap", plan.cost_cap)))
    return Planned(plan, replayed, unsigned, cost)


def at_the_door(
    planned: Planned | PlannedGroup, book: BookState, view: Snapshot, tools: Tools, stakes: Sequence[Stake] = ()
) -> Planned | PlannedGroup | Rejected:
    """Look at the finished plan: the risk checks, its real gains less its real cost, what may stand open, whether the money is free.

    Of a group all legs count together.
    """
    plan = planned.plan
    for check in tools.risks:
        rejected: Rejected | None = given(
            check.check(plan, book, view), (Rejected, type(None)), f"risk.{check.name}", "check", "Rejected or None"
        )
        if rejected is not None:
            return rejected
    legs = planned.legs if isinstance(planned, PlannedGroup) else (planned,)
    costs = [(tools.rules[leg.plan.chain].native, leg.cost) for leg in legs]
    net = net_gain(summed(*(leg.replayed.changes for leg in legs)), costs, book.base, view)
    if isinstance(net, Rejected):
        return net
    if net <= 0:
        spent = sum(cost for _, cost in costs)
        return Rejected("net_profit", f"leaves {net} of {book.base} after costs", (("net", net), ("cost", spent)))
    if isinstance(planned, PlannedGroup):
        exposed = refused_group(planned, view, tools, stakes)
        if exposed is not None:
            return exposed
    return funded([leg.plan for leg in legs], tools.rules, book) or planned


def refused_group(planned: PlannedGroup, view: Snapshot, tools: Tools, stakes: Sequence[Stake]) -> Rejected | None:
    """Say why a group may not leave: its time is over, or too much would stand open if only some of its legs filled."""
    deadline = planned.plan.deadline_ns
    if deadline <= view.now_ns:
        return Rejected("deadline", f"its deadline {deadline} is not after {view.now_ns}", (("deadline", deadline), ("now", view.now_ns)))
    return refused_exposure([leg.replayed.changes for leg in planned.legs], stakes, tools.max_exposure, view)


def net_gain(changes: Sequence[tuple[AssetId, int]], costs: Sequence[tuple[AssetId, int]], base: AssetId, view: Snapshot) -> int | Rejected:
    """Value balance changes less costs in ``base``: a gain that cannot be valued counts nothing, a loss that cannot rejects."""
    total = 0
    for asset, change in (*changes, *((native, -cost) for native, cost in costs)):
        value = view.value(asset, change, base)
        if not isinstance(value, NoPrice):
            total += value
        elif change < 0:
            return Rejected("value", f"a loss of {-change} {asset} cannot be valued in {base}: {value.detail}", (("loss", -change),))
    return total


def funded(plans: Sequence[Flow], rules: Mapping[ChainId, ChainRules], book: BookState) -> Rejected | None:
    """Check that what plans use and may cost together is free in their book."""
    spent = [one for plan in plans for one in (*plan.funds, (rules[plan.chain].native, plan.cost_cap))]
    for asset, amount in summed(tuple(spent)):
        free = book.free(asset)
        if free < amount:
            return Rejected("funds", f"needs {amount} of {asset}, {free} is free", (("needed", amount), ("free", free)))
    return None
