"""The strategy keeps the rules of its kind."""

import pytest

from tidemill_strategy_compound import Compound
from tidemill_testing.conformance import StrategyConformance

pytestmark = pytest.mark.uncounted


@pytest.mark.usefixtures("compiled_kernels")
class TestCompound(StrategyConformance):
    plugin = Compound
    capabilities = frozenset({"trades_simulated"})


class TestCompoundOfShortCyclesAlone(StrategyConformance):
    plugin = Compound
    settings = {"max_hops": 3, "top": 5, "netted": False, "beam_width": 0, "deadline_ms": 0}  # noqa: RUF012 read only
