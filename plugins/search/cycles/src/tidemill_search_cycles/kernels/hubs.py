"""What is kept of hubs, the tokens with so many others beside them that looking at each takes longest.

``hub_out`` and ``hub_in`` hold for each hub the best rate to and from every token, 0 where there is none: ``work[6]`` doubles a hub;
``hub_arc_out`` and ``hub_arc_in`` where those arcs stand. They are looked up in place of the table of pairs, in a tenth of the time.

``hub_list`` holds for two hubs the tokens of those walks of two arcs from the one to the other that can be part of a cycle that leaves
``EASE`` of enough, where the rest of the cycle has at most the product of rates ``hub_cap`` (0: not known), ``hub_count`` of them, in
order of their asset ids, and, in cycles without a start, those tokens that cycles over them are given from; ``hub_top`` is at least the
best rate of any walk from the one to the other. A walk that becomes one of them makes the list unknown, one that ceases to be one stays.

``hub_of`` is a token's number among the ``work[5]`` hubs plus 1, 0 where it is none; ``hub_token`` the token of such a number. Which tokens
these are, and what of them is known, is part of no answer, nor of the effort that is counted.
"""

from math import sqrt

from tidemill_search_cycles.kernels.arrays import Doubles, Ints, Longs, Real, Whole
from tidemill_search_cycles.kernels.live import SAFE_FLOOR, SLACK, WIDE
from tidemill_search_cycles.kernels.pairs import find_arc

MARGIN = 1.0 + 2.0**-9
"""How much better the rest of another cycle may be, for which a list is good too."""
FAR = 1.0 + 2.0**-5
"""Where it is this much better, it passes a pool that is far off its price: no list is made for that."""
HUB = 64
"""A token with so many others beside it is a hub."""
EASE = 0.75
"""Lists are made for so large a part of what is enough, so that cycles that are given from a third token can be looked up too."""
LISTED = 64
"""So many tokens a list may have."""
TRACED = 256
"""So many changes of arcs are remembered, a power of two."""


def live_rate(
    one: Whole, two: Whole, rest: Real, start: Whole, least: Doubles, due: Real, rank: Ints, arc_from: Ints, arc_to: Ints, arc_rate:
    Doubles, arc_edge: Longs, arc_edges: Ints, edge_pool: Ints, edge_rate: Doubles, edge_bend: Doubles,
) -> Real:  # fmt: skip
    """Return the rate of a walk over two arcs that can be part of a cycle that leaves ``EASE`` of enough, 0 where there is none.

    ``rest`` is the most that the product of the other rates comes to. The cycle is given from an end of the walk or, without ``start``,
    from the token between where that has less rank.
    """
    source = arc_from[one]
    middle = arc_to[one]
    anchor = start
    if start < 0:
        anchor = arc_to[two]
        if rank[source] < rank[anchor]:
            anchor = source
        if rank[middle] < rank[anchor]:
            anchor = middle
    for first in range(arc_edge[one], arc_edge[one] + arc_edges[one]):
        rate = edge_rate[first]
        if rate * arc_rate[two] * rest <= SAFE_FLOOR:
            break
        for second in range(arc_edge[two], arc_edge[two] + arc_edges[two]):
            both = rate * edge_rate[second]
            if both * rest <= SAFE_FLOOR:
                break
            if both * rest * WIDE <= due * SAFE_FLOOR:
                break
            root = sqrt(both * rest) - sqrt(due) + SLACK
            if root < 0.0:
                root = 0.0
            wanted = EASE * least[anchor] * (edge_bend[first] + rate * edge_bend[second])
            if anchor == middle:
                wanted /= rate
            elif anchor != source:
                wanted /= both
            if edge_pool[first] != edge_pool[second] and root * root * WIDE >= wanted:
                return both
    return 0.0


def make_list(
    source: Whole, target: Whole, cap: Real, start: Whole, due: Real, least: Doubles, rank: Ints, row_start: Longs, row_len: Ints,
    arc_from: Ints, arc_to: Ints, arc_rate: Doubles, arc_edge: Longs, arc_edges: Ints, edge_pool: Ints, edge_rate: Doubles,
    edge_bend: Doubles, hub_of: Ints, hub_cap: Doubles, hub_top: Doubles, hub_count: Ints, hub_list: Ints, hub_out: Doubles,
    hub_in: Doubles, hub_arc_out: Ints, hub_arc_in: Ints, work: Longs,
) -> Whole:  # fmt: skip
    """List the tokens between two hubs for rests of cycles up to the rate ``cap``; return 1, or 0 where they are too many."""
    place = (hub_of[source] - 1) * work[5] + hub_of[target] - 1
    out = (hub_of[source] - 1) * work[6]
    home = (hub_of[target] - 1) * work[6]
    base = target
    if row_len[source] <= row_len[target]:
        base = source
    ends = rank[source]
    if rank[target] < ends:
        ends = rank[target]
    top = 0.0
    kept = 0
    hub_cap[place] = 0.0
    for near in range(row_start[base], row_start[base] + row_len[base]):
        middle = arc_to[near]
        both = hub_out[out + middle] * hub_in[home + middle]
        if both > top:
            top = both
        wanted = start < 0 and ends > 0 and both > 0.0 and rank[middle] < ends
        if not wanted and both * cap > SAFE_FLOOR:
            rate = live_rate(
                hub_arc_out[out + middle], hub_arc_in[home + middle], cap, start, least, due, rank, arc_from, arc_to, arc_rate, arc_edge,
                arc_edges, edge_pool, edge_rate, edge_bend,
            )  # fmt: skip
            wanted = rate > 0.0
        if wanted:
            if kept == LISTED:
                return 0
            hub_list[place * LISTED + kept] = middle
            kept += 1
    hub_cap[place] = cap
    hub_top[place] = top
    hub_count[place] = kept
    return 1


def make_lists(
    start: Whole, due: Real, least: Doubles, rank: Ints, row_start: Longs, row_len: Ints, arc_from: Ints, arc_to: Ints, arc_rate: Doubles,
    arc_edge: Longs, arc_edges: Ints, edge_pool: Ints, edge_rate: Doubles, edge_bend: Doubles, hub_of: Ints, hub_token: Ints,
    hub_cap: Doubles, hub_top: Doubles, hub_count: Ints, hub_list: Ints, hub_out: Doubles, hub_in: Doubles, hub_arc_out: Ints,
    hub_arc_in: Ints, work: Longs,
) -> Whole:  # fmt: skip
    """List what is between any two hubs for rests that are about as good as the deepest pool of both; return how many lists were made."""
    made = 0
    for one in range(work[5]):
        for other in range(work[5]):
            at = other * work[6] + hub_token[one]
            if one == other or hub_out[at] <= 0.0 or (start >= 0 and start != hub_token[one] and start != hub_token[other]):
                continue
            first = arc_edge[hub_arc_out[at]]
            deep = first
            for edge in range(first, first + arc_edges[hub_arc_out[at]]):
                if edge_bend[edge] < edge_bend[deep]:
                    deep = edge
            made += make_list(
                hub_token[one], hub_token[other], edge_rate[deep] * MARGIN, start, due, least, rank, row_start, row_len, arc_from, arc_to,
                arc_rate, arc_edge, arc_edges, edge_pool, edge_rate, edge_bend, hub_of, hub_cap, hub_top, hub_count, hub_list, hub_out,
                hub_in, hub_arc_out, hub_arc_in, work,
            )  # fmt: skip
    return made


def is_listed(place: Whole, token: Whole, hub_count: Ints, hub_list: Ints) -> Whole:
    """Return 1 where a token stands in a list."""
    for at in range(place * LISTED, place * LISTED + hub_count[place]):
        if hub_list[at] == token:
            return 1
    return 0


def fill_hubs(
    row_start: Longs, row_len: Ints, arc_from: Ints, arc_to: Ints, arc_back: Ints, arc_rate: Doubles, arc_home: Doubles, hub_of: Ints,
    hub_token: Ints, hub_cap: Doubles, hub_out: Doubles, hub_in: Doubles, hub_arc_out: Ints, hub_arc_in: Ints, work: Longs,
) -> Whole:  # fmt: skip
    """Look up the arcs of all hubs anew, and forget all lists; return how many hubs there are."""
    hubs = work[5]
    # Whole rows: another number of hubs may have stood in the same cells, and tokens that are new would read what it left
    for at in range(hubs * work[6]):
        hub_out[at] = 0.0
        hub_in[at] = 0.0
    for hub in range(hubs):
        seat_row(
            hub_token[hub], row_start, row_len, arc_from, arc_to, arc_back, arc_rate, arc_home, hub_of, hub_out, hub_in, hub_arc_out,
            hub_arc_in, work,
        )  # fmt: skip
    for place in range(hubs * hubs):
        hub_cap[place] = 0.0
    return hubs


def seat_row(
    token: Whole, row_start: Longs, row_len: Ints, arc_from: Ints, arc_to: Ints, arc_back: Ints, arc_rate: Doubles, arc_home: Doubles,
    hub_of: Ints, hub_out: Doubles, hub_in: Doubles, hub_arc_out: Ints, hub_arc_in: Ints, work: Longs,
) -> Whole:  # fmt: skip
    """Look up the arcs between hubs and a token, which may be a hub itself; return how many arcs it has."""
    for arc in range(row_start[token], row_start[token] + row_len[token]):
        other = arc_to[arc]
        back = arc_back[arc]
        if hub_of[token] > 0:
            at = (hub_of[token] - 1) * work[6] + other
            hub_out[at] = arc_rate[arc]
            hub_in[at] = arc_home[arc]
            hub_arc_out[at] = arc
            hub_arc_in[at] = back
        if hub_of[other] > 0:
            at = (hub_of[other] - 1) * work[6] + token
            hub_out[at] = arc_home[arc]
            hub_in[at] = arc_rate[arc]
            hub_arc_out[at] = back
            hub_arc_in[at] = arc
    return row_len[token]


def trace_changes(
    seen: Whole, changes: Whole, moved: Whole, start: Whole, due: Real, trace_from: Ints, trace_to: Ints, least: Doubles, rank: Ints,
    row_start: Longs, row_len: Ints, hub_of: Ints, hub_token: Ints, hub_cap: Doubles, hub_top: Doubles, hub_count: Ints, hub_list: Ints,
    hub_out: Doubles, hub_in: Doubles, hub_arc_out: Ints, hub_arc_in: Ints, arc_from: Ints, arc_to: Ints, arc_back: Ints, arc_rate: Doubles,
    arc_home: Doubles, arc_edge: Longs, arc_edges: Ints, edge_pool: Ints, edge_rate: Doubles, edge_bend: Doubles, pair_key: Longs, pair_arc:
    Ints, work: Longs,
) -> Whole:  # fmt: skip
    """Bring what is kept of hubs up to date with the arcs that changed from the ``seen``-th on; return how many lists became unknown.

    ``trace_from`` and ``trace_to`` hold the arcs of the last changes, each where its number's last bits say. Where arcs ``moved``, came or
    went, they did so in rows of these arcs' tokens.
    """
    missed = 0
    for change in range(seen, changes):
        source = trace_from[change & (TRACED - 1)]
        target = trace_to[change & (TRACED - 1)]
        if moved == 1:
            for turn in range(2):
                token = source
                if turn == 1:
                    token = target
                seat_row(
                    token, row_start, row_len, arc_from, arc_to, arc_back, arc_rate, arc_home, hub_of, hub_out, hub_in, hub_arc_out,
                    hub_arc_in, work,
                )  # fmt: skip
        if hub_of[source] == 0 and hub_of[target] == 0:
            continue
        arc = find_arc(source, target, pair_key, pair_arc, work[4])
        rate = 0.0
        if arc >= 0:
            rate = arc_rate[arc]
        if hub_of[source] > 0:
            at = (hub_of[source] - 1) * work[6] + target
            hub_out[at] = rate
            hub_arc_out[at] = arc
        if hub_of[target] > 0:
            at = (hub_of[target] - 1) * work[6] + source
            hub_in[at] = rate
            hub_arc_in[at] = arc
        if rate > 0.0:
            missed += miss(
                arc, start, due, least, rank, hub_of, hub_token, hub_cap, hub_top, hub_count, hub_list, hub_out, hub_in, hub_arc_out,
                hub_arc_in, arc_from, arc_to, arc_rate, arc_edge, arc_edges, edge_pool, edge_rate, edge_bend, work,
            )  # fmt: skip
    return missed


def miss(
    arc: Whole, start: Whole, due: Real, least: Doubles, rank: Ints, hub_of: Ints, hub_token: Ints, hub_cap: Doubles, hub_top: Doubles,
    hub_count: Ints, hub_list: Ints, hub_out: Doubles, hub_in: Doubles, hub_arc_out: Ints, hub_arc_in: Ints, arc_from: Ints, arc_to: Ints,
    arc_rate: Doubles, arc_edge: Longs, arc_edges: Ints, edge_pool: Ints, edge_rate: Doubles, edge_bend: Doubles, work: Longs,
) -> Whole:  # fmt: skip
    """Make unknown the lists that miss a walk over an arc whose edges changed; return how many."""
    source = arc_from[arc]
    target = arc_to[arc]
    hubs = work[5]
    missed = 0
    for turn in range(hubs * 2):
        hub = turn
        place = (hub_of[source] - 1) * hubs + hub
        middle = target
        if turn >= hubs:
            hub = turn - hubs
            place = hub * hubs + hub_of[target] - 1
            middle = source
        if (turn < hubs and hub_of[source] == 0) or (turn >= hubs and hub_of[target] == 0) or hub_cap[place] <= 0.0:
            continue
        both = arc_rate[arc]
        if turn < hubs:
            both *= hub_in[hub * work[6] + middle]
        else:
            both *= hub_out[hub * work[6] + middle]
        if hub_token[hub] == source or hub_token[hub] == target or both <= 0.0:
            continue
        if both > hub_top[place]:
            hub_top[place] = both
        end = source + target - middle
        lower = start < 0 and rank[middle] < rank[end] and rank[middle] < rank[hub_token[hub]]
        if (both * hub_cap[place] <= SAFE_FLOOR and not lower) or is_listed(place, middle, hub_count, hub_list) == 1:
            continue
        one = arc
        two = arc
        if turn < hubs:
            two = hub_arc_in[hub * work[6] + middle]
        else:
            one = hub_arc_out[hub * work[6] + middle]
        rate = live_rate(
            one, two, hub_cap[place], start, least, due, rank, arc_from, arc_to, arc_rate, arc_edge, arc_edges, edge_pool, edge_rate,
            edge_bend,
        )  # fmt: skip
        if rate > 0.0 or lower:
            hub_cap[place] = 0.0
            missed += 1
    return missed


def survey(tokens: Whole, row_start: Longs, row_len: Ints, arc_to: Ints, narrow_len: Ints, wide_token: Ints) -> Whole:
    """List the tokens whose rows are those of hubs in ``wide_token``; return how many there are.

    ``narrow_len`` of such a token is -1, of another how many tokens beside it are no hubs.
    """
    wide = 0
    for token in range(tokens):
        narrow_len[token] = -1
        if row_len[token] >= HUB:
            wide_token[wide] = token
            wide += 1
            continue
        count = 0
        for arc in range(row_start[token], row_start[token] + row_len[token]):
            if row_len[arc_to[arc]] < HUB:
                count += 1
        narrow_len[token] = count
    return wide
