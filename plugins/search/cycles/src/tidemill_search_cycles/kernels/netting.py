"""Prices at which pools net best: the convex dual of the trade that leaves most of one token.

At prices of the tokens each direction of a pool does its own best trade. What all of them gain together is convex in the prices, is never
less than what any trade can leave, and is least where every token's flows cancel: there both are equal (Angeris, Evans, Chitra and Boyd,
Optimal Routing for Constant Function Market Makers, 2021; Diamandis et al., arXiv 2302.04938, state it for quasi-Newton solvers).

The descent here is Newton's, in relative steps of the prices. Each step is searched along the slope alone, which rises: no differences of
nearly equal sums decide.

Amounts, rates and prices are in any units that agree; in scaled units they are near one. Nodes 0 and 1 are the token in which the gain is
counted, as what goes in and as what comes out; their prices are fixed, and above one at node 0 stands for what borrowing it costs.
"""

from tidemill_search_cycles.kernels.answers import gained, respond, stiffen, total, untaken, value_left
from tidemill_search_cycles.kernels.arrays import Doubles, Ints, Longs, Real, Whole
from tidemill_search_cycles.kernels.steps import (
    FIXED,
    HIGH,
    HIGH_SLOPE,
    LOW,
    LOW_SLOPE,
    NOW,
    START_SLOPE,
    aim,
    largest,
    move,
    search,
    shorten,
    slope,
)

STALLED = 0
"""The work or the rounds were used up, or rounding allows no more: the prices still give a bound, the amounts are near the best."""
SETTLED = 1
"""Every token's flows cancel, to a part of ``NEAR`` of what is gained or to what rounding leaves."""
GOING_ON = 2

NEAR = 2.0**-36
"""The flows cancel when what is left over or missing is worth less than this part of the gain."""
LOOSE = 2.0**-6
"""While curves are blurred, this part is near enough."""
FULL = 2.0**-28
"""Constant rates are exact when what they leave at the prices is less than this part of the gain."""
COARSE = 2.0**-12
"""Where rounding allows no better, flows cancel when they do to this part."""
NOISE = 2.0**-50
"""So much of the conductances is rounding: depth times this part is what a flow is uncertain by."""
LEAST_STEP = 2.0**-46
"""Steps below this change nothing but rounding."""
MOST_STEPS, FEW_STEPS = 120, 8
"""Steps with sharp curves, and with each blur."""
MOST_ROUNDS = 40
"""So often the rest of the constant rates moves."""
FIRST_DAMPING, LEAST_DAMPING = 2.0**-10, 2.0**-40
"""A part of each token's turnover that is added to the Laplacian, smaller after each whole step."""
FIRST_BLUR, LEAST_BLUR, FADE = 2.0**-8, 2.0**-26, 0.125
FIRST_SPREAD, LEAST_SPREAD = 2.0**-10, 2.0**-14
"""A constant rate answers as if it fell by this part along its stretch."""
BLUR, SPREAD, ROUNDS = 6, 7, 8
"""Cells of what changes from one stage to the next; those before are of the search along a step."""
STATE = 9


def settle(
    nodes: Whole,
    edges: Whole,
    edge_sell: Ints,
    edge_buy: Ints,
    edge_open: Ints,
    edge_seg: Longs,
    edge_segs: Ints,
    seg_rate: Doubles,
    seg_bend: Doubles,
    seg_size: Doubles,
    seg_rest: Doubles,
    seg_stiff: Doubles,
    seg_part: Doubles,
    price: Doubles,
    base: Doubles,
    step: Doubles,
    net: Doubles,
    turn: Doubles,
    matrix: Doubles,
    edge_in: Doubles,
    edge_out: Doubles,
    edge_weight: Doubles,
    state: Doubles,
    work: Longs,
) -> Whole:
    """Find the prices at which all flows cancel, beginning with those in ``price``; return ``SETTLED`` or ``STALLED``.

    Curves are blurred first, and ever less: where many of them open or close near one another, sharp ones let the descent go to and fro.

    Edge ``e`` sells the token of node ``edge_sell[e]`` for that of ``edge_buy[e]``; ``edge_open`` is 0 where it is shut, 1 where all its
    stretches bend, 2 where some are of constant rate. These are ``edge_segs[e]`` from ``edge_seg[e]`` on in order of input, each
    ``seg_size`` long: ``x`` of it gets ``seg_rate x / (1 + seg_bend x)``; rate and size are > 0, and so are all prices. ``matrix`` is room
    for the square of the free nodes, ``state`` for ``STATE`` cells, ``seg_rest``, ``seg_stiff`` and ``seg_part`` for a cell a stretch,
    ``base``, ``step``, ``net`` and ``turn`` for one a node. In the end ``edge_in`` and ``edge_out`` are what each direction takes and
    pays. ``work[0]`` is the units left: one goes for each direction's answer, and more for each elimination.
    """
    state[BLUR], state[SPREAD], state[ROUNDS] = FIRST_BLUR, FIRST_SPREAD, 0.0
    stiffen(edges, FIRST_SPREAD, edge_sell, edge_open, edge_seg, edge_segs, seg_bend, seg_size, seg_rest, seg_stiff, seg_part, price, 0)
    damping = FIRST_DAMPING
    steps = 0
    tried = -1
    while True:
        respond(
            nodes, edges, edge_sell, edge_buy, edge_open, edge_seg, edge_segs, seg_rate, seg_bend, seg_size, seg_rest, seg_stiff, seg_part,
            price, state[BLUR], edge_in, edge_out, edge_weight, net, turn, work,
        )  # fmt: skip
        if tried >= 0:
            if search(nodes, tried, state[NOW], net, base, step, state) == 0:
                tried += 1
                move(nodes, state[NOW], base, step, price)
                continue
            damping = damped(damping, state[NOW])
            tried = -1
        gain = gained(edges, edge_sell, edge_buy, edge_in, edge_out, price)
        left = value_left(FIXED, nodes, net, price)
        noise = NOISE * total(edges, edge_weight)
        last = state[BLUR] <= LEAST_BLUR
        ends = left <= (NEAR if last else LOOSE) * gain + noise or steps >= (MOST_STEPS if last else FEW_STEPS)
        if ends or (steps > 0 and (state[NOW] == 0.0 or largest(nodes, step) < LEAST_STEP)):
            answer = next_stage(
                edges, edge_sell, edge_buy, edge_open, edge_seg, edge_segs, seg_rate, seg_bend, seg_size, seg_rest, seg_stiff, seg_part,
                price, gain, left, noise, state,
            )  # fmt: skip
            if answer != GOING_ON:
                return answer
            steps = 0
            damping = FIRST_DAMPING
            continue
        if work[0] < 0:
            return STALLED
        aim(nodes, edges, edge_sell, edge_buy, edge_weight, price, net, turn, damping, matrix, step, work)
        shorten(nodes, net, price, turn, step)
        steps += 1
        tried = 0
        state[LOW], state[LOW_SLOPE], state[NOW] = 0.0, slope(nodes, net, price, step), 1.0
        state[HIGH], state[HIGH_SLOPE], state[START_SLOPE] = 1.0, 0.0, state[LOW_SLOPE]
        for node in range(nodes):
            base[node] = price[node]
        move(nodes, 1.0, base, step, price)


def damped(damping: Real, now: Real) -> Real:
    """Return the damping of the step to come, after one of which the part ``now`` was gone."""
    if now == 1.0 and damping > LEAST_DAMPING:
        return damping * 0.125
    return damping * 4.0 if now < 0.125 else damping


def next_stage(
    edges: Whole,
    edge_sell: Ints,
    edge_buy: Ints,
    edge_open: Ints,
    edge_seg: Longs,
    edge_segs: Ints,
    seg_rate: Doubles,
    seg_bend: Doubles,
    seg_size: Doubles,
    seg_rest: Doubles,
    seg_stiff: Doubles,
    seg_part: Doubles,
    price: Doubles,
    gain: Real,
    left: Real,
    noise: Real,
    state: Doubles,
) -> Whole:
    """Sharpen the curves, or with sharp ones let the constant rates rest where they stand; return an answer where neither is left to do.

    ``left`` is the value that does not cancel, ``noise`` how much of it may be rounding.
    """
    if state[BLUR] > LEAST_BLUR:
        state[BLUR] = state[BLUR] * FADE
        if state[BLUR] < LEAST_BLUR:
            state[BLUR] = LEAST_BLUR
        return GOING_ON
    if left > NEAR * gain + noise and left > COARSE * gain:
        return STALLED
    rest = untaken(edges, edge_sell, edge_buy, edge_open, edge_seg, edge_segs, seg_rate, seg_bend, seg_size, seg_part, price)
    if rest <= FULL * gain + noise:
        return SETTLED
    if state[ROUNDS] >= MOST_ROUNDS:
        return STALLED
    state[ROUNDS] += 1.0
    if state[SPREAD] > LEAST_SPREAD:
        state[SPREAD] = 0.25 * state[SPREAD]
    stiffen(edges, state[SPREAD], edge_sell, edge_open, edge_seg, edge_segs, seg_bend, seg_size, seg_rest, seg_stiff, seg_part, price, 1)
    return GOING_ON
