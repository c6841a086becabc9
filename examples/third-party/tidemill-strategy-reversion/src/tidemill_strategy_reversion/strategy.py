"""The strategy ``reversion``."""

from collections.abc import Iterator
from itertools import permutations
from typing import ClassVar

from tidemill import AssetId, Opportunity, PoolId, Snapshot, Strategy
from tidemill.domain.answers import NoPrice, Rejected
from tidemill.domain.book import BookState
from tidemill.domain.decision import Allowance, Sized, Valid
from tidemill.domain.ids import OpportunityId, chain_of, content_id
from tidemill.domain.opportunity import Leg, Signal
from tidemill.domain.plan import Flow
from tidemill.planning.desk import Desk
from tidemill.planning.sizing import best_amount

from tidemill_strategy_reversion.fair import edge_bps, gain
from tidemill_strategy_reversion.inventory import is_home, room
from tidemill_strategy_reversion.plan import one_swap
from tidemill_strategy_reversion.settings import ReversionSettings

_NOT_OURS = "expected a signal of reversion's own"


class Reversion(Strategy):
    """Trades a pool that has strayed from the reference price, in the direction in which it must come back.

    One swap, no second leg: what is bought stays in the book until some pool pays more for it than it is worth by the reference.
    The bet is that pools come back to the reference, and not the reference to them.
    """

    name: ClassVar[str] = "reversion"
    settings: ReversionSettings

    def find_opportunities(self, snapshot: Snapshot) -> Iterator[Opportunity]:
        """Yield one signal for each way through a pool, or its assets' prices, that moved and now pays above the reference price."""
        for pool in self._moved(snapshot):
            chain = chain_of(pool)
            for sell, buy in permutations(snapshot.pools[pool].assets, 2):
                for book in sorted(snapshot.books):
                    found = self._signal(pool, sell, buy, snapshot.books[book], snapshot) if chain in snapshot.chains else None
                    if found is not None:
                        yield found
                        break

    def validate_opportunity(self, opportunity: Opportunity, snapshot: Snapshot) -> Valid | Rejected:
        """Quote again: what goes in must still buy more than it is worth."""
        if not isinstance(opportunity, Signal) or opportunity.market not in snapshot.pools:
            return Rejected("validate", f"{_NOT_OURS}, at a pool that is loaded")
        amount, pool = opportunity.amount, snapshot.pools[PoolId(opportunity.market)]
        if amount <= 0:
            return Rejected("validate", "no amount", (("amount", amount),))
        left = gain(pool, opportunity.funding, opportunity.asset, amount, snapshot.at(opportunity.chain), snapshot)
        if left <= 0:
            return Rejected("validate", "the pool has come back", (("gain", left), ("amount", amount)))
        return Valid(amount, left)

    def calculate_position_size(self, opportunity: Opportunity, allowance: Allowance, desk: Desk) -> Sized | Rejected:
        """Choose the amount that gains most by the reference, from own money, within what may be held; it must pay for its gas."""
        if not isinstance(opportunity, Signal) or opportunity.market not in desk.view.pools:
            return Rejected("size", f"{_NOT_OURS}, at a pool that is loaded")
        pool, sell, buy = PoolId(opportunity.market), opportunity.funding, opportunity.asset
        cap = min(allowance.own, self._most(sell, buy, desk.book, desk.view))
        if cap <= 0:
            return Rejected("max_holding_bps", f"the book may take in no more of {buy}, or has no {sell} to pay with", (("cap", cap),))
        units, left = self._best(pool, sell, buy, cap, opportunity.amount, desk.view)
        spent = desk.estimate((Leg(pool, sell, buy),), 0)
        cost = desk.view.value(desk.rules[opportunity.chain].native, spent, sell)
        if isinstance(cost, NoPrice):
            return Rejected("cost", f"the chain's cost cannot be valued in {sell}: {cost.detail}", (("cost", spent),))
        if left <= cost:
            return Rejected("profit", "no amount gains more than its gas", (("gain", max(left, -1)), ("cost", cost)))
        return Sized(units, left)

    def build_execution_plan(self, opportunity: Opportunity, size: Sized, desk: Desk) -> Flow | Rejected:
        """Plan the one swap, which reverts where it would no longer gain."""
        if not isinstance(opportunity, Signal):
            return Rejected("plan", _NOT_OURS)
        return one_swap(opportunity, size, desk)

    def _moved(self, snapshot: Snapshot) -> list[PoolId]:
        priced = set(snapshot.changed.prices)
        moved = set(snapshot.changed.pools)
        return [pool for pool in sorted(snapshot.pools) if pool in moved or not priced.isdisjoint(snapshot.pools[pool].assets)]

    def _signal(self, pool: PoolId, sell: AssetId, buy: AssetId, book: BookState, snapshot: Snapshot) -> Signal | None:
        chain = chain_of(pool)
        least = self.settings.exit_edge_bps if is_home(buy, book, snapshot, chain) else self.settings.min_edge_bps
        cap = self._most(sell, buy, book, snapshot)
        if cap <= 0:
            return None
        at, age = snapshot.at(chain), self.settings.max_price_age_s
        edge = edge_bps(snapshot.pools[pool], sell, buy, at, snapshot, age)
        if edge is None or edge < least:
            return None
        amount, left = self._best(pool, sell, buy, cap, 0, snapshot)
        if left <= 0:
            return None
        return Signal(
            id=OpportunityId(content_id("reversion", self.name, at.height, pool, sell, buy)),
            strategy=self.name,
            chain=chain,
            market=pool,
            asset=buy,
            funding=sell,
            side="sell" if is_home(buy, book, snapshot, chain) else "buy",
            amount=amount,
            profit=left,
            height=at.height,
            reason=f"{edge} bps above the reference price",
        )

    def _most(self, sell: AssetId, buy: AssetId, book: BookState, snapshot: Snapshot) -> int:
        """Return the most of ``sell`` that may go in: what is free of it, and what may still be held of ``buy``."""
        free = book.free(sell)
        if free <= 0 or is_home(buy, book, snapshot, chain_of(buy)):
            return max(0, free)
        if self.settings.tokens and buy not in self.settings.tokens:
            return 0
        return min(free, room(book, snapshot, buy, sell, self.settings.max_holding_bps))

    def _best(self, pool: PoolId, sell: AssetId, buy: AssetId, cap: int, hint: int, snapshot: Snapshot) -> tuple[int, int]:
        """Return the amount within ``cap`` that gains most, and its gain."""
        state, at = snapshot.pools[pool], snapshot.at(chain_of(pool))
        return best_amount(lambda amount: gain(state, sell, buy, amount, at, snapshot), cap, hint)
