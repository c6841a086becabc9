"""The venues of the simulated market: which kinds of pools each DEX has, with the fees and spacings of the real ones."""

from typing import Final, Literal

from attrs import frozen

Kind = Literal["v2", "v3"]


@frozen
class Venue:
    """One kind of pool of one DEX. ``tick_spacing`` is 0 for constant product pools."""

    dex: str
    kind: Kind
    fee_ppm: int
    tick_spacing: int = 0


PAIRS: Final = (
    Venue("uniswap", "v2", 3_000),
    Venue("sushiswap", "v2", 3_000),
    Venue("quickswap", "v2", 3_000),
    Venue("pancakeswap", "v2", 2_500),
)
UNISWAP_V3: Final = tuple(Venue("uniswap", "v3", fee, spacing) for fee, spacing in ((100, 1), (500, 10), (3_000, 60), (10_000, 200)))
PANCAKESWAP_V3: Final = tuple(
    Venue("pancakeswap", "v3", fee, spacing) for fee, spacing in ((100, 1), (500, 10), (2_500, 50), (10_000, 200))
)

FOR_STABLES: Final = (UNISWAP_V3[0], PANCAKESWAP_V3[0], UNISWAP_V3[1], PAIRS[0], PANCAKESWAP_V3[1], PAIRS[2])
"""Where two stables are traded, most usual first."""
FOR_HUBS: Final = (UNISWAP_V3[1], PAIRS[0], PANCAKESWAP_V3[1], UNISWAP_V3[2], PAIRS[1], PAIRS[2], PANCAKESWAP_V3[2], PAIRS[3])
"""Where two hubs are traded, most usual first."""
FOR_TAIL: Final = (*PAIRS, UNISWAP_V3[2], UNISWAP_V3[3], PANCAKESWAP_V3[2], PANCAKESWAP_V3[3])
"""Where tokens of the long tail are traded."""
