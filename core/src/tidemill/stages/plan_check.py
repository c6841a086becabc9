"""Whether a plan is what its strategy was asked for."""

from tidemill.domain.book import BookState
from tidemill.domain.opportunity import Opportunity
from tidemill.domain.plan import Flow, Group, Orders, Plan
from tidemill.errors import PluginContractError
from tidemill.hookspecs.strategy import Strategy
from tidemill.stages.contract import check_flow, whole

_POLICIES = ("sell_back", "keep", "hedge")


def check_plan(plan: Plan, opportunity: Opportunity, strategy: Strategy, book: BookState) -> None:
    """Check that a plan is what was asked for: for this opportunity and book, under this strategy's name, with sound amounts.

    Of a group each leg is looked at: it may stand on another chain than the opportunity.

    Raises:
        PluginContractError: it is not; the strategy that built it is at fault.
    """
    if not isinstance(plan, Flow | Orders | Group):
        raise PluginContractError(strategy.name, f"build_execution_plan gave {plan!r:.60}: expected a Flow, Orders, a Group or Rejected")
    _check_asked(plan, opportunity, strategy, book, ("opportunity", "strategy", "book", "chain"))
    if not isinstance(plan, Group):
        _check_atomic(plan, strategy)
        return
    _check_group(plan, strategy)
    for leg in plan.plans:
        _check_asked(leg, opportunity, strategy, book, ("opportunity", "strategy", "book"))
        _check_atomic(leg, strategy)


def _check_asked(plan: Plan, opportunity: Opportunity, strategy: Strategy, book: BookState, names: tuple[str, ...]) -> None:
    asked = {"opportunity": opportunity.id, "strategy": strategy.name, "book": book.id, "chain": opportunity.chain}
    for name in names:
        found, wanted = getattr(plan, name), asked[name]
        if found != wanted:
            raise PluginContractError(strategy.name, f"build_execution_plan gave a plan whose {name} is {found!r}: expected {wanted!r}")


def _check_atomic(plan: Flow | Orders, strategy: Strategy) -> None:
    if isinstance(plan, Flow):
        check_flow(f"strategies.{strategy.name}", plan)
    assets = [asset for asset, _ in plan.funds]
    if plan.cost_cap < 0 or len(set(assets)) != len(assets) or any(amount <= 0 for _, amount in plan.funds):
        text = f"expected each asset once, amounts above 0 and a cost cap of at least 0, found {plan.funds} and {plan.cost_cap}"
        raise PluginContractError(strategy.name, f"build_execution_plan gave a plan with funds that cannot be reserved: {text}")


def _check_group(plan: Group, strategy: Strategy) -> None:
    whole(f"strategies.{strategy.name}", "build_execution_plan", "deadline_ns", plan.deadline_ns)
    legs = [leg for leg in plan.plans if isinstance(leg, Flow | Orders)]
    if len(legs) != len(plan.plans) or len(legs) < 2 or len({plan.id, *(leg.id for leg in legs)}) != len(legs) + 1:
        text = f"expected two or more flows or orders, and an id of its own for each of them and for the group, found {plan.plans!r:.120}"
        raise PluginContractError(strategy.name, f"build_execution_plan gave a group whose legs cannot be told apart: {text}")
    if plan.unwind not in _POLICIES or (plan.unwind == "hedge") != (plan.hedge is not None):
        text = f'expected "sell_back", "keep", or "hedge" with the market to hedge on, found {plan.unwind!r} and {plan.hedge!r}'
        raise PluginContractError(strategy.name, f"build_execution_plan gave a group without a sound unwind policy: {text}")
