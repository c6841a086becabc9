"""Risk checks that each break just the rule which their test class names, and two that break none."""

from collections.abc import Iterable
from itertools import count
from time import perf_counter as ticks
from typing import Any

from attrs import evolve

from tidemill import AssetId, Opportunity, RiskCheck, Snapshot
from tidemill.domain.answers import Rejected
from tidemill.domain.book import BookState
from tidemill.domain.decision import Allowance
from tidemill.domain.opportunity import Arbitrage
from tidemill.domain.plan import Flow, Group, Orders, Plan
from tidemill_testing.conformance import RiskConformance

BOTH = frozenset({"monotone", "holds_at_the_door"})
Amounts = tuple[tuple[AssetId, int], ...]


class Half(RiskCheck):
    """Lets one trade use half of what is free; breaks nothing."""

    name = "half"

    def allow(self, opportunity: Opportunity, book: BookState, snapshot: Snapshot) -> Allowance | Rejected:
        asset = opportunity.asset if isinstance(opportunity, Arbitrage) else opportunity.funding
        own = self.share(book, asset, snapshot)
        if not own:
            return Rejected("half", f"half of nothing is free of {asset}", (("free", book.free(asset)),))
        return Allowance(asset, own, self.lent(own), self.cost(book.free(snapshot.chains[opportunity.chain].native)))

    def check(self, plan: Plan, book: BookState, snapshot: Snapshot) -> Rejected | None:
        parts = self.parts(plan)
        for asset, amount in self.together(self.funds(part) for part in parts):
            own = self.share(book, asset, snapshot)
            if amount > own:
                return Rejected("half", f"{amount} of {asset} is more than half of what is free", (("found", amount), ("limit", own)))
        for asset, amount in self.together(self.loans(part) for part in parts):
            if amount > self.lent(self.share(book, asset, snapshot)):
                return Rejected("half", f"{amount} of {asset} is more than may be borrowed", (("found", amount),))
        return self.check_cost(self.cost_of(parts), book.free(snapshot.chains[plan.chain].native))

    def parts(self, plan: Plan) -> tuple[Flow | Orders, ...]:
        return plan.plans if isinstance(plan, Group) else (plan,)

    def funds(self, part: Flow | Orders) -> Amounts:
        return part.funds

    def loans(self, part: Flow | Orders) -> Amounts:
        return tuple((loan.asset, loan.amount) for loan in part.loans) if isinstance(part, Flow) else ()

    def together(self, amounts: Iterable[Amounts]) -> Amounts:
        total: dict[AssetId, int] = {}
        for asset, amount in (one for some in amounts for one in some):
            total[asset] = total.get(asset, 0) + amount
        return tuple(sorted(total.items()))

    def cost_of(self, parts: tuple[Flow | Orders, ...]) -> int:
        return sum(part.cost_cap for part in parts)

    def check_cost(self, found: int, free: int) -> Rejected | None:
        limit = self.cost(free)
        return Rejected("half", f"a cost of {found} is more than half of what is free", (("limit", limit),)) if found > limit else None

    def lent(self, own: int) -> int:
        return 4 * own

    def cost(self, free: int) -> int:
        return free // 2

    def share(self, book: BookState, asset: AssetId, snapshot: Snapshot) -> int:
        return book.free(asset) // 2


class TestHalf(RiskConformance):
    plugin = Half
    capabilities = BOTH | {"bounds_cost"}


class TestHalfDeclaresNothing(RiskConformance):
    plugin = Half


class Clock(Half):
    def share(self, book: BookState, asset: AssetId, snapshot: Snapshot) -> int:
        return book.free(asset) // 2 if ticks() > 0 else 0


class TestRSK10Clock(RiskConformance):
    plugin = Clock
    capabilities = BOTH


BORN = count()


class Firstborn(Half):
    def __init__(self, settings: object | None = None) -> None:
        super().__init__(settings)
        self.number = next(BORN)

    def share(self, book: BookState, asset: AssetId, snapshot: Snapshot) -> int:
        return book.free(asset) // (2 + self.number)


class TestRSK11Firstborn(RiskConformance):
    plugin = Firstborn
    capabilities = BOTH


class Unsorted(Half):
    def allow(self, opportunity: Opportunity, book: BookState, snapshot: Snapshot) -> Allowance | Rejected:
        answer = super().allow(opportunity, book, snapshot)
        known = ", ".join({asset.symbol for asset in snapshot.assets.values()})
        return evolve(answer, reason=f"{answer.reason}; known are {known}") if isinstance(answer, Rejected) else answer


class TestRSK12Unsorted(RiskConformance):
    plugin = Unsorted
    capabilities = BOTH


class Counts(Half):
    def __init__(self, settings: object | None = None) -> None:
        super().__init__(settings)
        self.asked = 0

    def share(self, book: BookState, asset: AssetId, snapshot: Snapshot) -> int:
        self.asked += 1
        return super().share(book, asset, snapshot)


class TestRSK13Counts(RiskConformance):
    plugin = Counts
    capabilities = BOTH


class Debts(Half):
    def allow(self, opportunity: Opportunity, book: BookState, snapshot: Snapshot) -> Allowance | Rejected:
        answer = super().allow(opportunity, book, snapshot)
        return answer if isinstance(answer, Rejected) else evolve(answer, cost=-1)


class TestRSK14Debts(RiskConformance):
    plugin = Debts
    capabilities = BOTH


class Forgets(Half):
    """Counts on what is reserved already."""

    def share(self, book: BookState, asset: AssetId, snapshot: Snapshot) -> int:
        return max(0, book.balances.get(asset, 0) - (1 if book.plans else 0))


class TestRSK15Forgets(RiskConformance):
    plugin = Forgets
    capabilities = BOTH


class Speechless(Half):
    def allow(self, opportunity: Opportunity, book: BookState, snapshot: Snapshot) -> Allowance | Rejected:
        answer = super().allow(opportunity, book, snapshot)
        return Rejected("half", "") if isinstance(answer, Rejected) else answer


class TestRSK16Speechless(RiskConformance):
    plugin = Speechless
    capabilities = BOTH


class SaysNo(Half):
    def check(self, plan: Plan, book: BookState, snapshot: Snapshot) -> Any:
        return super().check(plan, book, snapshot) or False


class TestRSK17SaysNo(RiskConformance):
    plugin = SaysNo
    capabilities = BOTH


class Trusting(Half):
    """Counts on every asset having a known symbol."""

    def share(self, book: BookState, asset: AssetId, snapshot: Snapshot) -> int:
        return super().share(book, asset, snapshot) if snapshot.assets[asset].symbol else 0


class TestRSK18Trusting(RiskConformance):
    plugin = Trusting
    capabilities = BOTH


class Reserves(Half):
    def allow(self, opportunity: Opportunity, book: BookState, snapshot: Snapshot) -> Allowance | Rejected:
        policies: Any = snapshot.policies
        policies[f"asked-{len(policies)}"] = None
        return super().allow(opportunity, book, snapshot)


class TestRSK19Reserves(RiskConformance):
    plugin = Reserves
    capabilities = BOTH


class Curious(Half):
    def share(self, book: BookState, asset: AssetId, snapshot: Snapshot) -> int:
        return book.free(asset) // (3 if snapshot.history.pairs else 2)


class TestRSK20Curious(RiskConformance):
    plugin = Curious
    capabilities = BOTH


class Bolder(Half):
    """Allows more of its own with each plan in flight."""

    def share(self, book: BookState, asset: AssetId, snapshot: Snapshot) -> int:
        return book.free(asset) * (len(book.plans) + 1) // (len(book.plans) + 2)


class TestRSK21Bolder(RiskConformance):
    plugin = Bolder
    capabilities = BOTH


class OpenDoor(Half):
    def check(self, plan: Plan, book: BookState, snapshot: Snapshot) -> Rejected | None:
        return None


class TestRSK22OpenDoor(RiskConformance):
    plugin = OpenDoor
    capabilities = BOTH


class FreeRide(Half):
    def check_cost(self, found: int, free: int) -> Rejected | None:
        return None


class TestRSK23FreeRide(RiskConformance):
    plugin = FreeRide
    capabilities = BOTH | {"bounds_cost"}
