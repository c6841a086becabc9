"""The strategy keeps the rules of its kind."""

from tidemill_strategy_spatial import Spatial
from tidemill_testing.conformance import StrategyConformance


class TestSpatial(StrategyConformance):
    plugin = Spatial
    capabilities = frozenset({"trades_simulated"})


class TestSpatialOverTwoDexes(StrategyConformance):
    plugin = Spatial
    settings = {"same_dex": False, "top": 2}  # noqa: RUF012 read only
