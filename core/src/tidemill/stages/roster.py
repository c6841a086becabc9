"""Who is asked now: plugins at rest after a failure, and disabled ones, are left out; a restarted one is a fresh instance.

Only ``PluginState`` events change it, so that a replay asks whom the run asked.
"""

from collections.abc import Callable, Mapping, Sequence

from attrs import evolve

from tidemill.domain.events import PluginState
from tidemill.domain.snapshot import Changed
from tidemill.hookspecs.plugin import Plugin
from tidemill.hookspecs.risk import RiskCheck
from tidemill.hookspecs.search import Searcher
from tidemill.hookspecs.strategy import Strategy
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
        self._missed: dict[str, Changed] = {}

    @property
    def asked(self) -> list[Asked]:
        """The strategies that are asked here and now, in order."""
        if self.alone:
            return [one for one in self.everyone if one.path == self.alone]
        return [one for one in self.everyone if not (one.isolated or self._idle(one.path))]

    @property
    def searcher(self) -> Searcher | None:
        """The searcher; None while it rests."""
        return None if self._searcher is None or self._idle(f"search.{self._searcher.name}") else self._searcher

    @property
    def tools(self) -> Tools:
        """What planning works with; a lender that rests lends nothing."""
        lenders = [lender for lender in self._tools.lenders if not self._idle(f"lenders.{lender.name}")]
        return self._tools if len(lenders) == len(self._tools.lenders) else evolve(self._tools, lenders=lenders)

    @property
    def silent_check(self) -> str:
        """The first risk check that rests, "" for none: what cannot be asked is no permission."""
        if not (self._resting or self._disabled):
            return ""
        paths = (f"risk.{check.name}" for check in self._tools.risks)
        return next((path for path in paths if self._idle(path)), "")

    def proposes(self, one: Asked) -> bool:
        """Whether what a strategy finds leaves as proposals and counts when it comes back."""
        return bool(self.alone) or not one.strategy.deterministic

    def named(self, strategy: str) -> Asked | None:
        """Return a strategy by its name, whether it is asked now or not."""
        return next((one for one in self.everyone if one.strategy.name == strategy), None)

    def missed(self, changed: Changed, asked: Sequence[Asked]) -> Mapping[str, Changed]:
        """Return what those saw nothing of who rested and are asked now, ``changed`` included; for those who are not it is kept."""
        if self._resting:
            own = [one.path for one in self.everyone if one.path == self.alone or not one.isolated]
            self._missed.update({path: Changed() for path in own if path in self._resting and path not in self._missed})
        if not self._missed:
            return {}
        now = {one.path for one in asked}
        told = {path: _both(missed, changed) for path, missed in self._missed.items()}
        self._missed = {path: missed for path, missed in told.items() if path not in now}
        return {path: missed for path, missed in told.items() if path in now}

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
            self._missed.pop(path, None)
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


def _both(one: Changed, other: Changed) -> Changed:
    return Changed(
        tuple(sorted({*one.pools, *other.pools})),
        tuple(sorted({*one.pairs, *other.pairs})),
        tuple(sorted({*one.prices, *other.prices})),
        tuple(sorted({*one.markets, *other.markets})),
    )
