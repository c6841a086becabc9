"""Ticks and sqrt prices: ``price = 1.0001 ** tick``, kept as ``sqrt(price) * 2**96``.

Equal to ``TickMath`` of v3-core 1.0.1 (contracts/libraries/TickMath.sol) for every tick and every price, rounding
included. Price is token1 per token0 in base units.
"""

from functools import lru_cache
from typing import Final

from tidemill_amm.errors import InvalidPrice, InvalidTick

MIN_TICK: Final = -887_272
MAX_TICK: Final = 887_272

MIN_SQRT_RATIO: Final = 4_295_128_739
"""Sqrt price of ``MIN_TICK``; a swap stops above it."""

MAX_SQRT_RATIO: Final = 1_461_446_703_485_210_103_287_273_052_203_988_822_378_723_970_342
"""Sqrt price of ``MAX_TICK``; a pool's price is always below it."""

# sqrt(1.0001) ** -(2 ** i) * 2**128, rounded to nearest, for i = 0 .. 19. The contract multiplies exactly these, each
# product truncated, so they are part of the protocol; a test derives them again from high-precision decimals.
_POWERS: Final = (
    0xFFFCB933BD6FAD37AA2D162D1A594001,
    0xFFF97272373D413259A46990580E213A,
    0xFFF2E50F5F656932EF12357CF3C7FDCC,
    0xFFE5CACA7E10E4E61C3624EAA0941CD0,
    0xFFCB9843D60F6159C9DB58835C926644,
    0xFF973B41FA98C081472E6896DFB254C0,
    0xFF2EA16466C96A3843EC78B326B52861,
    0xFE5DEE046A99A2A811C461F1969C3053,
    0xFCBE86C7900A88AEDCFFC83B479AA3A4,
    0xF987A7253AC413176F2B074CF7815E54,
    0xF3392B0822B70005940C7A398E4B70F3,
    0xE7159475A2C29B7443B29C7FA6E889D9,
    0xD097F3BDFD2022B8845AD8F792AA5825,
    0xA9F746462D870FDF8A65DC1F90E061E5,
    0x70D869A156D2A1B890BB3DF62BAF32F7,
    0x31BE135F97D08FD981231505542FCFA6,
    0x9AA508B5B7A84E1C677DE54F3E99BC9,
    0x5D6AF8DEDB81196699C329225EE604,
    0x2216E584F5FA1EA926041BEDFE98,
    0x48A170391F7DC42444E8FA2,
)
_BITS: Final = tuple((1 << index, power) for index, power in enumerate(_POWERS))
_UINT256_MAX: Final = (1 << 256) - 1


@lru_cache(maxsize=1 << 16)
def sqrt_ratio_at_tick(tick: int) -> int:
    """Return the sqrt price (Q64.96) of ``tick``, rounded up (``getSqrtRatioAtTick``).

    Remembered for the last 65,536 ticks: pools ask for the same few again and again.

    Raises:
        InvalidTick: ``tick`` is outside ``MIN_TICK .. MAX_TICK``.
    """
    magnitude = abs(tick)
    if magnitude > MAX_TICK:
        raise InvalidTick(f"expected a tick in {MIN_TICK} .. {MAX_TICK}, found {tick}")
    ratio = 1 << 128
    for bit, power in _BITS:
        if magnitude & bit:
            ratio = ratio * power >> 128
    if tick > 0:
        ratio = _UINT256_MAX // ratio
    return -(-ratio >> 32)


# log2(x) to log base sqrt(1.0001) in Q128, and how far the logarithm below may be off: its 14 binary digits truncate
# downwards by less than 2**-14, which is under one tick, so that two candidates always contain the answer.
_LOG_SQRT10001_OF_2: Final = 255_738_958_999_603_826_347_141
_ERROR_LOW: Final = 3_402_992_956_809_132_418_596_140_100_660_247_210
_ERROR_HIGH: Final = 291_339_464_771_989_622_907_027_621_153_398_088_495


def tick_at_sqrt_ratio(sqrt_price_x96: int) -> int:
    """Return the greatest tick whose sqrt price is at most ``sqrt_price_x96`` (``getTickAtSqrtRatio``).

    Raises:
        InvalidPrice: the price is outside ``MIN_SQRT_RATIO <= price < MAX_SQRT_RATIO``.
    """
    if not MIN_SQRT_RATIO <= sqrt_price_x96 < MAX_SQRT_RATIO:
        raise InvalidPrice(f"expected {MIN_SQRT_RATIO} <= sqrt_price_x96 < {MAX_SQRT_RATIO}, found {sqrt_price_x96}")
    bits = sqrt_price_x96.bit_length() - 1
    mantissa = sqrt_price_x96 << 127 - bits if bits < 127 else sqrt_price_x96 >> bits - 127
    log2 = bits - 96
    for _ in range(14):
        mantissa = mantissa * mantissa >> 127
        carry = mantissa >> 128
        log2 = log2 << 1 | carry
        mantissa >>= carry
    log = (log2 << 50) * _LOG_SQRT10001_OF_2
    low = log - _ERROR_LOW >> 128
    high = log + _ERROR_HIGH >> 128
    return high if low != high and sqrt_ratio_at_tick(high) <= sqrt_price_x96 else low
