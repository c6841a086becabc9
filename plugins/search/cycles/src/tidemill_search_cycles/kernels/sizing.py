"""How much goes into a cycle: the real optimum in doubles, for many cycles at once.

A hop pays ``g x / (1 + k x)`` on the stretch of its curve that is in use. Such hops chain into one of the same form with ``A *= g`` and
``C += A k`` (``A`` from before), so a cycle from where it stands pays ``A x / (1 + C x)`` for ``x`` more. That leaves most where its slope
falls to what a unit put in costs, ``D``: at ``x = (sqrt(A / D) - 1) / C``, leaving ``D C x^2``. Only ratios enter, so twelve hops of
reserves near 2^112 stay near one. Curves of several segments are walked from one segment's end to the next, each hop measured from where
it stands: no differences of large offsets are taken.

All amounts are in scaled units. That constant products compose: the analytic-arbitrage notebook (Alizerin-Jeff). The walk is our own.
"""

from math import sqrt

from tidemill_search_cycles.kernels.arrays import Doubles, Ints, Longs, Real, Whole
from tidemill_search_cycles.kernels.walking import CAPPED, HUGE, LIMITED, LOSES, MARGIN, SIZED, TINY, UNKNOWN, draw_on, follow, stand

WALK = -1
"""Between the two passes: a hop has segments."""
GUESS = -2
"""Between the two passes: a hop has no curve, only a rate that no amount exceeds."""

WORK_A_CYCLE = 16
"""Work units for each cycle sized."""


def chain_cycles(
    count: Whole,
    first: Longs,
    hops: Ints,
    edges: Longs,
    group: Ints,
    capital: Doubles,
    hop_cost: Doubles,
    due: Real,
    edge_rate: Doubles,
    edge_bend: Doubles,
    edge_kind: Ints,
    edge_slack: Doubles,
    work: Longs,
    out_state: Ints,
    out_in: Doubles,
    out_out: Doubles,
    out_net: Doubles,
    out_bound: Doubles,
) -> Whole:
    """Size the cycles that need no walk; the others get ``WALK`` or ``GUESS`` as state, and as bound what the hops' slacks come to.

    One loop without calls, which compiled cost more than all it computes. Arguments and result are those of ``size_cycles``.
    """
    for cycle in range(count):
        work[0] -= WORK_A_CYCLE
        if work[0] < 0:
            return cycle
        gain, bend, slack, state, trusted = 1.0, 0.0, 0.0, SIZED, True
        begin = first[cycle]
        for hop in range(begin, begin + hops[cycle]):
            edge = edges[hop]
            rate, kind = edge_rate[edge], edge_kind[edge]
            if kind == 1:
                bend += gain * edge_bend[edge]
            elif kind == 0:
                state = GUESS
            elif state == SIZED:
                state = WALK
            gain *= rate
            slack = slack * rate + edge_slack[edge]
            if not (TINY < gain < HUGE and bend < HUGE):
                trusted = trusted and rate <= 0.0
                break
        most, cost = capital[group[cycle]], hop_cost[group[cycle]] * hops[cycle]
        amount, left, bound = 0.0, 0.0, 0.0
        if not trusted:
            bound, state = HUGE, UNKNOWN
        elif gain <= due * (1.0 - MARGIN) or most <= 0.0:
            state = LOSES
        elif state == SIZED:
            root = sqrt(gain / due)
            # (root - 1) / bend as (root^2 - 1) / ((root + 1) bend): the difference is taken before the root, where it is exact.
            over, under = gain - due, (root + 1.0) * bend * due
            if under > 0.0 and over < min(HUGE, most) * under:
                amount = over / under if over > 0.0 else 0.0
                left = due * (bend * amount) * amount
                # Left is convex in the price of the input, with slope -x, and x grows by less than root * MARGIN / bend.
                bound = left + due * MARGIN * (amount + MARGIN * (root + 1.0) * (root + 1.0) * due / under)
            elif most >= HUGE:
                bound, state = HUGE, UNKNOWN
            else:
                if over > 0.0:
                    amount, state = most, CAPPED
                    left = most * (over - due * (bend * most)) / (1.0 + bend * most)
                bound = left + due * MARGIN * most
            bound = bound * (1.0 + MARGIN) + slack - cost
        else:
            bound = slack
        out_state[cycle] = state if bound > 0.0 or state < 0 else LOSES
        out_in[cycle] = amount
        out_out[cycle] = left + due * amount
        out_net[cycle] = left - cost
        out_bound[cycle] = bound
    return count


def settle(
    hops: Whole,
    due: Real,
    most: Real,
    along: Doubles,
    place: Longs,
    walk: Doubles,
    seg_from: Doubles,
    seg_to: Doubles,
    seg_a: Doubles,
    seg_b: Doubles,
    seg_c: Doubles,
) -> Whole:
    """Find the optimum of hops that stand at their beginnings; return the state.

    ``walk`` gets 6 the input, 7 what is left of it, 1 what any input leaves at most, were all curves higher by ``MARGIN``.
    """
    state = follow(hops, due, most, along, place, walk, seg_from, seg_to, seg_a, seg_b, seg_c)
    walk[6] = walk[0]
    walk[7] = walk[1]
    if state != UNKNOWN:
        if state == LIMITED:
            draw_on(hops, along)
        least_due = due / (1.0 + MARGIN)
        walk[1] += (due - least_due) * walk[0]
        if follow(hops, least_due, most, along, place, walk, seg_from, seg_to, seg_a, seg_b, seg_c) != UNKNOWN:
            walk[1] *= 1.0 + MARGIN
        else:
            walk[1] = HUGE
        return state
    walk[6] = 0.0
    walk[7] = 0.0
    walk[1] = HUGE
    return UNKNOWN


def size_cycles(
    count: Whole,
    first: Longs,
    hops: Ints,
    edges: Longs,
    group: Ints,
    capital: Doubles,
    hop_cost: Doubles,
    due: Real,
    edge_rate: Doubles,
    edge_bend: Doubles,
    edge_kind: Ints,
    edge_slack: Doubles,
    edge_seg: Longs,
    edge_segs: Ints,
    seg_from: Doubles,
    seg_to: Doubles,
    seg_a: Doubles,
    seg_b: Doubles,
    seg_c: Doubles,
    along: Doubles,
    place: Longs,
    walk: Doubles,
    work: Longs,
    out_state: Ints,
    out_in: Doubles,
    out_out: Doubles,
    out_net: Doubles,
    out_bound: Doubles,
) -> Whole:
    """Size ``count`` cycles and return how many were done: fewer where the ``work`` ran out, which falls by ``WORK_A_CYCLE`` for each.

    Cycle c has the edges ``edges[first[c]]`` to ``edges[first[c] + hops[c] - 1]``; the first sells the start token, the last buys it.
    ``group[c]`` is its place in ``capital``, the most that may go in, and ``hop_cost``, what a swap costs: both in scaled units of the
    start token. ``HUGE`` or more capital is no limit; at 0 nothing goes in. ``due`` is what a unit put in costs: 1 + the loan's fee.

    The arrays of edges and segments are the graph's. ``edge_slack`` is how far a quote may be above the curve, in scaled units of what is
    bought; bounds allow for it. ``along``, ``place`` and ``walk`` are room: ``ROW`` and ``STOPS`` cells for each hop of a cycle, and 8.

    Answers: ``out_state`` (``LOSES`` to ``UNKNOWN``); ``out_in``, the best input, and ``out_out``, what it becomes; ``out_net``, what is
    left of it after the loan's fee and all swaps' costs; ``out_bound``, what no input leaves more than, about ``HUGE`` where nothing is
    known. Beyond their ends curves are drawn on straight for the bound: it holds for any input.
    """
    count = chain_cycles(
        count, first, hops, edges, group, capital, hop_cost, due, edge_rate, edge_bend, edge_kind, edge_slack, work,
        out_state, out_in, out_out, out_net, out_bound,
    )  # fmt: skip
    for cycle in range(count):
        chained = out_state[cycle]
        if chained >= 0:
            continue
        begin, length = first[cycle], hops[cycle]
        most, cost = min(HUGE, capital[group[cycle]]), hop_cost[group[cycle]] * length
        stand(
            begin, length, edges, edge_rate, edge_bend, edge_kind, edge_seg, edge_segs,
            seg_from, seg_to, seg_a, seg_b, seg_c, along, place, walk,
        )  # fmt: skip
        state = settle(length, due, most, along, place, walk, seg_from, seg_to, seg_a, seg_b, seg_c)
        bound = walk[1] + out_bound[cycle] - cost
        out_state[cycle] = LOSES if bound <= 0.0 else UNKNOWN if chained == GUESS else state
        out_in[cycle] = walk[6]
        out_out[cycle] = walk[7] + due * walk[6]
        out_net[cycle] = walk[7] - cost
        out_bound[cycle] = bound
    return count
