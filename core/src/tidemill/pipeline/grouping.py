"""Plans that are not atomic together: sent together, followed leg by leg, and turned back where some filled and others did not."""

from attrs import evolve

from tidemill.domain.answers import CannotFit, Rejected
from tidemill.domain.events import OpenGroup
from tidemill.domain.exposure import Changes, summed
from tidemill.domain.ids import AssetId, ChainId, OpportunityId, PlanId, chain_of, content_id
from tidemill.domain.outcome import Outcome, OutcomeStatus
from tidemill.domain.plan import Flow, Group, Orders
from tidemill.domain.snapshot import Snapshot
from tidemill.pipeline.workbench import Workbench
from tidemill.planning.replay import Broken
from tidemill.planning.unwind import Bounds, selling
from tidemill.stages import tell_groups as tell
from tidemill.stages.groups import Fate, Standing, Turn
from tidemill.stages.guard import Fault
from tidemill.stages.planner import Planned, PlannedGroup, compose_one, funded

_POLICY = {
    "keep": "its policy keeps what filled",
    "hedge": "no plugin of this run carries out orders, so that nothing is hedged: what filled is kept",
}


class Grouping:
    """Follows the groups of a run. A half is never a profit: what a group left is told, and counted as one, once it has ended."""

    def __init__(self, bench: Workbench) -> None:
        self._bench = bench
        self._groups = bench.groups

    def send(self, planned: PlannedGroup, route: str) -> None:
        """Let all legs of a group leave, its own row before theirs: whoever finds one of them knows what it belongs to."""
        group = planned.plan
        self._write(group, "planned")
        legs = [self._bench.send(leg, route, group.id) for leg in planned.legs]
        self._groups.add(group, {leg.id: made.replayed.changes for leg, made in zip(legs, planned.legs, strict=True)})

    def open_again(self, known: OpenGroup) -> None:
        """Take up a group that an earlier run left open."""
        group = known.group
        fates = {plan: _fate(outcome, _chain_of(group, plan)) for plan, outcome in known.outcomes}
        legs = {leg.id for leg in group.plans}
        expected = {leg.id: _least(leg) for leg in group.plans}
        standing = self._groups.add(group, expected, {plan: fate for plan, fate in fates.items() if plan in legs})
        for plan in known.backs:
            self._groups.send_back(standing, plan, fates.get(plan))

    # --- what becomes of legs -----------------------------------------------------------------------------------------------------------

    def landed(self, plan: Flow, outcome: Outcome, gain: int) -> bool:
        """Take in the outcome of a plan; False where it belongs to no group. ``gain`` is its net value in the book's base asset."""
        if self._groups.of(plan.id) is None:
            return False
        filled = outcome.status is OutcomeStatus.FILLED
        reason = outcome.reason or outcome.status.value
        self._groups.settle(plan.id, Fate(filled, outcome.changes, gain, plan.chain, outcome.height, "" if filled else reason))
        return True

    def refused(self, plan: PlanId, reason: str) -> None:
        """Take in that a plan was never sent; nothing where it belongs to no group."""
        self._groups.settle(plan, Fate(filled=False, reason=reason))

    def reopened(self, plan: PlanId) -> None:
        """Take in that the block of a plan was dropped; nothing where it belongs to no group."""
        self._groups.settle(plan, None)

    def turn(self) -> None:
        """Tell which groups have come further by the time of the newest batch."""
        now_ns = self._bench.market.now_ns
        for turn in self._groups.turn(now_ns):
            self._turned(turn)

    def _turned(self, turn: Turn) -> None:
        one, before, bench = turn.standing, turn.before, self._bench
        if one.state == "exposed" and not one.pending and one.group.unwind in _POLICY:
            one.gave_up = _POLICY[one.group.unwind]
            one.state = one.now(bench.market.now_ns)
        self._write(one.group, "reopened" if one.state == "planned" else one.state)
        if before == "complete":
            bench.tally.profitable -= 1 if one.counted > 0 else 0
            one.counted = 0
        if one.state == "complete":
            one.counted = one.gain
            bench.tally.profitable += 1 if one.counted > 0 else 0
        note = tell.group_note(one, before, bench.base(one.group.book), bench.when_of(one.group.chain), bench.market.state.assets)
        if note is not None:
            bench.out.notes.append(note)

    # --- the way back -------------------------------------------------------------------------------------------------------------------

    def unwind(self) -> None:
        """Look, once at each head, for the way back from what stands open; nothing is sold while a leg may still fill."""
        if self._bench.roster.alone:
            # A core that follows another one is told what that one sends
            return
        for one in self._groups.open:
            if one.state != "exposed" or one.pending or one.group.unwind != "sell_back":
                continue
            for chain in dict.fromkeys(chain_of(asset) for asset, _ in one.loose):
                view = self._bench.market.state.chains.get(chain)
                if view is not None and one.tried.get(chain) != view.head.height and chain in self._bench.roster.tools.rules:
                    one.tried[chain] = view.head.height
                    self._sell_back(one, chain)
        self.turn()

    def _sell_back(self, one: Standing, chain: ChainId) -> None:
        came = [(asset, amount) for asset, amount in one.loose if amount > 0 and chain_of(asset) == chain]
        refused = []
        for asset, amount in came:
            answer = self._bench.parts.guard.call("execution", self._planned, one, asset, amount)
            if isinstance(answer, Fault):
                self._bench.out.faults.append(answer)
            elif isinstance(answer, Planned):
                plan = self._bench.send(answer, f"{one.group.strategy} sold back")
                self._groups.send_back(one, plan.id)
            else:
                refused.append(answer)
        if not refused:
            return
        if len(refused) == len(came) and all(answer.rule == "cost" for answer in refused):
            one.gave_up = f"selling what is left is not worth its cost: {refused[0].reason}"
        elif refused[0].rule != one.said:
            one.said = refused[0].rule
            head, assets = self._bench.when_of(chain), self._bench.market.state.assets
            self._bench.out.notes.append(tell.waiting_note(one, refused[0], head, assets))

    def _planned(self, one: Standing, asset: AssetId, amount: int) -> Planned | Rejected:
        """Return the plan that sells what came in back into what went out for it."""
        bench, group, tools = self._bench, one.group, self._bench.roster.tools
        book = bench.books.states[group.book]
        view = bench.stacked(bench.market.snapshot(books=bench.books.states))
        into = self._went_out(one, chain_of(asset), view)
        bounds = Bounds(bench.parts.unwind_loss_bps)
        desk = tools.desk(view, book)
        # Named after the group: whoever starts after a crash finds by it what was sent on the way back
        found = selling(asset, into, amount, desk, bounds, opportunity=OpportunityId(group.id), strategy=group.strategy, partly=True)
        if isinstance(found, Rejected):
            return found
        flow = found if found.id not in one.backs else _renamed(found, len(one.backs))
        made = compose_one(flow, desk, tools)
        if isinstance(made, Broken):
            return Rejected(made.rule, made.reason)
        if isinstance(made, CannotFit):
            return Rejected("fit", f"the sale's {made.what} is {made.found}, the chain allows {made.limit}")
        if isinstance(made, Rejected):
            return made
        return funded([made.plan], tools.rules, book) or made

    def _went_out(self, one: Standing, chain: ChainId, view: Snapshot) -> AssetId:
        """Return which of the assets that went out on a chain is worth most; of equal ones the first by id."""
        base = self._bench.base(one.group.book)

        def rank(found: tuple[AssetId, int]) -> tuple[int, AssetId]:
            value = view.value(found[0], found[1], base)
            return (value if isinstance(value, int) else 0, found[0])

        return min(((asset, amount) for asset, amount in one.loose if amount < 0 and chain_of(asset) == chain), key=rank)[0]

    def _write(self, group: Group, state: str) -> None:
        height = self._bench.when_of(group.chain).height
        self._bench.out.rows.append(self._bench.journal.group(group, state, height=height))


def _chain_of(group: Group, plan: PlanId) -> ChainId:
    return next((leg.chain for leg in group.plans if leg.id == plan), group.chain)


def _least(leg: Flow | Orders) -> Changes:
    """Return what a leg takes and the least that it brings, as its plan says: what it should bring was known to the run that sent it."""
    brought = [(leg.swaps[-1].buy, max(1, leg.swaps[-1].min_out))] if isinstance(leg, Flow) else []
    return summed(tuple((asset, -amount) for asset, amount in leg.funds), tuple(brought))


def _fate(outcome: Outcome, chain: ChainId) -> Fate:
    filled = outcome.status is OutcomeStatus.FILLED
    return Fate(filled, outcome.changes, 0, chain, outcome.height, "" if filled else outcome.reason or outcome.status.value)


def _renamed(flow: Flow, attempt: int) -> Flow:
    """Return the same sale under another name: what was sent under the first one has an outcome of its own."""
    return evolve(flow, id=PlanId(content_id("plan", flow.id, attempt)))
