"""A few amounts for which every pool is asked what it pays: most cycles that gain at the first unit lose there, and cannot leave enough.

Let a chain of curves ``a x / (1 + c x)``, A the product of its rates, leave ``least`` or more where most is left, at the input x*. There
``sqrt(A / due) = 1 + c x* >= 1 + least / (due x*)``. So for inputs x_1 <= x_2 <= ... (the *rungs*) such a cycle is of one of these kinds:

* x* is below x_1: then the marginal rates alone make ``A >= due (1 + least / (due x_1))^2``;
* it is between x_k and x_k+1: then x_k returns at least ``due (1 + q)^2 / (1 + q x_k / x_k+1)`` times itself, q being
  ``least / (due x_k+1)``; most is asked of the longest x*, as ``r -> (1 + c r)^2 / (1 + c r^2)`` rises up to r = 1;
* it is beyond the last x_k: then that returns at least ``due`` times itself, as what a unit gets only falls with the amount.

A pool without one such curve counts as a straight line at its first rate, which is above all that it pays.

What reaches the tokens on the way is not known before the way is. Instead each token has amounts of its own (``reach``: the most that comes
there over tokens of falling rows), and an edge tells what it pays for those of its first token (``pay``). A curve that rises and bends down
pays for ``v`` times an amount at most ``max(1, v)`` times as much. So with ``ROOM`` times the start's own amount going in, the multiples of
the tokens' own amounts that may arrive are bounded from hop to hop, whatever these amounts are: good ones only drop more.
"""

from tidemill_search_cycles.kernels.arrays import Doubles, Ints, Longs, Real, Whole

RUNGS = 4
KINDS = RUNGS + 1
FIRST, STEP = 5.0, 2.0
"""The lowest input as a multiple of the least profit of a token that no other one reaches, and each further one of the one before."""
ROOM = 1.5
"""So many times its own amount goes into a cycle: what arrives on one way may be less than on another."""
KEPT = 1.25
SMALL = 0.8
"""At least ``KEPT`` times its own amount is taken to arrive at the token in the middle, and what its next hop pays is taken to be at least
``SMALL``, 1 / KEPT, of the next token's own: both only add to what may be left."""
LEAST, MOST = 2.0**-300, 2.0**300
"""Amounts stay within these, so that what four hops make of them is a double."""
EVEN = 1.0 - 2.0**-30
"""Room for rounding in what is compared with a bar."""
INS = KINDS
HOME = 2 * KINDS
TALLY = 2 * KINDS + 1
LINE = 2 * KINDS + 2
"""Cells of ``best`` for each token: the best way out to it by its marginal rates and for each rung, the same (``INS``) of ways back, the
rate of its arc to the start (``HOME``), and how many tokens lie between them (``TALLY``)."""
SIDE = 3 * RUNGS
UNIT = 2 * RUNGS
"""Cells of ``beside`` for each token beside the start: for each rung how many times its own amount may arrive there, then what a unit of
its own amount may become of the start's own, then (``UNIT``) 1 over its own amount; of the start only these."""


def probe_edges(
    tokens: Whole, start: Whole, order: Ints, rank: Ints, least: Doubles, row_start: Longs, row_len: Ints, arc_to: Ints, arc_back: Ints,
    arc_edge: Longs, arc_edges: Ints, edge_rate: Doubles, edge_bend: Doubles, reach: Doubles, pay: Doubles, paid: Doubles, back: Doubles,
) -> Whole:  # fmt: skip
    """Set every token's own amounts (``reach``), what edges pay for them (``pay``), and the best of each arc (``paid``) and its opposite.

    That of the opposite is ``back``. All are scaled units, ``RUNGS`` a token, an edge, an arc. Tokens come in ``order``, before them
    ``start`` where it is not -1. Returns how many edges there are.
    """
    for cell in range(RUNGS * tokens):
        reach[cell] = 0.0
    edges = 0
    for turn in range(-1, tokens):
        token = start
        if turn >= 0:
            token = order[turn]
        if token < 0 or (turn >= 0 and token == start):
            continue
        own = RUNGS * token
        if reach[own] == 0.0:
            amount = FIRST / ROOM * least[token]
            for rung in range(RUNGS):
                reach[own + rung] = amount
                amount *= STEP
        for arc in range(row_start[token], row_start[token] + row_len[token]):
            here = RUNGS * arc
            there = RUNGS * arc_back[arc]
            for rung in range(RUNGS):
                paid[here + rung] = 0.0
            for edge in range(arc_edge[arc], arc_edge[arc] + arc_edges[arc]):
                edges += 1
                for rung in range(RUNGS):
                    pays = edge_rate[edge] * reach[own + rung] / (1.0 + edge_bend[edge] * reach[own + rung])
                    pay[RUNGS * edge + rung] = pays
                    if pays > paid[here + rung]:
                        paid[here + rung] = pays
            for rung in range(RUNGS):
                back[there + rung] = paid[here + rung]
            far = arc_to[arc]
            if far != start and (turn < 0 or rank[far] > turn) and paid[here] > LEAST and paid[here + RUNGS - 1] < MOST:
                for rung in range(RUNGS):
                    if paid[here + rung] > reach[RUNGS * far + rung]:
                        reach[RUNGS * far + rung] = paid[here + rung]
    return edges


def set_bars(start: Whole, due: Real, least: Doubles, reach: Doubles, beside: Doubles, bar: Doubles) -> None:
    """Set what a cycle from ``start`` of each kind must come to: in marginal rates, then in the start's own amounts."""
    enough = least[start] / due
    low = ROOM * reach[RUNGS * start]
    bar[0] = due * (1.0 + enough / low) * (1.0 + enough / low) * EVEN
    for rung in range(RUNGS):
        beside[SIDE * start + UNIT + rung] = 1.0 / reach[RUNGS * start + rung]
        bar[1 + rung] = due * ROOM * EVEN
        if rung + 1 < RUNGS:
            high = ROOM * reach[RUNGS * start + rung + 1]
            part = enough / high
            bar[1 + rung] *= (1.0 + part) * (1.0 + part) / (1.0 + part * low / high)
            low = high


def set_beside(start: Whole, near: Whole, there: Whole, reach: Doubles, paid: Doubles, back: Doubles, beside: Doubles) -> None:
    """Note what may arrive at a token beside the start over the arc ``there``, and what of that comes home."""
    side = SIDE * near
    for rung in range(RUNGS):
        unit = 1.0 / reach[RUNGS * near + rung]
        arrives = ROOM * paid[RUNGS * there + rung] * unit
        if arrives < 1.0:
            arrives = 1.0
        beside[side + rung] = arrives
        beside[side + RUNGS + rung] = back[RUNGS * there + rung] * unit * beside[SIDE * start + UNIT + rung]
        beside[side + UNIT + rung] = unit


def two_may_leave(near: Whole, rates: Real, reach: Doubles, beside: Doubles, bar: Doubles) -> Whole:
    """Return 1 where going to a token and home again may leave enough; ``rates`` is the product of the marginal rates."""
    if not rates < bar[0]:
        return 1
    for rung in range(RUNGS):
        arrives = beside[SIDE * near + rung] * reach[RUNGS * near + rung]
        if not arrives * beside[SIDE * near + RUNGS + rung] < bar[1 + rung]:
            return 1
    return 0


def three_may_leave(
    near: Whole, far: Whole, two: Whole, rates: Real, reach: Doubles, paid: Doubles, beside: Doubles, bar: Doubles
) -> Whole:  # fmt: skip
    """Return 1 where going to ``near``, over the arc ``two`` to ``far`` and home may leave enough."""
    if not rates < bar[0]:
        return 1
    for rung in range(RUNGS):
        arrives = paid[RUNGS * two + rung] * beside[SIDE * near + rung]
        if arrives < reach[RUNGS * far + rung]:
            arrives = reach[RUNGS * far + rung]
        if not arrives * beside[SIDE * far + RUNGS + rung] < bar[1 + rung]:
            return 1
    return 0


def kinds_of(far: Whole, reach: Doubles, best: Doubles, bar: Doubles) -> Whole:
    """Return of which kinds, as the sum of 2^kind, a cycle of the best way out to ``far`` and the best way back may be."""
    kinds = 0
    if not best[LINE * far] * best[LINE * far + INS] < bar[0]:
        kinds = 1
    for rung in range(RUNGS):
        if back_may_leave(far, rung, best[LINE * far + INS + 1 + rung], reach, best, bar):
            kinds += 2 << rung
    return kinds


def back_may_leave(far: Whole, rung: Whole, comes: Real, reach: Doubles, best: Doubles, bar: Doubles) -> Whole:
    """Return 1 where a way back of which ``comes`` home may leave enough with the best way out."""
    own = reach[RUNGS * far + rung]
    arrives = best[LINE * far + 1 + rung]
    if arrives < KEPT * own:
        arrives = KEPT * own
    if arrives * comes < bar[1 + rung] * own:
        return 0
    return 1


def out_may_leave(far: Whole, rung: Whole, arrives: Real, reach: Doubles, best: Doubles, bar: Doubles) -> Whole:
    """Return 1 where a way out on which ``arrives`` at ``far`` may leave enough with the best way back."""
    own = reach[RUNGS * far + rung]
    if arrives < KEPT * own:
        arrives = KEPT * own
    if arrives * best[LINE * far + INS + 1 + rung] < bar[1 + rung] * own:
        return 0
    return 1


def comes_home(near: Whole, rung: Whole, pays: Real, reach: Doubles, beside: Doubles) -> Real:
    """Return what of the start's own amount a unit at the middle may become, where the hop on to ``near`` pays ``pays``."""
    least = SMALL * reach[RUNGS * near + rung]
    if pays < least:
        pays = least
    return pays * beside[SIDE * near + RUNGS + rung]
