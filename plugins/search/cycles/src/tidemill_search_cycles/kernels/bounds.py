"""What a cycle through one arc can still come to: bounds from both sides, and the part of the graph in which it must lie.

The anchor is an arc a -> b. ``out[x]`` bounds the product of the anchor and any way b -> x, ``back[x]`` that of any way x -> a: a token
whose two bounds multiply to no more than what is asked for lies on no cycle worth finding, and neither does an arc whose ends are
such. What is left is small and is copied into rows of its own, where ``table`` holds the best way home for each number of hops left.

All bounds are over walks, so they are admissible for simple paths. Rates outside ``LOW``..``HIGH`` are closed, so twelve of them neither
overflow nor vanish. Bounds multiply in another order than a cycle's own product does, so they are compared with ``MARGIN`` to spare.

For n tokens and m arc slots ``out``, ``back``, ``held``, ``front``, ``after``, ``marked``, ``seen`` and ``local`` have n cells,
``near_start`` n + 2, the other ``near`` arrays m, ``table`` and ``passing`` (n + 1) times the most hops. ``out``, ``back``, ``local`` and
``marked`` are zero before and, after ``release``, again.
"""

from tidemill_search_cycles.kernels.arrays import Doubles, Ints, Longs, Real, Whole

LOW = 2.0**-48
HIGH = 2.0**48
LEAST = 2.0**-80
MOST = 2.0**80
"""What a rate, and what a rate relative to the worth of its two tokens must be between."""
MARGIN = 1.0 + 2.0**-40
"""Twelve products of two doubles in any order are within a 2^-48 part of each other."""


def reach_out(
    sell: Whole,
    buy: Whole,
    gain: Real,
    max_hops: Whole,
    least: Real,
    rate: Doubles,
    row_start: Longs,
    row_len: Ints,
    arc_to: Ints,
    out: Doubles,
    front: Ints,
    after: Ints,
    held: Doubles,
    marked: Ints,
    seen: Ints,
    work: Longs,
) -> Whole:
    """Bound the ways that begin with the anchor sell -> buy of rate ``gain``: ``out[x]`` for up to ``max_hops`` arcs, anchor included.

    A way may not fall to ``least`` or below before it is home. ``out[sell]`` bounds the closed cycles. Returns the number of tokens
    reached, listed in ``seen`` in the order of generation along rows; stops early once ``work[0]`` is below 0.
    """
    out[buy], held[0] = gain, gain
    seen[0], front[0] = buy, buy
    reached, waiting = 1, 1
    for hop in range(1, max_hops):
        fresh = 0
        for place in range(waiting):
            token, base = front[place], held[place]
            work[0] -= row_len[token]
            if work[0] < 0:
                return reached
            for arc in range(row_start[token], row_start[token] + row_len[token]):
                other, step = arc_to[arc], rate[arc]
                value = base * step
                # The likeliest reason comes first; it stops what is not a number too.
                if not value > out[other] or other == buy:
                    continue
                if value * MARGIN <= least or not LEAST < step < MOST:
                    continue
                if out[other] == 0.0:
                    seen[reached] = other
                    reached += 1
                out[other] = value
                if other != sell and marked[other] != hop:
                    marked[other] = hop
                    after[fresh] = other
                    fresh += 1
        # Values are held from before the next round: one round is one hop, so that a way is never longer than it may be.
        for place in range(fresh):
            front[place] = after[place]
            held[place] = out[after[place]]
        waiting = fresh
    return reached


def turn(tokens: Whole, rate: Doubles, home: Doubles, row_start: Longs, row_len: Ints, arc_back: Ints) -> Whole:
    """Set ``home[arc]`` to the rate of the opposite arc: the bounds read it more often than it is read here. Returns the number of arcs."""
    arcs = 0
    for token in range(tokens):
        arcs += row_len[token]
        for arc in range(row_start[token], row_start[token] + row_len[token]):
            home[arc] = rate[arc_back[arc]]
    return arcs


def reach_back(
    sell: Whole,
    buy: Whole,
    max_hops: Whole,
    floor: Real,
    home: Doubles,
    row_start: Longs,
    row_len: Ints,
    arc_to: Ints,
    out: Doubles,
    back: Doubles,
    front: Ints,
    after: Ints,
    held: Doubles,
    marked: Ints,
    work: Longs,
) -> Whole:
    """Bound the ways home: ``back[x]`` for up to ``max_hops - 1`` arcs from x to ``sell``, where ``out[x] * back[x]`` passes ``floor``.

    ``home[arc]`` is the rate of the arc's opposite. Returns 1, or 0 once ``work[0]`` is below 0.
    """
    back[sell], held[0] = 1.0, 1.0
    front[0] = sell
    waiting = 1
    for hop in range(1, max_hops):
        fresh, stamp = 0, max_hops + hop
        for place in range(waiting):
            token, base = front[place], held[place]
            work[0] -= row_len[token]
            if work[0] < 0:
                return 0
            for arc in range(row_start[token], row_start[token] + row_len[token]):
                other, step = arc_to[arc], home[arc]
                value = base * step
                # Where the anchor does not reach, out is 0 and nothing passes.
                if not value > back[other] or out[other] * value * MARGIN <= floor:
                    continue
                if other == sell or not LEAST < step < MOST:
                    continue
                back[other] = value
                if other != buy and marked[other] != stamp:
                    marked[other] = stamp
                    after[fresh] = other
                    fresh += 1
        for place in range(fresh):
            front[place] = after[place]
            held[place] = back[after[place]]
        waiting = fresh
    return 1


def narrow(
    sell: Whole,
    buy: Whole,
    floor: Real,
    reached: Whole,
    rate: Doubles,
    true_rate: Doubles,
    seen: Ints,
    row_start: Longs,
    row_len: Ints,
    arc_to: Ints,
    out: Doubles,
    back: Doubles,
    local: Ints,
    near_start: Longs,
    near_to: Ints,
    near_rate: Doubles,
    near_arc: Ints,
    work: Longs,
) -> Whole:
    """Copy the tokens and arcs on which a cycle above ``floor`` may lie into rows of their own.

    ``local[token]`` is the node's number plus 1. Node 0 is ``buy``, the last one is ``sell``: home, with an empty row. Rows keep their
    order. Returns the number of nodes but home, 0 where there is none or once ``work[0]`` is below 0.
    """
    nodes = 0
    for place in range(reached):
        token = seen[place]
        if token != sell and back[token] > 0.0:
            nodes += 1
            local[token] = nodes
    if local[buy] != 1:
        return 0
    local[sell] = nodes + 1
    node, filled = 0, 0
    for place in range(reached):
        token = seen[place]
        if token == sell or local[token] == 0:
            continue
        near_start[node] = filled
        node += 1
        work[0] -= row_len[token]
        if work[0] < 0:
            return 0
        for arc in range(row_start[token], row_start[token] + row_len[token]):
            other, step = arc_to[arc], rate[arc]
            if local[other] == 0 or other == buy or not (LEAST < step < MOST and LOW < true_rate[arc] < HIGH):
                continue
            if out[token] * step * back[other] * MARGIN > floor:
                near_to[filled] = local[other] - 1
                near_rate[filled] = step
                near_arc[filled] = arc
                filled += 1
    near_start[nodes] = filled
    near_start[nodes + 1] = filled
    return nodes


def tabulate(
    nodes: Whole,
    max_hops: Whole,
    spare: Whole,
    start: Whole,
    near_start: Longs,
    near_to: Ints,
    near_rate: Doubles,
    table: Doubles,
    passing: Doubles,
    work: Longs,
) -> Whole:
    """Fill ``table[node * max_hops + left]``: the best way home with ``left`` hops left, of which up to ``spare`` may stay unused.

    ``spare`` is ``max_hops - min_hops``: a way that is home too early is none. ``passing`` is the same over the ways that pass node
    ``start``; it is not touched where that is -1. Returns 1, or 0 once ``work[0]`` is below 0.
    """
    for node in range(nodes + 1):
        table[node * max_hops] = 0.0
        if start >= 0:
            passing[node * max_hops] = 0.0
    for left in range(max_hops):
        table[nodes * max_hops + left] = 1.0 if left <= spare else 0.0
        if start >= 0:
            passing[nodes * max_hops + left] = 0.0
    for left in range(1, max_hops):
        work[0] -= near_start[nodes]
        if work[0] < 0:
            return 0
        for node in range(nodes):
            best, through = 0.0, 0.0
            for place in range(near_start[node], near_start[node + 1]):
                cell = near_to[place] * max_hops + left - 1
                best = max(best, near_rate[place] * table[cell])
                if start >= 0:
                    through = max(through, near_rate[place] * passing[cell])
            table[node * max_hops + left] = best
            if start >= 0:
                passing[node * max_hops + left] = best if node == start else through
    return 1


def release(sell: Whole, reached: Whole, seen: Ints, out: Doubles, back: Doubles, local: Ints, marked: Ints) -> Whole:
    """Set to zero what one anchor's search wrote at the tokens that it reached. Returns their number."""
    for place in range(reached):
        token = seen[place]
        out[token], back[token] = 0.0, 0.0
        local[token], marked[token] = 0, 0
    out[sell], back[sell] = 0.0, 0.0
    local[sell], marked[sell] = 0, 0
    return reached
