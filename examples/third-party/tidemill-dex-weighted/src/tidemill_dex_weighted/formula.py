"""What a weighted pool pays and asks, in the contract's fixed point of 18 decimals.

Source: Balancer's whitepaper (``out = balance_out * (1 - (balance_in / (balance_in + in)) ** (weight_in / weight_out))`` and its inverse)
and, for each rounding, ``WeightedMath`` and ``FixedPoint`` of balancer-v2-monorepo. All rounding favours the pool.
"""

from tidemill.units import mul_div_up

from tidemill_dex_weighted.powers import E18, power

ONE = E18
"""1.0 in fixed point; weights and fees are parts of it."""
POWER_ERROR = 10_000
"""What is added to a power for its error, parts of ``ONE``: 10**-14; and one more unit."""
MOST = 3 * 10**17
"""A swap may bring in, or take out, at most this part of a balance: 30 %."""


def mul_down(one: int, other: int) -> int:
    """Return the product of two fixed-point numbers, rounded down."""
    return one * other // ONE


def mul_up(one: int, other: int) -> int:
    """Return the product of two fixed-point numbers, rounded up."""
    return mul_div_up(one, other, ONE)


def power_up(base: int, exponent: int, squares: bool) -> int:
    """Return ``base ** exponent``, never below the true value.

    Contracts since 2022 (``squares``) take the exponents 1, 2 and 4 by multiplication; those of 2021 approximate them like any other.
    """
    if squares and exponent == ONE:
        return base
    if squares and exponent in (2 * ONE, 4 * ONE):
        square = mul_up(base, base)
        return square if exponent == 2 * ONE else mul_up(square, square)
    raw = power(base, exponent)
    return raw + mul_up(raw, POWER_ERROR) + 1


def out_given_in(amount: int, balance_in: int, weight_in: int, balance_out: int, weight_out: int, squares: bool) -> int:
    """Return what is paid for ``amount``, rounded down; all amounts in fixed point, ``amount`` at most ``MOST`` of ``balance_in``."""
    base = mul_div_up(balance_in, ONE, balance_in + amount)
    rest = power_up(base, weight_in * ONE // weight_out, squares)
    return mul_down(balance_out, max(ONE - rest, 0))


def in_given_out(amount: int, balance_in: int, weight_in: int, balance_out: int, weight_out: int, squares: bool) -> int:
    """Return what is asked for ``amount``, rounded up; all amounts in fixed point, ``amount`` at most ``MOST`` of ``balance_out``."""
    base = mul_div_up(balance_out, ONE, balance_out - amount)
    return mul_up(balance_in, power_up(base, mul_div_up(weight_out, ONE, weight_in), squares) - ONE)
