"""A chain's rules as the fold asks them: what they raise, and what they give of a wrong type, is their chain plugin's fault."""

from collections.abc import Callable, Mapping, Sequence

from tidemill.domain.answers import CannotFit
from tidemill.domain.asset import Asset
from tidemill.domain.plan import Flow
from tidemill.domain.pool import PoolRef, Watch
from tidemill.domain.snapshot import Snapshot
from tidemill.domain.time import ChainTime
from tidemill.domain.transaction import Unsigned, Wallet
from tidemill.errors import PluginContractError
from tidemill.hookspecs.chain import ChainRules, Step
from tidemill.stages.contract import given, whole
from tidemill.stages.guard import Fault, Guard, PluginFault, T


class GuardedRules(ChainRules):
    """Asks a chain's rules through a guard of its own: whoever asks, a strategy that sizes or the planner, is not blamed for them.

    Args:
        rules: whose answers are passed on.
        path: ``chains.<name>``, who is at fault.
        guard: who calls.

    Every method raises ``PluginFault`` where the rules raise, or give what they should not.
    """

    def __init__(self, rules: ChainRules, path: str, guard: Guard) -> None:
        self.path = path
        self._rules = rules
        self._guard = guard
        self.id, self.family, self.native, self.wrapped = rules.id, rules.family, rules.native, rules.wrapped
        self.spends_balance, self.guards_balance = rules.spends_balance, rules.guards_balance
        self.dollars, self.lifetime, self.needs = rules.dollars, rules.lifetime, rules.needs
        self.finality, self.play_money, self.targets = rules.finality, rules.play_money, rules.targets

    def verified_assets(self) -> Mapping[str, Asset]:
        return self._asked("verified_assets", self._rules.verified_assets)

    def executes_at(self, head: ChainTime) -> ChainTime:
        return self._asked("executes_at", self._rules.executes_at, head)

    def estimate(self, swaps: Sequence[PoolRef], loans: int, snapshot: Snapshot) -> int:
        return self._asked("estimate", self._rules.estimate, swaps, loans, snapshot)

    def swap_cost(self, fee: int) -> int:
        return self._asked("swap_cost", self._rules.swap_cost, fee)

    def compose(self, plan: Flow, steps: Sequence[Step], wallet: Wallet, snapshot: Snapshot) -> Unsigned | CannotFit:
        return self._asked("compose", self._rules.compose, plan, steps, wallet, snapshot)

    def cost(self, unsigned: Unsigned, snapshot: Snapshot) -> int:
        return self._asked("cost", self._rules.cost, unsigned, snapshot)

    def watch(self, wallet: Wallet) -> Watch:
        return self._asked("watch", self._rules.watch, wallet)

    def _asked(self, member: str, ask: Callable[..., T], *args: object) -> T:
        answer = self._guard.call(self.path, _checked, self.path, member, ask, *args)
        if isinstance(answer, Fault):
            raise PluginFault(answer)
        return answer


def path_of(rules: ChainRules) -> str:
    """Return who answers for a chain's rules: ``chains.<name>``, or their chain where nobody has said."""
    return rules.path if isinstance(rules, GuardedRules) else f"the rules of {rules.id}"


def checked_cost(path: str, member: str, cost: object) -> int:
    """Return a cost in native base units.

    Raises:
        PluginContractError: it is no int, or below 0: a plan would seem to earn what its chain only asks.
    """
    whole(path, member, "a cost of", cost)
    assert isinstance(cost, int)  # noqa: S101 looked at above
    if cost < 0:
        raise PluginContractError(path, f"{member} gave a cost of {cost}: expected at least 0, in base units")
    return cost


_WANTED: Mapping[str, tuple[tuple[type, ...], str]] = {
    "verified_assets": ((Mapping,), "assets by symbol"),
    "executes_at": ((ChainTime,), "a ChainTime"),
    "compose": ((Unsigned, CannotFit), "Unsigned or CannotFit"),
    "watch": ((Watch,), "a Watch"),
}
"""What members give that is no cost."""
_WHOLES: Mapping[type, tuple[str, ...]] = {
    ChainTime: ("height", "unix_time"),
    CannotFit: ("limit", "found"),
    Unsigned: ("compute_limit", "expires", "compute"),
}


def _checked(path: str, member: str, ask: Callable[..., T], *args: object) -> T:
    answer = ask(*args)
    if member in _WANTED:
        kinds, wanted = _WANTED[member]
        given(answer, kinds, path, member, wanted)
        for name in _WHOLES.get(type(answer), ()):
            whole(path, member, name, getattr(answer, name))
    else:
        checked_cost(path, member, answer)
    return answer
