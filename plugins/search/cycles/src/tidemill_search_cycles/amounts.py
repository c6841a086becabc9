"""How much goes into a cycle: the optimum in integers, confirmed hop by hop through the pools.

A chain of constant products is one Möbius curve ``y = K x / (M + N x)``, which gains most at ``x = (sqrt(K M) - M) / N``. Floors make
it a staircase, so the amounts next to that are tried too.
"""

from collections.abc import Callable, Sequence
from math import isqrt

from attrs import frozen

from tidemill.domain.time import ChainTime
from tidemill.planning.sizing import best_amount
from tidemill.units import PPM_SCALE, UINT256_MAX, mul_div_up
from tidemill_search_cycles.paths import Cycle
from tidemill_search_cycles.shapes import Curve

_PROBES = 3


@frozen
class Sizing:
    """The amounts along a cycle (one more than its hops) and what is left of the first, the loan's fee taken off; base units."""

    amounts: tuple[int, ...]
    net: int


@frozen
class Promise:
    """A cycle that may leave something: at most ``bound``, and where to begin the search for it (0: no guess)."""

    bound: int
    hint: int


def look_at(cycle: Cycle, cap: int | None, loan_fee_ppm: int, least: int, at: ChainTime) -> Sizing | Promise | None:
    """Return a cycle's best sizing where it is cheap to have, else what it may leave, or None where less than ``least`` is left.

    At most ``cap`` goes in (None: no limit); the loan's fee is ``loan_fee_ppm`` of the input, rounded up.
    """
    limit = UINT256_MAX if cap is None else cap
    if limit < 1:
        return None
    exact = all(edge.exact for edge in cycle)
    curves = [curve for edge in cycle if (curve := edge.guess(at)) is not None]
    hint = closed_form(curves, limit, loan_fee_ppm, least if exact else 1) if len(curves) == len(cycle) else None
    if exact:
        if hint is None:
            return None
        out = _curve_out(curves, hint)
        net = _net(hint, out, loan_fee_ppm)
        if net < least:
            return None
        amounts = _along(cycle, hint, at)
        if amounts is not None and amounts[-1] == out:
            return Sizing(amounts, net)
        # A pool refused what its curve promised (a full reserve): it is asked amount by amount.
    bound = _bound(lambda amount: _profit(cycle, amount, loan_fee_ppm, at), min(hint, limit), limit) if hint else UINT256_MAX
    return Promise(bound, hint or 0) if bound >= least else None


def keep(cycle: Cycle, promise: Promise, cap: int | None, loan_fee_ppm: int, least: int, at: ChainTime) -> Sizing | None:
    """Size a cycle by asking its pools; None where less than ``least`` is left after all."""
    limit = UINT256_MAX if cap is None else cap
    amount, net = best_amount(lambda amount: _profit(cycle, amount, loan_fee_ppm, at), limit, promise.hint)
    amounts = _along(cycle, amount, at) if net >= least else None
    return Sizing(amounts, net) if amounts is not None else None


def closed_form(curves: Sequence[Curve], limit: int, loan_fee_ppm: int, least: int) -> int | None:
    """Return the input in 1..limit that leaves most along the curves, or None where no input can leave ``least`` (> 0).

    Integer root and quotient equal the floor of the real optimum ``(sqrt(K M / (1 + f)) - M) / N``, f being the loan's fee.
    """
    due = PPM_SCALE + loan_fee_ppm
    top, base, slope = 1, 1, 0
    for a, b, c in curves:
        top, base, slope = a * top, b * base, b * slope + c * top
    if top * PPM_SCALE <= base * due:
        return None
    root = isqrt(top * base * PPM_SCALE // due)
    # The optimum leaves (sqrt(K) - sqrt((1 + f) M))^2 / N, and a root rounded down only makes this more.
    if top * PPM_SCALE + due * (base - 2 * root) < least * slope * PPM_SCALE:
        return None
    best = min(limit, max(0, (root - base) // slope))
    tried = range(max(1, best - _PROBES), min(limit, best + _PROBES) + 1)
    return max(tried, key=lambda amount: (_net(amount, _curve_out(curves, amount), loan_fee_ppm), -amount))


def _curve_out(curves: Sequence[Curve], amount: int) -> int:
    for a, b, c in curves:
        amount = a * amount // (b + c * amount)
    return amount


def _net(amount: int, out: int, loan_fee_ppm: int) -> int:
    return out - amount - (mul_div_up(amount, loan_fee_ppm, PPM_SCALE) if loan_fee_ppm else 0)


def _along(cycle: Cycle, amount: int, at: ChainTime) -> tuple[int, ...] | None:
    amounts = [amount]
    for edge in cycle:
        amount = edge.pool.amount_out(edge.sell, edge.buy, amount, at)
        if amount <= 0:
            return None
        amounts.append(amount)
    return tuple(amounts)


def _profit(cycle: Cycle, amount: int, loan_fee_ppm: int, at: ChainTime) -> int:
    """Return what is left of an amount, far below zero where a pool refuses."""
    out = amount
    for edge in cycle:
        out = edge.pool.amount_out(edge.sell, edge.buy, out, at)
        if out <= 0:
            return -UINT256_MAX
    return _net(amount, out, loan_fee_ppm)


def _bound(profit: Callable[[int], int], amount: int, limit: int) -> int:
    """Return what no input leaves more than, from a few quotes around a guess.

    What a chain of pools leaves is concave in what goes in, so beyond the best of three amounts, each twice the one before, it lies below
    the lines through two of them, drawn on. Twice that allows for the staircase of the floors.
    """
    middle = profit(amount)
    while amount * 2 <= limit and (right := profit(amount * 2)) > middle:
        amount, middle = amount * 2, right
    while amount > 1 and (left := profit(amount // 2)) > middle:
        amount, middle = amount // 2, left
    if middle <= -UINT256_MAX:
        return UINT256_MAX  # not even a small amount passes near the guess: only a search can tell
    left = profit(amount // 2) if amount > 1 else 0
    right = profit(amount * 2) if amount * 2 <= limit else middle
    beyond = max(0, middle - left) * 2
    before = max(0, middle - right) if right > -UINT256_MAX else max(0, middle)
    return 2 * (middle + max(beyond, before))
