"""Tokens for liquidity, and liquidity for tokens.

``amounts_for_liquidity`` is what the pool asks and pays (``UniswapV3Pool._modifyPosition``, v3-core 1.0.1);
``liquidity_for_amounts`` is what its periphery computes before a mint (``LiquidityAmounts.getLiquidityForAmounts``,
v3-periphery 1.4.4, contracts/libraries/LiquidityAmounts.sol). Both take the sqrt price alone: where price and tick
disagree, exactly on a tick, the amounts are the same.
"""

from tidemill_amm.concentrated.sqrt_price_math import amount0_delta, amount1_delta
from tidemill_amm.concentrated.state import MAX_LIQUIDITY
from tidemill_amm.concentrated.tick_math import MAX_SQRT_RATIO, MIN_SQRT_RATIO, sqrt_ratio_at_tick
from tidemill_amm.errors import InvalidAmount, InvalidPrice, InvalidTick, LiquidityOverflow


def amounts_for_liquidity(sqrt_price_x96: int, lower: int, upper: int, delta: int) -> tuple[int, int]:
    """Return the token0 and token1 that change hands when a position changes by ``delta``.

    Args:
        sqrt_price_x96: the pool's price, Q64.96.
        lower: lower tick of the position.
        upper: upper tick of the position; > lower.
        delta: liquidity; above 0 a mint, below 0 a burn; within uint128 either way.

    Returns:
        Base units as the pool sees them. Mint: >= 0, rounded up. Burn: <= 0, rounded towards 0.

    Raises:
        InvalidTick: a tick is out of range, or lower >= upper.
        InvalidPrice: the price is out of range.
        LiquidityOverflow: ``delta`` exceeds uint128.
    """
    low, inside, high = _span(sqrt_price_x96, lower, upper)
    if abs(delta) > MAX_LIQUIDITY:
        raise LiquidityOverflow(f"expected liquidity within uint128, found {delta}")
    minting = delta > 0
    amount0 = amount0_delta(inside, high, abs(delta), round_up=minting)
    amount1 = amount1_delta(low, inside, abs(delta), round_up=minting)
    return (amount0, amount1) if minting else (-amount0, -amount1)


def liquidity_for_amounts(sqrt_price_x96: int, lower: int, upper: int, amount0: int, amount1: int) -> int:
    """Return the liquidity that at most these amounts can mint.

    Args:
        sqrt_price_x96: the pool's price, Q64.96.
        lower: lower tick of the position.
        upper: upper tick of the position; > lower.
        amount0: base units of token0 on offer; >= 0.
        amount1: base units of token1 on offer; >= 0.

    Returns:
        Liquidity, rounded down as the periphery does: minting it asks for no more than either amount. The periphery
        reverts where one amount alone would pay for more than uint128; here the other amount decides.

    Raises:
        InvalidTick: a tick is out of range, or lower >= upper.
        InvalidPrice: the price is out of range.
        InvalidAmount: an amount is negative.
        LiquidityOverflow: the liquidity would exceed uint128.
    """
    low, inside, high = _span(sqrt_price_x96, lower, upper)
    if amount0 < 0 or amount1 < 0:
        raise InvalidAmount(f"expected amounts >= 0 in base units, found {amount0} and {amount1}")
    affordable = []
    if inside < high:
        # The periphery truncates this product before it multiplies; exactness would mint a little more.
        affordable.append(amount0 * (inside * high >> 96) // (high - inside))
    if low < inside:
        affordable.append((amount1 << 96) // (inside - low))
    liquidity = min(affordable)
    if liquidity > MAX_LIQUIDITY:
        raise LiquidityOverflow(f"expected liquidity within uint128, found {liquidity}: offer less")
    return liquidity


def _span(sqrt_price_x96: int, lower: int, upper: int) -> tuple[int, int, int]:
    """Return the sqrt prices of both ends and, between them, the one of the pool as far as it reaches."""
    if lower >= upper:
        raise InvalidTick(f"expected lower < upper, found {lower} and {upper}")
    if not MIN_SQRT_RATIO <= sqrt_price_x96 < MAX_SQRT_RATIO:
        raise InvalidPrice(f"expected {MIN_SQRT_RATIO} <= sqrt_price_x96 < {MAX_SQRT_RATIO}, found {sqrt_price_x96}")
    low, high = sqrt_ratio_at_tick(lower), sqrt_ratio_at_tick(upper)
    return low, min(max(sqrt_price_x96, low), high), high
