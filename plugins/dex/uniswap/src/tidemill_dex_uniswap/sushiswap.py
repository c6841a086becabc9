"""SushiSwap: Uniswap V2 with its own init code, Uniswap V3 with its own factories."""

from collections.abc import Sequence
from typing import ClassVar

from tidemill.hookspecs.dex import Dex
from tidemill.hookspecs.markers import hookimpl
from tidemill_dex_uniswap.adapter import UniswapDex
from tidemill_dex_uniswap.forks import SUSHISWAP, Fork


class SushiSwap(UniswapDex):
    """The DEX ``sushiswap``."""

    name: ClassVar[str] = "sushiswap"
    fork: ClassVar[Fork] = SUSHISWAP


@hookimpl
def tidemill_register_dexes() -> Sequence[type[Dex]]:
    """Return this DEX."""
    return (SushiSwap,)
