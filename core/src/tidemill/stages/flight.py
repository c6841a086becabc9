"""Our own plans: in flight, landed, and the overlay that filled paper plans leave on the pools."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import ParamSpec, TypeVar

from attrs import evolve, frozen
from immutables import Map

from tidemill.domain.events import OutcomeSeen
from tidemill.domain.ids import AssetId, ChainId, OpportunityId, PlanId, PoolId, chain_of
from tidemill.domain.outcome import Outcome, OutcomeStatus
from tidemill.domain.plan import Basis, Flow
from tidemill.domain.pool import Pool
from tidemill.domain.records import Row
from tidemill.errors import InvariantError
from tidemill.planning.replay import Replayed, replay_flow
from tidemill.stages.effects import Intent
from tidemill.stages.guard import Fault, Guard
from tidemill.stages.market import ROLLBACK_BLOCKS
from tidemill.stages.market_state import MarketState
from tidemill.stages.overlay import Overlay

P = ParamSpec("P")
T = TypeVar("T")
Valuer = Callable[[Flow, Sequence[tuple[AssetId, int]], int], int]


@frozen
class Landed:
    """A plan whose outcome was seen: ``gain`` is its net value in the book's base asset, ``rows`` what the ledger was told."""

    intent: Intent
    outcome: Outcome
    route: str
    gain: int
    rows: tuple[Row, ...] = ()

    @property
    def final(self) -> bool:
        """Whether the outcome settles the plan; an unknown one does not."""
        return self.outcome.status is not OutcomeStatus.UNKNOWN


SETTLED_HEADS = 16 * ROLLBACK_BLOCKS
"""What is said of a settled plan a second time is known to be that for so many heads: nobody asks about it any more."""


class Flight:
    """Tracks intents from the door to their outcome, and what paper fills leave behind."""

    def __init__(self, overlay_blocks: int, guard: Guard, *, paper: bool) -> None:
        self.overlay = Overlay(overlay_blocks)
        self.faults: list[Fault] = []
        self._guard = guard
        self._paper = paper
        self._open: dict[PlanId, tuple[Intent, str]] = {}
        self._landed: list[Landed] = []
        self._heads = 0
        self._settled: dict[PlanId, int] = {}
        self._overlays: dict[ChainId, list[tuple[int, Overlay]]] = {}
        self._cache: dict[PoolId, tuple[Pool, object, Pool | None]] = {}

    @property
    def open(self) -> tuple[Intent, ...]:
        """The intents in flight, oldest first."""
        return tuple(intent for intent, _ in self._open.values())

    def view(self, state: MarketState) -> Map[PoolId, Pool]:
        """Return the observed pools with our filled paper swaps on them."""
        swaps = self.overlay.swaps
        if not swaps:
            return state.pools
        view = state.pools.mutate()
        for pool, own in swaps.items():
            observed = state.pools.get(pool)
            if observed is None:
                continue
            cached = self._cache.get(pool)
            if cached is None or cached[0] is not observed or cached[1] is not own:
                over = self._safely(pool, state, self.overlay.over, observed, state.chains[chain_of(pool)].next)
                cached = self._cache[pool] = (observed, own, over)
            if cached[2] is None:
                # Without our swaps on it the same mispricing would be earned again: it is not seen at all
                del view[pool]
            else:
                view[pool] = cached[2]
        return view.finish()

    def stacked(self, view: Map[PoolId, Pool], state: MarketState) -> Map[PoolId, Pool]:
        """Return the view with our plans in flight counted as done, oldest first; one that no longer holds is passed over."""
        for intent, _ in self._open.values():
            if isinstance(intent.plan, Flow):
                at = state.chains[intent.plan.chain].next
                replayed = self._safely(intent.plan.pools[0], state, replay_flow, intent.plan, view, at)
                if isinstance(replayed, Replayed):
                    view = view.update(dict(replayed.after))
        return view

    def touching(self, pools: Iterable[PoolId], but: OpportunityId | None = None) -> tuple[PlanId, ...]:
        """Return our plans in flight that touch one of these pools, oldest first; those for the opportunity ``but`` left out."""
        if not self._open:
            return ()
        wanted = set(pools)
        return tuple(
            plan for plan, (intent, _) in self._open.items() if intent.plan.opportunity != but and not wanted.isdisjoint(intent.plan.pools)
        )

    def knows(self, plan: PlanId) -> bool:
        """Whether a plan of this id is in flight."""
        return plan in self._open

    def knew(self, plan: PlanId) -> bool:
        """Whether a plan of this id has settled."""
        return plan in self._settled

    def behind(self, plan: Flow) -> Flow:
        """Return the plan with the own plans in flight that it was quoted behind named in its basis."""
        others = {pool: self.touching((pool,)) for pool in plan.pools}
        if not any(others.values()):
            return plan
        return evolve(plan, basis=tuple(Basis(basis.pool, basis.version, others[basis.pool]) for basis in plan.basis))

    def send(self, intent: Intent, route: str) -> None:
        """Take up an intent that leaves the core."""
        self._open[intent.plan.id] = (intent, route)

    def landed_before(self, intent: Intent, outcome: Outcome) -> None:
        """Take up a plan whose outcome an earlier run has booked, as long as its block can be dropped."""
        self._settled[intent.plan.id] = self._heads
        self._landed.append(Landed(intent, outcome, "", 0))

    def landed(self, plan: PlanId) -> Landed | None:
        """Return what was booked of a plan, as long as its block can be rolled back."""
        return next((one for one in self._landed if one.intent.plan.id == plan), None)

    def take_back(self, landed: Landed) -> None:
        """Put a plan back in flight whose outcome turned out to be another one."""
        self._landed.remove(landed)
        self.reopen(landed)

    def drop(self, plan: PlanId) -> tuple[Intent, str] | None:
        """Forget an intent that provably never happened and return it with its route; None where it is not in flight."""
        return self._open.pop(plan, None)

    def land(self, event: OutcomeSeen, state: MarketState, view: Mapping[PoolId, Pool], value: Valuer) -> Landed | None:
        """Take in an outcome. None: it was heard before. A filled paper plan is laid over the pools.

        Raises:
            InvariantError: the plan was never ours.
        """
        outcome = event.outcome
        found = self._open.get(event.plan)
        if found is None:
            if event.plan in self._settled:
                return None
            raise InvariantError(f"an outcome was seen for plan {event.plan}, which is not in flight")
        intent, route = found
        plan = intent.plan
        assert isinstance(plan, Flow)  # noqa: S101 only flows are composed
        gain = self._safely(plan.pools[0], state, value, plan, outcome.changes, outcome.cost) or 0
        landed = Landed(intent, outcome, route, gain)
        if landed.final:
            del self._open[event.plan]
            self._settled[event.plan] = self._heads
        if self._paper and outcome.status is OutcomeStatus.FILLED:
            at = state.chains[plan.chain].head
            filled = self._safely(plan.pools[0], state, self.overlay.filled, plan.id, outcome.fills, view, state.pools, at)
            self.overlay = filled or self.overlay
        return landed

    def remember(self, landed: Landed, rows: Sequence[Row]) -> None:
        """Keep a settled plan as long as its block can be rolled back."""
        self._landed.append(evolve(landed, rows=tuple(rows)))

    def head(self, chain: ChainId, height: int, state: MarketState) -> tuple[PoolId, ...]:
        """Begin a block: keep what the last one left, age the overlay; return the pools on which it ended."""
        self._heads += 1
        while self._settled and (oldest := next(iter(self._settled.items())))[1] < self._heads - SETTLED_HEADS:
            del self._settled[oldest[0]]
        view = state.chains.get(chain)
        if view is not None:
            past = self._overlays.setdefault(chain, [])
            past.append((view.head.height, self.overlay))
            del past[:-ROLLBACK_BLOCKS]
        horizon = height - ROLLBACK_BLOCKS
        self._landed = [one for one in self._landed if one.intent.plan.chain != chain or one.outcome.height >= horizon]
        if not self.overlay.swaps:
            return ()
        self.overlay, dropped = self.overlay.aged(chain, height)
        return dropped

    def observed(self, moved: Iterable[PoolId], state: MarketState) -> None:
        """Take in observed changes of pools that our swaps lie on."""
        for pool in sorted(moved):
            if pool in self.overlay.swaps:
                observed = state.pools.get(pool)
                at = state.chains[chain_of(pool)].head
                if observed is None:
                    self.overlay = self.overlay.without(pool)
                else:
                    self.overlay = self._safely(pool, state, self.overlay.observed, observed, at) or self.overlay

    def _safely(self, pool: PoolId, state: MarketState, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T | None:
        """Return what a pool's arithmetic gives, None where it raised; without a plugin in the traceback its DEX is at fault."""
        ref = state.refs.get(pool)
        answer = self._guard.call(f"dex.{ref.dex}" if ref is not None else "dex", function, *args, **kwargs)
        if isinstance(answer, Fault):
            self.faults.append(answer)
            return None
        return answer

    def roll_back(self, chain: ChainId, height: int, *, anew: bool = False) -> tuple[Landed, ...]:
        """Return to the overlay of a height and give the plans that landed above it, the last one first; they are landed no more.

        ``anew``: the chain goes on below the first head that was told of it, where nothing of ours lay on any pool.
        """
        past = self._overlays.get(chain, [])
        then = Overlay(self.overlay.blocks) if anew else next((overlay for seen, overlay in past if seen == height), None)
        self._overlays[chain] = [(seen, overlay) for seen, overlay in past if seen < height]
        if then is not None:
            swaps = {pool: own for pool, own in self.overlay.swaps.items() if chain_of(pool) != chain}
            swaps.update({pool: own for pool, own in then.swaps.items() if chain_of(pool) == chain})
            self.overlay = Overlay(self.overlay.blocks, Map(swaps))
        undone = [one for one in self._landed if one.intent.plan.chain == chain and one.outcome.height > height]
        self._landed = [one for one in self._landed if one not in undone]
        return tuple(reversed(undone))

    def reopen(self, landed: Landed) -> Intent:
        """Put a plan whose block is gone back in flight and return its intent, marked as reopened."""
        intent = evolve(landed.intent, reopened=True)
        waiting = {**self._open, intent.plan.id: (intent, landed.route)}
        # Oldest first, as they were sent: stacking counts on it
        self._open = dict(sorted(waiting.items(), key=lambda one: one[1][0].height))
        self._settled.pop(intent.plan.id, None)
        return intent
