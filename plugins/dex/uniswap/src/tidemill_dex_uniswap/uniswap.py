"""Uniswap V2 and V3."""

from collections.abc import Sequence
from typing import ClassVar

from tidemill.hookspecs.dex import Dex
from tidemill.hookspecs.markers import hookimpl
from tidemill_dex_uniswap.adapter import UniswapDex
from tidemill_dex_uniswap.forks import UNISWAP, Fork


class Uniswap(UniswapDex):
    """The DEX ``uniswap``."""

    name: ClassVar[str] = "uniswap"
    fork: ClassVar[Fork] = UNISWAP


@hookimpl
def tidemill_register_dexes() -> Sequence[type[Dex]]:
    """Return this DEX."""
    return (Uniswap,)
