"""Cycles of two to four hops through one pool: what a change of it can have brought.

``ask_sell``, ``ask_buy``, ``ask_pool`` and ``ask_mark`` hold the directions of the pools that changed: token sold, token bought, the
pool's number, and the pool's place among them from 1 on, so that a cycle through several of them is given once.
``narrow_len`` and ``wide_token`` are what ``hubs.survey`` found, the latter in order of asset ids and ``work[7]`` of them.
"""

from tidemill_search_cycles.kernels.arrays import Doubles, Ints, Longs, Real, Whole
from tidemill_search_cycles.kernels.between import between, rate_of, try_walk
from tidemill_search_cycles.kernels.choice import expand
from tidemill_search_cycles.kernels.hubs import HUB, trace_changes
from tidemill_search_cycles.kernels.live import FLOOR, rate_needed
from tidemill_search_cycles.kernels.pairs import find_arc


def through(
    count: Whole, low: Whole, high: Whole, seen: Whole, changes: Whole, moved: Whole, start: Whole, due: Real, ask_sell: Ints,
    ask_buy: Ints, ask_pool: Ints, ask_mark: Ints, trace_from: Ints, trace_to: Ints, narrow_len: Ints, wide_token: Ints, least: Doubles,
    rank: Ints, row_start: Longs, row_len: Ints, arc_from: Ints, arc_to: Ints, arc_back: Ints, arc_rate: Doubles, arc_home: Doubles,
    arc_edge: Longs, arc_edges: Ints, edge_pool: Ints, edge_rate: Doubles, edge_bend: Doubles, edge_kind: Ints, pair_key: Longs,
    pair_arc: Ints, way: Longs, place: Longs, chosen: Longs, before: Doubles, after: Doubles, bends: Doubles, needs: Doubles,
    pool_mark: Ints, hub_of: Ints, hub_token: Ints, hub_cap: Doubles, hub_top: Doubles, hub_count: Ints, hub_list: Ints, hub_out: Doubles,
    hub_in: Doubles, hub_arc_out: Ints, hub_arc_in: Ints, out_edge: Longs, out_sold: Ints, out_hops: Ints, out_rate: Doubles,
    out_profit: Doubles, work: Longs,
) -> Whole:  # fmt: skip
    """Find the cycles of ``low`` to ``high`` hops through each of ``count`` directions of pools; return how many there are.

    With ``start`` only those that pass that token, given from it; with -1 all, given from their token of least rank. What is kept of hubs
    is brought up to date first, with the arcs that changed from the ``seen``-th to the ``changes``-th.
    """
    trace_changes(
        seen, changes, moved, start, due, trace_from, trace_to, least, rank, row_start, row_len, hub_of, hub_token, hub_cap, hub_top,
        hub_count, hub_list, hub_out, hub_in, hub_arc_out, hub_arc_in, arc_from, arc_to, arc_back, arc_rate, arc_home, arc_edge, arc_edges,
        edge_pool, edge_rate, edge_bend, pair_key, pair_arc, work,
    )  # fmt: skip
    for turn in range(count):
        pool_mark[ask_pool[turn]] = ask_mark[turn]
    for turn in range(count):
        arc = find_arc(ask_sell[turn], ask_buy[turn], pair_key, pair_arc, work[4])
        if arc < 0:
            continue
        for edge in range(arc_edge[arc], arc_edge[arc] + arc_edges[arc]):
            if edge_pool[edge] == ask_pool[turn] and work[0] >= 0:
                own = ask_mark[turn]
                through_edge(
                    arc, low, high, edge, own, start, least, due, rank, row_start, row_len, arc_from, arc_to, arc_back, arc_rate, arc_home,
                    arc_edge, arc_edges, edge_pool, edge_rate, edge_bend, edge_kind, pair_key, pair_arc, way, place, chosen, before, after,
                    bends, needs, pool_mark, hub_of, hub_token, hub_cap, hub_top, hub_count, hub_list, hub_out, hub_in, hub_arc_out,
                    hub_arc_in, out_edge, out_sold, out_hops, out_rate, out_profit, work, narrow_len, wide_token,
                )  # fmt: skip
    for turn in range(count):
        pool_mark[ask_pool[turn]] = 0
    return work[1]


def through_edge(
    arc: Whole, low: Whole, high: Whole, edge: Whole, own: Whole, start: Whole, least: Doubles, due: Real, rank: Ints, row_start: Longs,
    row_len: Ints, arc_from: Ints, arc_to: Ints, arc_back: Ints, arc_rate: Doubles, arc_home: Doubles, arc_edge: Longs, arc_edges: Ints,
    edge_pool: Ints, edge_rate: Doubles, edge_bend: Doubles, edge_kind: Ints, pair_key: Longs, pair_arc: Ints, way: Longs, place: Longs,
    chosen: Longs, before: Doubles, after: Doubles, bends: Doubles, needs: Doubles, pool_mark: Ints, hub_of: Ints, hub_token: Ints,
    hub_cap: Doubles, hub_top: Doubles, hub_count: Ints, hub_list: Ints, hub_out: Doubles, hub_in: Doubles, hub_arc_out: Ints,
    hub_arc_in: Ints, out_edge: Longs, out_sold: Ints, out_hops: Ints, out_rate: Doubles, out_profit: Doubles, work: Longs,
    narrow_len: Ints, wide_token: Ints,
) -> Whole:  # fmt: skip
    """Find the cycles through one edge, which stands on ``arc``; return 0."""
    source = arc_from[arc]
    target = arc_to[arc]
    rate = edge_rate[edge]
    ends = 0
    if start < 0 or start == source or start == target:  # noqa: SIM109 a kernel makes no tuple
        ends = 1
    way[0] = arc
    if low <= 2 and ends == 1:
        work[0] -= 1
        if rate * arc_home[arc] > FLOOR:
            way[1] = arc_back[arc]
            expand(
                2, edge, own, start, least, due, rank, way, place, chosen, before, after, bends, needs, arc_from, arc_rate, arc_edge,
                arc_edges, edge_pool, edge_rate, edge_bend, edge_kind, pool_mark, out_edge, out_sold, out_hops, out_rate, out_profit, work,
            )  # fmt: skip
    if low <= 3 and high >= 3 and work[0] >= 0:
        if ends == 1:
            between(
                target, source, 0, 1, 3, rate, edge, own, start, least, due, rank, row_start, row_len, arc_from, arc_to, arc_back, arc_rate,
                arc_home, arc_edge, arc_edges, edge_pool, edge_rate, edge_bend, edge_kind, pair_key, pair_arc, way, place, chosen, before,
                after, bends, needs, pool_mark, hub_of, hub_token, hub_cap, hub_top, hub_count, hub_list, hub_out, hub_in, hub_arc_out,
                hub_arc_in, out_edge, out_sold, out_hops, out_rate, out_profit, work,
            )  # fmt: skip
        else:
            over_one(
                target, source, edge, own, start, least, due, rank, row_len, arc_from, arc_to, arc_rate, arc_edge, arc_edges, edge_pool,
                edge_rate, edge_bend, edge_kind, pair_key, pair_arc, way, place, chosen, before, after, bends, needs, pool_mark, out_edge,
                out_sold, out_hops, out_rate, out_profit, work,
            )  # fmt: skip
    if high >= 4 and work[0] >= 0:
        if ends == 0:
            over_start(
                arc, edge, own, start, least, due, rank, row_start, row_len, arc_from, arc_to, arc_back, arc_rate, arc_home, arc_edge,
                arc_edges, edge_pool, edge_rate, edge_bend, edge_kind, pair_key, pair_arc, way, place, chosen, before, after, bends, needs,
                pool_mark, hub_of, hub_token, hub_cap, hub_top, hub_count, hub_list, hub_out, hub_in, hub_arc_out, hub_arc_in, out_edge,
                out_sold, out_hops, out_rate, out_profit, work,
            )  # fmt: skip
        elif row_len[source] >= HUB and row_len[target] >= HUB:
            over_hubs(
                arc, edge, own, start, least, due, rank, row_start, row_len, arc_from, arc_to, arc_back, arc_rate, arc_home, arc_edge,
                arc_edges, edge_pool, edge_rate, edge_bend, edge_kind, pair_key, pair_arc, way, place, chosen, before, after, bends, needs,
                pool_mark, hub_of, hub_token, hub_cap, hub_top, hub_count, hub_list, hub_out, hub_in, hub_arc_out, hub_arc_in, out_edge,
                out_sold, out_hops, out_rate, out_profit, work, narrow_len, wide_token,
            )  # fmt: skip
        else:
            over_near(
                arc, edge, own, start, least, due, rank, row_start, row_len, arc_from, arc_to, arc_back, arc_rate, arc_home, arc_edge,
                arc_edges, edge_pool, edge_rate, edge_bend, edge_kind, pair_key, pair_arc, way, place, chosen, before, after, bends, needs,
                pool_mark, hub_of, hub_token, hub_cap, hub_top, hub_count, hub_list, hub_out, hub_in, hub_arc_out, hub_arc_in, out_edge,
                out_sold, out_hops, out_rate, out_profit, work,
            )  # fmt: skip
    return 0


def over_one(
    source: Whole, target: Whole, edge: Whole, own: Whole, start: Whole, least: Doubles, due: Real, rank: Ints, row_len: Ints,
    arc_from: Ints, arc_to: Ints, arc_rate: Doubles, arc_edge: Longs, arc_edges: Ints, edge_pool: Ints, edge_rate: Doubles,
    edge_bend: Doubles, edge_kind: Ints, pair_key: Longs, pair_arc: Ints, way: Longs, place: Longs, chosen: Longs, before: Doubles,
    after: Doubles, bends: Doubles, needs: Doubles, pool_mark: Ints, out_edge: Longs, out_sold: Ints, out_hops: Ints, out_rate: Doubles,
    out_profit: Doubles, work: Longs,
) -> Whole:  # fmt: skip
    """Complete a way of three hops by the two arcs from ``source`` over ``start`` to ``target``; return 0."""
    there = find_arc(source, start, pair_key, pair_arc, work[4])
    onward = find_arc(start, target, pair_key, pair_arc, work[4])
    work[0] -= 1
    if there >= 0 and onward >= 0:
        try_walk(
            there, onward, 0, 1, 3, edge_rate[edge], 0.0, start, edge, own, start, least, due, rank, row_len, arc_from, arc_to, arc_rate,
            arc_edge, arc_edges, edge_pool, edge_rate, edge_bend, edge_kind, way, place, chosen, before, after, bends, needs, pool_mark,
            out_edge, out_sold, out_hops, out_rate, out_profit, work,
        )  # fmt: skip
    return 0


def over_near(
    arc: Whole, edge: Whole, own: Whole, start: Whole, least: Doubles, due: Real, rank: Ints, row_start: Longs, row_len: Ints,
    arc_from: Ints, arc_to: Ints, arc_back: Ints, arc_rate: Doubles, arc_home: Doubles, arc_edge: Longs, arc_edges: Ints, edge_pool: Ints,
    edge_rate: Doubles, edge_bend: Doubles, edge_kind: Ints, pair_key: Longs, pair_arc: Ints, way: Longs, place: Longs, chosen: Longs,
    before: Doubles, after: Doubles, bends: Doubles, needs: Doubles, pool_mark: Ints, hub_of: Ints, hub_token: Ints, hub_cap: Doubles,
    hub_top: Doubles, hub_count: Ints, hub_list: Ints, hub_out: Doubles, hub_in: Doubles, hub_arc_out: Ints, hub_arc_in: Ints,
    out_edge: Longs, out_sold: Ints, out_hops: Ints, out_rate: Doubles, out_profit: Doubles, work: Longs,
) -> Whole:  # fmt: skip
    """Find the cycles of four hops through an edge: its end with fewer arcs is left or reached over each of these. Return 0."""
    source = arc_from[arc]
    target = arc_to[arc]
    forward = row_len[target] <= row_len[source]
    base = source
    if forward:
        base = target
    work[0] -= row_len[base]
    for step in range(row_start[base], row_start[base] + row_len[base]):
        near = arc_to[step]
        if near == source or near == target or work[0] < 0:  # noqa: SIM109 a kernel makes no tuple
            continue
        beyond(
            step, forward, near, 0, edge, own, start, least, due, rank, row_start, row_len, arc_from, arc_to, arc_back, arc_rate, arc_home,
            arc_edge, arc_edges, edge_pool, edge_rate, edge_bend, edge_kind, pair_key, pair_arc, way, place, chosen, before, after, bends,
            needs, pool_mark, hub_of, hub_token, hub_cap, hub_top, hub_count, hub_list, hub_out, hub_in, hub_arc_out, hub_arc_in, out_edge,
            out_sold, out_hops, out_rate, out_profit, work,
        )  # fmt: skip
    return 0


def beyond(
    step: Whole, forward: Whole, near: Whole, narrow: Whole, edge: Whole, own: Whole, start: Whole, least: Doubles, due: Real, rank: Ints,
    row_start: Longs, row_len: Ints, arc_from: Ints, arc_to: Ints, arc_back: Ints, arc_rate: Doubles, arc_home: Doubles, arc_edge: Longs,
    arc_edges: Ints, edge_pool: Ints, edge_rate: Doubles, edge_bend: Doubles, edge_kind: Ints, pair_key: Longs, pair_arc: Ints, way: Longs,
    place: Longs, chosen: Longs, before: Doubles, after: Doubles, bends: Doubles, needs: Doubles, pool_mark: Ints, hub_of: Ints,
    hub_token: Ints, hub_cap: Doubles, hub_top: Doubles, hub_count: Ints, hub_list: Ints, hub_out: Doubles, hub_in: Doubles,
    hub_arc_out: Ints, hub_arc_in: Ints, out_edge: Longs, out_sold: Ints, out_hops: Ints, out_rate: Doubles, out_profit: Doubles,
    work: Longs,
) -> Whole:  # fmt: skip
    """Find the cycles of four hops whose edge is left (``forward``) or reached over the arc ``step``, or its opposite; return 0."""
    source = arc_from[way[0]]
    target = arc_to[way[0]]
    if forward:
        product = edge_rate[edge] * arc_rate[step]
        way[1] = step
        if product > 0.0:
            between(
                near, source, narrow, 2, 4, product, edge, own, start, least, due, rank, row_start, row_len, arc_from, arc_to, arc_back,
                arc_rate, arc_home, arc_edge, arc_edges, edge_pool, edge_rate, edge_bend, edge_kind, pair_key, pair_arc, way, place, chosen,
                before, after, bends, needs, pool_mark, hub_of, hub_token, hub_cap, hub_top, hub_count, hub_list, hub_out, hub_in,
                hub_arc_out, hub_arc_in, out_edge, out_sold, out_hops, out_rate, out_profit, work,
            )  # fmt: skip
    else:
        product = edge_rate[edge] * arc_home[step]
        way[3] = arc_back[step]
        if product > 0.0:
            between(
                target, near, narrow, 1, 4, product, edge, own, start, least, due, rank, row_start, row_len, arc_from, arc_to, arc_back,
                arc_rate, arc_home, arc_edge, arc_edges, edge_pool, edge_rate, edge_bend, edge_kind, pair_key, pair_arc, way, place, chosen,
                before, after, bends, needs, pool_mark, hub_of, hub_token, hub_cap, hub_top, hub_count, hub_list, hub_out, hub_in,
                hub_arc_out, hub_arc_in, out_edge, out_sold, out_hops, out_rate, out_profit, work,
            )  # fmt: skip
    return 0


def over_hubs(
    arc: Whole, edge: Whole, own: Whole, start: Whole, least: Doubles, due: Real, rank: Ints, row_start: Longs, row_len: Ints,
    arc_from: Ints, arc_to: Ints, arc_back: Ints, arc_rate: Doubles, arc_home: Doubles, arc_edge: Longs, arc_edges: Ints, edge_pool: Ints,
    edge_rate: Doubles, edge_bend: Doubles, edge_kind: Ints, pair_key: Longs, pair_arc: Ints, way: Longs, place: Longs, chosen: Longs,
    before: Doubles, after: Doubles, bends: Doubles, needs: Doubles, pool_mark: Ints, hub_of: Ints, hub_token: Ints, hub_cap: Doubles,
    hub_top: Doubles, hub_count: Ints, hub_list: Ints, hub_out: Doubles, hub_in: Doubles, hub_arc_out: Ints, hub_arc_in: Ints,
    out_edge: Longs, out_sold: Ints, out_hops: Ints, out_rate: Doubles, out_profit: Doubles, work: Longs, narrow_len: Ints,
    wide_token: Ints,
) -> Whole:  # fmt: skip
    """Find the cycles of four hops through an edge between hubs; return 0.

    Tokens beside its smaller end are hubs, or have others beside them that are none; what is left are cycles over a hub beside the larger
    end and a token beside the smaller one that is none.
    """
    source = arc_from[arc]
    target = arc_to[arc]
    forward = row_len[target] <= row_len[source]
    base = source
    if forward:
        base = target
    work[0] -= row_len[base] + work[7]
    for step in range(row_start[base], row_start[base] + row_len[base]):
        near = arc_to[step]
        narrow = narrow_len[near]
        if narrow == 0 or near == source or near == target or work[0] < 0:  # noqa: SIM109 a kernel makes no tuple
            continue
        if narrow < 0:
            beyond(
                step, forward, near, 0, edge, own, start, least, due, rank, row_start, row_len, arc_from, arc_to, arc_back, arc_rate,
                arc_home, arc_edge, arc_edges, edge_pool, edge_rate, edge_bend, edge_kind, pair_key, pair_arc, way, place, chosen, before,
                after, bends, needs, pool_mark, hub_of, hub_token, hub_cap, hub_top, hub_count, hub_list, hub_out, hub_in, hub_arc_out,
                hub_arc_in, out_edge, out_sold, out_hops, out_rate, out_profit, work,
            )  # fmt: skip
        else:
            beside(
                step, forward, edge, own, start, least, due, rank, row_start, row_len, arc_from, arc_to, arc_back, arc_rate, arc_home,
                arc_edge, arc_edges, edge_pool, edge_rate, edge_bend, edge_kind, pair_key, pair_arc, way, place, chosen, before, after,
                bends, needs, pool_mark, hub_of, hub_out, hub_in, out_edge, out_sold, out_hops, out_rate, out_profit, work,
            )  # fmt: skip
    base = source + target - base
    for at in range(work[7]):
        near = wide_token[at]
        step = find_arc(base, near, pair_key, pair_arc, work[4])
        if step < 0 or near == source or near == target or work[0] < 0:  # noqa: SIM109 a kernel makes no tuple
            continue
        beyond(
            step, not forward, near, 1, edge, own, start, least, due, rank, row_start, row_len, arc_from, arc_to, arc_back, arc_rate,
            arc_home, arc_edge, arc_edges, edge_pool, edge_rate, edge_bend, edge_kind, pair_key, pair_arc, way, place, chosen, before,
            after, bends, needs, pool_mark, hub_of, hub_token, hub_cap, hub_top, hub_count, hub_list, hub_out, hub_in, hub_arc_out,
            hub_arc_in, out_edge, out_sold, out_hops, out_rate, out_profit, work,
        )  # fmt: skip
    return 0


def over_start(
    arc: Whole, edge: Whole, own: Whole, start: Whole, least: Doubles, due: Real, rank: Ints, row_start: Longs, row_len: Ints,
    arc_from: Ints, arc_to: Ints, arc_back: Ints, arc_rate: Doubles, arc_home: Doubles, arc_edge: Longs, arc_edges: Ints, edge_pool: Ints,
    edge_rate: Doubles, edge_bend: Doubles, edge_kind: Ints, pair_key: Longs, pair_arc: Ints, way: Longs, place: Longs, chosen: Longs,
    before: Doubles, after: Doubles, bends: Doubles, needs: Doubles, pool_mark: Ints, hub_of: Ints, hub_token: Ints, hub_cap: Doubles,
    hub_top: Doubles, hub_count: Ints, hub_list: Ints, hub_out: Doubles, hub_in: Doubles, hub_arc_out: Ints, hub_arc_in: Ints,
    out_edge: Longs, out_sold: Ints, out_hops: Ints, out_rate: Doubles, out_profit: Doubles, work: Longs,
) -> Whole:  # fmt: skip
    """Find the cycles of four hops through an edge and ``start``, which is neither of its tokens; return 0."""
    source = arc_from[arc]
    target = arc_to[arc]
    # ``start`` is the third token, reached from the target, or the fourth, from which the source is reached
    step = find_arc(target, start, pair_key, pair_arc, work[4])
    if step >= 0:
        beyond(
            step, 1, start, 0, edge, own, start, least, due, rank, row_start, row_len, arc_from, arc_to, arc_back, arc_rate, arc_home,
            arc_edge, arc_edges, edge_pool, edge_rate, edge_bend, edge_kind, pair_key, pair_arc, way, place, chosen, before, after, bends,
            needs, pool_mark, hub_of, hub_token, hub_cap, hub_top, hub_count, hub_list, hub_out, hub_in, hub_arc_out, hub_arc_in, out_edge,
            out_sold, out_hops, out_rate, out_profit, work,
        )  # fmt: skip
    step = find_arc(source, start, pair_key, pair_arc, work[4])
    if step >= 0 and work[0] >= 0:
        beyond(
            step, 0, start, 0, edge, own, start, least, due, rank, row_start, row_len, arc_from, arc_to, arc_back, arc_rate, arc_home,
            arc_edge, arc_edges, edge_pool, edge_rate, edge_bend, edge_kind, pair_key, pair_arc, way, place, chosen, before, after, bends,
            needs, pool_mark, hub_of, hub_token, hub_cap, hub_top, hub_count, hub_list, hub_out, hub_in, hub_arc_out, hub_arc_in, out_edge,
            out_sold, out_hops, out_rate, out_profit, work,
        )  # fmt: skip
    return 0


def beside(
    step: Whole, forward: Whole, edge: Whole, own: Whole, start: Whole, least: Doubles, due: Real, rank: Ints, row_start: Longs,
    row_len: Ints, arc_from: Ints, arc_to: Ints, arc_back: Ints, arc_rate: Doubles, arc_home: Doubles, arc_edge: Longs, arc_edges: Ints,
    edge_pool: Ints, edge_rate: Doubles, edge_bend: Doubles, edge_kind: Ints, pair_key: Longs, pair_arc: Ints, way: Longs, place: Longs,
    chosen: Longs, before: Doubles, after: Doubles, bends: Doubles, needs: Doubles, pool_mark: Ints, hub_of: Ints, hub_out: Doubles,
    hub_in: Doubles, out_edge: Longs, out_sold: Ints, out_hops: Ints, out_rate: Doubles, out_profit: Doubles, work: Longs,
) -> Whole:  # fmt: skip
    """Find the cycles of four hops through an edge between hubs over two tokens that are none; return 0.

    ``step`` is the arc from the edge's end (``forward``) or beginning to one of both, the other stands beside that.
    """
    source = arc_from[way[0]]
    target = arc_to[way[0]]
    near = arc_to[step]
    part = edge_rate[edge] * arc_home[step]
    end = target
    row = (hub_of[target] - 1) * work[6]
    if forward:
        part = edge_rate[edge] * arc_rate[step]
        end = source
        row = (hub_of[source] - 1) * work[6]
    enough = least[source]
    if start == target or (start < 0 and rank[target] < rank[source]):
        enough = least[target] / edge_rate[edge]
    need = rate_needed(edge_bend[edge], enough, due)
    work[0] -= row_len[near]
    if work[0] < 0:
        return 0
    for onward in range(row_start[near], row_start[near] + row_len[near]):
        far = arc_to[onward]
        if row_len[far] >= HUB:
            continue
        if forward:
            product = part * arc_rate[onward]
            if row >= 0:
                product *= hub_in[row + far]
            else:
                product *= rate_of(far, end, arc_rate, pair_key, pair_arc, work)
        else:
            product = part * arc_home[onward]
            if row >= 0:
                product *= hub_out[row + far]
            else:
                product *= rate_of(end, far, arc_rate, pair_key, pair_arc, work)
        if product <= need:
            continue
        last = find_arc(far, end, pair_key, pair_arc, work[4])
        if forward:
            way[1] = step
            way[2] = onward
            way[3] = last
        else:
            way[1] = arc_back[last]
            way[2] = arc_back[onward]
            way[3] = arc_back[step]
        expand(
            4, edge, own, start, least, due, rank, way, place, chosen, before, after, bends, needs, arc_from, arc_rate, arc_edge, arc_edges,
            edge_pool, edge_rate, edge_bend, edge_kind, pool_mark, out_edge, out_sold, out_hops, out_rate, out_profit, work,
        )  # fmt: skip
        if work[0] < 0:
            return 0
    return 0
