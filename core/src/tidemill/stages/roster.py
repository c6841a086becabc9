"""Who is asked now: plugins at rest after a failure, and disabled ones, are left out; a restarted one is a fresh instance.

Only ``PluginState`` events change it, so that a replay asks whom the run asked.
"""

from collections.abc import Callable, Container, Mapping, Sequence

from attrs import evolve

from tidemill.domain.events import PluginState
from tidemill.hookspecs.plugin import Plugin
from tidemill.hookspecs.risk import RiskCheck
from tidemill.hookspecs.search import Searcher
from tidemill.hookspecs.strategy import Strategy
from tidemill.stages.chain_rules import path_of
from tidemill.stages.guard import Fault, Guard, rests
from tidemill.stages.ideas import Asked
from tidemill.stages.planner import Tools

Fresh = Mapping[str, Callable[[], Plugin]]
"""How another instance of a plugin is made, with the same settings, by ``<folder>.<name>``."""


class Roster:
    """The plugins of a core that can rest, and which of them do.

    ``alone`` is empty but in a core that follows another one for the sake of a single strategy: there it names that strategy, nobody else
    is asked, and what it finds leaves as proposals.
    """

    def __init__(self, asked: Sequence[Asked], searcher: Searcher | None, tools: Tools, guard: Guard, fresh: Fresh | None = None) -> None:
        self.everyone = tuple(asked)
        self.alone = ""
        self._searcher = searcher
        self._tools = tools
        self._guard = guard
        self._fresh = dict(fresh or {})
        self._resting: set[str] = set()
        self._disabled: set[str] = set()

    @property
    def asked(self) -> list[Asked]:
        """The strategies that are asked here and now, in order."""
        return [one for one in self._own if self.alone or not self._idle(one.path)]

    @property
    def _own(self) -> list[Asked]:
        """The strategies whose code runs in this process."""
        return [one for one in self.everyone if (one.path == self.alone if self.alone else not one.isolated)]

    @property
    def searcher(self) -> Searcher | None:
        """The searcher; None while it rests."""
        return None if self._searcher is None or self._idle(f"search.{self._searcher.name}") else self._searcher

    @property
    def tools(self) -> Tools:
        """What planning works with; a lender that rests lends nothing, and on a chain whose rules are disabled nothing is planned."""
        if not (self._resting or self._disabled):
            return self._tools
        lenders = [lender for lender in self._tools.lenders if not self._idle(f"lenders.{lender.name}")]
        rules = {chain: one for chain, one in self._tools.rules.items() if not self._idle(path_of(one))}
        return evolve(self._tools, lenders=lenders, rules=rules)

    @property
    def silent_check(self) -> str:
        """The first risk check that rests, "" for none: what cannot be asked is no permission."""
        if not (self._resting or self._disabled):
            return ""
        paths = (f"risk.{check.name}" for check in self._tools.risks)
        return next((path for path in paths if self._idle(path)), "")

    def left_out(self, paused: Container[str]) -> list[str]:
        """Return the strategies, by name, that will be asked here again and are not now: they rest, or are among the paused."""
        disabled = () if self.alone else self._disabled
        own = [one for one in self._own if one.path not in disabled]
        return [one.strategy.name for one in own if one.strategy.name in paused or (not self.alone and one.path in self._resting)]

    def proposes(self, one: Asked) -> bool:
        """Whether what a strategy finds leaves as proposals and counts when it comes back."""
        return bool(self.alone) or not one.strategy.deterministic

    def named(self, strategy: str) -> Asked | None:
        """Return a strategy by its name, whether it is asked now or not."""
        return next((one for one in self.everyone if one.strategy.name == strategy), None)

    def hear(self, event: PluginState) -> Fault | None:
        """Take in what became of a plugin; a restarted one that cannot be made again is at fault."""
        path = event.plugin
        if event.state == "restarted":
            self._resting.discard(path)
            self._disabled.discard(path)
            return self._renew(path)
        if event.state == "disabled":
            self._disabled.add(path)
            self._resting.discard(path)
        elif event.failures and rests(path):
            self._resting.add(path)
        return None

    @property
    def idle(self) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """Who rests and who is disabled, each in order."""
        return tuple(sorted(self._resting)), tuple(sorted(self._disabled))

    def follow(self, alone: str, idle: tuple[tuple[str, ...], tuple[str, ...]]) -> None:
        """Ask one strategy alone from now on, and take over who is idle elsewhere."""
        self.alone = alone
        self._resting, self._disabled = set(idle[0]), set(idle[1])

    def _idle(self, path: str) -> bool:
        return path in self._resting or path in self._disabled

    def _renew(self, path: str) -> Fault | None:
        """Put a fresh instance in a plugin's place. A lender keeps its own: the market holds it too, and it has no state."""
        make = self._fresh.get(path)
        if make is None:
            return None
        # Not in its own name: that it can be made is no sign that it works, and ends no row of failures
        made = self._guard.call("", make)
        if isinstance(made, Fault):
            return evolve(made, plugin=path)
        if isinstance(made, Strategy):
            self.everyone = tuple(evolve(one, strategy=made) if one.path == path else one for one in self.everyone)
        elif isinstance(made, RiskCheck):
            risks = [made if f"risk.{check.name}" == path else check for check in self._tools.risks]
            self._tools = evolve(self._tools, risks=risks)
        elif isinstance(made, Searcher):
            self._searcher = made
        return None
