"""From a replayed plan to its bytes: the steps of its pools' DEXs, the loans around them, and whose fault it is where they do not fit."""

from collections.abc import Callable, Mapping, Sequence

from attrs import evolve, frozen

from tidemill.domain.answers import CannotFit
from tidemill.domain.plan import Flow
from tidemill.domain.snapshot import Snapshot
from tidemill.domain.transaction import Unsigned, Wallet
from tidemill.errors import PluginContractError
from tidemill.hookspecs.chain import ChainRules, Step
from tidemill.hookspecs.dex import Dex
from tidemill.hookspecs.lender import Lender
from tidemill.planning.replay import Replayed
from tidemill.stages.chain_rules import checked_cost, path_of
from tidemill.stages.contract import given
from tidemill.stages.guard import Fault, PluginFault

Composer = Callable[[Sequence[Step]], Unsigned | CannotFit]
"""A chain's ``compose`` for one plan, wallet and snapshot."""


@frozen
class Steps:
    """What a plan's bytes are made of: each swap's steps with ``dex.<name>`` of who built them, and all of them inside their loans."""

    parts: tuple[tuple[str, tuple[Step, ...]], ...]
    whole: tuple[Step, ...]
    lenders: tuple[str, ...]

    @property
    def bare(self) -> tuple[Step, ...]:
        """The swaps' steps without the loans around them."""
        return tuple(step for _, own in self.parts for step in own)


def built(plan: Flow, replayed: Replayed, view: Snapshot, wallet: Wallet, dexes: Mapping[str, Dex], lenders: Mapping[str, Lender]) -> Steps:
    """Build a plan's steps, each on its pool as it will stand then.

    Raises:
        PluginContractError: a DEX or a lender gave something else than steps.
    """
    at = view.at(plan.chain)
    parts = []
    for swap, pool in zip(plan.swaps, replayed.before, strict=True):
        name = view.refs[swap.pool].dex
        own = _steps(dexes[name].build_steps(swap, pool, at, wallet), f"dex.{name}", "build_steps")
        parts.append((f"dex.{name}", own))
    steps = tuple(step for _, own in parts for step in own)
    for loan in reversed(plan.loans):
        steps = _steps(lenders[loan.lender].bracket(loan, steps, wallet, view), f"lenders.{loan.lender}", "bracket")
    return Steps(tuple(parts), steps, tuple(f"lenders.{loan.lender}" for loan in plan.loans))


def composed(plan: Flow, steps: Steps, rules: ChainRules, wallet: Wallet, view: Snapshot) -> tuple[Unsigned, int] | CannotFit:
    """Return a plan's bytes and what they are expected to cost in native base units, or which limit of the chain they exceed.

    Raises:
        PluginFault: the rules raised, or gave what they should not; where that can be told to come from a DEX's or a lender's steps, it
            names that plugin.
        PluginContractError: as ``PluginFault``, of rules that nobody guards.
    """
    path = path_of(rules)

    def compose(some: Sequence[Step]) -> Unsigned | CannotFit:
        answer: Unsigned | CannotFit = given(
            rules.compose(plan, some, wallet, view), (Unsigned, CannotFit), path, "compose", "Unsigned or CannotFit"
        )
        return answer

    try:
        answer = compose(steps.whole)
    except PluginFault as error:
        fault = error.fault
        # Where the traceback has told already that it is not the chain's, nothing is to be found out
        at_fault = whose(steps, compose) if fault.blamed and fault.plugin == path else ""
        if not at_fault:
            raise
        reason = f"{path} cannot compose its steps: {fault.reason}"
        raise PluginFault(evolve(fault, plugin=at_fault, reason=reason)) from error
    if isinstance(answer, CannotFit):
        return answer
    if (answer.plan, answer.chain) != (plan.id, plan.chain):
        raise PluginContractError(
            path, f"compose gave bytes of plan {answer.plan!r:.60} on {answer.chain!r:.30}: expected those of its plan"
        )
    return answer, checked_cost(path, "cost", rules.cost(answer, view))


def whose(steps: Steps, compose: Composer) -> str:
    """Return whose steps a chain cannot compose, ``dex.<name>`` or ``lenders.<name>``; "" where that cannot be told from its own failure.

    Each swap's steps are composed alone: where some can be and others cannot, and those are all of one DEX, it is that one. Where none can,
    a chain that refuses them on purpose (it raises an error of Tidemill's tree, as encoders do) is believed if one DEX built them all.
    """
    tried = [(owner, _refusal(own, compose)) for owner, own in steps.parts]
    refused = list(dict.fromkeys(owner for owner, fault in tried if fault is not None))
    if not refused:
        alone = len(set(steps.lenders)) == 1 and _refusal(steps.bare, compose) is None
        return steps.lenders[0] if alone else ""
    if len(refused) > 1:
        return ""
    some_can = any(fault is None for _, fault in tried)
    deliberate = all(fault is None or fault.deliberate for _, fault in tried)
    return refused[0] if some_can or deliberate else ""


def _refusal(steps: Sequence[Step], compose: Composer) -> Fault | None:
    try:
        compose(steps)
    except PluginFault as error:
        return error.fault
    return None


def _steps(answer: object, plugin: str, member: str) -> tuple[Step, ...]:
    steps = given(answer, (tuple, list), plugin, member, "a sequence of steps")
    return tuple(given(step, Step, plugin, member, "steps") for step in steps)
