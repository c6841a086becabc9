"""What the parts of a core work on together: the market, the books, the plans in flight, and what is collected to leave."""

from collections.abc import Sequence

from immutables import Map

from tidemill.domain.book import OpenPlan
from tidemill.domain.ids import AssetId, BookId, ChainId, PlanId, PoolId
from tidemill.domain.plan import Flow, Group
from tidemill.domain.pool import Pool
from tidemill.domain.snapshot import Snapshot
from tidemill.domain.time import ChainTime
from tidemill.ledger.journal import Journal
from tidemill.pipeline.outbox import Outbox
from tidemill.pipeline.parts import Parts
from tidemill.stages.books import Books
from tidemill.stages.effects import Intent
from tidemill.stages.flight import Flight
from tidemill.stages.groups import Groups
from tidemill.stages.planner import Planned
from tidemill.stages.roster import Roster
from tidemill.stages.tally import Tally


class Workbench:
    """One run's state. ``waiting`` are the pools of ideas that were turned away and may pass once plans have landed."""

    def __init__(self, parts: Parts) -> None:
        self.parts = parts
        self.market = parts.market
        self.books = Books((book.id, book.base) for book in parts.books)
        self.tally = Tally()
        self.flight = Flight(parts.overlay_blocks, parts.guard, paper=parts.paper)
        self.groups = Groups()
        self.journal = Journal()
        self.roster = Roster(parts.asked, parts.searcher, parts.tools, parts.guard, parts.fresh)
        self.waiting: set[PoolId] = set()
        self.out = Outbox()

    def view(self) -> Map[PoolId, Pool]:
        """Return the pools as ideas see them: observed, with our filled paper swaps on them."""
        return self.flight.view(self.market.state)

    def stacked(self, view: Snapshot) -> Snapshot:
        """Return the view with our plans in flight counted as done."""
        pools = self.flight.stacked(self.view(), self.market.state)
        return self.market.snapshot(pools=pools, changed=view.changed, books=self.books.states, finder=view.finder)

    def send(self, planned: Planned, route: str, group: PlanId | None = None) -> Flow:
        """Reserve what a plan may use, write it down, let it leave, and return it with what it is quoted behind."""
        plan = self.flight.behind(planned.plan)
        height = self.market.state.chains[plan.chain].head.height
        intent = Intent(plan, planned.unsigned, height, group=group)
        self.reserve(plan, height)
        self.flight.send(intent, route)
        self.tally.plans += 1
        self.out.rows.append(self.journal.intent(plan, "planned", digest=planned.unsigned.digest, height=height))
        self.out.intents.append(intent)
        return plan

    def knows(self, plan: Flow | Group) -> bool:
        """Whether a plan of this name is in flight, or one of a group's legs is, or was."""
        if isinstance(plan, Group):
            return any(self.flight.knows(leg.id) or self.flight.knew(leg.id) for leg in plan.plans)
        return self.flight.knows(plan.id)

    def reserve(self, plan: Flow, height: int) -> None:
        """Set aside what a plan may use and cost."""
        native = self.native(plan.chain)
        self.books.reserve(plan.book, OpenPlan(plan.id, plan.strategy, height, plan.funds, plan.cost_cap, native, plan.pools))

    def net(self, plan: Flow, changes: Sequence[tuple[AssetId, int]], cost: int) -> int:
        """Value an outcome in its book's base asset; what cannot be valued counts nothing."""
        snapshot = self.market.snapshot(pools=self.view())
        base = self.books.states[plan.book].base
        values = [snapshot.value(asset, amount, base) for asset, amount in (*changes, (self.native(plan.chain), -cost))]
        return sum(value for value in values if isinstance(value, int))

    def released(self) -> None:
        """Let ideas that were turned away for a conflict or for funds be found again."""
        self.market.touch(self.waiting)
        self.waiting.clear()

    def native(self, chain: ChainId) -> AssetId:
        """Return the coin that pays for transactions on a chain."""
        return self.parts.tools.rules[chain].native

    def base(self, book: BookId) -> AssetId:
        """Return the asset that a book's profit is measured in."""
        return self.books.states[book].base

    def when_of(self, chain: ChainId) -> ChainTime:
        """Return a chain's head; height 0 while it has none."""
        view = self.market.state.chains.get(chain)
        return view.head if view is not None else ChainTime(chain, 0, 0)

    def when(self) -> ChainTime:
        """Return the head of the first chain, for what belongs to none; height 0 while none has a head."""
        for _, view in sorted(self.market.state.chains.items()):
            return view.head
        return ChainTime(ChainId(""), 0, 0)
