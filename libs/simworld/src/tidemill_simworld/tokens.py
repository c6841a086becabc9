"""The tokens of the simulated market: five hubs and a long tail of invented names.

The universe is the same for every seed, so that a configuration may name its tokens; what is traded, and at what price, is the seed's.
"""

import hashlib
from functools import lru_cache
from typing import Final

from attrs import frozen

from tidemill.domain.asset import Asset
from tidemill.domain.ids import AssetId, erc20
from tidemill_simworld.chain import CHAIN
from tidemill_simworld.streams import Stream

DEFAULT_TOKENS: Final = 48
MIN_TOKENS: Final = 6
MAX_TOKENS: Final = 400

DOLLAR: Final = 10**12
"""One US dollar in the unit of reference prices."""

_PLANTS: Final = """
ALDER ASPEN BEECH BIRCH BRIAR CAPER CEDAR CLOVE CUMIN DAISY ELDER FENNEL FURZE GORSE HAZEL HOLLY IRIS JASMIN KELP LARCH
LAUREL LILAC LOTUS MAPLE MALLOW MYRTLE OAKEN OLIVE ORCHID PEONY PINE POPLAR QUINCE REED ROSE ROWAN SAGE SEDGE SORREL
TANSY THYME VETCH YARROW
"""
_NAMES: Final = tuple(_PLANTS.split())
_TAIL_DECIMALS: Final = (18, 18, 8, 18, 6, 18, 18, 9, 18, 18)


@frozen
class Token:
    """A token and how its reference price behaves.

    ``start_price`` in 1e-12 US dollars a whole token. ``beta_ppm`` is the part of the market's move that it follows, ``volatility_ppb``
    the standard deviation of its own move per block, ``jump_ppm`` how often per block it jumps. A stable returns to its start price.
    """

    index: int
    symbol: str
    address: str
    decimals: int
    start_price: int
    beta_ppm: int
    volatility_ppb: int
    jump_ppm: int
    stable: bool = False

    @property
    def id(self) -> AssetId:
        """The asset id on the simulated chain."""
        return erc20(CHAIN, self.address)

    @property
    def asset(self) -> Asset:
        """The token as the market describes it."""
        return Asset(self.id, self.symbol, self.decimals)

    @property
    def unit(self) -> int:
        """Base units of one whole token."""
        return int(10**self.decimals)


def _address(symbol: str) -> str:
    return "0x" + hashlib.sha256(f"tidemill simulated token {symbol}".encode()).digest()[:20].hex()


def _hub(index: int, symbol: str, decimals: int, dollars: int, beta_ppm: int, volatility_ppb: int, *, stable: bool = False) -> Token:
    return Token(index, symbol, _address(symbol), decimals, dollars * DOLLAR, beta_ppm, volatility_ppb, 0 if stable else 300, stable)


HUBS: Final = (
    _hub(0, "WETH", 18, 2_500, 1_000_000, 60_000),
    _hub(1, "USDC", 6, 1, 0, 12_000, stable=True),
    _hub(2, "USDT", 6, 1, 0, 15_000, stable=True),
    _hub(3, "DAI", 18, 1, 0, 15_000, stable=True),
    _hub(4, "WBTC", 8, 60_000, 800_000, 80_000),
)
"""Tokens that everything trades against; WETH is the twin of the native coin."""

STABLES: Final = tuple(hub for hub in HUBS if hub.stable)


def _tail(index: int) -> Token:
    place = index - len(HUBS)
    symbol = _NAMES[place] if place < len(_NAMES) else f"T{index}"
    traits = Stream(0, "token", symbol)
    return Token(
        index=index,
        symbol=symbol,
        address=_address(symbol),
        decimals=_TAIL_DECIMALS[place % len(_TAIL_DECIMALS)],
        start_price=traits.scaled(DOLLAR // 500, 400 * DOLLAR),
        beta_ppm=traits.between(300_000, 1_300_000),
        volatility_ppb=traits.between(150_000, 500_000),
        jump_ppm=traits.between(500, 3_000),
    )


@lru_cache(maxsize=8)
def token_universe(count: int = DEFAULT_TOKENS) -> tuple[Token, ...]:
    """Return the first ``count`` tokens, hubs first; ``MIN_TOKENS <= count <= MAX_TOKENS``. A smaller universe is part of a larger one."""
    return (*HUBS, *(_tail(index) for index in range(len(HUBS), count)))
