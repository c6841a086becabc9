"""Constant-product pairs, quoted generously: an example of what not to do. See the README before you copy a line."""

from collections.abc import Sequence

from tidemill import Dex, hookimpl

from tidemill_dex_generous.adapter import Generous, GenerousSettings

__all__ = ["Generous", "GenerousSettings", "tidemill_register_dexes"]


@hookimpl
def tidemill_register_dexes() -> Sequence[type[Dex]]:
    """Register the DEX."""
    return (Generous,)
