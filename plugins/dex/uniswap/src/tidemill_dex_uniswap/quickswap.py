"""QuickSwap on Polygon: Uniswap V2 unchanged."""

from collections.abc import Sequence
from typing import ClassVar

from tidemill.hookspecs.dex import Dex
from tidemill.hookspecs.markers import hookimpl
from tidemill_dex_uniswap.adapter import UniswapDex
from tidemill_dex_uniswap.forks import QUICKSWAP, Fork


class QuickSwap(UniswapDex):
    """The DEX ``quickswap``."""

    name: ClassVar[str] = "quickswap"
    fork: ClassVar[Fork] = QUICKSWAP


@hookimpl
def tidemill_register_dexes() -> Sequence[type[Dex]]:
    """Return this DEX."""
    return (QuickSwap,)
