"""PancakeSwap: V2 with a fee of 0.25 %, V3 with other tiers, storage and swap event."""

from collections.abc import Sequence
from typing import ClassVar

from tidemill.hookspecs.dex import Dex
from tidemill.hookspecs.markers import hookimpl
from tidemill_dex_uniswap.adapter import UniswapDex
from tidemill_dex_uniswap.forks import PANCAKESWAP, Fork


class PancakeSwap(UniswapDex):
    """The DEX ``pancakeswap``."""

    name: ClassVar[str] = "pancakeswap"
    fork: ClassVar[Fork] = PANCAKESWAP


@hookimpl
def tidemill_register_dexes() -> Sequence[type[Dex]]:
    """Return this DEX."""
    return (PancakeSwap,)
