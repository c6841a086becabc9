"""A strategy of two legs: it buys at the venue that lags and sells at the one that leads, each in a transaction of its own."""

from collections.abc import Iterator, Sequence
from typing import Literal

from tidemill import Bps, Desk, Opportunity, Snapshot, Strategy, hookimpl, settings
from tidemill.domain.answers import Rejected
from tidemill.domain.decision import Allowance, Sized
from tidemill.domain.opportunity import Arbitrage
from tidemill.domain.plan import Plan
from tidemill.planning.legs import build_group, size_group


@settings
class SplitSettings:
    """What it takes to trade, and what becomes of a leg without the other."""

    min_edge_bps: Bps = Bps(10)
    within_s: int = 60
    tolerance_bps: Bps = Bps(1)
    unwind: Literal["sell_back", "keep"] = "sell_back"


class Split(Strategy):
    """One pair, two venues, two transactions."""

    name = "split"
    settings: SplitSettings

    def find_opportunities(self, snapshot: Snapshot) -> Iterator[Opportunity]:
        for pair in snapshot.changed.pairs:
            cheap, dear = snapshot.cheapest(pair), snapshot.dearest(pair)
            if cheap.edge_bps(dear) >= self.settings.min_edge_bps:
                yield self.opportunity(buy=cheap, sell=dear)

    def calculate_position_size(self, opportunity: Opportunity, allowance: Allowance, desk: Desk) -> Sized | Rejected:
        assert isinstance(opportunity, Arbitrage)
        return size_group(opportunity, allowance, desk)

    def build_execution_plan(self, opportunity: Opportunity, size: Sized, desk: Desk) -> Plan | Rejected:
        assert isinstance(opportunity, Arbitrage)
        chosen = self.settings
        return build_group(opportunity, size, desk, within_s=chosen.within_s, unwind=chosen.unwind, tolerance_bps=chosen.tolerance_bps)


@hookimpl
def tidemill_register_strategies() -> Sequence[type[Strategy]]:
    """Return the strategy ``split``."""
    return [Split]
