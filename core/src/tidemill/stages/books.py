"""The books: balances, reservations, plans in flight, in memory; the ledger's rows tell the same story."""

from collections.abc import Iterable, Mapping

from attrs import evolve
from immutables import Map

from tidemill.domain.book import BookState, OpenPlan
from tidemill.domain.ids import AssetId, BookId, PlanId
from tidemill.domain.outcome import Outcome
from tidemill.errors import InvariantError

Changes = Iterable[tuple[AssetId, int]]


class Books:
    """All books of a run. ``states`` is replaced at every change: whoever holds an older mapping keeps it."""

    def __init__(self, books: Iterable[tuple[BookId, AssetId]]) -> None:
        self.states: Map[BookId, BookState] = Map({book: BookState(book, base, Map(), Map()) for book, base in books})

    def credit(self, book: BookId, changes: Changes) -> None:
        """Add signed amounts to a book's balances.

        Raises:
            InvariantError: a balance would become negative.
        """
        state = self.states[book]
        balances = dict(state.balances)
        for asset, change in changes:
            balances[asset] = balances.get(asset, 0) + change
            if balances[asset] < 0:
                raise InvariantError(f"book {book} would hold {balances[asset]} of {asset}: trading stops, the ledger shows how it came")
        self._put(evolve(state, balances=Map(balances)))

    def reserve(self, book: BookId, plan: OpenPlan) -> None:
        """Set aside what a plan may use and cost."""
        state = self.states[book]
        reserved = _sum(state.reserved, _held(plan), 1)
        self._put(evolve(state, reserved=reserved, plans=(*state.plans, plan)))

    def release(self, book: BookId, plan: PlanId) -> OpenPlan | None:
        """Give back what a plan reserved and return it; None where it is not in flight."""
        state = self.states[book]
        found = next((open_plan for open_plan in state.plans if open_plan.id == plan), None)
        if found is None:
            return None
        reserved = _sum(state.reserved, _held(found), -1)
        plans = tuple(open_plan for open_plan in state.plans if open_plan.id != plan)
        self._put(evolve(state, reserved=reserved, plans=plans))
        return found

    def settle(self, book: BookId, outcome: Outcome, native: AssetId, *, sign: int = 1) -> None:
        """Book an outcome's changes and cost; with ``sign`` -1 take them back, because its block is no longer part of the chain."""
        changes = [(asset, sign * change) for asset, change in outcome.changes]
        self.credit(book, [*changes, (native, -sign * outcome.cost)])

    def _put(self, state: BookState) -> None:
        self.states = self.states.set(state.id, state)


def _held(plan: OpenPlan) -> Changes:
    return (*plan.reserved, (plan.native, plan.cost_cap))


def _sum(amounts: Mapping[AssetId, int], changes: Changes, sign: int) -> Map[AssetId, int]:
    totals = dict(amounts)
    for asset, amount in changes:
        totals[asset] = totals.get(asset, 0) + sign * amount
    return Map({asset: total for asset, total in totals.items() if total})
