"""Groups in flight: which of their legs are out, filled or failed, and what of them stands open."""

from collections.abc import Mapping, Sequence

from attrs import define, field, frozen

from tidemill.domain.exposure import ENDED_GROUPS, Changes, Exposure, GroupState, standing_open, summed
from tidemill.domain.ids import ChainId, PlanId
from tidemill.domain.plan import Group
from tidemill.stages.market import ROLLBACK_BLOCKS


@frozen
class Fate:
    """What became of a leg, or of a way back: whether it filled, what it changed, where, and its net value in the book's base asset."""

    filled: bool
    changes: Changes = ()
    gain: int = 0
    chain: ChainId | None = None
    height: int = 0
    reason: str = ""


@frozen
class Stake:
    """What a group may come to hold one-sided: ``settled`` is sure, of ``pending`` any part may still fill."""

    settled: Changes
    pending: tuple[Changes, ...]
    whole: bool = False
    """Whether all of ``pending`` together, on top of ``settled``, is the whole group, which has its counterpart."""


@define
class Standing:
    """One group: what is known of its legs and of the ways back that were sent for it; None: nothing yet.

    ``expected`` is what each leg should change. ``counted`` is the profit that was counted when it was complete. ``gave_up`` says why
    nothing more is tried, ``said`` which rule was last told as the reason why nothing can be sold now, ``tried`` the heights at which a
    sale was last looked for.
    """

    group: Group
    expected: Mapping[PlanId, Changes]
    legs: dict[PlanId, Fate | None]
    backs: dict[PlanId, Fate | None] = field(factory=dict)
    state: GroupState = "planned"
    since_ns: int = 0
    counted: int = 0
    gave_up: str = ""
    said: str = ""
    tried: dict[ChainId, int] = field(factory=dict)

    @property
    def pending(self) -> tuple[PlanId, ...]:
        """The legs of which nothing is proven."""
        return tuple(plan for plan, fate in self.legs.items() if fate is None)

    @property
    def filled(self) -> tuple[Fate, ...]:
        """What became of the legs that filled."""
        return tuple(fate for fate in self.legs.values() if fate is not None and fate.filled)

    @property
    def failed(self) -> tuple[Fate, ...]:
        """What became of the legs that can no longer fill."""
        return tuple(fate for fate in self.legs.values() if fate is not None and not fate.filled)

    @property
    def gain(self) -> int:
        """What all that settled is worth together, costs taken off, in the book's base asset."""
        return sum(fate.gain for fate in (*self.legs.values(), *self.backs.values()) if fate is not None)

    @property
    def ended(self) -> bool:
        """Whether nothing more is done about it."""
        return self.state in ENDED_GROUPS

    @property
    def loose(self) -> Changes:
        """What was changed and has no counterpart, as far as it is proven.

        Once all legs have filled after all, what was sold on the way back is what lacks one.
        """
        legs = () if len(self.filled) == len(self.legs) else tuple(fate.changes for fate in self.filled)
        backs = tuple(fate.changes for fate in self.backs.values() if fate is not None and fate.filled)
        return standing_open(summed(*legs, *backs))

    @property
    def reason(self) -> str:
        """Why it is not complete."""
        pending = self.pending
        failed = next((fate.reason for fate in self.failed if fate.reason), "")
        if self.failed:
            return f"{len(self.filled)} of {len(self.legs)} legs filled, {len(self.failed)} failed: {failed or 'no reason is known'}"
        if pending:
            return f"{len(pending)} of {len(self.legs)} legs have not filled at the deadline"
        return "all legs filled after others were sold back"

    def stake(self) -> Stake:
        """Return what may come to stand one-sided."""
        if self.state in ("complete", "unwound", "failed"):
            return Stake((), ())
        if not self.pending:
            return Stake(self.loose, ())
        legs = summed(*(fate.changes for fate in (*self.filled, *self._ways_back())))
        whole = not self.failed and not self._ways_back()
        return Stake(legs, tuple(self.expected.get(plan, ()) for plan in self.pending), whole)

    def _ways_back(self) -> tuple[Fate, ...]:
        return tuple(fate for fate in self.backs.values() if fate is not None and fate.filled)

    def now(self, now_ns: int) -> GroupState:
        """Return how far it has come by what is known at a batch time."""
        waiting = any(fate is None for fate in self.backs.values())
        returned = waiting or bool(self._ways_back())
        if not self.pending and not returned and not self.failed:
            return "complete"
        if not self.pending and not returned and not self.filled:
            return "failed"
        one_sided = bool(self.failed and self.filled)
        if not (one_sided or returned or now_ns >= self.group.deadline_ns):
            return "planned"
        if waiting:
            return "unwinding"
        # What is not proven to have failed may still fill: nothing is sold until then
        if self.pending:
            return "exposed"
        if not self.loose:
            return "unwound"
        return "kept" if self.gave_up else "exposed"


@frozen
class Turn:
    """A group that has come further: how far it had come before."""

    standing: Standing
    before: GroupState


class Groups:
    """All groups whose legs may still change: open ones, and ended ones as long as a block of theirs can be dropped."""

    def __init__(self) -> None:
        self._standing: dict[PlanId, Standing] = {}
        self._of: dict[PlanId, PlanId] = {}
        self._heads: dict[ChainId, int] = {}

    @property
    def open(self) -> tuple[Standing, ...]:
        """The groups that have not ended, oldest first."""
        return tuple(one for one in self._standing.values() if not one.ended)

    @property
    def exposure(self) -> tuple[Exposure, ...]:
        """What stands open, oldest first; what a policy keeps is part of it until the run ends."""
        return tuple(
            Exposure(
                group=one.group.id,
                book=one.group.book,
                strategy=one.group.strategy,
                state=one.state,
                amounts=one.loose,
                unproven=one.pending,
                since_ns=one.since_ns,
                reason=one.reason,
            )
            for one in self._standing.values()
            if one.state in ("exposed", "unwinding", "kept")
        )

    @property
    def stakes(self) -> tuple[Stake, ...]:
        """What may stand one-sided of each group, in flight or kept."""
        return tuple(one.stake() for one in self._standing.values())

    def add(self, group: Group, expected: Mapping[PlanId, Changes], fates: Mapping[PlanId, Fate] | None = None) -> Standing:
        """Take up a group that leaves, or that an earlier run left open with the fates of those legs that have one."""
        known = fates or {}
        standing = Standing(group, dict(expected), {leg.id: known.get(leg.id) for leg in group.plans})
        self._standing[group.id] = standing
        self._of.update((leg.id, group.id) for leg in group.plans)
        return standing

    def send_back(self, standing: Standing, plan: PlanId, fate: Fate | None = None) -> None:
        """Take up a way back that leaves, or one that an earlier run sent."""
        standing.backs[plan] = fate
        self._of[plan] = standing.group.id

    def of(self, plan: PlanId) -> Standing | None:
        """Return the group that a leg or a way back belongs to."""
        group = self._of.get(plan)
        return self._standing[group] if group is not None else None

    def settle(self, plan: PlanId, fate: Fate | None) -> None:
        """Take in what became of a leg or a way back; None: its block was dropped, and it is out again."""
        standing = self.of(plan)
        if standing is not None:
            (standing.legs if plan in standing.legs else standing.backs)[plan] = fate

    def turn(self, now_ns: int) -> Sequence[Turn]:
        """Bring every group to where it has come by now and return those that have come further, or back."""
        turned = []
        for one in self._standing.values():
            before, one.state = one.state, one.now(now_ns)
            if one.state != before:
                if before in ("planned", "complete", "failed"):
                    one.since_ns = now_ns
                turned.append(Turn(one, before))
        return turned

    def head(self, chain: ChainId, height: int) -> None:
        """Forget groups that ended in blocks which can no longer be dropped; what is kept stays."""
        self._heads[chain] = height
        for group, one in list(self._standing.items()):
            fates = [fate for fate in (*one.legs.values(), *one.backs.values()) if fate is not None and fate.chain is not None]
            if one.ended and one.state != "kept" and all(self._is_deep(fate) for fate in fates):
                del self._standing[group]
                for plan in (*one.legs, *one.backs):
                    del self._of[plan]

    def _is_deep(self, fate: Fate) -> bool:
        return fate.chain is not None and self._heads.get(fate.chain, 0) - fate.height > ROLLBACK_BLOCKS
