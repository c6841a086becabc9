"""Buys what a pool sells below its reference price, and sells what a pool pays above it."""

from collections.abc import Sequence

from tidemill import Strategy, hookimpl

from tidemill_strategy_reversion.settings import ReversionSettings
from tidemill_strategy_reversion.strategy import Reversion

__all__ = ["Reversion", "ReversionSettings", "tidemill_register_strategies"]


@hookimpl
def tidemill_register_strategies() -> Sequence[type[Strategy]]:
    """Register the strategy."""
    return (Reversion,)
