"""The best simple cycles through one arc: a beam of paths, ranked by what they have come to times the best way home.

Runs over the rows that ``bounds.narrow`` left. Paths grow by one hop a round; of those that may still come to more than the worst kept
cycle, the ``width`` best go on. What else had to be dropped is remembered by its bound: where no dropped path could have come to
more than the worst kept cycle, nothing better exists.
"""

from tidemill_search_cycles.kernels.arrays import Doubles, Ints, Longs, Real, Whole
from tidemill_search_cycles.kernels.bounds import MARGIN


def _below(one: Whole, two: Whole, key: Doubles, order: Longs) -> Whole:
    """Tell whether slot ``one`` goes before ``two`` in a heap: the smaller key, of equal ones the later."""
    return 1 if key[one] < key[two] or (key[one] == key[two] and order[one] > order[two]) else 0


def _sift_up(count: Whole, key: Doubles, order: Longs, heap: Ints) -> Whole:
    place = count
    while place > 0:
        above = (place - 1) >> 1
        if not _below(heap[place], heap[above], key, order):
            break
        heap[place], heap[above] = heap[above], heap[place]
        place = above
    return place


def _sift_down(count: Whole, key: Doubles, order: Longs, heap: Ints) -> Whole:
    place = 0
    while 2 * place + 1 < count:
        child = 2 * place + 1
        if child + 1 < count and _below(heap[child + 1], heap[child], key, order):
            child += 1
        if not _below(heap[child], heap[place], key, order):
            break
        heap[place], heap[child] = heap[child], heap[place]
        place = child
    return place


def offer(count: Whole, limit: Whole, new_key: Real, new_order: Whole, key: Doubles, order: Longs, heap: Ints) -> Whole:
    """Take an item into the best ``limit`` ones, of equal keys the earlier. Returns its slot, or -1 where all ``count`` are better.

    With ``count == limit`` the worst one's slot, ``heap[0]``, is used again.
    """
    if count < limit:
        slot = count
        key[slot] = new_key
        order[slot] = new_order
        heap[count] = slot
        _sift_up(count, key, order, heap)
        return slot
    slot = heap[0]
    if new_key <= key[slot]:
        return -1
    key[slot] = new_key
    order[slot] = new_order
    _sift_down(count, key, order, heap)
    return slot


def _passes(node: Whole, first: Whole, nodes_used: Whole, state_nodes: Ints) -> Whole:
    for place in range(first, first + nodes_used):
        if state_nodes[place] == node:
            return 1
    return 0


def _product(anchor: Whole, first: Whole, used: Whole, last: Whole, state_arcs: Ints, true_rate: Doubles) -> Real:
    """Multiply the rates of the anchor, of the ``used - 1`` arcs of a path after it, and of the arc that closes it, in this order."""
    product = true_rate[anchor]
    for place in range(first, first + used - 1):
        product *= true_rate[state_arcs[place]]
    return product * true_rate[last]


def _close(
    anchor: Whole,
    first: Whole,
    used: Whole,
    last: Whole,
    floor: Real,
    kept: Whole,
    limit: Whole,
    max_hops: Whole,
    serial: Whole,
    state_arcs: Ints,
    true_rate: Doubles,
    best_rate: Doubles,
    best_order: Longs,
    best_heap: Ints,
    best_hops: Ints,
    best_arcs: Ints,
) -> Whole:
    """Keep a closed path among the best cycles if its product is above ``floor``. Returns how many are kept."""
    product = _product(anchor, first, used, last, state_arcs, true_rate)
    if not product > floor:
        return kept
    slot = offer(kept, limit, product, serial, best_rate, best_order, best_heap)
    if slot < 0:
        return kept
    best_hops[slot] = used + 1
    begin = slot * max_hops
    best_arcs[begin] = anchor
    for place in range(used - 1):
        best_arcs[begin + 1 + place] = state_arcs[first + place]
    best_arcs[begin + used] = last
    return kept + 1 if kept < limit else kept


def _settle_round(
    count: Whole,
    base: Whole,
    other: Whole,
    used: Whole,
    max_hops: Whole,
    start: Whole,
    near_to: Ints,
    near_arc: Ints,
    slot_state: Ints,
    slot_place: Ints,
    slot_gain: Doubles,
    state_gain: Doubles,
    state_passed: Ints,
    state_nodes: Ints,
    state_arcs: Ints,
) -> Whole:
    """Write the chosen extensions of the paths in bank ``base`` as the paths of bank ``other``. Returns their number."""
    for slot in range(count):
        old, new = base + slot_state[slot], other + slot
        node = near_to[slot_place[slot]]
        state_gain[new] = slot_gain[slot]
        state_passed[new] = 1 if state_passed[old] or node == start else 0
        for hop in range(used):
            state_nodes[new * max_hops + hop] = state_nodes[old * max_hops + hop]
            state_arcs[new * max_hops + hop] = state_arcs[old * max_hops + hop]
        state_nodes[new * max_hops + used] = node
        state_arcs[new * max_hops + used - 1] = near_arc[slot_place[slot]]
    return count


def grow(
    nodes: Whole,
    start: Whole,
    anchor: Whole,
    gain: Real,
    min_hops: Whole,
    max_hops: Whole,
    width: Whole,
    limit: Whole,
    floor: Real,
    least: Real,
    true_rate: Doubles,
    near_start: Longs,
    near_to: Ints,
    near_rate: Doubles,
    near_arc: Ints,
    table: Doubles,
    passing: Doubles,
    state_gain: Doubles,
    state_passed: Ints,
    state_nodes: Ints,
    state_arcs: Ints,
    slot_bound: Doubles,
    slot_order: Longs,
    slot_state: Ints,
    slot_place: Ints,
    slot_gain: Doubles,
    heap: Ints,
    best_rate: Doubles,
    best_order: Longs,
    best_heap: Ints,
    best_hops: Ints,
    best_arcs: Ints,
    dropped: Doubles,
    work: Longs,
) -> Whole:
    """Find the ``limit`` best cycles through the anchor of ``min_hops``..``max_hops`` hops above ``floor``.

    ``start`` is the node that a cycle must pass, -1 where it may be any. No prefix may fall to ``least`` or below. Cycle ``i`` of those
    found has product ``best_rate[i]`` and arcs ``best_arcs[i * max_hops] ..``, ``best_hops[i]`` of them, the anchor first. ``dropped[0]``
    becomes the largest bound of a path that was given up for others, 0 where none was. Stops once ``work[0]`` is below 0.

    Room: paths (``state``) 2 * ``width``, with ``max_hops`` cells each for nodes and arcs; slots and heap ``width``; best ``limit``, with
    ``max_hops`` cells for arcs. Returns the number of cycles, in no order.
    """
    kept, serial = 0, 0
    base, other, count = 0, width, 1
    dropped[0], state_gain[0] = 0.0, gain
    state_passed[0], state_nodes[0] = 0, 0
    for used in range(1, max_hops):
        chosen = 0
        for state in range(base, base + count):
            value, first = state_gain[state], state * max_hops
            node = state_nodes[first + used - 1]
            free = start < 0 or state_passed[state] == 1
            work[0] -= near_start[node + 1] - near_start[node]
            if work[0] < 0:
                return kept
            for place in range(near_start[node], near_start[node + 1]):
                target = near_to[place]
                product = value * near_rate[place]
                worst = best_rate[best_heap[0]] if kept == limit else floor
                if target == nodes:
                    if free and used + 1 >= min_hops and product * MARGIN > worst:
                        serial += 1
                        kept = _close(
                            anchor, first, used, near_arc[place], floor, kept, limit, max_hops, serial, state_arcs, true_rate,
                            best_rate, best_order, best_heap, best_hops, best_arcs,
                        )  # fmt: skip
                    continue
                cell = target * max_hops + max_hops - used - 1
                bound = product * (table[cell] if free or target == start else passing[cell])
                if bound * MARGIN <= worst or product * MARGIN <= least:
                    continue
                if chosen == width and bound <= slot_bound[heap[0]]:
                    if bound > dropped[0] and not _passes(target, first, used, state_nodes):
                        dropped[0] = bound
                    continue
                if _passes(target, first, used, state_nodes):
                    continue
                if chosen == width:
                    dropped[0] = max(dropped[0], slot_bound[heap[0]])
                serial += 1
                slot = offer(chosen, width, bound, serial, slot_bound, slot_order, heap)
                chosen = chosen + 1 if chosen < width else chosen
                slot_state[slot], slot_place[slot] = state - base, place
                slot_gain[slot] = product
        if chosen == 0:
            return kept
        count = _settle_round(
            chosen, base, other, used, max_hops, start, near_to, near_arc, slot_state, slot_place, slot_gain,
            state_gain, state_passed, state_nodes, state_arcs,
        )  # fmt: skip
        base, other = other, base
    return kept
