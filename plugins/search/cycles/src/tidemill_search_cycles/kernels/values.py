"""What each token is worth against the others, as the arcs alone tell it: potentials under which a healthy arc loses its fee.

A cycle's product does not depend on them, so nothing that is found does: they tell where to look. Under any values at all each gaining
cycle holds an arc of relative rate above 1 from which every prefix of it is above 1 (the cycle lemma); good values make those arcs few.
"""

from math import sqrt

from tidemill_search_cycles.kernels.arrays import Doubles, Ints, Longs, Real, Whole
from tidemill_search_cycles.kernels.bounds import HIGH, LOW

STRANGE = 2.0**16
"""Values outside 1/STRANGE..STRANGE count as 1: in scaled units no sane token has them. Relative rates stay in ``LEAST``..``MOST``."""
CLIP = 2.0**-6
"""The most that one pair says about a token in one sweep: one mispriced pair among sound ones cannot carry it off."""
MASK = 2.0**-8
"""Arcs this little above 1 are noise that other values may explain; those above are meant to stay."""
CAP = 2.0**-7
"""The most that ``settle`` raises a token."""
STEP = 2.0**-20
SHALLOW = 2.0**-60
"""The least bend that counts."""
NARROW = 2.0**-9
"""No pair's price is known better than to this part."""
FLOOD = 64
"""Rounds in which values spread: ways of so many arcs, more than any that is trusted."""
SWEEPS = 16
ROUNDS = 24


def usable(value: Real) -> Real:
    """Return the value, or 1 where it is outside the range of sane ones (NaN too)."""
    return value if 1.0 / STRANGE < value < STRANGE else 1.0


def middle_rates(
    tokens: Whole, rate: Doubles, row_start: Longs, row_len: Ints, arc_back: Ints, arc_bend: Doubles, mid: Doubles, trust: Doubles
) -> Whole:
    """Set ``mid[arc]`` to the rate between the pair's two directions, fees out; one direction alone speaks for itself, 0: neither does.

    ``trust[arc]`` is the depth, 1 / bend, over the square of what a round trip through the pair loses: a pair's price is known to its fee.
    An arc that is no single curve counts as deep as the token's deepest one that is. Returns the number of arcs.
    """
    arcs = 0
    for token in range(tokens):
        arcs += row_len[token]
        least = 0.0
        for arc in range(row_start[token], row_start[token] + row_len[token]):
            bend = arc_bend[arc]
            if bend > 0.0 and (least == 0.0 or bend < least):
                least = bend
        for arc in range(row_start[token], row_start[token] + row_len[token]):
            here = rate[arc] if LOW < rate[arc] < HIGH else 0.0
            there = rate[arc_back[arc]] if LOW < rate[arc_back[arc]] < HIGH else 0.0
            lost = 1.0
            if here > 0.0 and there > 0.0:
                mid[arc] = sqrt(here / there)
                lost = max(min(abs(1.0 - here * there), 1.0), NARROW)
            elif there > 0.0:
                mid[arc] = 1.0 / there
            else:
                mid[arc] = here
            bend = arc_bend[arc] if arc_bend[arc] > 0.0 else least
            trust[arc] = 1.0 / (lost * lost * max(bend, SHALLOW))
    return arcs


def _root(token: Whole, row_start: Longs, row_len: Ints, arc_to: Ints, mid: Doubles, trust: Doubles, value: Doubles) -> Real:
    """Return what a token of no known value is worth to the most trusted of its known neighbours, 1 without one."""
    worth, firmest = 1.0, -1.0
    for arc in range(row_start[token], row_start[token] + row_len[token]):
        if value[arc_to[arc]] > 0.0 and mid[arc] > 0.0 and trust[arc] > firmest:
            firmest = trust[arc]
            worth = mid[arc] * value[arc_to[arc]]
    return usable(worth)


def _flood(
    root: Whole,
    done: Whole,
    row_start: Longs,
    row_len: Ints,
    arc_to: Ints,
    mid: Doubles,
    trust: Doubles,
    value: Doubles,
    doubt: Doubles,
    order: Ints,
    front: Ints,
    after: Ints,
    marked: Ints,
) -> Whole:
    """Value all that can be reached from a root along the ways of least doubt; append what is new to ``order``. Returns its length."""
    doubt[root], front[0] = 0.0, root
    waiting, stamp = 1, 0
    while waiting > 0 and stamp < FLOOD:
        fresh = 0
        stamp += 1
        for place in range(waiting):
            token = front[place]
            for arc in range(row_start[token], row_start[token] + row_len[token]):
                other = arc_to[arc]
                if not (mid[arc] > 0.0 and trust[arc] > 0.0):
                    continue
                doubts = doubt[token] + 1.0 / trust[arc]
                if value[other] == 0.0:
                    order[done] = other
                    done += 1
                elif doubts >= doubt[other]:
                    continue
                doubt[other] = doubts
                value[other] = usable(value[token] / mid[arc])
                if marked[other] != stamp:
                    marked[other] = stamp
                    after[fresh] = other
                    fresh += 1
        for place in range(fresh):
            front[place] = after[place]
            marked[after[place]] = 0
        waiting = fresh
    return done


def spread(
    tokens: Whole,
    scan: Ints,
    row_start: Longs,
    row_len: Ints,
    arc_to: Ints,
    mid: Doubles,
    trust: Doubles,
    value: Doubles,
    doubt: Doubles,
    order: Ints,
    front: Ints,
    after: Ints,
    marked: Ints,
) -> Whole:
    """Value every token from the one with the most neighbours outwards, along the arcs that are trusted most.

    ``scan`` lists the tokens: the first of equals is the root, and roots of parts apart come in its order. ``order`` receives the tokens in
    the order in which they were reached; ``marked`` is zero before and after. Returns their number.
    """
    done, widest = 0, -1
    for place in range(tokens):
        token = scan[place]
        value[token] = 0.0
        if widest < 0 or row_len[token] > row_len[widest]:
            widest = token
    for place in range(-1, tokens):
        root = widest if place < 0 else scan[place]
        if root >= 0 and value[root] == 0.0:
            value[root] = _root(root, row_start, row_len, arc_to, mid, trust, value)
            order[done] = root
            done = _flood(root, done + 1, row_start, row_len, arc_to, mid, trust, value, doubt, order, front, after, marked)
    return done


def smooth(
    tokens: Whole, order: Ints, row_start: Longs, row_len: Ints, arc_to: Ints, mid: Doubles, trust: Doubles, value: Doubles
) -> Whole:
    """Move each token to the mean of what its pairs say, weighted by trust, in place, ``SWEEPS`` times. Returns the sweeps."""
    for _ in range(SWEEPS):
        for place in range(tokens):
            token = order[place]
            total, weights = 0.0, 0.0
            for arc in range(row_start[token], row_start[token] + row_len[token]):
                if mid[arc] > 0.0 and trust[arc] > 0.0:
                    says = mid[arc] * value[arc_to[arc]] / value[token] - 1.0
                    total += trust[arc] * min(max(says, -CLIP), CLIP)
                    weights += trust[arc]
            if weights > 0.0:
                value[token] = usable(value[token] * (1.0 + total / weights))
    return SWEEPS


def settle(
    tokens: Whole, rate: Doubles, order: Ints, row_start: Longs, row_len: Ints, arc_to: Ints, value: Doubles, base: Doubles
) -> Whole:
    """Raise tokens so that arcs a little above 1 come to 1 or less, none by more than ``CAP``.

    An arc ends above 1 only if its token stands at the cap; it is then no higher than it was. So no arc becomes mispriced by this.
    Returns the rounds that it took.
    """
    for token in range(tokens):
        base[token] = value[token]
    for done in range(ROUNDS):
        raised = 0
        for place in range(tokens):
            token = order[tokens - 1 - place]
            best = value[token]
            cap = base[token] * (1.0 + CAP)
            for arc in range(row_start[token], row_start[token] + row_len[token]):
                step, other = rate[arc], arc_to[arc]
                if LOW < step < HIGH and step * base[other] <= base[token] * (1.0 + MASK):
                    best = max(best, min(step * value[other], cap))
            if best > value[token] * (1.0 + STEP):
                value[token] = best
                raised += 1
        if raised == 0:
            return done
    return ROUNDS


def relative_rates(
    tokens: Whole,
    rate: Doubles,
    scan: Ints,
    row_start: Longs,
    row_len: Ints,
    arc_to: Ints,
    value: Doubles,
    relative: Doubles,
    hot: Ints,
    work: Longs,
) -> Whole:
    """Set ``relative[arc]`` to what an arc pays in worth per worth, 0 where it is closed, and list those above 1 along ``scan`` in ``hot``.

    Returns their number.
    """
    found = 0
    for place in range(tokens):
        token = scan[place]
        worth = usable(value[token])
        work[0] -= row_len[token]
        for arc in range(row_start[token], row_start[token] + row_len[token]):
            step = rate[arc]
            relative[arc] = 0.0
            if LOW < step < HIGH:
                relative[arc] = step * usable(value[arc_to[arc]]) / worth
                if relative[arc] > 1.0:
                    hot[found] = arc
                    found += 1
    return found
