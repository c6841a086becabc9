"""Constant product pools: Uniswap V2 and the forks that differ from it by the fee alone.

Formulas: ``UniswapV2Library.getAmountOut`` and ``getAmountIn`` (v2-periphery 1.1.0-beta.0, contracts/libraries/
UniswapV2Library.sol). The fee is stated in parts per million; 3_000 gives the integers of 997/1000 and 2_500 those of
PancakeSwap's 9975/10000, because numerator and denominator of the library's fraction scale alike. The pair itself
(v2-core 1.0.1, ``UniswapV2Pair.swap``) accepts exactly the outputs up to ``amount_out``.

Everything is an ``int`` in base units. Reserves are those of the pair's storage, not its token balances.
"""

from typing import Final, NamedTuple

from tidemill_amm.curve import PoolCurve
from tidemill_amm.errors import InsufficientLiquidity, InvalidAmount, InvalidFee, InvalidReserves

PPM: Final = 1_000_000
"""Parts per million in one: the scale of every fee."""

MAX_RESERVE: Final = (1 << 112) - 1
"""Largest reserve a V2 pair can store (uint112)."""


class PairAfter(NamedTuple):
    """What a swap paid and the reserves it left, in base units."""

    amount_out: int
    reserve_in: int
    reserve_out: int


def amount_out(amount_in: int, reserve_in: int, reserve_out: int, fee_ppm: int) -> int:
    """Return what the pair pays for exactly ``amount_in``.

    Does not compare reserves with uint112: that is ``check_reserves``, once per state instead of once per quote.

    Args:
        amount_in: base units of the input token, fee included; >= 0.
        reserve_in: reserve of the input token before the swap; >= 0.
        reserve_out: reserve of the output token before the swap; >= 0.
        fee_ppm: the pair's fee; 0 <= fee_ppm < 1_000_000.

    Returns:
        Base units of the output token, rounded down; always below ``reserve_out``. 0 when the amount or a reserve
        is 0 (the contract reverts there), or when the amount is too small to buy one unit.

    Raises:
        InvalidAmount: ``amount_in`` is negative.
        InvalidReserves: a reserve is negative.
        InvalidFee: ``fee_ppm`` is out of range.
    """
    if amount_in > 0 and reserve_in > 0 and reserve_out > 0 and 0 <= fee_ppm < 1_000_000:
        net = amount_in * (1_000_000 - fee_ppm)
        return net * reserve_out // (reserve_in * 1_000_000 + net)
    return _zero(amount_in, reserve_in, reserve_out, fee_ppm)


def amount_in(amount_out: int, reserve_in: int, reserve_out: int, fee_ppm: int) -> int:
    """Return what the router asks for exactly ``amount_out``.

    Args:
        amount_out: base units of the output token; 0 <= amount_out < reserve_out.
        reserve_in: reserve of the input token before the swap; >= 0.
        reserve_out: reserve of the output token before the swap; >= 0.
        fee_ppm: the pair's fee; 0 <= fee_ppm < 1_000_000.

    Returns:
        Base units of the input token, rounded down and one more, as ``getAmountIn`` does. Paying it buys at least
        ``amount_out``; where the division is exact one unit less would have done. 0 for an amount of 0.

    Raises:
        InsufficientLiquidity: the pair does not hold more than ``amount_out``, or its input reserve is 0.
        InvalidAmount: ``amount_out`` is negative.
        InvalidReserves: a reserve is negative.
        InvalidFee: ``fee_ppm`` is out of range.
    """
    if 0 < amount_out < reserve_out and reserve_in > 0 and 0 <= fee_ppm < 1_000_000:
        net = (reserve_out - amount_out) * (1_000_000 - fee_ppm)
        return reserve_in * amount_out * 1_000_000 // net + 1
    _zero(amount_out, reserve_in, reserve_out, fee_ppm)
    if amount_out == 0:
        return 0
    raise InsufficientLiquidity(
        f"an output of {amount_out} needs an output reserve above it and an input reserve above 0, "
        f"found reserves in {reserve_in}, out {reserve_out}: ask for less"
    )


def pool_after(amount_in: int, reserve_in: int, reserve_out: int, fee_ppm: int) -> PairAfter:
    """Return the output of ``amount_in`` and the reserves that the pair stores after the swap.

    The whole input, fee included, stays in the pair, so the product of the reserves never falls. Arguments and
    rounding are those of ``amount_out``.

    Raises:
        InvalidReserves: a reserve, before or after, does not fit uint112 (the pair reverts with OVERFLOW).
        InvalidAmount: ``amount_in`` is negative.
        InvalidFee: ``fee_ppm`` is out of range.
    """
    paid = amount_out(amount_in, reserve_in, reserve_out, fee_ppm)
    after = PairAfter(paid, reserve_in + amount_in, reserve_out - paid)
    check_reserves(reserve_in, reserve_out)
    check_reserves(after.reserve_in, after.reserve_out)
    return after


def curve_of(reserve_in: int, reserve_out: int, fee_ppm: int, max_in: int) -> PoolCurve:
    """Return what the pair pays for every input up to ``max_in``, or up to what its uint112 takes: ``amount_out`` before it is rounded.

    That is one piece; ``slack`` is 1, because the pair rounds once and downwards, by less than one unit.

    Args:
        reserve_in: reserve of the input token, 0 <= reserve_in < 2**112.
        reserve_out: reserve of the output token; >= 0.
        fee_ppm: the pair's fee; 0 <= fee_ppm < 1_000_000.
        max_in: base units of the input token, fee included, where the curve may end; what is not above 0 gives no piece.
    """
    end = min(max_in, MAX_RESERVE - reserve_in)
    if end <= 0 or not (reserve_in and reserve_out):
        return PoolCurve((), 0)
    rest = PPM - fee_ppm
    return PoolCurve(((0, end, rest * reserve_out, PPM * reserve_in, rest),), 1)


def check_reserves(reserve0: int, reserve1: int) -> None:
    """Check that both reserves fit the uint112 in which a pair stores them.

    Raises:
        InvalidReserves: a reserve is negative or above 2**112 - 1.
    """
    for name, reserve in (("reserve0", reserve0), ("reserve1", reserve1)):
        if not 0 <= reserve <= MAX_RESERVE:
            raise InvalidReserves(f"expected 0 <= {name} < 2**112 (uint112 of the V2 pair), found {reserve}")


def _zero(amount: int, reserve_in: int, reserve_out: int, fee_ppm: int) -> int:
    """Return 0 for a request that is merely empty; raise for one that is wrong."""
    if not 0 <= fee_ppm < PPM:
        raise InvalidFee(f"expected 0 <= fee_ppm < {PPM}, found {fee_ppm}")
    if reserve_in < 0 or reserve_out < 0:
        raise InvalidReserves(f"expected reserves >= 0, found in {reserve_in}, out {reserve_out}")
    if amount < 0:
        raise InvalidAmount(f"expected an amount >= 0 in base units, found {amount}")
    return 0
