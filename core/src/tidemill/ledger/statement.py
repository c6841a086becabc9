"""What a run's rows say in figures: gains, costs, holdings and counts, kept up as rows come."""

from collections import Counter
from collections.abc import Iterable, Mapping

from attrs import define, field

from tidemill.domain.ids import AssetId, BookId, PlanId
from tidemill.domain.records import EntryRow, OpportunityRow, ResultRow, Row
from tidemill.ledger.accounts import CHAIN_COST, LOAN_FEE, TRADING, WALLET
from tidemill.ledger.journal import REFUSED

Balances = Mapping[tuple[BookId, str, AssetId], int]
"""The sum of postings per book, account and asset, base units."""


@define
class Statement:
    """Running figures of one run. All amounts are base units; equal rows in equal order give equal figures.

    ``opportunities`` and ``rejected`` count rows of decisions, one for each book. ``results`` is the last result of each plan: a result
    whose block was rolled back is forgotten when its plan is reopened. ``states`` is the last state of each plan. ``refusals`` counts
    rejected opportunities by rule.
    """

    balances: dict[tuple[BookId, str, AssetId], int] = field(factory=dict)
    results: dict[PlanId, ResultRow] = field(factory=dict)
    states: dict[PlanId, str] = field(factory=dict)
    refusals: dict[str, int] = field(factory=dict)
    opportunities: int = 0
    rows: int = 0

    def add(self, row: Row) -> None:
        """Count a row in; rows come in order of ``seq``."""
        self.rows += 1
        if isinstance(row, EntryRow):
            for line in row.postings:
                place = (row.book, line.account, line.asset)
                self.balances[place] = self.balances.get(place, 0) + line.amount
        elif isinstance(row, OpportunityRow):
            self.opportunities += 1
            if row.decision == "rejected":
                self.refusals[row.rule] = self.refusals.get(row.rule, 0) + 1
        elif isinstance(row, ResultRow):
            self.results[row.plan] = row
        else:
            self.states[row.plan] = row.state
            if row.state == "reopened":
                self.results.pop(row.plan, None)

    @property
    def rejected(self) -> int:
        """How many opportunities were turned away."""
        return sum(self.refusals.values())

    @property
    def rejected_by(self) -> dict[str, int]:
        """How many opportunities each rule turned away, most first."""
        return dict(sorted(self.refusals.items(), key=lambda one: (-one[1], one[0])))

    @property
    def plans(self) -> int:
        """How many plans left the core."""
        return len(self.states)

    @property
    def fills(self) -> int:
        """How many plans are filled."""
        return sum(result.status == "filled" for result in self.results.values())

    @property
    def reverts(self) -> int:
        """How many plans were included and undone."""
        return sum(result.status == "reverted" for result in self.results.values())

    @property
    def refused_by(self) -> dict[str, int]:
        """How many plans were refused before anything was sent, by who refused them, most first."""
        by = Counter(result.reason.partition(":")[0] for result in self.results.values() if result.status == REFUSED)
        return dict(sorted(by.items(), key=lambda one: (-one[1], one[0])))

    @property
    def pnl(self) -> dict[AssetId, int]:
        """The change of all wallets by trading per asset, loan fees paid, costs not; sorted by asset, zeros left out."""
        return _per_asset(self.balances, (TRADING, LOAN_FEE), -1)

    @property
    def cost(self) -> dict[AssetId, int]:
        """What chains took per asset, as a positive amount; sorted by asset, zeros left out."""
        return _per_asset(self.balances, (CHAIN_COST,), 1)

    @property
    def positions(self) -> dict[tuple[BookId, AssetId], int]:
        """What each book holds of each asset at the end; sorted, zeros left out."""
        return holdings(self.balances)


def statement_of(rows: Iterable[Row]) -> Statement:
    """Return the figures of a run, its rows given in order of ``seq``."""
    statement = Statement()
    for row in rows:
        statement.add(row)
    return statement


def holdings(balances: Balances) -> dict[tuple[BookId, AssetId], int]:
    """Return what each book owns, from the sums of a store or a statement; sorted by book and asset, zeros left out."""
    owned = {(book, asset): amount for (book, account, asset), amount in balances.items() if account == WALLET and amount}
    return dict(sorted(owned.items()))


def _per_asset(balances: Balances, accounts: tuple[str, ...], sign: int) -> dict[AssetId, int]:
    sums: dict[AssetId, int] = {}
    for (_, account, asset), amount in balances.items():
        if account in accounts:
            sums[asset] = sums.get(asset, 0) + sign * amount
    return {asset: amount for asset, amount in sorted(sums.items()) if amount}
