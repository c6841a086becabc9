"""Walks of two hops between a start and a token in the middle: which of them can still be part of a cycle that leaves enough.

A walk is one edge for each of its arcs, so that its rate and its bend are known. It is looked at for each kind of cycle apart (``ladder``):
one over pools that hold next to nothing, which gains much with a small amount, is not the rest of a cycle that needs a large one.
"""

from tidemill_search_cycles.kernels.arrays import Doubles, Ints, Longs, Real, Whole
from tidemill_search_cycles.kernels.ladder import (
    INS,
    KINDS,
    LINE,
    ROOM,
    RUNGS,
    SIDE,
    SMALL,
    UNIT,
    back_may_leave,
    comes_home,
    out_may_leave,
)
from tidemill_search_cycles.kernels.live import SAFE_FLOOR, may_end, may_leave


def list_walks(
    home: Whole, start: Whole, middle: Whole, asked: Whole, hurdle: Real, due: Real, gate: Ints, row_start: Longs, row_len: Ints,
    arc_to: Ints, arc_back: Ints, arc_rate: Doubles, arc_edge: Longs, arc_edges: Ints, edge_pool: Ints, edge_rate: Doubles,
    edge_bend: Doubles, reach: Doubles, pay: Doubles, paid: Doubles, back: Doubles, beside: Doubles, best: Doubles, bar: Doubles,
    walk_arc: Longs, walk_first: Longs, walk_second: Longs, walk_kinds: Longs, walk_rate: Doubles, walk_bend: Doubles, tops: Doubles,
    work: Longs,
) -> Whole:  # fmt: skip
    """List the walks from the start to ``middle``, or with ``home`` those back, that may be part of a cycle; return how many.

    ``walk_arc`` is the arc from ``middle`` to the token between, ``walk_kinds`` the sum of 2^kind, of those ``asked``.
    ``tops[KINDS * home + kind]`` gets the best rate of each kind. Beyond ``work[3]`` walks are counted, not written.
    """
    count = 0
    rest = best[LINE * middle]
    if home == 0:
        rest = best[LINE * middle + INS]
    work[0] -= row_len[middle]
    for kind in range(KINDS):
        tops[KINDS * home + kind] = 0.0
    for arc in range(row_start[middle], row_start[middle] + row_len[middle]):
        near = arc_to[arc]
        if gate[near] == 0:
            continue
        one = gate[near] - 1
        two = arc_back[arc]
        if home == 1:
            two = arc_back[one]
            one = arc
        beyond = arc_rate[two] * rest
        if arc_rate[one] * beyond <= SAFE_FLOOR:
            continue
        kinds = way_kinds(home, middle, near, arc, asked, arc_rate[one] * beyond, reach, paid, back, beside, best, bar)
        if kinds == 0:
            continue
        for first in range(arc_edge[one], arc_edge[one] + arc_edges[one]):
            rate = edge_rate[first]
            if rate * beyond <= SAFE_FLOOR:
                break
            for second in range(arc_edge[two], arc_edge[two] + arc_edges[two]):
                work[0] -= 1
                both = rate * edge_rate[second]
                if both * rest <= SAFE_FLOOR:
                    break
                if edge_pool[first] == edge_pool[second]:
                    continue
                left = kinds
                bend = edge_bend[first] + rate * edge_bend[second]
                if may_be_part(home, both, bend, rest, hurdle, due) == 0:
                    continue
                if arc_edges[one] + arc_edges[two] > 2:
                    left = walk_left(home, start, middle, near, first, second, kinds, both * rest, reach, pay, beside, best, bar)
                if left == 0:
                    continue
                if count < work[3]:
                    walk_arc[count] = arc
                    walk_first[count] = first
                    walk_second[count] = second
                    walk_kinds[count] = left
                    walk_rate[count] = both
                    walk_bend[count] = bend
                raise_tops(home, left, both, tops)
                count += 1
    return count


def may_be_part(home: Whole, rate: Real, bend: Real, rest: Real, hurdle: Real, due: Real) -> Whole:
    """Return 1 where a walk may be part of a cycle that leaves enough, whose other hops have the product of rates ``rest`` at most."""
    if home == 1:
        return may_end(rate, bend, rest, hurdle, due)
    return may_leave(rate * rest, bend, hurdle, due)


def way_kinds(
    home: Whole, middle: Whole, near: Whole, arc: Whole, asked: Whole, rates: Real, reach: Doubles, paid: Doubles, back: Doubles,
    beside: Doubles, best: Doubles, bar: Doubles,
) -> Whole:  # fmt: skip
    """Return of which of the kinds ``asked`` a cycle over ``near`` may be, ``rates`` being the most that its marginal rates come to."""
    kinds = asked & 1
    if rates < bar[0]:
        kinds = 0
    for rung in range(RUNGS):
        if asked >> (rung + 1) & 1 == 0:
            continue
        if home == 1:
            comes = comes_home(near, rung, paid[RUNGS * arc + rung], reach, beside)
            kinds += back_may_leave(middle, rung, comes, reach, best, bar) << (rung + 1)
        else:
            kinds += out_may_leave(middle, rung, back[RUNGS * arc + rung] * beside[SIDE * near + rung], reach, best, bar) << (rung + 1)
    return kinds


def walk_left(
    home: Whole, start: Whole, middle: Whole, near: Whole, first: Whole, second: Whole, kinds: Whole, rates: Real, reach: Doubles,
    pay: Doubles, beside: Doubles, best: Doubles, bar: Doubles,
) -> Whole:  # fmt: skip
    """Return of which of ``kinds`` a cycle over two edges may be."""
    left = kinds & 1
    if rates < bar[0]:
        left = 0
    for rung in range(RUNGS):
        if kinds >> (rung + 1) & 1:
            own = reach[RUNGS * near + rung]
            unit = beside[SIDE * near + UNIT + rung]
            one = pay[RUNGS * first + rung]
            if home == 1:
                if one < SMALL * own:
                    one = SMALL * own
                comes = one * unit * (pay[RUNGS * second + rung] * beside[SIDE * start + UNIT + rung])
                left += back_may_leave(middle, rung, comes, reach, best, bar) << (rung + 1)
            else:
                one *= ROOM
                if one < own:
                    one = own
                left += out_may_leave(middle, rung, one * unit * pay[RUNGS * second + rung], reach, best, bar) << (rung + 1)
    return left


def raise_tops(home: Whole, kinds: Whole, rate: Real, tops: Doubles) -> None:
    """Let the best rates of some kinds be at least ``rate``."""
    for kind in range(KINDS):
        if kinds >> kind & 1 and rate > tops[KINDS * home + kind]:
            tops[KINDS * home + kind] = rate


def narrow(
    home: Whole, count: Whole, hurdle: Real, due: Real, walk_arc: Longs, walk_first: Longs, walk_second: Longs, walk_kinds: Longs,
    walk_rate: Doubles, walk_bend: Doubles, tops: Doubles,
) -> Whole:  # fmt: skip
    """Take out the walks that leave too little with the best rest of each kind; return how many stay, their best rates in ``tops``."""
    kept = 0
    for kind in range(KINDS):
        tops[KINDS * home + kind] = 0.0
    for at in range(count):
        rate = walk_rate[at]
        bend = walk_bend[at]
        left = 0
        for kind in range(KINDS):
            rest = tops[KINDS * (1 - home) + kind]
            if walk_kinds[at] >> kind & 1 and rate * rest > SAFE_FLOOR:
                left += may_be_part(home, rate, bend, rest, hurdle, due) << kind
        if left > 0:
            walk_arc[kept] = walk_arc[at]
            walk_first[kept] = walk_first[at]
            walk_second[kept] = walk_second[at]
            walk_kinds[kept] = left
            walk_rate[kept] = rate
            walk_bend[kept] = bend
            raise_tops(home, left, rate, tops)
            kept += 1
    return kept
