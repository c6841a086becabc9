"""Errors of the pool maths, one tree.

AmmError (a ValueError)
├── InvalidAmount          an amount is negative, zero where the pool refuses zero, or outside int256
├── InvalidFee             a fee outside 0 <= fee_ppm < 1_000_000
├── InvalidReserves        a reserve is negative or does not fit the pair's uint112
├── InsufficientLiquidity  more output was asked for than the pool can pay
├── InvalidTick            a tick outside its range, off its spacing, or not that of the price
├── InvalidPrice           a sqrt price or price limit outside its range or on the wrong side
└── LiquidityOverflow      liquidity leaves uint128, or a tick holds more than its limit

They mark requests that the pool contract would revert, or states that no pool contract can be in.
State that is not loaded is no error: functions answer with the value ``MissingState``.
"""


class AmmError(ValueError):
    """Root of every error raised by ``tidemill_amm``; catch this one at a package boundary."""


class InvalidAmount(AmmError):
    """An amount is negative, zero where the contract refuses zero, or does not fit int256."""


class InvalidFee(AmmError):
    """A fee does not satisfy 0 <= fee_ppm < 1_000_000."""


class InvalidReserves(AmmError):
    """A reserve is negative, or larger than the uint112 in which a V2 pair keeps it."""


class InsufficientLiquidity(AmmError):
    """More output was asked for than the pool holds, at any price."""


class InvalidTick(AmmError):
    """A tick is outside the usable range, not a multiple of the spacing, or contradicts the price."""


class InvalidPrice(AmmError):
    """A sqrt price is outside its range, or a price limit lies on the wrong side of the price."""


class LiquidityOverflow(AmmError):
    """Liquidity would be negative, exceed uint128, or exceed what one tick may reference."""
