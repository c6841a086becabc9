"""What each pair of tokens pays for a given amount: rates that dust cannot raise."""

from tidemill_search_cycles.kernels.arrays import Doubles, Ints, Longs, Real, Whole

FAR = 6
"""A token further than so many hops from the start is in no cycle of twelve."""
LEAST, MOST = 2.0**-500, 2.0**500
"""Amounts outside these are no amounts."""


def appraise(
    tokens: Whole, start: Whole, row_start: Longs, row_len: Ints, arc_to: Ints, arc_rate: Doubles, arc_bend: Doubles, worth: Doubles,
    turn: Ints,
) -> Whole:  # fmt: skip
    """Write what a scaled unit of each token is worth in scaled units of ``start``: 0 where it is too far or cannot be sold.

    A token is worth what the deepest pair pays that leads to a token one hop nearer to the start. It depends on the pools as they stand
    alone, and on tokens' scales as their units do. ``turn`` is room. Returns how many arcs were looked at.
    """
    for token in range(tokens):
        worth[token] = 0.0
        turn[token] = 0
    worth[start] = 1.0
    looked = 0
    for hop in range(1, FAR + 1):
        found = 0
        for token in range(tokens):
            if worth[token] > 0.0:
                continue
            deepest = -1.0
            value = 0.0
            looked += row_len[token]
            for arc in range(row_start[token], row_start[token] + row_len[token]):
                other = arc_to[arc]
                if worth[other] > 0.0 and turn[other] < hop and arc_rate[arc] > 0.0:
                    depth = 0.0
                    if arc_bend[arc] > 0.0:
                        depth = arc_rate[arc] / arc_bend[arc] * worth[other]
                    if depth > deepest:
                        deepest = depth
                        value = arc_rate[arc] * worth[other]
            if value > 0.0:
                worth[token] = value
                turn[token] = hop
                found += 1
        if found == 0:
            break
    return looked


def probe(
    tokens: Whole,
    slots: Whole,
    amount: Real,
    worth: Doubles,
    row_start: Longs,
    row_len: Ints,
    arc_edge: Longs,
    arc_edges: Ints,
    edge_pool: Ints,
    edge_rate: Doubles,
    edge_bend: Doubles,
    edge_kind: Ints,
    edge_seg: Longs,
    edge_segs: Ints,
    seg_from: Doubles,
    seg_to: Doubles,
    seg_a: Doubles,
    seg_b: Doubles,
    seg_c: Doubles,
    shut: Ints,
    probe_rate: Doubles,
    probe_edge: Longs,
) -> Whole:
    """Write, for each of ``slots`` arc slots, the best output per input and the edge that pays it.

    What goes in is ``worth`` as much as ``amount`` scaled units (> 0) of the token in which that counts; tokens without a worth are
    passed by. An edge without a curve counts with its rate, which no amount exceeds; one whose pool is ``shut`` (1, by pool number) does
    not count.
    A slot without an open edge has rate 0 and edge -1. Of equal edges the first stands. Returns how many edges were looked at.
    """
    for arc in range(slots):
        probe_rate[arc] = 0.0
        probe_edge[arc] = -1
    looked = 0
    for token in range(tokens):
        own = 0.0
        if worth[token] > 0.0:
            own = amount / worth[token]
        if not LEAST < own < MOST:
            continue
        for arc in range(row_start[token], row_start[token] + row_len[token]):
            for edge in range(arc_edge[arc], arc_edge[arc] + arc_edges[arc]):
                looked += 1
                if edge_rate[edge] <= probe_rate[arc]:
                    break  # edges stand in order of their rates, which no amount exceeds
                if shut[edge_pool[edge]] == 1:
                    continue
                rate = edge_rate[edge]
                if edge_kind[edge] == 1:
                    rate = edge_rate[edge] / (1.0 + edge_bend[edge] * own)
                elif edge_kind[edge] == 2:
                    rate = paid_along(own, edge_seg[edge], edge_segs[edge], seg_from, seg_to, seg_a, seg_b, seg_c) / own
                if rate > probe_rate[arc]:
                    probe_rate[arc] = rate
                    probe_edge[arc] = edge
    return looked


def paid_along(
    amount: Real, first: Whole, count: Whole, seg_from: Doubles, seg_to: Doubles, seg_a: Doubles, seg_b: Doubles, seg_c: Doubles
) -> Real:
    """Return what ``amount`` gets along segments; beyond the last one nothing more is paid."""
    paid = 0.0
    for segment in range(first, first + count):
        if amount <= seg_from[segment]:
            break
        reached = min(seg_to[segment], amount)
        sold = reached - seg_from[segment]
        paid += seg_a[segment] * sold / (seg_b[segment] + seg_c[segment] * sold)
    return paid
