"""Counts what a run comes to."""

from collections.abc import Mapping

from attrs import define, field

from tidemill.domain.asset import Asset
from tidemill.domain.ids import AssetId
from tidemill.domain.note import Summary
from tidemill.domain.outcome import Outcome, OutcomeStatus


@define
class Tally:
    """Running figures; ``pnl`` and ``cost`` per asset in base units, cost not in pnl."""

    blocks: int = 0
    events: int = 0
    opportunities: int = 0
    plans: int = 0
    fills: int = 0
    profitable: int = 0
    reverts: int = 0
    rejected: int = 0
    pnl: dict[AssetId, int] = field(factory=dict)
    cost: dict[AssetId, int] = field(factory=dict)

    def outcome(self, outcome: Outcome, native: AssetId, *, gain: int, sign: int = 1) -> None:
        """Count an outcome, or with ``sign`` -1 take it back; ``gain`` is its net value in the book's base asset."""
        if outcome.status is OutcomeStatus.FILLED:
            self.fills += sign
            self.profitable += sign if gain > 0 else 0
        elif outcome.status is OutcomeStatus.REVERTED:
            self.reverts += sign
        for asset, change in outcome.changes:
            _add(self.pnl, asset, sign * change)
        if outcome.cost:
            _add(self.cost, native, sign * outcome.cost)

    def summary(self, ledger_hash: str, assets: Mapping[AssetId, Asset], *, tape: str = "", ledger: str = "") -> Summary:
        """Return the figures as the run's summary."""
        named = {asset: assets[asset] for asset in sorted({*self.pnl, *self.cost}) if asset in assets}
        return Summary(
            blocks=self.blocks,
            events=self.events,
            opportunities=self.opportunities,
            plans=self.plans,
            fills=self.fills,
            reverts=self.reverts,
            rejected=self.rejected,
            pnl=dict(sorted(self.pnl.items())),
            cost=dict(sorted(self.cost.items())),
            ledger_hash=ledger_hash,
            tape=tape,
            ledger=ledger,
            profitable=self.profitable,
            assets=named,
        )


def _add(totals: dict[AssetId, int], asset: AssetId, amount: int) -> None:
    totals[asset] = totals.get(asset, 0) + amount
