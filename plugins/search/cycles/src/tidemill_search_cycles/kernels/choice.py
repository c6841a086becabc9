"""From a walk over arcs to cycles over pools: one edge an arc, no pool twice, and what each may leave.

What every kernel of short cycles is given:

``way`` (the arcs of a walk, in order), ``place``, ``chosen``, ``before``, ``after``, ``bends``, ``needs``: room for four hops each.
``work``: [0] the work units left, [1] the cycles found, both counted here; [2] how many cycles there is room for, [3] how many wedges,
[4] the mask of the table of pairs, [5] how many hubs there are.
``out_edge`` and ``out_sold`` (the edges and the tokens sold, four a cycle), ``out_hops``, ``out_rate`` (the product of the rates),
``out_profit`` (scaled units of the asset the cycle begins with, -1 where an edge has no single curve): cycles beyond the room for them are
counted, not written.
"""

from math import sqrt

from tidemill_search_cycles.kernels.arrays import Doubles, Ints, Longs, Real, Whole
from tidemill_search_cycles.kernels.live import FLOOR, rate_needed

MOST_HOPS = 4
SIZING = 16
"""Work units of a cycle that is sized; all else costs one for each neighbour looked at."""
_ROOT_SLACK = 2.0**-44
_PROFIT_SLACK = 1.0 + 2.0**-40


def expand(
    hops: Whole, fixed: Whole, own: Whole, start: Whole, least: Doubles, due: Real, rank: Ints, way: Longs, place: Longs, chosen: Longs,
    before: Doubles, after: Doubles, bends: Doubles, needs: Doubles, arc_from: Ints, arc_rate: Doubles, arc_edge: Longs, arc_edges: Ints,
    edge_pool: Ints, edge_rate: Doubles, edge_bend: Doubles, edge_kind: Ints, pool_mark: Ints, out_edge: Longs, out_sold: Ints,
    out_hops: Ints, out_rate: Doubles, out_profit: Doubles, work: Longs,
) -> Whole:  # fmt: skip
    """Choose edges for the arcs of ``way``, best first, and write the cycles that may gain; return how many.

    ``fixed`` is the only edge of the first arc (-1: any). Pools with a mark in 1..``own``-1 are left out: cycles through them were given
    already. So are those that leave less than ``least`` of the asset they are given from, as their first bends tell.
    """
    found = work[1]
    first = first_of(hops, start, rank, way, arc_from)
    # So much of the token that the way begins with is enough of the one that the cycle is given from
    enough = least[arc_from[way[first]]]
    for level in range(first):
        if arc_rate[way[level]] <= 0.0:
            return 0
        enough /= arc_rate[way[level]]
    after[hops - 1] = 1.0
    for level in range(hops - 1, 0, -1):
        after[level - 1] = after[level] * arc_rate[way[level]]
    level = 0
    place[0] = 0
    before[0] = 1.0
    bends[0] = 0.0
    needs[0] = FLOOR
    while level >= 0:
        arc = way[level]
        edge = fixed
        spent = place[level] > 0
        if level > 0 or fixed < 0:
            edge = arc_edge[arc] + place[level]
            spent = place[level] >= arc_edges[arc]
        product = 0.0
        if not spent:
            product = before[level] * edge_rate[edge]
        # Edges come best first: none after this one can do better
        if spent or product * after[level] <= needs[level]:
            level -= 1
            if level >= 0:
                place[level] += 1
            continue
        bend = bends[level] + before[level] * edge_bend[edge]
        need = rate_needed(bend, enough, due)
        if product * after[level] <= need or is_taken(edge_pool[edge], level, own, chosen, edge_pool, pool_mark):
            place[level] += 1
            continue
        chosen[level] = edge
        if level + 1 < hops:
            level += 1
            before[level] = product
            bends[level] = bend
            needs[level] = need
            place[level] = 0
            continue
        place[level] += 1
        write(
            hops, first, least, due, way, chosen, arc_from, edge_rate, edge_bend, edge_kind, out_edge, out_sold, out_hops, out_rate,
            out_profit, work,
        )  # fmt: skip
        if work[0] < 0:
            break
    return work[1] - found


def is_taken(pool: Whole, level: Whole, own: Whole, chosen: Longs, edge_pool: Ints, pool_mark: Ints) -> Whole:
    """Return 1 where a pool is on the way already, or its cycles were given already."""
    if own > 1 and pool_mark[pool] > 0 and pool_mark[pool] < own:
        return 1
    for earlier in range(level):
        if edge_pool[chosen[earlier]] == pool:
            return 1
    return 0


def first_of(hops: Whole, start: Whole, rank: Ints, way: Longs, arc_from: Ints) -> Whole:
    """Return the arc of ``way`` that a cycle is given from: that from ``start``, or where it is -1 that from the token of least rank."""
    first = 0
    for level in range(hops):
        token = arc_from[way[level]]
        if token == start or (start < 0 and rank[token] < rank[arc_from[way[first]]]):
            first = level
    return first


def write(
    hops: Whole, first: Whole, least: Doubles, due: Real, way: Longs, chosen: Longs, arc_from: Ints, edge_rate: Doubles,
    edge_bend: Doubles, edge_kind: Ints, out_edge: Longs, out_sold: Ints, out_hops: Ints, out_rate: Doubles, out_profit: Doubles,
    work: Longs,
) -> Whole:  # fmt: skip
    """Write the chosen edges as a cycle from its hop ``first`` on; return 1, or 0 where dropped.

    ``due`` is what a unit put in costs in the end, 1 plus the loan's fee. A chain of curves ``a x / (1 + c x)`` leaves at most
    ``(sqrt(A) - sqrt(due))^2 / C``; floors only take from that, so a cycle below ``least`` of its token is dropped.
    """
    rate = 1.0
    bend = 0.0
    pure = 1
    for step in range(hops):
        level = first + step
        if level >= hops:
            level -= hops
        edge = chosen[level]
        bend += rate * edge_bend[edge]
        rate *= edge_rate[edge]
        if edge_kind[edge] != 1:
            pure = 0
    profit = -1.0
    if pure == 1 and bend > 0.0:
        root = sqrt(rate) - sqrt(due)
        wide = root + _ROOT_SLACK
        if wide <= 0.0 or wide * wide * _PROFIT_SLACK < least[arc_from[way[first]]] * bend:
            return 0
        profit = 0.0
        if root > 0.0:
            profit = root * root / bend
    at = work[1]
    if at < work[2]:
        for step in range(hops):
            level = first + step
            if level >= hops:
                level -= hops
            out_edge[at * 4 + step] = chosen[level]
            out_sold[at * 4 + step] = arc_from[way[level]]
        out_hops[at] = hops
        out_rate[at] = rate
        out_profit[at] = profit
    work[0] -= SIZING
    if work[0] >= 0:
        work[1] = at + 1
    return 1
