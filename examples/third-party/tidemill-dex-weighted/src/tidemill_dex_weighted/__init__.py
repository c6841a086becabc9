"""Balancer V2 weighted pools of two to eight tokens, exact to the unit."""

from collections.abc import Sequence

from tidemill import Dex, hookimpl

from tidemill_dex_weighted.adapter import Weighted, WeightedSettings

__all__ = ["Weighted", "WeightedSettings", "tidemill_register_dexes"]


@hookimpl
def tidemill_register_dexes() -> Sequence[type[Dex]]:
    """Register the DEX."""
    return (Weighted,)
