"""Amounts and prices along one liquidity range.

Equal to ``SqrtPriceMath`` of v3-core 1.0.1 (contracts/libraries/SqrtPriceMath.sol), with the values that its 256-bit
arithmetic gives and an error where it reverts. Sqrt prices are Q64.96, liquidity is uint128, amounts are base units.
Callers have checked those ranges; the functions check what only they can see.
"""

from typing import Final

from tidemill_amm.errors import InsufficientLiquidity, InvalidPrice

_MAX_UINT160: Final = (1 << 160) - 1


def ceil_div(numerator: int, denominator: int) -> int:
    """Return ``numerator / denominator`` rounded up; both >= 0, the denominator above 0."""
    return -(-numerator // denominator)


def amount0_delta(sqrt_a: int, sqrt_b: int, liquidity: int, *, round_up: bool) -> int:
    """Return the token0 that ``liquidity`` holds between two sqrt prices, in either order.

    ``liquidity * (1 / sqrt_a - 1 / sqrt_b)``, rounded as asked at both of the contract's divisions, which is the same
    as once. The contract rounds up what the pool receives and down what it pays.
    """
    if sqrt_a > sqrt_b:
        sqrt_a, sqrt_b = sqrt_b, sqrt_a
    numerator = (liquidity << 96) * (sqrt_b - sqrt_a)
    if round_up:
        return -(-numerator // (sqrt_a * sqrt_b))
    return numerator // (sqrt_a * sqrt_b)


def amount1_delta(sqrt_a: int, sqrt_b: int, liquidity: int, *, round_up: bool) -> int:
    """Return the token1 that ``liquidity`` holds between two sqrt prices, in either order.

    ``liquidity * (sqrt_b - sqrt_a)``, rounded as asked.
    """
    numerator = liquidity * abs(sqrt_b - sqrt_a)
    if round_up:
        return -(-numerator >> 96)
    return numerator >> 96


def next_price_from_input(sqrt_price: int, liquidity: int, amount_in: int, *, zero_for_one: bool) -> int:
    """Return the sqrt price after ``amount_in`` (fee already taken) has come in.

    Rounded so that the price does not move further than the input pays for.

    Raises:
        InvalidPrice: the price would leave uint160, or there is no price or liquidity to start from.
    """
    _require_start(sqrt_price, liquidity)
    if zero_for_one:
        return _after_amount0(sqrt_price, liquidity, amount_in)
    after = sqrt_price + (amount_in << 96) // liquidity
    if after > _MAX_UINT160:
        raise InvalidPrice(f"expected a sqrt price within uint160, found {after} after an input of {amount_in}")
    return after


def next_price_from_output(sqrt_price: int, liquidity: int, amount_out: int, *, zero_for_one: bool) -> int:
    """Return the sqrt price after ``amount_out`` has been paid.

    Rounded so that the price moves at least as far as the output demands.

    Raises:
        InsufficientLiquidity: the range cannot pay ``amount_out`` at any price.
        InvalidPrice: the price would leave uint160, or there is no price or liquidity to start from.
    """
    _require_start(sqrt_price, liquidity)
    if zero_for_one:
        after = sqrt_price - ceil_div(amount_out << 96, liquidity)
        if after <= 0:
            raise _cannot_pay(amount_out, liquidity)
        return after
    numerator = liquidity << 96
    product = amount_out * sqrt_price
    if product >> 256 or numerator <= product:
        raise _cannot_pay(amount_out, liquidity)
    after = ceil_div(numerator * sqrt_price, numerator - product)
    if after > _MAX_UINT160:
        raise InvalidPrice(f"expected a sqrt price within uint160, found {after} after an output of {amount_out}")
    return after


def _after_amount0(sqrt_price: int, liquidity: int, amount: int) -> int:
    """Return the sqrt price after ``amount`` of token0 has been added, rounded up."""
    numerator = liquidity << 96
    product = amount * sqrt_price
    if (numerator + product) >> 256 or product >> 256:
        # Where 256 bits overflow, the contract divides first and loses precision; its price is then the true one.
        return ceil_div(numerator, numerator // sqrt_price + amount)
    return ceil_div(numerator * sqrt_price, numerator + product)


def _require_start(sqrt_price: int, liquidity: int) -> None:
    if sqrt_price <= 0 or liquidity <= 0:
        raise InvalidPrice(f"expected a sqrt price and liquidity above 0, found sqrt price {sqrt_price}, liquidity {liquidity}")


def _cannot_pay(amount_out: int, liquidity: int) -> InsufficientLiquidity:
    return InsufficientLiquidity(f"expected an output that liquidity {liquidity} can pay at some price, found {amount_out}: ask for less")
