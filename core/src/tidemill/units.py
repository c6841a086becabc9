"""Units that a plain ``int`` cannot carry: one NewType each, their scales, and the two roundings."""

from typing import NewType

BaseUnits = NewType("BaseUnits", int)
"""An amount in the smallest unit of its asset (wei of a token, lamports of SOL); never a fraction."""
Bps = NewType("Bps", int)
"""Basis points: 1 bps is 0.01 %; 10_000 is the whole."""
Ppm = NewType("Ppm", int)
"""Parts per million: 3_000 is 0.30 %; 1_000_000 is the whole."""
Wei = NewType("Wei", int)
"""The smallest unit of an EVM chain's native coin (1e-18)."""
Lamports = NewType("Lamports", int)
"""The smallest unit of SOL (1e-9)."""
Slot = NewType("Slot", int)
"""A Solana slot number."""
Height = NewType("Height", int)
"""A block number (EVM) or slot (Solana); >= 0."""
Nanoseconds = NewType("Nanoseconds", int)
"""Nanoseconds since the Unix epoch, or a span of them."""

BPS_SCALE = 10_000
PPM_SCALE = 1_000_000
NS_PER_S = 1_000_000_000
UINT112_MAX = (1 << 112) - 1
UINT128_MAX = (1 << 128) - 1
UINT256_MAX = (1 << 256) - 1


def mul_div_up(amount: int, numerator: int, denominator: int) -> int:
    """Return ``amount * numerator / denominator`` rounded towards plus infinity; denominator > 0."""
    return -(-amount * numerator // denominator)


def bps_of(amount: int, bps: int) -> int:
    """Return ``bps`` basis points of ``amount``, rounded down."""
    return amount * bps // BPS_SCALE
