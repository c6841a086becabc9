"""Finds cycles of two to twelve hops over the pools of a snapshot, and nets them into one trade."""

from collections.abc import Sequence

from tidemill import Searcher, hookimpl
from tidemill_search_cycles.searcher import Cycles, CyclesSettings

__all__ = ["Cycles", "CyclesSettings"]


@hookimpl
def tidemill_register_searchers() -> Sequence[type[Searcher]]:
    """Return the searcher ``cycles``."""
    return [Cycles]
