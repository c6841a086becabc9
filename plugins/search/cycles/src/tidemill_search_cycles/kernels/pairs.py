"""Which arc leads from one token to another: an open hash table over ordered pairs of token numbers."""

from tidemill_search_cycles.kernels.arrays import Ints, Longs, Whole

FREE, GONE = 0, -1
_FROM, _TO, _SHIFT = 2654435761, 2246822519, 15


def slot_of(source: Whole, target: Whole, mask: Whole) -> Whole:
    """Return where the search for a pair begins, 0..mask; ``mask`` is the table's length less one, a power of two less one.

    Token numbers stay below 2^29, so that nothing here reaches 2^62.
    """
    return ((source * _FROM + target * _TO) >> _SHIFT) & mask


def find_arc(source: Whole, target: Whole, pair_key: Longs, pair_arc: Ints, mask: Whole) -> Whole:
    """Return the arc from ``source`` to ``target``, -1 where there is none."""
    key = source * 1073741824 + target + 1
    place = slot_of(source, target, mask)
    while True:
        found = pair_key[place]
        if found == key:
            return pair_arc[place]
        if found == FREE:
            return -1
        place = (place + 1) & mask


def put_arc(source: Whole, target: Whole, arc: Whole, pair_key: Longs, pair_arc: Ints, mask: Whole) -> Whole:
    """Set the arc of a pair; return 1 where the pair took a slot that was free, else 0. The table must have a free slot."""
    key = source * 1073741824 + target + 1
    place = slot_of(source, target, mask)
    gone = -1
    while True:
        found = pair_key[place]
        if found == key:
            pair_arc[place] = arc
            return 0
        if found == GONE and gone < 0:
            gone = place
        if found == FREE:
            break
        place = (place + 1) & mask
    taken = 1
    if gone >= 0:
        place = gone
        taken = 0
    pair_key[place] = key
    pair_arc[place] = arc
    return taken


def drop_arc(source: Whole, target: Whole, pair_key: Longs, mask: Whole) -> Whole:
    """Forget a pair; return 1 where it was there, else 0."""
    key = source * 1073741824 + target + 1
    place = slot_of(source, target, mask)
    while True:
        found = pair_key[place]
        if found == key:
            pair_key[place] = GONE
            return 1
        if found == FREE:
            return 0
        place = (place + 1) & mask


def reseat(first: Whole, count: Whole, mask: Whole, arc_from: Ints, arc_to: Ints, arc_back: Ints, pair_key: Longs, pair_arc: Ints) -> Whole:
    """Tell opposite arcs and the table where ``count`` arcs from ``first`` on stand now, after they were moved; return the count."""
    for arc in range(first, first + count):
        arc_back[arc_back[arc]] = arc
        put_arc(arc_from[arc], arc_to[arc], arc, pair_key, pair_arc, mask)
    return count
