"""The strategy keeps the rules of its kind."""

from tidemill_testing.conformance import StrategyConformance

from tidemill_strategy_reversion import Reversion


class TestReversion(StrategyConformance):
    """Asked about a simulated market; give the fixture ``snapshots`` to ask it about a tape."""

    plugin = Reversion
    capabilities = frozenset({"trades_simulated"})
