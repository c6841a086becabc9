"""Completing a way by two arcs between two of its tokens: the innermost loops of what one changed edge may have brought.

A walk is looked at only where the cycle can leave enough: by the bends of the arcs that stand (``bar_of``), and by its own (``live_rate``).
Both are asked of every walk, so that lists of walks save time and change nothing.
"""

from math import sqrt

from tidemill_search_cycles.kernels.arrays import Doubles, Ints, Longs, Real, Whole
from tidemill_search_cycles.kernels.choice import expand
from tidemill_search_cycles.kernels.hubs import EASE, FAR, HUB, LISTED, MARGIN, make_list
from tidemill_search_cycles.kernels.live import FLOOR, SAFE_FLOOR, SLACK, WIDE, rate_needed
from tidemill_search_cycles.kernels.pairs import find_arc


def anchor_of(hops: Whole, slot: Whole, start: Whole, rank: Ints, way: Longs, arc_from: Ints, arc_to: Ints) -> Whole:
    """Return the token that a way is given from, among those that are known: ``start``, or where it is -1 the one of least rank."""
    if start >= 0:
        return start
    anchor = arc_from[way[0]]
    other = arc_to[way[0]]
    if rank[other] < rank[anchor]:
        anchor = other
    if hops == 4:
        other = arc_to[way[1]]
        if slot == 1:
            other = arc_from[way[3]]
        if rank[other] < rank[anchor]:
            anchor = other
    return anchor


def bar_of(
    hops: Whole, slot: Whole, edge: Whole, anchor: Whole, least: Doubles, due: Real, way: Longs, arc_from: Ints, arc_to: Ints,
    arc_edge: Longs, arc_edges: Ints, edge_rate: Doubles, edge_bend: Doubles,
) -> Real:  # fmt: skip
    """Return a rate that a walk over the two arcs that are missing must be above, as the bends of what is known tell.

    Each edge of the other arc that is known is asked, as the best rate and the least bend may be those of different pools: a shallow one
    stands at any price.
    """
    if hops == 3:
        enough = least[anchor]
        if anchor == arc_to[way[0]]:
            enough /= edge_rate[edge]
        return rate_needed(edge_bend[edge], enough, due) / edge_rate[edge] * SAFE_FLOOR
    arc = way[1]
    if slot == 1:
        arc = way[3]
    bar = 0.0
    for other in range(arc_edge[arc], arc_edge[arc] + arc_edges[arc]):
        need = need_of(slot, edge, arc, other, anchor, least, due, way, arc_from, arc_to, edge_rate, edge_bend)
        need /= edge_rate[edge] * edge_rate[other]
        if bar <= 0.0 or need < bar:
            bar = need
    return bar * SAFE_FLOOR


def need_of(
    slot: Whole, edge: Whole, arc: Whole, other: Whole, anchor: Whole, least: Doubles, due: Real, way: Longs, arc_from: Ints, arc_to: Ints,
    edge_rate: Doubles, edge_bend: Doubles,
) -> Real:  # fmt: skip
    """Return the product of rates that a cycle over two edges needs to leave enough.

    ``other`` stands on ``arc``, after the edge at ``slot`` 2, before it at ``slot`` 1. Where both follow each other in the cycle as it is
    given, its C is at least that of the two: ``c1 + r1 c2``. Begun between them it ends with the first, the rates up to that coming to
    ``A / r1`` with A at least 1: ``c2 + c1 / r1``. Begun at the other end of a walk, C is at least that from its beginning, divided by the
    rates of the walk.
    """
    first = edge
    second = other
    begin = arc_from[way[0]]
    middle = arc_to[way[0]]
    if slot == 1:
        first = other
        second = edge
        middle = begin
        begin = arc_from[arc]
    bend = edge_bend[first] + edge_rate[first] * edge_bend[second]
    if anchor == middle:
        bend /= edge_rate[first]
    elif anchor != begin:
        bend /= edge_rate[first] * edge_rate[second]
    return rate_needed(bend, least[anchor], due)


def can_leave(
    one_rate: Real, one_bend: Real, two_rate: Real, two_bend: Real, source: Whole, middle: Whole, target: Whole, hops: Whole, slot: Whole,
    edge: Whole, anchor: Whole, start: Whole, least: Doubles, due: Real, rank: Ints, way: Longs, arc_edge: Longs, arc_edges: Ints,
    edge_rate: Doubles, edge_bend: Doubles,
) -> Whole:  # fmt: skip
    """Return 0 where no cycle over two edges, rates r1 and r2, bends c1 and c2, can leave enough, whatever the edge of the way's other arc.

    With the bend c of the rest a cycle begun where the walk begins has ``C = c1 + r1 c2 + r1 r2 c``; begun after the rates p from there it
    has ``C / p`` at least.
    """
    both = one_rate * two_rate
    others = 1
    first = 0
    if hops == 4:
        arc = way[1]
        if slot == 1:
            arc = way[3]
        others = arc_edges[arc]
        first = arc_edge[arc]
    for other in range(first, first + others):
        rest = edge_rate[edge]
        bend = edge_bend[edge]
        passed = both
        if hops == 4 and slot == 1:
            bend = edge_bend[other] + edge_rate[other] * bend
            rest *= edge_rate[other]
            passed *= edge_rate[other]
        elif hops == 4:
            bend += rest * edge_bend[other]
            passed *= rest
            rest *= edge_rate[other]
        root = sqrt(both * rest) - sqrt(due) + SLACK
        if both * rest <= FLOOR or root <= 0.0:
            continue
        enough = least[anchor]
        if anchor == middle or (start < 0 and rank[middle] < rank[anchor]):
            enough = least[middle] / one_rate
        elif anchor == target:
            enough /= both
        elif anchor != source:
            enough /= passed
        if root * root * WIDE >= enough * (one_bend + one_rate * two_bend + both * bend):
            return 1
    return 0


def is_covered(
    cap: Real, top: Real, source: Whole, target: Whole, hops: Whole, slot: Whole, edge: Whole, anchor: Whole, least: Doubles, due: Real,
    rank: Ints, way: Longs, arc_edge: Longs, arc_edges: Ints, edge_rate: Doubles, edge_bend: Doubles,
) -> Whole:  # fmt: skip
    """Return 1 where a list made for a rest of the rate ``cap`` has all walks that can be part of a cycle, though the rest is another one.

    A walk of the rate g that is not listed has bends that need more than ``u^2 / EASE`` of it, ``u = sqrt(g cap) - sqrt(due)``. With a rest
    of the rate ``k^2 cap``, whose own bends need ``n^2``, its cycle must make ``(u + sqrt(due)) k - sqrt(due) >= sqrt(m u^2 + n^2)``, m
    being ``1 / EASE`` times how much more is enough for the token that the cycle is given from. What is on the left grows faster with u
    than what is on the right, m being at most ``k^2``, so that the best rate, ``top``, decides for all.
    """
    others = 1
    first = 0
    if hops == 4:
        arc = way[1]
        if slot == 1:
            arc = way[3]
        others = arc_edges[arc]
        first = arc_edge[arc]
    root = sqrt(due)
    most = sqrt(top * cap) - root + SLACK
    if most < 0.0:
        most = 0.0
    for other in range(first, first + others):
        rest = edge_rate[edge]
        bend = edge_bend[edge]
        through = rest
        if hops == 4 and slot == 1:
            bend = edge_bend[other] + edge_rate[other] * bend
            rest *= edge_rate[other]
        elif hops == 4:
            bend += rest * edge_bend[other]
            through = edge_rate[other]
            rest *= through
        more = 1.0
        need = least[anchor] * bend
        if anchor == source:
            need /= rest
        elif anchor != target:
            # Given from a third token, from which the walk is reached over the rate ``through``
            need *= through / rest
            more = least[anchor] * through / rest / least[target]
            if rank[source] < rank[target]:
                more = least[anchor] * through / least[source]
                if rest * top > 1.0:
                    more /= rest * top
        square = rest / cap
        more /= EASE
        if more > square:
            more = square
        if (most + root) * sqrt(square) - root + SLACK > sqrt(more * most * most + need) / WIDE:
            return 0
    return 1


def promises(
    there: Whole, onward: Whole, bar: Real, hops: Whole, slot: Whole, edge: Whole, anchor: Whole, start: Whole, least: Doubles, due: Real,
    rank: Ints, way: Longs, arc_from: Ints, arc_to: Ints, arc_rate: Doubles, arc_edge: Longs, arc_edges: Ints, edge_rate: Doubles,
    edge_bend: Doubles,
) -> Whole:  # fmt: skip
    """Return 1 where edges of two arcs, whose rates must come to more than ``bar``, can be part of a cycle that leaves enough, else 0."""
    for one in range(arc_edge[there], arc_edge[there] + arc_edges[there]):
        if edge_rate[one] * arc_rate[onward] <= bar:
            break
        for two in range(arc_edge[onward], arc_edge[onward] + arc_edges[onward]):
            if edge_rate[one] * edge_rate[two] <= bar:
                break
            leaves = can_leave(
                edge_rate[one], edge_bend[one], edge_rate[two], edge_bend[two], arc_from[there], arc_to[there], arc_to[onward], hops, slot,
                edge, anchor, start, least, due, rank, way, arc_edge, arc_edges, edge_rate, edge_bend,
            )  # fmt: skip
            if leaves == 1:
                return 1
    return 0


def between(
    source: Whole, target: Whole, narrow: Whole, slot: Whole, hops: Whole, product: Real, edge: Whole, own: Whole, start: Whole,
    least: Doubles, due: Real, rank: Ints, row_start: Longs, row_len: Ints, arc_from: Ints, arc_to: Ints, arc_back: Ints, arc_rate: Doubles,
    arc_home: Doubles, arc_edge: Longs, arc_edges: Ints, edge_pool: Ints, edge_rate: Doubles, edge_bend: Doubles, edge_kind: Ints,
    pair_key: Longs, pair_arc: Ints, way: Longs, place: Longs, chosen: Longs, before: Doubles, after: Doubles, bends: Doubles,
    needs: Doubles, pool_mark: Ints, hub_of: Ints, hub_token: Ints, hub_cap: Doubles, hub_top: Doubles, hub_count: Ints, hub_list: Ints,
    hub_out: Doubles, hub_in: Doubles, hub_arc_out: Ints, hub_arc_in: Ints, out_edge: Longs, out_sold: Ints, out_hops: Ints,
    out_rate: Doubles, out_profit: Doubles, work: Longs,
) -> Whole:  # fmt: skip
    """Complete ``way`` by two arcs from ``source`` over any token to ``target``, at ``slot``; return 0.

    The other arcs of the way stand in it, ``product`` is the product of their rates. Looks at the tokens beside that end which has fewer,
    or at those of a list. With ``narrow`` hubs between are left out.
    """
    base = target
    if row_len[source] <= row_len[target]:
        base = source
    work[0] -= row_len[base]
    if work[0] < 0:
        return 0
    anchor = anchor_of(hops, slot, start, rank, way, arc_from, arc_to)
    bar = bar_of(hops, slot, edge, anchor, least, due, way, arc_from, arc_to, arc_edge, arc_edges, edge_rate, edge_bend)
    held = -1
    listed = False
    ended = anchor == source
    if anchor == target:
        ended = True
    if (ended or start < 0) and hub_of[source] > 0 and hub_of[target] > 0:
        held = (hub_of[source] - 1) * work[5] + hub_of[target] - 1
        if hub_cap[held] > 0.0:
            if product * hub_top[held] <= FLOOR:
                return 0
            listed = ended and product <= hub_cap[held]
            if not listed:
                listed = 1 == is_covered(
                    hub_cap[held], hub_top[held], source, target, hops, slot, edge, anchor, least, due, rank, way, arc_edge, arc_edges,
                    edge_rate, edge_bend,
                )  # fmt: skip
        if not listed and (hub_cap[held] <= 0.0 or hub_cap[held] < product <= hub_cap[held] * FAR):
            made = make_list(
                source, target, product * MARGIN, start, due, least, rank, row_start, row_len, arc_from, arc_to, arc_rate, arc_edge,
                arc_edges, edge_pool, edge_rate, edge_bend, hub_of, hub_cap, hub_top, hub_count, hub_list, hub_out, hub_in, hub_arc_out,
                hub_arc_in, work,
            )  # fmt: skip
            listed = ended and made == 1
    if listed:
        out = (hub_of[source] - 1) * work[6]
        home = (hub_of[target] - 1) * work[6]
        for at in range(held * LISTED, held * LISTED + hub_count[held]):
            middle = hub_list[at]
            both = hub_out[out + middle] * hub_in[home + middle]
            if product * both <= FLOOR or (both <= bar and (start >= 0 or rank[middle] >= rank[anchor])):
                continue
            try_walk(
                hub_arc_out[out + middle], hub_arc_in[home + middle], narrow, slot, hops, product, bar, anchor, edge, own, start, least,
                due, rank, row_len, arc_from, arc_to, arc_rate, arc_edge, arc_edges, edge_pool, edge_rate, edge_bend, edge_kind, way, place,
                chosen, before, after, bends, needs, pool_mark, out_edge, out_sold, out_hops, out_rate, out_profit, work,
            )  # fmt: skip
            if work[0] < 0:
                return 0
        return 0
    return along(
        source, target, base, narrow, slot, hops, product, bar, anchor, edge, own, start, least, due, rank, row_start, row_len,
        arc_from, arc_to, arc_back, arc_rate, arc_home, arc_edge, arc_edges, edge_pool, edge_rate, edge_bend, edge_kind, pair_key, pair_arc,
        way, place, chosen, before, after, bends, needs, pool_mark, hub_of, hub_out, hub_in,
        hub_arc_out, hub_arc_in, out_edge, out_sold, out_hops, out_rate, out_profit, work,
    )  # fmt: skip


def along(
    source: Whole, target: Whole, base: Whole, narrow: Whole, slot: Whole, hops: Whole, product: Real, bar: Real,
    anchor: Whole, edge: Whole, own: Whole, start: Whole, least: Doubles, due: Real, rank: Ints, row_start: Longs, row_len: Ints,
    arc_from: Ints, arc_to: Ints, arc_back: Ints, arc_rate: Doubles, arc_home: Doubles, arc_edge: Longs, arc_edges: Ints, edge_pool: Ints,
    edge_rate: Doubles, edge_bend: Doubles, edge_kind: Ints, pair_key: Longs, pair_arc: Ints, way: Longs, place: Longs, chosen: Longs,
    before: Doubles, after: Doubles, bends: Doubles, needs: Doubles, pool_mark: Ints, hub_of: Ints,
    hub_out: Doubles, hub_in: Doubles, hub_arc_out: Ints, hub_arc_in: Ints, out_edge: Longs,
    out_sold: Ints, out_hops: Ints, out_rate: Doubles, out_profit: Doubles, work: Longs,
) -> Whole:  # fmt: skip
    """Look at all tokens beside ``base``, which is ``source`` or ``target``; return 0."""
    outward = base == source
    row = -1
    if outward and hub_of[target] > 0:
        row = (hub_of[target] - 1) * work[6]
    elif not outward and hub_of[source] > 0:
        row = (hub_of[source] - 1) * work[6]
    for near in range(row_start[base], row_start[base] + row_len[base]):
        middle = arc_to[near]
        one_rate = arc_rate[near]
        two_rate = arc_home[near]
        if outward and row >= 0:
            two_rate = hub_in[row + middle]
        elif outward:
            two_rate = rate_of(middle, target, arc_rate, pair_key, pair_arc, work)
        elif row >= 0:
            one_rate = hub_out[row + middle]
        else:
            one_rate = rate_of(source, middle, arc_rate, pair_key, pair_arc, work)
        both = one_rate * two_rate
        if both * product <= FLOOR or (both <= bar and (start >= 0 or rank[middle] >= rank[anchor])):
            continue
        there = near
        onward = arc_back[near]
        if outward and row >= 0:
            onward = hub_arc_in[row + middle]
        elif outward:
            onward = find_arc(middle, target, pair_key, pair_arc, work[4])
        elif row >= 0:
            there = hub_arc_out[row + middle]
        else:
            there = find_arc(source, middle, pair_key, pair_arc, work[4])
        try_walk(
            there, onward, narrow, slot, hops, product, bar, anchor, edge, own, start, least, due, rank, row_len, arc_from, arc_to,
            arc_rate, arc_edge, arc_edges, edge_pool, edge_rate, edge_bend, edge_kind, way, place, chosen, before, after, bends, needs,
            pool_mark, out_edge, out_sold, out_hops, out_rate, out_profit, work,
        )  # fmt: skip
        if work[0] < 0:
            return 0
    return 0


def rate_of(source: Whole, target: Whole, arc_rate: Doubles, pair_key: Longs, pair_arc: Ints, work: Longs) -> Real:
    """Return the rate of the arc between two tokens, 0 where there is none."""
    arc = find_arc(source, target, pair_key, pair_arc, work[4])
    if arc < 0:
        return 0.0
    return arc_rate[arc]


def try_walk(
    there: Whole, onward: Whole, narrow: Whole, slot: Whole, hops: Whole, product: Real, bar: Real, anchor: Whole, edge: Whole, own: Whole,
    start: Whole, least: Doubles, due: Real, rank: Ints, row_len: Ints, arc_from: Ints, arc_to: Ints, arc_rate: Doubles, arc_edge: Longs,
    arc_edges: Ints, edge_pool: Ints, edge_rate: Doubles, edge_bend: Doubles, edge_kind: Ints, way: Longs, place: Longs, chosen: Longs,
    before: Doubles, after: Doubles, bends: Doubles, needs: Doubles, pool_mark: Ints, out_edge: Longs, out_sold: Ints, out_hops: Ints,
    out_rate: Doubles, out_profit: Doubles, work: Longs,
) -> Whole:  # fmt: skip
    """Complete ``way`` by two arcs where the cycle can leave enough, and write what does; return how many cycles."""
    middle = arc_to[there]
    both = arc_rate[there] * arc_rate[onward]
    if product * both <= FLOOR or (narrow == 1 and row_len[middle] >= HUB):
        return 0
    if middle == arc_from[way[0]] or middle == arc_to[way[0]]:
        return 0
    if start < 0 and rank[middle] < rank[anchor]:
        # The cycle is given from there
        bar = SAFE_FLOOR / product
    if both <= bar:
        return 0
    leaves = promises(
        there, onward, bar, hops, slot, edge, anchor, start, least, due, rank, way, arc_from, arc_to, arc_rate, arc_edge, arc_edges,
        edge_rate, edge_bend,
    )  # fmt: skip
    if leaves == 0:
        return 0
    way[slot] = there
    way[slot + 1] = onward
    return expand(
        hops, edge, own, start, least, due, rank, way, place, chosen, before, after, bends, needs, arc_from, arc_rate, arc_edge, arc_edges,
        edge_pool, edge_rate, edge_bend, edge_kind, pool_mark, out_edge, out_sold, out_hops, out_rate, out_profit, work,
    )  # fmt: skip
