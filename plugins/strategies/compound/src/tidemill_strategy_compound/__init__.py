"""Trades cycles of up to twelve hops, and the netted trade over many of them."""

from collections.abc import Sequence

from tidemill import Strategy, hookimpl
from tidemill_strategy_compound.strategy import Compound, CompoundSettings

__all__ = ["Compound", "CompoundSettings"]


@hookimpl
def tidemill_register_strategies() -> Sequence[type[Strategy]]:
    """Return the strategy ``compound``."""
    return [Compound]
