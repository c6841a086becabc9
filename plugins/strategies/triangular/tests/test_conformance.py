"""The strategy keeps the rules of its kind."""

from tidemill_strategy_triangular import Triangular
from tidemill_testing.conformance import StrategyConformance


class TestTriangular(StrategyConformance):
    plugin = Triangular
    capabilities = frozenset({"trades_simulated"})


class TestTriangularFromFewBestAndDeep(StrategyConformance):
    plugin = Triangular
    settings = {"max_hops": 3, "top": 5, "prefer_high_liquidity": True}  # noqa: RUF012 read only
