"""Trades one pair between two venues on one chain."""

from collections.abc import Sequence

from tidemill import Strategy, hookimpl
from tidemill_strategy_spatial.strategy import Spatial, SpatialSettings

__all__ = ["Spatial", "SpatialSettings"]


@hookimpl
def tidemill_register_strategies() -> Sequence[type[Strategy]]:
    """Return the strategy ``spatial``."""
    return [Spatial]
