"""Finds cycles of two to four hops over the pools of a snapshot."""

from collections.abc import Sequence

from tidemill import Searcher, hookimpl
from tidemill_search_cycles.searcher import Cycles, CyclesSettings
from tidemill_search_cycles.shapes import ConstantProduct, SpotPriced

__all__ = ["ConstantProduct", "Cycles", "CyclesSettings", "SpotPriced"]


@hookimpl
def tidemill_register_searchers() -> Sequence[type[Searcher]]:
    """Return the searcher ``cycles``."""
    return [Cycles]
