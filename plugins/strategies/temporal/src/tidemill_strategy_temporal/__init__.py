"""Trades gaps between two venues that stay open longer than usual."""

from collections.abc import Sequence

from tidemill import Strategy, hookimpl
from tidemill_strategy_temporal.strategy import Temporal, TemporalSettings

__all__ = ["Temporal", "TemporalSettings"]


@hookimpl
def tidemill_register_strategies() -> Sequence[type[Strategy]]:
    """Return the strategy ``temporal``."""
    return [Temporal]
