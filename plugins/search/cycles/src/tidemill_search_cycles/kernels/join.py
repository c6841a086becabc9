"""Joining walks of two arcs out to a token with walks of two arcs back: cycles of four hops from a token through its opposite one.

A walk is one edge for each of its arcs, so that its rate and its bend are known, and what a join leaves is too.
"""

from tidemill_search_cycles.kernels.arrays import Doubles, Ints, Longs, Real, Whole
from tidemill_search_cycles.kernels.choice import write
from tidemill_search_cycles.kernels.live import SAFE_FLOOR, may_leave, rate_needed
from tidemill_search_cycles.kernels.ranked import count_above, rank_down
from tidemill_search_cycles.kernels.ways import list_walks, narrow

ROUNDS = 4
"""So often what cannot leave enough is looked for anew."""
PLAIN = 16
"""Walks are put in order only where there are more than so many pairs to each of them."""


def join(
    start: Whole, middle: Whole, asked: Whole, least: Doubles, due: Real, gate: Ints, row_start: Longs, row_len: Ints, arc_from: Ints,
    arc_to: Ints, arc_back: Ints, arc_rate: Doubles, arc_edge: Longs, arc_edges: Ints, edge_pool: Ints, edge_rate: Doubles,
    edge_bend: Doubles, edge_kind: Ints, reach: Doubles, pay: Doubles, paid: Doubles, back: Doubles, beside: Doubles, best: Doubles,
    bar: Doubles, out_arc: Longs, out_first: Longs, out_second: Longs, out_kinds: Longs, out_walk: Doubles, out_bend: Doubles,
    in_arc: Longs, in_first: Longs, in_second: Longs, in_kinds: Longs, in_walk: Doubles, in_bend: Doubles, tops: Doubles, list_in: Longs,
    key_in: Doubles, list_rate: Longs, key_rate: Doubles, way: Longs, chosen: Longs, out_edge: Longs, out_sold: Ints, out_hops: Ints,
    out_rate: Doubles, out_profit: Doubles, work: Longs,
) -> Whole:  # fmt: skip
    """Join each walk out to ``middle`` with each walk back that makes enough of both; return 0, or the room that walks need if more.

    Only cycles of the kinds ``asked`` are looked for, the sum of 2^kind: there are none of others.

    What cannot be part of a cycle that leaves enough goes first: then the best of the rest is less, and more can go.
    """
    enough = least[start]
    hurdle = 4.0 * due * enough
    outs = list_walks(
        0, start, middle, asked, hurdle, due, gate, row_start, row_len, arc_to, arc_back, arc_rate, arc_edge, arc_edges, edge_pool,
        edge_rate, edge_bend, reach, pay, paid, back, beside, best, bar, out_arc, out_first, out_second, out_kinds, out_walk, out_bend,
        tops, work,
    )  # fmt: skip
    if outs == 0:
        return 0
    ins = list_walks(
        1, start, middle, asked, hurdle, due, gate, row_start, row_len, arc_to, arc_back, arc_rate, arc_edge, arc_edges, edge_pool,
        edge_rate, edge_bend, reach, pay, paid, back, beside, best, bar, in_arc, in_first, in_second, in_kinds, in_walk, in_bend, tops,
        work,
    )  # fmt: skip
    if outs > work[3] or ins > work[3]:
        return outs + ins
    for _ in range(ROUNDS):
        before = outs + ins
        outs = narrow(0, outs, hurdle, due, out_arc, out_first, out_second, out_kinds, out_walk, out_bend, tops)
        ins = narrow(1, ins, hurdle, due, in_arc, in_first, in_second, in_kinds, in_walk, in_bend, tops)
        if outs == 0 or ins == 0 or work[0] < 0:
            return 0
        if outs + ins == before:
            break
    ordered = outs * ins > PLAIN * (outs + ins)
    if ordered:
        rank_ways(ins, enough, due, in_walk, in_bend, list_in, key_in, list_rate, key_rate)
    for out in range(outs):
        rate = out_walk[out]
        bend = out_bend[out]
        many = ins
        by_rate = False
        if ordered:
            many = count_above(SAFE_FLOOR / rate, ins, key_in)
            few = count_above(rate_needed(bend, enough, due) / rate * SAFE_FLOOR, ins, key_rate)
            by_rate = few < many
            if by_rate:
                many = few
        work[0] -= many
        if work[0] < 0:
            return 0
        for place in range(many):
            at = place
            if by_rate:
                at = list_rate[place]
            elif ordered:
                at = list_in[place]
            if out_arc[out] == in_arc[at] or may_leave(rate * in_walk[at], bend + rate * in_bend[at], hurdle, due) == 0:
                continue
            if rate * in_walk[at] <= rate_needed(bend + rate * in_bend[at], enough, due):
                continue
            chosen[0] = out_first[out]
            chosen[1] = out_second[out]
            chosen[2] = in_first[at]
            chosen[3] = in_second[at]
            if share_pool(chosen, edge_pool):
                continue
            way[0] = gate[arc_to[out_arc[out]]] - 1
            way[1] = arc_back[out_arc[out]]
            way[2] = in_arc[at]
            way[3] = arc_back[gate[arc_to[in_arc[at]]] - 1]
            write(
                4, 0, least, due, way, chosen, arc_from, edge_rate, edge_bend, edge_kind, out_edge, out_sold, out_hops, out_rate,
                out_profit, work,
            )  # fmt: skip
            if work[0] < 0:
                return 0
    return 0


def rank_ways(
    ins: Whole, enough: Real, due: Real, in_walk: Doubles, in_bend: Doubles, list_in: Longs, key_in: Doubles, list_rate: Longs,
    key_rate: Doubles,
) -> Whole:  # fmt: skip
    """Put walks back in two orders: first those that the least walk out makes enough of, and first those that make the most of one."""
    for at in range(ins):
        list_in[at] = at
        list_rate[at] = at
        key_in[at] = in_walk[at] / rate_needed(in_bend[at] * due / in_walk[at], enough, due)
        key_rate[at] = in_walk[at]
    rank_down(ins, key_in, list_in)
    rank_down(ins, key_rate, list_rate)
    return ins


def share_pool(chosen: Longs, edge_pool: Ints) -> Whole:
    """Return 1 where one of the first two of four edges has the pool of one of the last two."""
    for one in range(2):
        for other in range(2, 4):
            if edge_pool[chosen[one]] == edge_pool[chosen[other]]:
                return 1
    return 0
