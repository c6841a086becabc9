"""A strategy of signals that keeps every rule; apart, for its module asks for a market while it is imported."""

from collections.abc import Iterator, Sequence

import pytest

from tidemill import Opportunity, Signal, Snapshot, Strategy
from tidemill.domain.history import Wants
from tidemill.domain.ids import MarketId, OpportunityId, content_id
from tidemill_testing.conformance import StrategyConformance
from tidemill_testing.sim import sim_market

PAIR = min(sim_market()[-1].by_pair)


class Trend(Strategy):
    """Reads the history that it declares, cut to its length, and signals."""

    name = "trend"
    needs = Wants(pairs=(PAIR,), pair_length=3)

    def find_opportunities(self, snapshot: Snapshot) -> Iterator[Opportunity]:
        points = snapshot.history.pairs.get(PAIR, ())[-3:]
        if len(points) == 3 and PAIR in snapshot.changed.pairs:
            chain = min(snapshot.chains)
            height = snapshot.at(chain).height
            market = MarketId(snapshot.by_pair[PAIR][0])
            name = OpportunityId(content_id("signal", self.name, height, market, points[0].dearest.numerator))
            yield Signal(name, self.name, chain, market, PAIR[0], PAIR[1], "buy", 1_000, points[-1].height, height)


class TestSignals(StrategyConformance):
    plugin = Trend

    @pytest.fixture
    def snapshots(self) -> Sequence[Snapshot]:
        return sim_market(7, needs=self.plugin.needs)
