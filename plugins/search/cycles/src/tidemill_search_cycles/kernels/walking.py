"""Walking a cycle of segmented curves from its first unit of input to its optimum.

Each hop stands somewhere on a segment of its curve. Measured from where it stands it pays ``g x / (1 + k x)``, and such hops chain into one
curve of the same form, which holds until a segment ends. A leap goes on to where that curve would have its optimum, over all ends in
between, and is taken back where it went too far: curves only fall, so the slope at the landing tells. What is left is walked from end to
end.
"""

from math import sqrt

from tidemill_search_cycles.kernels.arrays import Doubles, Ints, Longs, Real, Whole

LOSES = 0
"""No input leaves anything."""
SIZED = 1
"""The optimum is inside the curves and the capital."""
CAPPED = 2
"""All the capital goes in, and more would leave more."""
LIMITED = 3
"""A hop's last segment ends first: its curve tells nothing of larger inputs."""
UNKNOWN = 4
"""A hop has no curve, or numbers leave the range of doubles: the optimum is a first guess, 0 for none; the bound holds."""

ROW = 8
"""Cells of ``along`` for each hop: where it stands, gain and bend of the hops before, its segment's a, b, c and width, where it lands."""
STOPS = 3
"""Cells of ``place`` for each hop: its segment, the one after the last, the one where it lands."""
PATIENCE = 12
"""So many ends are walked before it leaps: most cycles end sooner, and a leap costs as much as a few."""
FEW = 6
"""So many ends are never leapt over."""

MARGIN = 2.0**-36
"""Curves may be this part above what doubles make of them: 12 hops of 40 segments, each step rounded, come to less."""
TINY = 2.0**-512
HUGE = 2.0**512
"""Products outside these are not trusted; a length above counts as without end."""


def optimum(gain: Real, bend: Real, due: Real, most: Real) -> Real:
    """Return the input that leaves most of ``gain x / (1 + bend x) - due x``, at most ``most``; gain is above due."""
    # (sqrt(r) - 1) as (r - 1) / (sqrt(r) + 1): the difference is taken before the root, where it is exact.
    over = (gain - due) / due
    under = (sqrt(gain / due) + 1.0) * bend
    return over / under if over < most * under else most


def left_of(amount: Real, gain: Real, bend: Real, due: Real) -> Real:
    """Return ``gain x / (1 + bend x) - due x`` without the difference of two large amounts."""
    return amount * ((gain - due) - due * (bend * amount)) / (1.0 + bend * amount)


def enter(
    hop: Whole,
    segment: Whole,
    along: Doubles,
    place: Longs,
    seg_from: Doubles,
    seg_to: Doubles,
    seg_a: Doubles,
    seg_b: Doubles,
    seg_c: Doubles,
) -> None:
    """Stand a hop at the beginning of a segment."""
    row = ROW * hop
    place[STOPS * hop] = segment
    along[row] = 0.0
    along[row + 3] = seg_a[segment]
    along[row + 4] = seg_b[segment]
    along[row + 5] = seg_c[segment]
    along[row + 6] = max(0.0, seg_to[segment] - seg_from[segment])


def draw_on(hops: Whole, along: Doubles) -> None:
    """Let all hops go on straight from where they stand, without an end: curves fall, so none pays more from there."""
    for hop in range(hops):
        row = ROW * hop
        if along[row + 6] < HUGE:
            share = 1.0 / (along[row + 4] + along[row + 5] * along[row])
            along[row] = 0.0
            along[row + 3] = (along[row + 3] * share) * (along[row + 4] * share)
            along[row + 4] = 1.0
            along[row + 5] = 0.0
            along[row + 6] = HUGE


def stand(
    begin: Whole,
    hops: Whole,
    edges: Longs,
    edge_rate: Doubles,
    edge_bend: Doubles,
    edge_kind: Ints,
    edge_seg: Longs,
    edge_segs: Ints,
    seg_from: Doubles,
    seg_to: Doubles,
    seg_a: Doubles,
    seg_b: Doubles,
    seg_c: Doubles,
    along: Doubles,
    place: Longs,
    walk: Doubles,
) -> None:
    """Stand every hop of a cycle at its beginning; ``walk`` gets 0 the input and 1 what is left of it, both nothing."""
    for hop in range(hops):
        edge = edges[begin + hop]
        kind = edge_kind[edge]
        if kind == 2:
            first = edge_seg[edge]
            place[STOPS * hop + 1] = first + edge_segs[edge]
            enter(hop, first, along, place, seg_from, seg_to, seg_a, seg_b, seg_c)
        else:
            row = ROW * hop
            place[STOPS * hop] = 0
            place[STOPS * hop + 1] = 1
            along[row] = 0.0
            along[row + 3] = edge_rate[edge]
            along[row + 4] = 1.0
            along[row + 5] = edge_bend[edge] if kind == 1 else 0.0
            along[row + 6] = HUGE
    walk[0] = 0.0
    walk[1] = 0.0


def look(hops: Whole, along: Doubles, walk: Doubles) -> Whole:
    """Chain the hops from where each stands and return the one whose segment ends first.

    ``walk`` gets 2 the gain, 3 the bend, 4 how much more input it takes until that end.
    """
    gain, bend = 1.0, 0.0
    ends, over, under = 0, HUGE, 1.0
    for hop in range(hops):
        row = ROW * hop
        at, slope, width = along[row], along[row + 5], along[row + 6]
        along[row + 1] = gain
        along[row + 2] = bend
        if width < HUGE:
            rest = max(0.0, width - at)
            need = gain - bend * rest
            # rest / need < over / under, without dividing; at need <= 0 no input ever gets that far
            if need > 0.0 and rest * under < over * need:
                ends, over, under = hop, rest, need
        share = 1.0 / (along[row + 4] + slope * at)
        bend += gain * (slope * share)
        gain *= (along[row + 3] * share) * (along[row + 4] * share)
    walk[2] = gain
    walk[3] = bend
    walk[4] = over / under
    return ends


def step_on(hops: Whole, step: Real, along: Doubles) -> None:
    """Move all hops by what ``step`` more input makes of each, no end in between, as ``look`` chained them."""
    for hop in range(hops):
        row = ROW * hop
        along[row] += along[row + 1] * step / (1.0 + along[row + 2] * step)


def leap(
    hops: Whole,
    step: Real,
    along: Doubles,
    place: Longs,
    walk: Doubles,
    seg_from: Doubles,
    seg_to: Doubles,
    seg_a: Doubles,
    seg_b: Doubles,
    seg_c: Doubles,
) -> Real:
    """Return the slope of the cycle after ``step`` more input, 0 where a curve ends before that; where hops land is only noted.

    ``walk`` gets 2 how many ends lie in between, 3 what the step pays.
    """
    flow, gain, ends = step, 1.0, 0
    for hop in range(hops):
        row = ROW * hop
        at, a, b, c, width = along[row], along[row + 3], along[row + 4], along[row + 5], along[row + 6]
        segment, paid = place[STOPS * hop], 0.0
        while at + flow > width:
            ends += 1
            segment += 1
            if segment >= place[STOPS * hop + 1]:
                walk[2] = ends
                return 0.0
            rest = width - at
            if rest > 0.0:
                paid += a * b * rest / ((b + c * at) * (b + c * width))
                flow -= rest
            at, a, b, c = 0.0, seg_a[segment], seg_b[segment], seg_c[segment]
            width = seg_to[segment] - seg_from[segment]
        begun, share = b + c * at, 1.0 / (b + c * (at + flow))
        along[row + 7] = at + flow
        place[STOPS * hop + 2] = segment
        flow = paid + (a * share) * (b * flow / begun)
        gain *= (a * share) * (b * share)
    walk[2] = ends
    walk[3] = flow
    return gain


def land(
    hops: Whole, along: Doubles, place: Longs, seg_from: Doubles, seg_to: Doubles, seg_a: Doubles, seg_b: Doubles, seg_c: Doubles
) -> None:
    """Stand all hops where ``leap`` noted."""
    for hop in range(hops):
        if place[STOPS * hop + 2] != place[STOPS * hop]:
            enter(hop, place[STOPS * hop + 2], along, place, seg_from, seg_to, seg_a, seg_b, seg_c)
        along[ROW * hop] = along[ROW * hop + 7]


def leap_on(
    hops: Whole,
    due: Real,
    room: Real,
    most: Real,
    along: Doubles,
    place: Longs,
    walk: Doubles,
    seg_from: Doubles,
    seg_to: Doubles,
    seg_a: Doubles,
    seg_b: Doubles,
    seg_c: Doubles,
) -> Whole:
    """Leap as far as is found to be short of the optimum, by less than ``most``, a half of that, a quarter…; 1 where it was done.

    It is not worth it within ``room``, where no end lies in between, or once ``FEW`` ends are in the way. ``walk`` 5 is how much more input
    is too much.
    """
    far = most
    while far > room:
        slope = leap(hops, far, along, place, walk, seg_from, seg_to, seg_a, seg_b, seg_c)
        if walk[2] <= FEW:
            return 0
        if slope > due:
            walk[0] += far
            walk[1] += walk[3] - due * far
            walk[5] -= far
            land(hops, along, place, seg_from, seg_to, seg_a, seg_b, seg_c)
            return 1
        walk[5] = far
        far *= 0.5
    return 0


def follow(
    hops: Whole,
    due: Real,
    most: Real,
    along: Doubles,
    place: Longs,
    walk: Doubles,
    seg_from: Doubles,
    seg_to: Doubles,
    seg_a: Doubles,
    seg_b: Doubles,
    seg_c: Doubles,
) -> Whole:
    """Go on until a unit more leaves nothing more, or no more can go in; return the state.

    It may be called again with a smaller ``due``. ``walk`` 0 is the input, 1 what is left of it at this ``due``.
    """
    walk[5] = HUGE
    walked = 0
    while True:
        ends = look(hops, along, walk)
        gain, bend, room = walk[2], walk[3], walk[4]
        if not gain > due:
            return SIZED
        step, left = optimum(gain, bend, due, HUGE), max(0.0, most - walk[0])
        if walked >= PATIENCE and room < step and room < left:
            far = min(left, step, max(walk[0], 4.0 * room), 0.5 * walk[5])
            if leap_on(hops, due, room, far, along, place, walk, seg_from, seg_to, seg_a, seg_b, seg_c):
                continue
            walked = PATIENCE - FEW
        walked += 1
        state = SIZED
        if room < step:
            step, state = room, LIMITED
        if left <= step:
            step, state = left, CAPPED
        if step >= HUGE:
            return UNKNOWN
        walk[0] += step
        walk[1] += left_of(step, gain, bend, due)
        walk[5] -= step
        step_on(hops, step, along)
        if state != LIMITED:
            return state
        if place[STOPS * ends] + 1 < place[STOPS * ends + 1]:
            enter(ends, place[STOPS * ends] + 1, along, place, seg_from, seg_to, seg_a, seg_b, seg_c)
        else:
            along[ROW * ends] = along[ROW * ends + 6]
            return LIMITED
