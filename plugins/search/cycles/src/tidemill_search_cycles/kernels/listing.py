"""What goes before a search of short cycles: the tokens in order, where cycles begin, and their least profits."""

from tidemill_search_cycles.kernels.arrays import Doubles, Ints, Longs, Real, Whole


def order_tokens(tokens: Whole, by_name: Ints, row_len: Ints, slot: Ints, order: Ints, rank: Ints) -> Whole:
    """Put the tokens, given in order of their asset ids, in falling order of their rows, ties as given; ``rank`` is each one's place.

    ``slot`` is room for two more than the longest row. Returns the length of that.
    """
    longest = 0
    for token in range(tokens):
        if row_len[token] > longest:
            longest = row_len[token]
    for length in range(longest + 2):
        slot[length] = 0
    for token in range(tokens):
        slot[row_len[token]] += 1
    before = 0
    for length in range(longest, -1, -1):
        count = slot[length]
        slot[length] = before
        before += count
    for at in range(tokens):
        token = by_name[at]
        place = slot[row_len[token]]
        slot[row_len[token]] = place + 1
        order[place] = token
        rank[token] = place
    return longest


def list_starts(
    tokens: Whole, chain: Whole, order: Ints, rank: Ints, on_chain: Ints, row_start: Longs, row_len: Ints, arc_to: Ints, starts: Ints
) -> Whole:
    """List a chain's tokens with a token of higher rank beside them, in ``order``: each cycle's first is one. Return how many there are."""
    count = 0
    for place in range(tokens):
        token = order[place]
        if on_chain[token] == chain:
            for arc in range(row_start[token], row_start[token] + row_len[token]):
                if rank[arc_to[arc]] > place:
                    starts[count] = token
                    count += 1
                    break
    return count


def set_limits(tokens: Whole, units: Real, unit: Doubles, least: Doubles) -> Whole:
    """Set ``least`` of every token to so many base units; ``unit`` is what one of each is in scaled units. Return how many there are."""
    for token in range(tokens):
        least[token] = units * unit[token]
    return tokens
