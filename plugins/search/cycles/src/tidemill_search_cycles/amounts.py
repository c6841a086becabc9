"""How much goes into a cycle, in integers: amounts that were confirmed hop by hop through the pools.

A chain of constant products is one Möbius curve ``y = K x / (M + N x)``, which gains most at ``x = (sqrt(K M) - M) / N``. Floors make
it a staircase, so the amounts next to that are tried too, and the steps of tokens of which few units pass. Cycles over other curves come
with an optimum found in doubles; those over pools without a curve are searched by asking. What is confirmed is what the pools pay, not that
no other amount leaves a unit more.
"""

from collections.abc import Callable, Iterator, Sequence
from math import isqrt
from typing import Protocol

from attrs import frozen

from tidemill.domain.answers import NoQuote
from tidemill.domain.ids import AssetId, PoolId
from tidemill.domain.pool import Pool
from tidemill.domain.time import ChainTime
from tidemill.planning.sizing import best_amount
from tidemill.units import PPM_SCALE, UINT256_MAX, mul_div_up
from tidemill_search_cycles.kernels.walking import CAPPED, LIMITED, SIZED

Curve = tuple[int, int, int]
"""(a, b, c) of ``y = a * x / (b + c * x)``."""

_PROBES = 3
_FINE_BITS = 20
"""Above 2^20 a unit is less than a millionth of the amount: those next to the optimum are not tried."""
_COARSE_BITS, _STEPS = 16, 3
"""Of a token of which fewer than 2^16 units pass, a unit is worth more than a part in 65,536: so many steps each way are tried."""
_ALL_UNITS = 32
"""So many units of a coarse token are tried below the optimum, evenly."""
_CLIMBS = 16
"""From a better step its own neighbours are tried, so many times at most."""
_DOUBLINGS = 16
"""An input that buys so many units more is looked for up to 2^16 times the one that is known."""
_STEP_BEYOND = 16
"""Whether a pool takes more than its curve tells is tried with so much of the amount (1/16) more."""
_BACKOFFS = (50, 46, 40, 32)
"""Where the optimum is a hop's last amount, its double may be above it: such parts (2^-n) less are tried."""


class Hop(Protocol):
    """One direction of a pool; ``guess`` gives a curve, but for the floor the pool's own where ``exact`` says so."""

    @property
    def pool_id(self) -> PoolId:
        """The pool's id."""

    @property
    def pool(self) -> Pool:
        """The pool that is asked."""

    @property
    def sell(self) -> AssetId:
        """What goes in."""

    @property
    def buy(self) -> AssetId:
        """What comes out."""

    @property
    def exact(self) -> bool:
        """Whether the curve is the pool's own."""

    def guess(self, at: ChainTime) -> Curve | None:
        """Return the curve or a guess of it."""


Cycle = tuple[Hop, ...]
"""Hops, each selling what the one before bought, the first what the last buys."""


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


def look_at(cycle: Sequence[Hop], cap: int | None, loan_fee_ppm: int, least: int, at: ChainTime) -> Sizing | Promise | None:
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


def keep(cycle: Sequence[Hop], promise: Promise, cap: int | None, loan_fee_ppm: int, least: int, at: ChainTime) -> Sizing | None:
    """Size a cycle by asking its pools; None where less than ``least`` is left after all."""
    limit = UINT256_MAX if cap is None else cap
    amount, net = best_amount(lambda amount: _profit(cycle, amount, loan_fee_ppm, at), limit, promise.hint)
    amounts = _along(cycle, amount, at) if amount > 0 else None
    found = Sizing(amounts, net) if amounts is not None else None
    found = _on_steps(cycle, found, promise.hint or amount, limit, loan_fee_ppm, at)
    return found if found is not None and found.net >= least else None


def confirmed(cycle: Sequence[Hop], state: int, hint: int, cap: int | None, loan_fee_ppm: int, least: int, at: ChainTime) -> Sizing | None:
    """Size a cycle whose optimum the kernel found near ``hint``, in a ``state``, and confirm it; None where less than ``least`` is left.

    Möbius hops alone are sized by their closed form. Where all hops have curves the pools are asked for the hint, or what a unit weighs
    something in, for the amounts next to it. They are asked until the best is found where the optimum is not known, where less is left than
    ``least``, or where a curve ends at the hint and its pool takes more.

    Args:
        cycle: the hops in order.
        state: what the kernel said: ``SIZED``, ``CAPPED`` or ``LIMITED``; any other where the hint is but a guess, or 0.
        hint: base units of what goes in first.
        cap: at most so much goes in, base units; None: no limit.
        loan_fee_ppm: parts per million of the input, rounded up.
        least: > 0, base units.
        at: when the swaps would execute.
    """
    limit = UINT256_MAX if cap is None else cap
    if limit < 1:
        return None
    if all(hop.exact for hop in cycle):
        answer = look_at(cycle, cap, loan_fee_ppm, least, at)
        return keep(cycle, answer, cap, loan_fee_ppm, least, at) if isinstance(answer, Promise) else answer
    hint = min(hint, limit)
    if hint > 0 and state in (SIZED, CAPPED, LIMITED):
        sizing = _near(cycle, hint, limit, loan_fee_ppm, at)
        if sizing is not None and sizing.net >= least:
            amount = sizing.amounts[0]
            more = min(limit, amount + amount // _STEP_BEYOND + 1) if state == LIMITED else amount
            if more == amount or _profit(cycle, more, loan_fee_ppm, at) <= sizing.net:
                return sizing
    return keep(cycle, Promise(UINT256_MAX, hint), cap, loan_fee_ppm, least, at)


def _near(cycle: Sequence[Hop], hint: int, limit: int, loan_fee_ppm: int, at: ChainTime) -> Sizing | None:
    """Return the best of the amounts next to the hint where a unit counts, the smallest of equals; else the first that all pools take.

    Where few units of some token pass, those that just reach another unit of it are tried too.
    """
    return _on_steps(cycle, _next_to(cycle, hint, limit, loan_fee_ppm, at), hint, limit, loan_fee_ppm, at)


def _on_steps(cycle: Sequence[Hop], best: Sizing | None, near: int, limit: int, loan_fee_ppm: int, at: ChainTime) -> Sizing | None:
    """Return what is better than ``best`` among the steps of tokens of which few units pass, from ``near`` on as long as they rise."""
    if best is not None and min(best.amounts) >> _COARSE_BITS:
        return best
    for climb in range(_CLIMBS):
        before = best
        for amount in _steps_asked(cycle, near, limit, at, everywhere=climb == 0):
            amounts = _along(cycle, amount, at)
            if amounts is not None and (best is None or _net(amount, amounts[-1], loan_fee_ppm) > best.net):
                best = Sizing(amounts, _net(amount, amounts[-1], loan_fee_ppm))
        if best is None or best is before:
            break
        near = best.amounts[0]
    return best


def _next_to(cycle: Sequence[Hop], hint: int, limit: int, loan_fee_ppm: int, at: ChainTime) -> Sizing | None:
    if hint >> _FINE_BITS:
        tried = [hint, *(hint - (hint >> bits) - 1 for bits in _BACKOFFS)]
        amounts = next((found for amount in tried if (found := _along(cycle, amount, at)) is not None), None)
        return Sizing(amounts, _net(amounts[0], amounts[-1], loan_fee_ppm)) if amounts is not None else None
    best: Sizing | None = None
    for amount in range(max(1, hint - _PROBES), min(limit, hint + _PROBES) + 1):
        amounts = _along(cycle, amount, at)
        if amounts is not None and (best is None or _net(amount, amounts[-1], loan_fee_ppm) > best.net):
            best = Sizing(amounts, _net(amount, amounts[-1], loan_fee_ppm))
    return best


def closed_form(curves: Sequence[Curve], limit: int, loan_fee_ppm: int, least: int) -> int | None:
    """Return the input in 1..limit that leaves most along the curves, or None where no input can leave ``least`` (> 0).

    Integer root and quotient equal the floor of the real optimum ``(sqrt(K M / (1 + f)) - M) / N``, f being the loan's fee. Tried are the
    amounts next to it and, where few units of some token pass, those that just reach another unit of it.
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
    tried: set[int] = {*range(max(1, best - _PROBES), min(limit, best + _PROBES) + 1), *_steps_near(curves, best, limit)}
    return max(tried, key=lambda amount: (_net(amount, _curve_out(curves, amount), loan_fee_ppm), -amount))


def _steps_near(curves: Sequence[Curve], best: int, limit: int) -> Iterator[int]:
    """Yield the least inputs that give a whole unit more along the way, near ``best``, of tokens of which only few units pass.

    Where a unit is worth much the floor takes most of it: an input that just reaches a unit loses nothing there.
    """
    top, base, slope = 1, 1, 0
    for place, (a, b, c) in enumerate(curves):
        top, base, slope = a * top, b * base, b * slope + c * top
        units = top * best // (base + slope * best)
        if units >> _COARSE_BITS:
            continue
        for wanted in range(max(1, units - _STEPS), units + _STEPS + 1):
            amount: int | None = wanted
            for back in range(place, -1, -1):
                amount = _least_in(curves[back], amount) if amount is not None else None
            if amount is not None and amount <= limit:
                yield amount


def _steps_asked(cycle: Sequence[Hop], near: int, limit: int, at: ChainTime, *, everywhere: bool) -> Iterator[int]:
    """Yield what ``_steps_near`` does for pools of any kind, by asking them for the least that buys so many units.

    ``everywhere``: also fewer units, evenly down to one.
    """
    amounts = [near]
    for place, hop in enumerate(cycle):
        units = hop.pool.amount_out(hop.sell, hop.buy, amounts[-1], at)
        if not 0 <= units <= UINT256_MAX:
            return
        if units >> _COARSE_BITS == 0:
            around = range(max(1, units - _STEPS), units + _STEPS + 1)
            # Where a curve has corners what is left rises and falls several times
            fewer = range(1, units, units // _ALL_UNITS + 1) if everywhere else ()
            for wanted in sorted({*around, *fewer}):
                amount: int | None = wanted
                for back in range(place, -1, -1):
                    amount = _least_for(cycle[back], amount, amounts[back], at) if amount is not None else None
                if amount is not None and amount <= limit:
                    yield amount
        # Nothing passes any more: what is beyond is reached by the steps of this token alone
        if units == 0:
            return
        amounts.append(units)


def _least_for(hop: Hop, wanted: int, near: int, at: ChainTime) -> int | None:
    """Return the least input that buys so much of one pool, None where no input does; ``near`` (> 0) buys about as much."""
    quote = hop.pool.quote_exact_out(hop.sell, hop.buy, wanted, at)
    if not isinstance(quote, NoQuote):
        return quote.amount_in
    enough, short = near, 0
    for _ in range(_DOUBLINGS):
        if hop.pool.amount_out(hop.sell, hop.buy, enough, at) >= wanted:
            break
        enough, short = enough * 2, enough
    else:
        return None
    while enough - short > 1:
        middle = (enough + short) // 2
        if hop.pool.amount_out(hop.sell, hop.buy, middle, at) >= wanted:
            enough = middle
        else:
            short = middle
    return enough


def _least_in(curve: Curve, out: int) -> int | None:
    """Return the least input that pays ``out`` or more; None where no input does."""
    a, b, c = curve
    rest = a - c * out
    if rest <= 0:
        return None
    return -((-b * out) // rest)


def _curve_out(curves: Sequence[Curve], amount: int) -> int:
    for a, b, c in curves:
        amount = a * amount // (b + c * amount)
    return amount


def _net(amount: int, out: int, loan_fee_ppm: int) -> int:
    return out - amount - (mul_div_up(amount, loan_fee_ppm, PPM_SCALE) if loan_fee_ppm else 0)


def _along(cycle: Sequence[Hop], amount: int, at: ChainTime) -> tuple[int, ...] | None:
    amounts = [amount]
    for edge in cycle:
        amount = edge.pool.amount_out(edge.sell, edge.buy, amount, at)
        if not 0 < amount <= UINT256_MAX:
            return None
        amounts.append(amount)
    return tuple(amounts)


def _profit(cycle: Sequence[Hop], amount: int, loan_fee_ppm: int, at: ChainTime) -> int:
    """Return what is left of an amount, far below zero where a pool refuses."""
    out = amount
    for edge in cycle:
        out = edge.pool.amount_out(edge.sell, edge.buy, out, at)
        if not 0 < out <= UINT256_MAX:
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
