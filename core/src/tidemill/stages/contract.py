"""Checks what plugins give, where it enters the core: a wrong type is the fault of who gave it, not of who stumbles over it later."""

from collections.abc import Callable
from typing import Any, TypeVar

from tidemill.domain.answers import Needs
from tidemill.domain.opportunity import Arbitrage, Leg, Opportunity, Signal
from tidemill.domain.plan import Flow, Loan, PlannedSwap
from tidemill.domain.pool import Decoded, Pool, Watch
from tidemill.errors import PluginContractError

T = TypeVar("T")

_TEXTS = {
    Arbitrage: ("id", "strategy", "chain", "asset", "urgency", "reason"),
    Signal: ("id", "strategy", "chain", "market", "asset", "funding", "side", "urgency", "reason"),
    Leg: ("pool", "sell", "buy"),
    PlannedSwap: ("pool", "sell", "buy"),
    Loan: ("lender", "asset"),
}
_WHOLES = {
    Arbitrage: ("amount", "profit", "height", "confidence_ppm"),
    Signal: ("amount", "profit", "height", "confidence_ppm", "expires_ns"),
    Leg: (),
    PlannedSwap: ("min_out",),
    Loan: ("amount", "fee"),
}
_OPTIONAL = {Arbitrage: (), Signal: ("limit", "target", "stop"), Leg: ("amount",), PlannedSwap: ("amount_in",), Loan: ()}


def given(answer: object, kinds: type[T] | tuple[type, ...], plugin: str, member: str, wanted: str) -> Any:
    """Return what a plugin's member gave.

    Raises:
        PluginContractError: it is of none of these types.
    """
    if not isinstance(answer, kinds):
        raise PluginContractError(plugin, f"{member} gave {answer!r:.60}: expected {wanted}")
    return answer


def whole(plugin: str, member: str, name: str, value: object) -> None:
    """Check an amount.

    Raises:
        PluginContractError: it is no int; amounts are whole numbers of base units, never floats.
    """
    if type(value) is not int:
        raise PluginContractError(plugin, f"{member} gave {name} {value!r:.60}: expected an int, in base units")


def check_opportunity(plugin: str, one: object) -> Opportunity:
    """Return an opportunity whose parts are of the types that they should be.

    Raises:
        PluginContractError: it is not.
    """
    member = "find_opportunities"
    found: Opportunity = given(one, (Arbitrage, Signal), plugin, member, "an Arbitrage or a Signal")
    _check_parts(plugin, member, found)
    if isinstance(found, Arbitrage):
        if type(found.legs) is not tuple:
            raise PluginContractError(plugin, f"{member} gave legs {found.legs!r:.60}: expected a tuple of Leg")
        for leg in found.legs:
            _check_parts(plugin, member, given(leg, Leg, plugin, member, "a Leg"))
    return found


def check_flow(plugin: str, plan: Flow) -> None:
    """Check that every amount of a flow is an int.

    Raises:
        PluginContractError: one is not.
    """
    member = "build_execution_plan"
    for swap in plan.swaps:
        _check_parts(plugin, member, given(swap, PlannedSwap, plugin, member, "a PlannedSwap"))
    for loan in plan.loans:
        _check_parts(plugin, member, given(loan, Loan, plugin, member, "a Loan"))
    for name, value in (("expires", plan.expires), ("cost_cap", plan.cost_cap)):
        whole(plugin, member, name, value)
    for name, pairs in (("funds", plan.funds), ("guards", plan.guards)):
        for _, amount in pairs:
            whole(plugin, member, name, amount)


def decoded(plugin: str, pool: str, decode: Callable[..., object], *arguments: object) -> Decoded | Needs:
    """Ask a DEX to decode a pool.

    Raises:
        PluginContractError: it gave something else than that pool, or what it needs for it.
    """
    answer = decode(*arguments)
    found: Decoded | Needs = given(answer, (Decoded, Needs), plugin, "decode", "Decoded or Needs")
    if isinstance(found, Decoded) and (getattr(found.pool, "id", None) != pool or not isinstance(found.watch, Watch)):
        raise PluginContractError(plugin, f"decode of {pool} gave {found!r:.90}: expected that pool, and a Watch")
    return found


def moved(plugin: str, member: str, apply: Callable[..., object], pool: Pool, *arguments: object) -> Any:
    """Ask a DEX what became of a pool.

    Raises:
        PluginContractError: it gave neither the pool nor what it needs for it.
    """
    after = apply(pool, *arguments)
    if getattr(after, "id", None) != pool.id and not isinstance(after, Needs):
        raise PluginContractError(plugin, f"{member} of {pool.id} gave {after!r:.60}: expected that pool or Needs")
    return after


def _check_parts(plugin: str, member: str, one: Any) -> None:
    kind = type(one)
    if kind not in _TEXTS:
        raise PluginContractError(
            plugin, f"{member} gave a {kind.__qualname__}, which is derived from a value of the kernel: expected the value"
        )
    for name in _TEXTS[kind]:
        if not isinstance(getattr(one, name), str):
            raise PluginContractError(plugin, f"{member} gave {name} {getattr(one, name)!r:.60}: expected text")
    for name in _WHOLES[kind]:
        whole(plugin, member, name, getattr(one, name))
    for name in _OPTIONAL[kind]:
        if getattr(one, name) is not None:
            whole(plugin, member, name, getattr(one, name))
