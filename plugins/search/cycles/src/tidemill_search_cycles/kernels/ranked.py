"""Sorting without a list: heapsort of what stands in arrays."""

from tidemill_search_cycles.kernels.arrays import Doubles, Longs, Real, Whole


def rank_down(count: Whole, key: Doubles, item: Longs) -> Whole:
    """Sort ``item[:count]`` by falling ``key``, ties by falling item, the keys with it; return the count.

    Items differ, so that the order is the same however it is reached.
    """
    for root in range(count // 2 - 1, -1, -1):
        sift(root, count, key, item)
    for last in range(count - 1, 0, -1):
        held_key = key[0]
        held = item[0]
        key[0] = key[last]
        item[0] = item[last]
        key[last] = held_key
        item[last] = held
        sift(0, last, key, item)
    return count


def sift(root: Whole, count: Whole, key: Doubles, item: Longs) -> Whole:
    """Let an entry sink to its place in a heap whose least is on top; return that place."""
    held_key = key[root]
    held = item[root]
    place = root
    while True:
        child = 2 * place + 1
        if child >= count:
            break
        other = child + 1
        if other < count and (key[other] < key[child] or (key[other] == key[child] and item[other] < item[child])):
            child = other
        if key[child] > held_key or (key[child] == held_key and item[child] > held):
            break
        key[place] = key[child]
        item[place] = item[child]
        place = child
    key[place] = held_key
    item[place] = held
    return place


def count_above(bound: Real, count: Whole, key: Doubles) -> Whole:
    """Return how many of ``count`` keys, which fall, are above a bound."""
    low = 0
    high = count
    while low < high:
        middle = (low + high) // 2
        if key[middle] > bound:
            low = middle + 1
        else:
            high = middle
    return low
