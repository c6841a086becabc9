"""All cycles of two to four hops from a token.

Two hops are looked up, three close a walk of two arcs, and four are two such walks to one opposite token, of which the best of each way
tells whether any pair of them can gain. Taking tokens in falling order of their rows and leaving out those that were taken finds all
cycles, each once (Chiba and Nishizeki, Arboricity and subgraph listing algorithms, SIAM J. Comput. 14, 1985).
"""

from tidemill_search_cycles.kernels.arrays import Doubles, Ints, Longs, Real, Whole
from tidemill_search_cycles.kernels.choice import expand
from tidemill_search_cycles.kernels.join import join
from tidemill_search_cycles.kernels.ladder import (
    HOME,
    INS,
    LINE,
    RUNGS,
    SIDE,
    TALLY,
    comes_home,
    kinds_of,
    set_bars,
    set_beside,
    three_may_leave,
    two_may_leave,
)
from tidemill_search_cycles.kernels.live import FLOOR, PART, SAFE_FLOOR, may_leave


def scan(
    first: Whole, last: Whole, low: Whole, high: Whole, masked: Whole, due: Real, starts: Ints, done: Ints, least: Doubles, rank: Ints,
    row_start: Longs, row_len: Ints, arc_from: Ints, arc_to: Ints, arc_back: Ints, arc_rate: Doubles, arc_home: Doubles,
    arc_bend: Doubles, arc_edge: Longs, arc_edges: Ints, edge_pool: Ints, edge_rate: Doubles, edge_bend: Doubles, edge_kind: Ints,
    gate: Ints, reach: Doubles, pay: Doubles, paid: Doubles, back: Doubles, beside: Doubles, best: Doubles, bar: Doubles, touched: Ints,
    out_arc: Longs, out_first: Longs, out_second: Longs, out_kinds: Longs, out_walk: Doubles, out_bend: Doubles, in_arc: Longs,
    in_first: Longs, in_second: Longs, in_kinds: Longs, in_walk: Doubles, in_bend: Doubles, tops: Doubles, list_in: Longs,
    key_in: Doubles, list_rate: Longs, key_rate: Doubles, way: Longs, place: Longs, chosen: Longs, before: Doubles, after: Doubles,
    bends: Doubles, needs: Doubles, pool_mark: Ints, out_edge: Longs, out_sold: Ints, out_hops: Ints, out_rate: Doubles,
    out_profit: Doubles, work: Longs,
) -> Whole:  # fmt: skip
    """Find the cycles of ``low`` to ``high`` hops from each of ``starts[first:last]``; return 0, or the room that walks need if more.

    With ``masked`` nothing passes a start whose turn was before. ``done``, ``gate`` (for each token beside the start the arc that leads
    there, plus 1) and ``best`` hold zeros before and after; ``reach``, ``pay``, ``paid`` and ``back`` are as
    ``probe_edges`` sets them.
    """
    needed = 0
    turn = first
    while turn < last and needed == 0 and work[0] >= 0:
        start = starts[turn]
        row = row_start[start]
        end = row + row_len[start]
        set_bars(start, due, least, reach, beside, bar)
        for arc in range(row, end):
            near = arc_to[arc]
            if done[near] == 0:
                gate[near] = arc + 1
                best[LINE * near + HOME] = arc_home[arc]
                set_beside(start, near, arc, reach, paid, back, beside)
        if low <= 2:
            close_two(
                start, done, least, due, rank, row_start, row_len, arc_from, arc_to, arc_back, arc_rate, arc_home, arc_bend, arc_edge,
                arc_edges, edge_pool, edge_rate, edge_bend, edge_kind, reach, beside, bar, way, place, chosen, before, after, bends,
                needs, pool_mark, out_edge, out_sold, out_hops, out_rate, out_profit, work,
            )  # fmt: skip
        done[start] = 1
        many = 0
        if high > 2 and work[0] >= 0:
            many = walk_twice(
                start, low, high, done, least, due, rank, row_start, row_len, arc_from, arc_to, arc_back, arc_rate, arc_home, arc_bend,
                arc_edge, arc_edges, edge_pool, edge_rate, edge_bend, edge_kind, gate, reach, paid, back, beside, best, bar, touched,
                way, place, chosen, before, after, bends, needs, pool_mark, out_edge, out_sold, out_hops, out_rate, out_profit, work,
            )  # fmt: skip
        for at in range(many):
            middle = touched[at]
            line = LINE * middle
            kinds = 0
            if best[line + TALLY] > 1.0 and best[line] * best[line + INS] > SAFE_FLOOR and work[0] >= 0 and needed == 0:
                kinds = kinds_of(middle, reach, best, bar)
            if kinds > 0:
                needed = join(
                    start, middle, kinds, least, due, gate, row_start, row_len, arc_from, arc_to, arc_back, arc_rate, arc_edge, arc_edges,
                    edge_pool, edge_rate, edge_bend, edge_kind, reach, pay, paid, back, beside, best, bar, out_arc, out_first, out_second,
                    out_kinds, out_walk, out_bend, in_arc, in_first, in_second, in_kinds, in_walk, in_bend, tops, list_in, key_in,
                    list_rate, key_rate, way, chosen, out_edge, out_sold, out_hops, out_rate, out_profit, work,
                )  # fmt: skip
            for cell in range(line, line + LINE):
                best[cell] = 0.0
        for arc in range(row, end):
            gate[arc_to[arc]] = 0
            best[LINE * arc_to[arc] + HOME] = 0.0
        if masked == 0:
            done[start] = 0
        turn += 1
    for again in range(first, turn):
        done[starts[again]] = 0
    return needed


def close_two(
    start: Whole, done: Ints, least: Doubles, due: Real, rank: Ints, row_start: Longs, row_len: Ints, arc_from: Ints, arc_to: Ints,
    arc_back: Ints, arc_rate: Doubles, arc_home: Doubles, arc_bend: Doubles, arc_edge: Longs, arc_edges: Ints, edge_pool: Ints,
    edge_rate: Doubles, edge_bend: Doubles, edge_kind: Ints, reach: Doubles, beside: Doubles, bar: Doubles, way: Longs, place: Longs,
    chosen: Longs, before: Doubles, after: Doubles, bends: Doubles, needs: Doubles, pool_mark: Ints, out_edge: Longs, out_sold: Ints,
    out_hops: Ints, out_rate: Doubles, out_profit: Doubles, work: Longs,
) -> Whole:  # fmt: skip
    """Find the cycles of two hops from ``start``; return how many cycles there are now."""
    hurdle = 4.0 * due * least[start]
    work[0] -= row_len[start]
    for arc in range(row_start[start], row_start[start] + row_len[start]):
        rates = arc_rate[arc] * arc_home[arc]
        if rates <= FLOOR or done[arc_to[arc]] or work[0] < 0:
            continue
        bend = arc_bend[arc] + PART * arc_bend[arc_back[arc]] / arc_home[arc]
        if may_leave(rates, bend, hurdle, due) and two_may_leave(arc_to[arc], rates, reach, beside, bar):
            way[0] = arc
            way[1] = arc_back[arc]
            expand(
                2, -1, 0, start, least, due, rank, way, place, chosen, before, after, bends, needs, arc_from, arc_rate, arc_edge,
                arc_edges, edge_pool, edge_rate, edge_bend, edge_kind, pool_mark, out_edge, out_sold, out_hops, out_rate, out_profit,
                work,
            )  # fmt: skip
    return work[1]


def walk_twice(
    start: Whole, low: Whole, high: Whole, done: Ints, least: Doubles, due: Real, rank: Ints, row_start: Longs, row_len: Ints,
    arc_from: Ints, arc_to: Ints, arc_back: Ints, arc_rate: Doubles, arc_home: Doubles, arc_bend: Doubles, arc_edge: Longs,
    arc_edges: Ints, edge_pool: Ints, edge_rate: Doubles, edge_bend: Doubles, edge_kind: Ints, gate: Ints, reach: Doubles, paid: Doubles,
    back: Doubles, beside: Doubles, best: Doubles, bar: Doubles, touched: Ints, way: Longs, place: Longs, chosen: Longs, before: Doubles,
    after: Doubles, bends: Doubles, needs: Doubles, pool_mark: Ints, out_edge: Longs, out_sold: Ints, out_hops: Ints, out_rate: Doubles,
    out_profit: Doubles, work: Longs,
) -> Whole:  # fmt: skip
    """Walk two arcs from ``start``: close three hops, note the best of either way at each far token; return how many of these there are."""
    many = 0
    hurdle = 4.0 * due * least[start]
    row = row_start[start]
    for one in range(row, row + row_len[start]):
        near = arc_to[one]
        if done[near] or row_len[near] < 2:
            continue
        work[0] -= row_len[near]
        if work[0] < 0:
            return many
        rate = arc_rate[one]
        inward = arc_home[one]
        for two in range(row_start[near], row_start[near] + row_len[near]):
            far = arc_to[two]
            if done[far]:
                continue
            line = LINE * far
            onward = rate * arc_rate[two]
            rates = onward * best[line + HOME]
            if low <= 3 and rates > FLOOR and three_may_leave(near, far, two, rates, reach, paid, beside, bar):
                last = arc_back[gate[far] - 1]
                bend = arc_bend[one] + PART * (arc_bend[two] / arc_rate[two] + arc_bend[last]) / best[line + HOME]
                if may_leave(rates, bend, hurdle, due):
                    way[0] = one
                    way[1] = two
                    way[2] = last
                    expand(
                        3, -1, 0, start, least, due, rank, way, place, chosen, before, after, bends, needs, arc_from, arc_rate, arc_edge,
                        arc_edges, edge_pool, edge_rate, edge_bend, edge_kind, pool_mark, out_edge, out_sold, out_hops, out_rate,
                        out_profit, work,
                    )  # fmt: skip
                    if work[0] < 0:
                        return many
            if high > 3:
                if best[line + TALLY] == 0.0:
                    touched[many] = far
                    many += 1
                best[line + TALLY] += 1.0
                raise_to(best, line, onward)
                raise_to(best, line + INS, inward * arc_home[two])
                for rung in range(RUNGS):
                    raise_to(best, line + 1 + rung, paid[RUNGS * two + rung] * beside[SIDE * near + rung])
                    raise_to(best, line + INS + 1 + rung, comes_home(near, rung, back[RUNGS * two + rung], reach, beside))
    return many


def raise_to(best: Doubles, cell: Whole, value: Real) -> None:
    """Let a cell hold a value that is larger."""
    if value > best[cell]:
        best[cell] = value
