"""Steps of the prices: Newton's, by one elimination, and how far to go along them.

In relative steps the second derivative of what all directions gain is the Laplacian of a network: a direction in use joins its tokens
with its conductance. It is positive definite once the fixed nodes are taken out, so that elimination needs no pivots.
"""

from tidemill_search_cycles.kernels.arrays import Doubles, Ints, Longs, Real, Whole

FIXED = 2
"""Nodes whose price is given: the first."""
MOST_TRIALS = 24
STEADY = 0.25
"""A step ends where the slope has fallen to this part of what it began with."""
WIDEST = 0.5
"""A step changes no price by more than this part."""
LOW, LOW_SLOPE, HIGH, HIGH_SLOPE, START_SLOPE, NOW = 0, 1, 2, 3, 4, 5
"""Cells of a search along a step."""


def aim(
    nodes: Whole,
    edges: Whole,
    edge_sell: Ints,
    edge_buy: Ints,
    edge_weight: Doubles,
    price: Doubles,
    net: Doubles,
    turn: Doubles,
    damping: Real,
    matrix: Doubles,
    step: Doubles,
    work: Longs,
) -> None:
    """Set ``step`` to Newton's relative change of each price, the Laplacian damped by a part of each token's turnover."""
    free = nodes - FIXED
    for cell in range(free * free):
        matrix[cell] = 0.0
    for edge in range(edges):
        weight = edge_weight[edge]
        if weight > 0.0:
            row = edge_sell[edge] - FIXED
            column = edge_buy[edge] - FIXED
            if row >= 0:
                matrix[row * free + row] += weight
            if column >= 0:
                matrix[column * free + column] += weight
            if row >= 0 and column >= 0:
                if row < column:
                    matrix[row * free + column] -= weight
                else:
                    matrix[column * free + row] -= weight
    for row in range(free):
        matrix[row * free + row] += damping * turn[row + FIXED]
        step[row + FIXED] = -net[row + FIXED] * price[row + FIXED]
        if not matrix[row * free + row] > 0.0:
            matrix[row * free + row] = 1.0
    eliminate(free, matrix, step, work)
    step[0] = 0.0
    step[1] = 0.0


def eliminate(free: Whole, matrix: Doubles, step: Doubles, work: Longs) -> None:
    """Solve a positive definite system in place, ``step[FIXED:]`` from right side to answer.

    Only the half of ``matrix`` on and above the diagonal is used. With the tokens of few pools first little of it fills up, and what is
    zero is passed over.
    """
    for pivot in range(free):
        work[0] -= 1 + free // 8
        top = matrix[pivot * free + pivot]
        if not top > 0.0:
            # Rounding ate the pivot: its price stays where it is.
            step[pivot + FIXED] = 0.0
            continue
        for row in range(pivot + 1, free):
            across = matrix[pivot * free + row]
            if across != 0.0:
                part = across / top
                for column in range(row, free):
                    beyond = matrix[pivot * free + column]
                    if beyond != 0.0:
                        matrix[row * free + column] -= part * beyond
                step[row + FIXED] -= part * step[pivot + FIXED]
    for pivot in range(free - 1, -1, -1):
        top = matrix[pivot * free + pivot]
        if not top > 0.0:
            continue
        right = step[pivot + FIXED]
        for column in range(pivot + 1, free):
            across = matrix[pivot * free + column]
            if across != 0.0:
                right -= across * step[column + FIXED]
        step[pivot + FIXED] = right / top


def slope(nodes: Whole, net: Doubles, base: Doubles, step: Doubles) -> Real:
    """Return how the sum of gains changes along a step, at the prices that ``net`` answers."""
    total = 0.0
    for node in range(FIXED, nodes):
        total += net[node] * base[node] * step[node]
    return total


def largest(nodes: Whole, step: Doubles) -> Real:
    """Return the largest relative change of a step."""
    most = 0.0
    for node in range(FIXED, nodes):
        size = step[node] if step[node] > 0.0 else -step[node]
        if size > most:
            most = size
    return most


def shorten(nodes: Whole, net: Doubles, price: Doubles, turn: Doubles, step: Doubles) -> None:
    """Keep a step within ``WIDEST``, whole tokens apart where it still leads down, else by what each token lacks of its turnover."""
    for node in range(FIXED, nodes):
        if not -WIDEST <= step[node] <= WIDEST:
            step[node] = WIDEST if step[node] > 0.0 else -WIDEST
    if not slope(nodes, net, price, step) < 0.0:
        for node in range(FIXED, nodes):
            step[node] = -WIDEST * net[node] * price[node] / turn[node] if turn[node] > 0.0 else 0.0


def move(nodes: Whole, now: Real, base: Doubles, step: Doubles, price: Doubles) -> None:
    """Set the prices that lie a part of a step away from ``base``."""
    for node in range(FIXED, nodes):
        price[node] = base[node] * (1.0 + now * step[node])


def search(nodes: Whole, tried: Whole, now: Real, net: Doubles, base: Doubles, step: Doubles, line: Doubles) -> Whole:
    """Return 1 where the slope at ``now`` ends the search along a step, else 0 and the next place in ``line[NOW]``.

    The slope rises along the step, with bends where directions open: the middle is taken in turn with the chord's zero. ``line`` holds the
    places between which it changes its sign, the slopes there, and that at the beginning.
    """
    rise = slope(nodes, net, base, step)
    if rise <= 0.0:
        line[LOW], line[LOW_SLOPE] = now, rise
        if now == 1.0 or tried >= MOST_TRIALS:
            return 1
    else:
        line[HIGH], line[HIGH_SLOPE] = now, rise
        if tried >= MOST_TRIALS:
            if now == 0.0:
                return 1
            line[NOW] = line[LOW]
            return 0
    if -STEADY * -line[START_SLOPE] <= rise <= STEADY * -line[START_SLOPE]:
        return 1
    width = line[HIGH] - line[LOW]
    part = 0.5
    if tried % 3 != 2:
        part = -line[LOW_SLOPE] / (line[HIGH_SLOPE] - line[LOW_SLOPE])
        if part < 0.05:
            part = 0.05
        elif part > 0.95:
            part = 0.95
    line[NOW] = line[LOW] + part * width
    return 0
