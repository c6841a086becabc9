"""The sizing kernel against searches of its own curves."""

from array import array
from collections.abc import Sequence
from math import inf, sqrt
from random import Random

import pytest
from attrs import evolve, frozen
from hypothesis import given, settings
from hypothesis import strategies as st

from tidemill_search_cycles.sizing import CAPPED, LIMITED, LOSES, SIZED, UNKNOWN, Batch, Sizer, Sizes

Piece = tuple[float, float, float, float]
"""(width, a, b, c) of a segment."""


@frozen
class Edge:
    """One direction of a pool: ``pieces`` of a curve; without any, one Möbius curve, or with ``kind`` 0 none."""

    rate: float
    bend: float = 0.0
    pieces: tuple[Piece, ...] = ()
    kind: int = 1
    slack: float = 0.0

    def out(self, amount: float) -> float:
        """Return what the curve pays, nothing more beyond its end."""
        if not self.pieces:
            return self.rate * amount / (1.0 + self.bend * amount)
        paid = 0.0
        for width, a, b, c in self.pieces:
            part = min(amount, width)
            paid += a * part / (b + c * part)
            amount -= part
        return paid

    def inside(self, amount: float) -> bool:
        """Tell whether the curve covers an input."""
        return not self.pieces or amount <= sum(piece[0] for piece in self.pieces)


class Drawn:
    """Edges as the arrays of a graph."""

    def __init__(self, edges: Sequence[Edge]) -> None:
        self.edge_rate = array("d", [edge.rate for edge in edges])
        self.edge_bend = array("d", [edge.bend for edge in edges])
        self.edge_kind = array("i", [2 if edge.pieces else edge.kind for edge in edges])
        self.edge_slack = array("d", [edge.slack for edge in edges])
        self.edge_seg, self.edge_segs = array("q"), array("i")
        cells: list[array[float]] = [array("d") for _ in range(5)]
        self.seg_from, self.seg_to, self.seg_a, self.seg_b, self.seg_c = cells
        for edge in edges:
            self.edge_seg.append(len(self.seg_a))
            self.edge_segs.append(len(edge.pieces))
            begun = 0.0
            for width, a, b, c in edge.pieces:
                for cell, value in zip(cells, (begun, begun + width, a, b, c), strict=True):
                    cell.append(value)
                begun += width
        for cell in cells:
            cell.append(0.0)


def sized(*cycles: Sequence[Edge], capital: float = inf, hop_cost: float = 0.0, fee_ppm: int = 0, work: int = 1 << 40) -> Sizes:
    """Size cycles of edges of their own with the plain kernel."""
    edges = [edge for cycle in cycles for edge in cycle]
    numbers = iter(range(len(edges)))
    batch = Batch.of([[next(numbers) for _ in cycle] for cycle in cycles], capital, hop_cost)
    return Sizer().size(Drawn(edges), batch, fee_ppm, array("q", [work]))


def through(cycle: Sequence[Edge], amount: float) -> float:
    """Return what an amount becomes, minus infinity beyond an end."""
    for edge in cycle:
        if not edge.inside(amount):
            return -inf
        amount = edge.out(amount)
    return amount


def golden(cycle: Sequence[Edge], capital: float, due: float) -> tuple[float, float]:
    """Return the best input and what is left of it, by golden section."""
    low, high = 0.0, min(capital, 1e15)
    step = (sqrt(5.0) - 1.0) / 2.0

    def left(amount: float) -> float:
        return through(cycle, amount) - due * amount

    one, two = high - step * (high - low), low + step * (high - low)
    at_one, at_two = left(one), left(two)
    for _ in range(140):
        if at_one >= at_two:
            high, two, at_two = two, one, at_one
            one = high - step * (high - low)
            at_one = left(one)
        else:
            low, one, at_one = one, two, at_two
            two = low + step * (high - low)
            at_two = left(two)
    return one, at_one


def moebius(random: Random) -> Edge:
    rate = random.uniform(0.99, 1.02)
    return Edge(rate, rate / 10 ** random.uniform(2, 8))


def liquidity(random: Random) -> Edge:
    """A concentrated pool: the rate goes on where the last segment left it, its fall is another."""
    rate = first = random.uniform(0.99, 1.02)
    depth, pieces = 10 ** random.uniform(3, 7), []
    for _ in range(random.randint(1, 40)):
        width, scale = depth * random.uniform(0.001, 0.1), 2.0 ** random.randint(-60, 60)
        bend = random.uniform(0.1, 3.0) / depth
        pieces.append((width, rate * scale, scale, bend * scale))
        rate /= (1.0 + bend * width) ** 2
    return Edge(first, 0.0, tuple(pieces))


def levels(random: Random) -> Edge:
    """An order book, or bins: the rate stays and then falls in steps."""
    rate = first = random.uniform(0.99, 1.02)
    depth, pieces = 10 ** random.uniform(2, 6), []
    for _ in range(random.randint(1, 40)):
        pieces.append((depth * random.uniform(0.0, 0.2), rate, 1.0, 0.0))
        rate *= 1.0 - random.uniform(0.0, 0.004)
    return Edge(first, 0.0, tuple(pieces))


def fine(random: Random) -> Edge:
    """Forty segments from well above one to well below it: the optimum lies behind about half of them."""
    rate, depth, straight, pieces = 1.02, random.uniform(900, 1_100), random.random() < 0.5, []
    for _ in range(40):
        width, bend = depth / 40 * random.uniform(0.2, 1.8), 0.02 / depth * random.uniform(0.3, 1.7)
        pieces.append((width, rate, 1.0, 0.0 if straight else bend))
        rate = rate * (1.0 - 0.001 * random.uniform(0.3, 1.7)) if straight else rate / (1.0 + bend * width) ** 2
    return Edge(1.02, 0.0, tuple(pieces))


def mixed(random: Random, hops: int) -> list[Edge]:
    return [random.choice((moebius, liquidity, levels))(random) for _ in range(hops)]


@pytest.mark.parametrize("hops", [2, 3, 5, 8, 12])
def test_size_constant_products_equals_golden_section(hops: int) -> None:
    """A chain of any length is sized to the real optimum: the closed form loses nothing against a search."""
    random = Random(hops)
    cycles = [[moebius(random) for _ in range(hops)] for _ in range(60)]
    sizes = sized(*cycles)

    gained = 0
    for place, cycle in enumerate(cycles):
        _, best = golden(cycle, inf, 1.0)
        assert best <= sizes.net[place] + 1e-9 * max(1.0, sizes.amount[place])
        assert best <= sizes.bound[place] + 1e-9 * max(1.0, sizes.amount[place])
        assert sizes.bound[place] <= sizes.net[place] * (1 + 1e-6) + 1e-9 * max(1.0, sizes.amount[place])
        assert (LOSES if sizes.bound[place] <= 0 else SIZED) == sizes.state[place]
        assert sizes.out[place] == pytest.approx(through(cycle, sizes.amount[place]), rel=1e-12)
        gained += sizes.state[place] == SIZED
    assert gained > 10


@settings(max_examples=120, deadline=None, derandomize=True)
@given(
    st.integers(0, 1 << 32),
    st.integers(2, 12),
    st.sampled_from([0, 500, 3_000, 9_000]),
    st.one_of(st.just(inf), st.floats(1e-3, 1e7)),
)
def test_size_mixed_curves_equals_golden_section(seed: int, hops: int, fee_ppm: int, capital: float) -> None:
    """Möbius hops, concentrated liquidity and order books in one cycle: no search finds more, and the state says what stopped it."""
    cycle, due = mixed(Random(seed), hops), 1.0 + fee_ppm / 1e6
    sizes = sized(cycle, capital=capital, fee_ppm=fee_ppm)
    amount, net, near = sizes.amount[0], sizes.net[0], 1e-9 * max(1e-6, sizes.amount[0])
    found, best = golden(cycle, capital, due)

    assert best <= net + 1e-9 * max(1e-6, found)
    assert best <= sizes.bound[0] + 1e-12 * found
    assert amount <= capital
    assert net == pytest.approx(through(cycle, amount * (1 - 1e-13)) - due * amount, abs=near)
    if sizes.state[0] == CAPPED:
        assert amount == capital
    if sizes.state[0] == LIMITED:
        assert through(cycle, amount * (1 + 1e-9)) == -inf
        assert through(cycle, amount * (1 - 1e-9)) > 0
    if sizes.state[0] == SIZED:
        assert sizes.bound[0] <= net * (1 + 1e-6) + 1e-9 * max(amount, found)


@pytest.mark.parametrize("hops", [2, 4, 8, 12])
@pytest.mark.parametrize(("capital", "fee_ppm"), [(inf, 0), (inf, 3_000), (300.0, 0)])
def test_size_behind_many_segments_equals_golden_section(hops: int, capital: float, fee_ppm: int) -> None:
    """With hundreds of segments on the way it leaps, and comes to the same optimum."""
    random = Random(hops)
    cycles = [[fine(random) for _ in range(hops)] for _ in range(12)]
    sizes = sized(*cycles, capital=capital, fee_ppm=fee_ppm)

    for place, cycle in enumerate(cycles):
        amount, due = sizes.amount[place], 1.0 + fee_ppm / 1e6
        _, best = golden(cycle, min(capital, 2e3), due)
        assert best == pytest.approx(sizes.net[place], rel=1e-9)
        assert through(cycle, amount) - due * amount == pytest.approx(sizes.net[place], rel=1e-9)
        assert sizes.net[place] <= sizes.bound[place] <= sizes.net[place] * (1 + 1e-6)
        assert (SIZED if capital == inf else CAPPED) == sizes.state[place]
        assert amount == capital or 50 < amount < 1_000


def test_size_bound_holds_beyond_the_end_of_curves() -> None:
    """Where a curve is cut short the bound still covers what its pool goes on to pay: it can only fall."""
    random, limited = Random(4), 0
    for _ in range(40):
        hops = random.randint(2, 6)
        cycle = [*(fine(random) for _ in range(hops)), moebius(random)]
        place = random.randrange(hops)
        short = evolve(cycle[place], pieces=cycle[place].pieces[: random.randint(1, 12)])
        sizes = sized([*cycle[:place], short, *cycle[place + 1 :]])
        _, best = golden(cycle, 2e3, 1.0)
        limited += sizes.state[0] == LIMITED
        assert best <= sizes.bound[0] * (1 + 1e-12)
    assert limited > 20


def test_size_long_chain_of_full_reserves_stays_in_range() -> None:
    """Reserves near 2^112 in base units, unscaled, at twelve hops: nothing overflows, and the gain is the closed form's."""
    deep = Edge(1.01, 1.01 / 2.0**112)
    sizes = sized([deep] * 12)
    gain = 1.01**12
    bend = sum(1.01**place for place in range(12)) * 1.01 / 2.0**112

    assert SIZED == sizes.state[0]
    assert (sqrt(gain) - 1) / bend == pytest.approx(sizes.amount[0], rel=1e-12)
    assert (sqrt(gain) - 1) ** 2 / bend == pytest.approx(sizes.net[0], rel=1e-12)


def test_size_prices_far_apart_depend_on_the_product_alone() -> None:
    """Tokens whose units differ by 2^200 a hop size as those of one worth do."""
    near = [Edge(1.02, 1e-3), Edge(1.01, 1e-4)]
    far = [Edge(1.02 * 2.0**200, 1e-3), Edge(1.01 * 2.0**-200, 1e-4 * 2.0**-200)]
    sizes = sized(near, far)

    assert sizes.amount[0] == sizes.amount[1]
    assert sizes.net[0] == sizes.net[1]


def test_size_capital_binds() -> None:
    """With less than the optimum all of it goes in; with none nothing."""
    cycle = [Edge(1.1, 1e-6), Edge(1.0, 1e-6)]
    (free,) = sized(cycle).amount[:1]
    bound, none = sized(cycle, capital=free / 3), sized(cycle, capital=0.0)

    assert CAPPED == bound.state[0]
    assert free / 3 == bound.amount[0]
    assert through(cycle, free / 3) - free / 3 == pytest.approx(bound.net[0], rel=1e-9)
    assert (LOSES, 0.0) == (none.state[0], none.amount[0])


def test_size_last_segment_binds() -> None:
    """Where a hop's curve ends before the optimum, exactly what reaches that end goes in."""
    cycle = [Edge(1.1, 1e-9), Edge(1.0, 0.0, ((100.0, 1.0, 1.0, 0.0), (50.0, 0.999, 1.0, 0.0))), Edge(1.0, 1e-9)]
    sizes = sized(cycle)

    assert LIMITED == sizes.state[0]
    assert pytest.approx(150.0, rel=1e-12) == cycle[0].out(sizes.amount[0])


def test_size_kink_between_levels_is_the_optimum() -> None:
    """Where one level still gains and the next loses, the cycle takes all of the first and nothing of the second."""
    book = Edge(1.05, 0.0, ((10.0, 1.05, 1.0, 0.0), (10.0, 0.95, 1.0, 0.0)))
    sizes = sized([book, Edge(1.0, 1e-9)])

    assert SIZED == sizes.state[0]
    assert pytest.approx(10.0, rel=1e-12) == sizes.amount[0]


def test_size_segments_without_width_are_passed() -> None:
    """Empty segments, several hops' ends at one input, and a first one of no width do not stop the walk."""
    book = Edge(1.05, 0.0, ((0.0, 1.06, 1.0, 0.0), (10.0, 1.05, 1.0, 0.0), (0.0, 1.0, 1.0, 0.0), (10.0, 0.999, 1.0, 0.0)))
    twin = Edge(1.0, 0.0, ((10.5, 1.0, 1.0, 0.0), (100.0, 0.999, 1.0, 0.0)))
    sizes = sized([book, twin], [book, book, book])

    assert pytest.approx(10.0, rel=1e-12) == sizes.amount[0]
    assert [SIZED, SIZED] == list(sizes.state[:2])


def test_size_hop_cost_is_taken_off_each_hop() -> None:
    """Gas lowers what is left and the bound by as much for each hop, and a cycle that cannot pay it loses."""
    cycle = [Edge(1.1, 1e-3), Edge(1.0, 1e-3), Edge(1.0, 1e-3)]
    free, paid, broke = sized(cycle), sized(cycle, hop_cost=0.05), sized(cycle, hop_cost=1e6)

    assert free.amount[0] == paid.amount[0]
    assert free.net[0] - 0.15 == pytest.approx(paid.net[0])
    assert free.bound[0] - 0.15 == pytest.approx(paid.bound[0])
    assert (SIZED, LOSES) == (paid.state[0], broke.state[0])


def test_size_without_curve_is_unknown_and_bounded() -> None:
    """A hop that has only a rate makes the cycle unknown; the other hops bound it, with segments among them or not."""
    closed = Edge(1.05, kind=0)
    book = Edge(1.0, 0.0, ((10.0, 1.0, 1.0, 1e-3), (10.0, 0.97, 1.0, 0.0), (10.0, 0.9, 1.0, 0.0)))
    sizes = sized([closed, Edge(1.0, 1e-3)], [closed, book], [closed, Edge(1.0)], [Edge(0.9, kind=0), Edge(1.0)], [closed, closed])
    (_, best), (_, other) = golden([Edge(1.05), Edge(1.0, 1e-3)], inf, 1.0), golden([Edge(1.05), book], inf, 1.0)

    assert [UNKNOWN, UNKNOWN, UNKNOWN, LOSES, UNKNOWN] == list(sizes.state[:5])
    assert best == pytest.approx(sizes.bound[0], rel=1e-6)
    assert other == pytest.approx(sizes.bound[1], rel=1e-6)
    assert sizes.bound[2] > 2.0**511
    assert sizes.bound[4] > 2.0**511


def test_size_straight_line_takes_all_capital() -> None:
    """A cycle whose rate never falls takes all that there is; without a limit nothing is known."""
    line = [Edge(1.01), Edge(1.0)]
    capped, free = sized(line, capital=100.0), sized(line)
    level, below = sized([Edge(1.0), Edge(1.0)], capital=100.0), sized([Edge(1.0), Edge(1.0 - 2.0**-40)], capital=100.0)

    assert (CAPPED, 100.0) == (capped.state[0], capped.amount[0])
    assert pytest.approx(1.0) == capped.net[0]
    assert (UNKNOWN, 0.0) == (free.state[0], free.amount[0])
    assert (0.0, 0.0) == (level.amount[0], level.net[0])
    assert (0.0, 0.0) == (below.amount[0], below.net[0])


def test_size_numbers_out_of_range_are_unknown() -> None:
    """Rates that leave the range of doubles, NaN and closed edges: defined answers, no error."""
    huge, tiny, nan = Edge(2.0**300, 1.0), Edge(2.0**-300, 1.0), Edge(float("nan"), 1.0)
    sizes = sized(
        [huge, huge], [tiny, tiny], [nan, Edge(1.0)], [Edge(0.0, 1.0), huge], [Edge(1.0, 2.0**600), huge], [tiny, huge, Edge(1.01, 1.0)]
    )

    assert [UNKNOWN, UNKNOWN, UNKNOWN, LOSES, UNKNOWN, SIZED] == list(sizes.state[:6])
    assert all(sizes.bound[place] > 2.0**511 for place in (0, 1, 2, 4))
    assert all(amount == 0.0 for amount in sizes.amount[:5])


def test_size_loan_fee_moves_the_optimum() -> None:
    """A fee on what goes in lowers the optimum to where the rate pays for it."""
    cycle = [Edge(1.1, 1e-6), Edge(1.0, 1e-6)]
    free, lent, dear = sized(cycle), sized(cycle, fee_ppm=9_000), sized(cycle, fee_ppm=200_000)
    _, best = golden(cycle, inf, 1.009)

    assert lent.amount[0] < free.amount[0]
    assert best == pytest.approx(lent.net[0], rel=1e-9)
    assert LOSES == dear.state[0]


def test_size_slack_widens_the_bound() -> None:
    """What quotes may be above the curve, carried through the hops behind it, is in the bound and in nothing else."""
    plain = [Edge(1.1, 1e-6), Edge(1.5, 1e-6)]
    loose = [Edge(1.1, 1e-6, slack=0.5), Edge(1.5, 1e-6, slack=0.25)]
    sizes = sized(plain, loose)

    assert sizes.net[0] == sizes.net[1]
    assert sizes.bound[0] + 0.5 * 1.5 + 0.25 == pytest.approx(sizes.bound[1], rel=1e-12)


def test_size_work_ends_the_batch() -> None:
    """Sixteen units for each cycle; what is left of them sizes the first ones only."""
    cycle = [Edge(1.1, 1e-6), Edge(1.0, 1e-6)]

    assert 3 == sized(*[cycle] * 5, work=16 * 3).count
    assert 3 == sized(*[cycle] * 5, work=16 * 4 - 1).count
    assert 0 == sized(*[cycle] * 5, work=0).count


def test_sizer_room_grows_and_is_used_again() -> None:
    """A larger batch makes larger arrays; a smaller one after it takes the same."""
    cycle = [Edge(1.1, 1e-6), Edge(1.0, 1e-6)]
    drawn, sizer = Drawn(cycle), Sizer()
    few = sizer.size(drawn, Batch.of([[0, 1]]), 0, array("q", [1 << 40]))
    many = sizer.size(drawn, Batch.of([[0, 1]] * 500), 0, array("q", [1 << 40]))
    again = sizer.size(drawn, Batch.of([[0, 1]]), 0, array("q", [1 << 40]))

    assert (1, 500, 1) == (few.count, many.count, again.count)
    assert again.state is many.state
    assert few.net[0] == many.net[499] == again.net[0]
