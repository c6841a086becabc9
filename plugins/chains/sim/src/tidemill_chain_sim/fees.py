"""The base fee: a seeded walk that returns to where the settings put it and never moves faster than EIP-1559 allows."""

from typing import Final

from tidemill_simworld import Stream

_PPM: Final = 1_000_000
_VOLATILITY_PPM: Final = 25_000
_PULL: Final = 30
_MOST_PPM: Final = 125_000
LEAST_WEI: Final = 7
"""EIP-1559: below this an eighth rounds to nothing."""


def next_base_fee(fee: int, target: int, draw: Stream) -> int:
    """Return the base fee of the next block, wei a gas; both fees > 0. The step is at most an eighth, rounded down."""
    pull = (target - fee) * _PPM // max(fee, target) // _PULL
    step = max(-_MOST_PPM, min(_MOST_PPM, draw.bell(_VOLATILITY_PPM) + pull))
    return max(LEAST_WEI, fee + fee * step // _PPM)
