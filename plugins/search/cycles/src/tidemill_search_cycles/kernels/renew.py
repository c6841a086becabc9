"""Changing both directions of a pool in place: most events are a pool whose rates move a little."""

from tidemill_search_cycles.kernels.arrays import Doubles, Ints, Longs, Real, Whole
from tidemill_search_cycles.kernels.hubs import TRACED
from tidemill_search_cycles.kernels.pairs import find_arc


def renew(
    sell: Whole, buy: Whole, pool: Whole, rate: Real, bend: Real, back_rate: Real, back_bend: Real, changes: Whole, mask: Whole,
    arc_back: Ints, arc_rate: Doubles, arc_home: Doubles, arc_bend: Doubles, arc_edge: Longs, arc_edges: Ints, edge_pool: Ints,
    edge_rate: Doubles, edge_bend: Doubles, edge_kind: Ints, edge_slack: Doubles, edge_seg: Longs, edge_segs: Ints, pair_key: Longs,
    pair_arc: Ints, trace_from: Ints, trace_to: Ints,
) -> Whole:  # fmt: skip
    """Give a pool's edges from ``sell`` to ``buy`` and back new rates and bends; return 1, or 0 where nothing was changed.

    Both must be there, be one curve before and after, and have no other's rate on their arcs. ``changes`` arcs changed before.
    """
    arc = find_arc(sell, buy, pair_key, pair_arc, mask)
    if arc < 0:
        return 0
    back = arc_back[arc]
    there = place_of(arc, pool, rate, arc_edge, arc_edges, edge_pool, edge_rate, edge_kind)
    home = place_of(back, pool, back_rate, arc_edge, arc_edges, edge_pool, edge_rate, edge_kind)
    if there < 0 or home < 0:
        return 0
    edge_rate[there] = rate
    edge_bend[there] = bend
    settle(arc, there, arc_edge, arc_edges, edge_pool, edge_rate, edge_bend, edge_kind, edge_slack, edge_seg, edge_segs)
    edge_rate[home] = back_rate
    edge_bend[home] = back_bend
    settle(back, home, arc_edge, arc_edges, edge_pool, edge_rate, edge_bend, edge_kind, edge_slack, edge_seg, edge_segs)
    arc_rate[arc] = edge_rate[arc_edge[arc]]
    arc_home[back] = arc_rate[arc]
    arc_rate[back] = edge_rate[arc_edge[back]]
    arc_home[arc] = arc_rate[back]
    arc_bend[arc] = least_bend(arc, arc_edge, arc_edges, edge_bend)
    arc_bend[back] = least_bend(back, arc_edge, arc_edges, edge_bend)
    trace_from[changes & (TRACED - 1)] = sell
    trace_to[changes & (TRACED - 1)] = buy
    trace_from[(changes + 1) & (TRACED - 1)] = buy
    trace_to[(changes + 1) & (TRACED - 1)] = sell
    return 1


def place_of(
    arc: Whole, pool: Whole, rate: Real, arc_edge: Longs, arc_edges: Ints, edge_pool: Ints, edge_rate: Doubles, edge_kind: Ints
) -> Whole:
    """Return where a pool's edge stands on an arc; -1 where it is none or not one curve, or where another has the rate: ids decide then."""
    found = -1
    for edge in range(arc_edge[arc], arc_edge[arc] + arc_edges[arc]):
        if edge_pool[edge] == pool and edge_kind[edge] == 1:
            found = edge
        elif edge_rate[edge] == rate:
            return -1
    return found


def settle(
    arc: Whole, edge: Whole, arc_edge: Longs, arc_edges: Ints, edge_pool: Ints, edge_rate: Doubles, edge_bend: Doubles, edge_kind: Ints,
    edge_slack: Doubles, edge_seg: Longs, edge_segs: Ints,
) -> Whole:  # fmt: skip
    """Move an edge to its place among those of its arc, best rate first; return that place."""
    first = arc_edge[arc]
    last = first + arc_edges[arc] - 1
    while True:
        other = edge
        if edge > first and edge_rate[edge - 1] < edge_rate[edge]:
            other = edge - 1
        elif edge < last and edge_rate[edge + 1] > edge_rate[edge]:
            other = edge + 1
        if other == edge:
            return edge
        swap_whole(edge, other, edge_pool)
        swap_whole(edge, other, edge_kind)
        swap_whole(edge, other, edge_segs)
        swap_real(edge, other, edge_rate)
        swap_real(edge, other, edge_bend)
        swap_real(edge, other, edge_slack)
        held = edge_seg[edge]
        edge_seg[edge] = edge_seg[other]
        edge_seg[other] = held
        edge = other


def swap_whole(one: Whole, other: Whole, held: Ints) -> Whole:
    """Let two entries change places; return what is now in the first."""
    kept = held[one]
    held[one] = held[other]
    held[other] = kept
    return held[one]


def swap_real(one: Whole, other: Whole, held: Doubles) -> Real:
    """Let two entries change places; return what is now in the first."""
    kept = held[one]
    held[one] = held[other]
    held[other] = kept
    return held[one]


def least_bend(arc: Whole, arc_edge: Longs, arc_edges: Ints, edge_bend: Doubles) -> Real:
    """Return the least bend of an arc's edges, of which there is one at least."""
    least = edge_bend[arc_edge[arc]]
    for edge in range(arc_edge[arc] + 1, arc_edge[arc] + arc_edges[arc]):
        if edge_bend[edge] < least:
            least = edge_bend[edge]
    return least
