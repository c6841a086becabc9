"""The risk check ``limits``."""

from collections.abc import Iterator, Sequence

from tidemill import AssetAmount, AssetId, Opportunity, RiskCheck, Snapshot
from tidemill.domain.answers import Rejected
from tidemill.domain.book import BookState
from tidemill.domain.decision import Allowance
from tidemill.domain.opportunity import Arbitrage
from tidemill.domain.plan import Flow, Group, Orders, Plan
from tidemill_risk_limits.flows import check_flows
from tidemill_risk_limits.money import UNLIMITED, above, cap_in, cost_in, open_value, reserved_of
from tidemill_risk_limits.pools import check_pools
from tidemill_risk_limits.settings import LimitsSettings

_MONEY = ("max_trade", "max_borrow", "max_asset", "max_open", "max_cost")


class Limits(RiskCheck):
    """Fixed limits of the configuration, looked at twice: as an allowance before sizing, and on the finished plan.

    What cannot be compared with its limit, for want of a price, is rejected.
    """

    name = "limits"
    settings: LimitsSettings

    def allow(self, opportunity: Opportunity, book: BookState, snapshot: Snapshot) -> Allowance | Rejected:
        """Return the least that the limits leave; a rejection where they leave nothing, own or borrowed."""
        rejected = self._crowded(book) or check_pools(opportunity.pools, self.settings, snapshot)
        if rejected is not None:
            return rejected
        asset = opportunity.asset if isinstance(opportunity, Arbitrage) else opportunity.funding
        own, own_rule = book.free(asset), "funds"
        for rule, cap in self._own_caps(asset, book, snapshot):
            if isinstance(cap, Rejected):
                return cap
            if cap < own:
                own, own_rule = cap, rule
        borrowed = self._borrowed_cap(asset, snapshot)
        if isinstance(borrowed, Rejected):
            return borrowed
        if own <= 0 and borrowed <= 0:
            return Rejected(own_rule, f"{own_rule} leaves none of {asset}, and nothing may be borrowed", (("own", max(0, own)),))
        native = snapshot.chains[opportunity.chain].native
        cost = self._cost_cap(native, book, snapshot)
        return cost if isinstance(cost, Rejected) else Allowance(asset, max(0, own), max(0, borrowed), cost)

    def caps(self) -> Sequence[str]:
        """Return the settings that limit money and are set."""
        return tuple(name for name in _MONEY if getattr(self.settings, name))

    def check(self, plan: Plan, book: BookState, snapshot: Snapshot) -> Rejected | None:
        """Look at the flows of the plan, then at the money of all its parts together."""
        parts = plan.plans if isinstance(plan, Group) else (plan,)
        rejected = self._crowded(book, len(parts)) or check_pools(plan.pools, self.settings, snapshot)
        rejected = rejected or check_flows([part for part in parts if isinstance(part, Flow)], self.settings, snapshot)
        return rejected or self._check_money(parts, book, snapshot)

    def _crowded(self, book: BookState, more: int = 1) -> Rejected | None:
        limit, found = self.settings.max_open_plans, len(book.plans)
        if limit is None or found + more <= limit:
            return None
        return Rejected("max_open_plans", f"{found} plans are in flight, max_open_plans is {limit}", (("found", found), ("limit", limit)))

    def _own_caps(self, asset: AssetId, book: BookState, snapshot: Snapshot) -> Iterator[tuple[str, int | Rejected]]:
        if self.settings.max_trade is not None:
            yield "max_trade", cap_in(self.settings.max_trade, asset, "max_trade", snapshot)
        for limit in self.settings.max_asset:
            if limit.asset == asset:
                yield "max_asset", limit.amount - reserved_of(book, asset)
        if self.settings.max_open is not None:
            unit = self.settings.max_open.asset
            used = open_value(book, unit, snapshot)
            if isinstance(used, Rejected):
                yield "max_open", used
            else:
                left = AssetAmount(unit, max(0, self.settings.max_open.amount - used))
                yield "max_open", cap_in(left, asset, "max_open", snapshot)

    def _borrowed_cap(self, asset: AssetId, snapshot: Snapshot) -> int | Rejected:
        result = UNLIMITED
        for rule, limit in (("max_trade", self.settings.max_trade), ("max_borrow", self.settings.max_borrow)):
            cap = cap_in(limit, asset, rule, snapshot) if limit is not None else UNLIMITED
            if isinstance(cap, Rejected):
                return cap
            result = min(result, cap)
        return result

    def _cost_cap(self, native: AssetId, book: BookState, snapshot: Snapshot) -> int | Rejected:
        if self.settings.max_cost is None:
            return book.free(native)
        cap = cap_in(self.settings.max_cost, native, "max_cost", snapshot)
        return cap if isinstance(cap, Rejected) else min(cap, book.free(native))

    def _check_money(self, parts: tuple[Flow | Orders, ...], book: BookState, snapshot: Snapshot) -> Rejected | None:
        own = _together((asset, amount) for part in parts for asset, amount in part.funds)
        lent = _together((loan.asset, loan.amount) for part in parts if isinstance(part, Flow) for loan in part.loans)
        costs = _together((snapshot.chains[part.chain].native, part.cost_cap) for part in parts)
        rejected = (
            self._over("max_trade", "the trade puts in", [*own, *lent], snapshot)
            or self._over("max_borrow", "the trade borrows", lent, snapshot)
            or self._over("max_cost", "the chain takes", costs, snapshot)
        )
        for limit in self.settings.max_asset:
            used = reserved_of(book, limit.asset) + sum(amount for asset, amount in own if asset == limit.asset)
            if rejected is None and used > limit.amount:
                rejected = above("max_asset", "plans in flight would use", used, limit, snapshot)
        limit_open = self.settings.max_open
        if rejected is not None or limit_open is None:
            return rejected
        before = open_value(book, limit_open.asset, snapshot)
        return before if isinstance(before, Rejected) else self._over("max_open", "plans in flight would use", own, snapshot, before)

    def _over(self, rule: str, what: str, amounts: list[tuple[AssetId, int]], snapshot: Snapshot, before: int = 0) -> Rejected | None:
        """Value amounts in a limit's asset and compare their sum, on top of ``before``, with it."""
        limit = getattr(self.settings, rule)
        if limit is None:
            return None
        total = before
        for asset, amount in amounts:
            value = cost_in(amount, asset, limit.asset, rule, snapshot)
            if isinstance(value, Rejected):
                return value
            total += value
        return above(rule, what, total, limit, snapshot) if total > limit.amount else None


def _together(amounts: Iterator[tuple[AssetId, int]]) -> list[tuple[AssetId, int]]:
    total: dict[AssetId, int] = {}
    for asset, amount in amounts:
        total[asset] = total.get(asset, 0) + amount
    return sorted(total.items())
