"""From one idea and one book to a plan at the door: validate, allow, size, plan, compose, check."""

from collections.abc import Mapping, Sequence

from attrs import evolve, frozen

from tidemill.domain.answers import CannotFit, NoPrice, Rejected
from tidemill.domain.book import BookState
from tidemill.domain.decision import Allowance, Missing, Sized, Valid
from tidemill.domain.ids import AssetId, BookId, ChainId
from tidemill.domain.opportunity import Arbitrage, Opportunity
from tidemill.domain.plan import Flow, Group, Orders, Plan
from tidemill.domain.snapshot import Snapshot
from tidemill.domain.transaction import Unsigned, Wallet
from tidemill.errors import PluginContractError
from tidemill.hookspecs.chain import ChainRules
from tidemill.hookspecs.dex import Dex
from tidemill.hookspecs.lender import Lender
from tidemill.hookspecs.risk import RiskCheck
from tidemill.hookspecs.strategy import Strategy
from tidemill.planning.desk import Desk
from tidemill.planning.replay import Broken, Replayed, replay_flow
from tidemill.stages.composing import built, composed
from tidemill.stages.contract import check_flow, given, whole
from tidemill.stages.offers import Offers

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
class Tools:
    """What planning works with: the plugins, by name where they are looked up."""

    dexes: Mapping[str, Dex]
    lenders: Sequence[Lender]
    rules: Mapping[ChainId, ChainRules]
    risks: Sequence[RiskCheck]
    wallets: Mapping[tuple[BookId, ChainId], Wallet]
    patience: int


@frozen
class Attempt:
    """One try at a plan: the answer and the state that was missing on the way."""

    answer: Planned | Rejected
    missing: Missing = ()


def plan_idea(opportunity: Opportunity, strategy: Strategy, book: BookState, view: Snapshot, tools: Tools) -> Attempt:
    """Carry one idea through to the door, for one book; what does not fit is sized again under half the allowance."""
    path = f"strategies.{strategy.name}"
    valid = given(strategy.validate_opportunity(opportunity, view), (Valid, Rejected), path, "validate_opportunity", "Valid or Rejected")
    if isinstance(valid, Rejected):
        return Attempt(valid)
    allowance = allowed(opportunity, book, view, tools)
    if isinstance(allowance, Rejected):
        return Attempt(allowance)
    desk = Desk(view, book, tools.rules, tuple(Offers(lender) for lender in tools.lenders), tools.patience)
    missing: Missing = ()
    answer: Planned | Rejected = Rejected("fit", "nothing was tried")
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
        plan = plan if isinstance(plan, Group) else evolve(plan, cost_cap=min(plan.cost_cap, allowance.cost))
        made = compose(plan, desk, tools)
        if isinstance(made, Broken):
            return Attempt(Rejected(made.rule, made.reason), made.missing or missing)
        if isinstance(made, Rejected):
            return Attempt(made, missing)
        if isinstance(made, Planned):
            return Attempt(at_the_door(made, book, view, tools), missing)
        text = f"the plan's {made.what} is {made.found}, the chain allows {made.limit}"
        answer = Rejected("fit", text, (("found", made.found), ("limit", made.limit)))
        allowance = allowance.halved(size.units)
    return Attempt(answer, missing)


def check_plan(plan: Plan, opportunity: Opportunity, strategy: Strategy, book: BookState) -> None:
    """Check that a plan is what was asked for: for this opportunity and book, under this strategy's name, with sound amounts.

    Raises:
        PluginContractError: it is not; the strategy that built it is at fault.
    """
    if not isinstance(plan, Flow | Orders | Group):
        raise PluginContractError(strategy.name, f"build_execution_plan gave {plan!r:.60}: expected a Flow, Orders, a Group or Rejected")
    asked = {"opportunity": opportunity.id, "strategy": strategy.name, "book": book.id, "chain": opportunity.chain}
    for name, wanted in asked.items():
        found = getattr(plan, name)
        if found != wanted:
            raise PluginContractError(strategy.name, f"build_execution_plan gave a plan whose {name} is {found!r}: expected {wanted!r}")
    if isinstance(plan, Group):
        return
    if isinstance(plan, Flow):
        check_flow(f"strategies.{strategy.name}", plan)
    assets = [asset for asset, _ in plan.funds]
    if plan.cost_cap < 0 or len(set(assets)) != len(assets) or any(amount <= 0 for _, amount in plan.funds):
        text = f"expected each asset once, amounts above 0 and a cost cap of at least 0, found {plan.funds} and {plan.cost_cap}"
        raise PluginContractError(strategy.name, f"build_execution_plan gave a plan with funds that cannot be reserved: {text}")


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


def compose(plan: Plan, desk: Desk, tools: Tools) -> Planned | CannotFit | Broken | Rejected:
    """Replay a plan, build its steps on the pools as they will stand at each, and make its bytes."""
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


def at_the_door(planned: Planned, book: BookState, view: Snapshot, tools: Tools) -> Planned | Rejected:
    """Look at the finished plan: the risk checks, then its real gains less its real cost, then whether the money is free."""
    plan = planned.plan
    for check in tools.risks:
        rejected: Rejected | None = given(
            check.check(plan, book, view), (Rejected, type(None)), f"risk.{check.name}", "check", "Rejected or None"
        )
        if rejected is not None:
            return rejected
    native = tools.rules[plan.chain].native
    net = net_gain(planned.replayed.changes, (native, planned.cost), book.base, view)
    if isinstance(net, Rejected):
        return net
    if net <= 0:
        return Rejected("net_profit", f"leaves {net} of {book.base} after costs", (("net", net), ("cost", planned.cost)))
    return funded(plan, native, book) or planned


def net_gain(changes: Sequence[tuple[AssetId, int]], cost: tuple[AssetId, int], base: AssetId, view: Snapshot) -> int | Rejected:
    """Value balance changes less a cost in ``base``: a gain that cannot be valued counts nothing, a loss that cannot rejects."""
    total = 0
    for asset, change in (*changes, (cost[0], -cost[1])):
        value = view.value(asset, change, base)
        if not isinstance(value, NoPrice):
            total += value
        elif change < 0:
            return Rejected("value", f"a loss of {-change} {asset} cannot be valued in {base}: {value.detail}", (("loss", -change),))
    return total


def funded(plan: Flow, native: AssetId, book: BookState) -> Rejected | None:
    """Check that what a plan uses and may cost is free in its book."""
    wanted: dict[AssetId, int] = {}
    for asset, amount in (*plan.funds, (native, plan.cost_cap)):
        wanted[asset] = wanted.get(asset, 0) + amount
    for asset, amount in sorted(wanted.items()):
        free = book.free(asset)
        if free < amount:
            return Rejected("funds", f"needs {amount} of {asset}, {free} is free", (("needed", amount), ("free", free)))
    return None
