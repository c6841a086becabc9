"""The simulated price source keeps the rules of its kind."""

from collections.abc import Mapping
from typing import Any, ClassVar

from tidemill_price_sim.source import SimPrices
from tidemill_testing.conformance import PriceConformance


class TestSimPrices(PriceConformance):
    """Made from a seed, bounded by the run's blocks."""

    plugin = SimPrices
    settings: ClassVar[Mapping[str, Any]] = {"tokens": 12}
    capabilities = frozenset({"seeded", "ends"})
