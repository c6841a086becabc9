"""Trades profitable cycles of two and more hops on one chain."""

from collections.abc import Sequence

from tidemill import Strategy, hookimpl
from tidemill_strategy_triangular.strategy import Triangular, TriangularSettings

__all__ = ["Triangular", "TriangularSettings"]


@hookimpl
def tidemill_register_strategies() -> Sequence[type[Strategy]]:
    """Return the strategy ``triangular``."""
    return [Triangular]
