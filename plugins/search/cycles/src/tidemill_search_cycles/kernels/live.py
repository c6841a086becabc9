"""Which walks can still be part of a cycle that leaves enough.

A cycle of curves ``a x / (1 + c x)`` with the product A of its rates leaves at most ``(sqrt(A) - sqrt(due))^2 / C`` of the token it begins
with, ``C = c1 + a1 c2 + a1 a2 c3 + ...``. Part of that sum is a bound already, so a walk over shallow pools can be told from its own bends
and the best that the rest of the cycle can do: pools that hold next to nothing stand at any price, and most walks pass one.

Begun at another of its tokens, a cycle with A >= 1 has a C at least ``C / p``, p being the product of the rates from the one to the other.
All comparisons leave room for rounding: nothing is left out that the exact test would keep.
"""

from math import sqrt

from tidemill_search_cycles.kernels.arrays import Real, Whole

FLOOR = 1.0 - 2.0**-40
"""What passes is decided by integers later: this leaves room for the rounding of rates and of their products."""
SAFE_FLOOR = 1.0 - 2.0**-39
"""Room for the products of products that decide what is looked at no further."""
SLACK = 2.0**-40
WIDE = 1.0 + 2.0**-20
PART = 1.0 - 2.0**-10
"""A cycle that leaves anything has at least this product of rates."""
LIFT = 1.0 + 2.0**-18
"""How far rates are raised where a test without roots stands before one with: what it drops the other would drop, rounding and all."""


def rate_needed(bend: Real, least: Real, due: Real) -> Real:
    """Return a product of rates that a cycle needs to leave ``least`` where C is at least ``bend`` (0: not known)."""
    need = sqrt(due) + sqrt(least * bend) - SLACK
    need = need * need / WIDE
    if need > FLOOR:
        return need
    return FLOOR


def may_leave(rate: Real, bend: Real, hurdle: Real, due: Real) -> Whole:
    """Return 1 where a product of rates may leave enough with C at least ``bend``; ``hurdle`` is ``4 * due * least``.

    ``sqrt(A) - sqrt(due) = (A - due) / (sqrt(A) + sqrt(due))`` is at most ``(A - due) / (2 sqrt(due))`` where it is not below zero.
    """
    gap = rate * LIFT - due
    if gap <= 0.0 or gap * gap < hurdle * bend:
        return 0
    return 1


def may_end(rate: Real, bend: Real, rest: Real, hurdle: Real, due: Real) -> Whole:
    """Return 1 where a walk that ends a cycle may be part of one that leaves enough, the walk before it having at most the rate ``rest``.

    With the rate R before it C is at least ``R * bend``; ``(R rate - due)^2 / R`` rises with R, so that the largest R decides.
    """
    gap = rate * rest * LIFT - due
    if gap <= 0.0 or gap * gap < hurdle * bend * rest:
        return 0
    return 1
