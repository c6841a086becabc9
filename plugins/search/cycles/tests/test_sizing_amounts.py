"""Confirmed amounts against every amount there is, and against searches in integers."""

from array import array
from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from math import inf
from random import Random

import pytest
from attrs import evolve, field, frozen
from hypothesis import given, settings
from hypothesis import strategies as st

from tidemill.domain.answers import NoCurve, NoQuote, NoQuoteReason
from tidemill.domain.ids import AssetId, PoolId
from tidemill.domain.pool import Curve, Quote, Segment, Swapped
from tidemill.domain.time import ChainTime
from tidemill.units import UINT256_MAX
from tidemill_search_cycles.amounts import Sizing, confirmed
from tidemill_search_cycles.sizing import LIMITED, SIZED, UNKNOWN, Batch, Sizer, base_units, scaled_units
from tidemill_testing.market import NEXT, token

pytestmark = pytest.mark.uncounted

NAMES = [token(f"S{place:02}") for place in range(13)]
Moebius = tuple[int, int, int]


@frozen
class Steps:
    """A pool that pays the floor of a curve of segments, less ``short``; nothing beyond the last one or above ``most``."""

    id: PoolId
    assets: tuple[AssetId, ...]
    segments_: tuple[Segment, ...]
    short: int = 0
    most: int = UINT256_MAX
    asked: list[int] = field(factory=list, eq=False)
    fee_ppm: int | None = None

    @property
    def holdings(self) -> Mapping[AssetId, int]:
        return dict.fromkeys(self.assets, 10**18)

    def amount_out(self, sell: AssetId, buy: AssetId, amount: int, at: ChainTime) -> int:
        self.asked.append(amount)
        if amount > min(self.most, self.segments_[-1].in_to):
            return 0
        paid = Fraction(0)
        for one in self.segments_:
            x = min(amount, one.in_to) - one.in_from
            if x > 0:
                paid += Fraction(one.a * x, one.b + one.c * x)
        return max(0, paid.__floor__() - self.short)

    def quote_exact_in(self, sell: AssetId, buy: AssetId, amount: int, at: ChainTime) -> Quote | NoQuote:
        out = self.amount_out(sell, buy, amount, at)
        return Quote(self.id, sell, buy, amount, out) if out else NoQuote(NoQuoteReason.LIQUIDITY)

    def quote_exact_out(self, sell: AssetId, buy: AssetId, amount: int, at: ChainTime) -> Quote | NoQuote:
        return NoQuote(NoQuoteReason.LIQUIDITY)

    def swap_exact_in(self, sell: AssetId, buy: AssetId, amount: int, at: ChainTime) -> Swapped | NoQuote:
        return NoQuote(NoQuoteReason.LIQUIDITY)

    def segments(self, sell: AssetId, buy: AssetId, at: ChainTime, max_in: int) -> Curve | NoCurve:
        return Curve(self.segments_, 1)


@frozen
class Hop:
    """What the graph keeps of one direction of such a pool."""

    pool: Steps
    sell: AssetId
    buy: AssetId
    exact: bool
    drawn: bool = True

    @property
    def pool_id(self) -> PoolId:
        return self.pool.id

    def guess(self, at: ChainTime) -> Moebius | None:
        one = self.pool.segments_[0]
        return (one.a, one.b, one.c) if self.exact else None


Draw = Callable[[Random, int, int], tuple[Segment, ...]]


def pair(random: Random, depth: int, edge: int) -> tuple[Segment, ...]:
    """A constant product over its whole range, mispriced by up to ``edge`` in a thousand."""
    held, fee = depth + 1, random.choice([0, 500, 3_000])
    rest = 1_000_000 - fee
    return (Segment(0, UINT256_MAX, rest * (depth * random.randint(995, 1_000 + edge) // 1_000 + 1), held * 1_000_000, rest),)


def ticks(random: Random, depth: int, edge: int) -> tuple[Segment, ...]:
    """Concentrated liquidity: the rate goes on where the segment before left it, its fall changes."""
    segments, begun, scale = [], 0, 1 << 64
    rate = scale * random.randint(995, 1_000 + edge) // 1_000
    for _ in range(random.randint(1, 12)):
        width, over = max(1, depth * random.randint(1, 60) // 1_000), depth * random.randint(300, 3_000) // 1_000 + 1
        segments.append(Segment(begun, begun + width, rate * over, scale * over, scale))
        begun += width
        rate = rate * over * over // (over + width) ** 2
    return tuple(segments)


def levels(random: Random, depth: int, edge: int) -> tuple[Segment, ...]:
    """An order book: rates of whole levels."""
    segments, begun, rate = [], 0, random.randint(9_950, 10_000 + 10 * edge)
    for _ in range(random.randint(1, 12)):
        width = max(1, depth * random.randint(1, 100) // 1_000)
        segments.append(Segment(begun, begun + width, rate, 10_000, 0))
        begun += width
        rate -= random.randint(0, 60)
    return tuple(segments)


def cycle_of(random: Random, hops: int, depth: int, draws: Sequence[Draw] = (pair, ticks, levels), edge: int = 30) -> list[Hop]:
    """A cycle of pools, all about as deep."""
    cycle = []
    for place in range(hops):
        draw = random.choice(draws)
        sell, buy = NAMES[place], NAMES[(place + 1) % hops]
        pool = Steps(PoolId(f"sim:1/steps:{place}"), (sell, buy), draw(random, depth, edge))
        cycle.append(Hop(pool, sell, buy, draw is pair))
    return cycle


def pays(cycle: Sequence[Hop], amount: int) -> int:
    """Return what an amount becomes through the pools, 0 where one refuses."""
    for hop in cycle:
        amount = hop.pool.amount_out(hop.sell, hop.buy, amount, NEXT) if amount else 0
    return amount


def left(cycle: Sequence[Hop], amount: int, fee_ppm: int = 0) -> int:
    out = pays(cycle, amount)
    return out - amount - -(-amount * fee_ppm // 10**6) if out else -UINT256_MAX


def floors(cycle: Sequence[Hop]) -> float:
    """Return what rounding down can cost: a unit of each token on the way, at what the hops behind pay for it, and one that goes in."""
    lost = 1.0
    for hop in cycle:
        first = hop.pool.segments_[0]
        lost = lost * first.a / first.b + 1.0
    return lost


def golden(cycle: Sequence[Hop], limit: int, fee_ppm: int) -> int:
    """Return the most that a golden section over integers finds: no other maths than the pools' own quotes."""
    low, high, best = 1, limit, 0
    while high - low > 8:
        step = (high - low) * 381_966 // 10**6
        one, two = low + step, high - step
        at_one, at_two = left(cycle, one, fee_ppm), left(cycle, two, fee_ppm)
        best = max(best, at_one, at_two)
        # Refused: too much, since the least amounts are never looked at first.
        low, high = (low, two) if at_one >= at_two else (one, high)
    return max([best, *(left(cycle, amount, fee_ppm) for amount in range(low, high + 1))])


class Arrays:
    """A cycle's hops as arrays, in units of 2^shift base units."""

    def __init__(self, cycle: Sequence[Hop], shift: int) -> None:
        self.edge_rate, self.edge_bend, self.edge_slack = array("d"), array("d"), array("d")
        self.edge_kind, self.edge_segs, self.edge_seg = array("i"), array("i"), array("q")
        self.seg_from, self.seg_to, self.seg_a, self.seg_b, self.seg_c = (array("d") for _ in range(5))
        for hop in cycle:
            first = hop.pool.segments_[0]
            self.edge_rate.append(first.a / first.b)
            self.edge_bend.append((first.c << shift) / first.b if hop.exact else 0.0)
            self.edge_kind.append(1 if hop.exact else 2 if hop.drawn else 0)
            self.edge_slack.append(0.0)
            self.edge_seg.append(len(self.seg_a))
            self.edge_segs.append(len(hop.pool.segments_))
            for one in hop.pool.segments_:
                self.seg_from.append(scaled_units(one.in_from, shift))
                self.seg_to.append(scaled_units(one.in_to, shift))
                self.seg_a.append(one.a / one.b)
                self.seg_b.append(1.0)
                self.seg_c.append((one.c << shift) / one.b)


def sized(cycle: Sequence[Hop], cap: int | None = None, fee_ppm: int = 0, least: int = 1, shift: int = 0) -> tuple[Sizing | None, int]:
    """Size a cycle as the searcher does: doubles first, then integers. Returns the sizing and the bound in base units."""
    capital = inf if cap is None else scaled_units(cap, shift)
    sizes = Sizer().size(Arrays(cycle, shift), Batch.of([range(len(cycle))], capital), fee_ppm, array("q", [1 << 40]))
    hint = base_units(sizes.amount[0], shift)
    sizing = confirmed(cycle, sizes.state[0], hint, cap, fee_ppm, least, NEXT)
    return sizing, base_units(sizes.bound[0], shift)


@pytest.mark.parametrize("draws", [(pair,), (ticks,), (levels,), (pair, ticks, levels)], ids=["pairs", "ticks", "levels", "mixed"])
def test_confirmed_small_reserves_against_every_amount(draws: Sequence[Draw]) -> None:
    """Over pools so small that floors are a staircase, no amount leaves more than floors cost above what is confirmed."""
    random, gained, worst, total = Random(5), 0, 0, 0
    for _ in range(120):
        hops, depth = random.randint(2, 5), random.randint(40, 900)
        cycle = cycle_of(random, hops, depth, draws, 200)
        best = max(left(cycle, amount) for amount in range(1, 2 * depth))
        sizing, bound = sized(cycle)
        assert best <= bound
        net = sizing.net if sizing is not None else 0
        assert best - net <= floors(cycle)
        worst, total = max(worst, best - net), total + max(0, best - net)
        gained += best > 0
    assert gained > 40
    assert worst <= 2
    assert total * 5 <= gained


@settings(max_examples=80, deadline=None, derandomize=True)
@given(st.integers(0, 1 << 32), st.integers(2, 12), st.integers(3, 33), st.sampled_from([0, 500, 9_000]), st.booleans())
def test_confirmed_mixed_cycles_against_golden_section(seed: int, hops: int, digits: int, fee_ppm: int, tight: bool) -> None:
    """Pairs, ticks and books in one cycle, 2 to 12 hops, any depth: a search over integers finds no more but for the floors."""
    random, depth = Random(seed), 10**digits
    cycle = cycle_of(random, hops, depth)
    cap = depth // random.randint(20, 2_000) + 1 if tight else None
    sizing, bound = sized(cycle, cap, fee_ppm, shift=max(0, digits * 3 - 20))
    best = golden(cycle, cap or 2 * depth, fee_ppm)
    net = sizing.net if sizing is not None else 0

    assert best <= bound or best <= 0
    assert best - net <= floors(cycle) + ((sizing.amounts[0] if sizing is not None else 0) >> 50)
    if sizing is not None:
        assert sizing.net == left(cycle, sizing.amounts[0], fee_ppm)
        assert sizing.amounts[0] <= (cap or UINT256_MAX)
        for hop, amount, out in zip(cycle, sizing.amounts, sizing.amounts[1:], strict=False):
            assert out == hop.pool.amount_out(hop.sell, hop.buy, amount, NEXT)


def test_confirmed_full_reserves_and_amounts_of_256_bits() -> None:
    """Twelve hops of reserves at 2^112, and of units so fine that amounts reach 2^256: sized and confirmed."""
    for bits in (112, 250):
        random, depth = Random(bits), 1 << bits
        for _ in range(6):
            cycle = cycle_of(random, 12, depth, (pair, ticks, levels))
            sizing, bound = sized(cycle, shift=bits - 20)
            best = golden(cycle, depth, 0)
            if best > 0:
                assert sizing is not None
                assert best * (10**12 - 1) <= sizing.net * 10**12
                assert sizing.net <= bound


def deep_cycle(seed: int, *draws: Draw) -> list[Hop]:
    """A cycle of one pool of each kind, deep and well mispriced."""
    random = Random(seed)
    cycle = [hop for place, draw in enumerate(draws) for hop in cycle_of(Random(seed + place), 1, 10**20, (draw,), 40)]
    random.shuffle(cycle)
    return [evolve(hop, sell=NAMES[place], buy=NAMES[(place + 1) % len(cycle)]) for place, hop in enumerate(cycle)]


def limited(hop: Hop, most: int) -> Hop:
    return evolve(hop, pool=evolve(hop.pool, most=most))


@pytest.mark.parametrize("place", range(3))
@pytest.mark.parametrize("draws", [(pair, ticks, levels), (pair, pair, pair)], ids=["mixed", "pairs"])
def test_confirmed_pool_that_refuses_gets_what_it_takes(draws: Sequence[Draw], place: int) -> None:
    """Where a pool takes less than its curve promised, the pools are asked until the most that passes is found."""
    cycle = deep_cycle(1, *draws)
    free, _ = sized(cycle)
    assert free is not None
    most = free.amounts[place] // 3
    cycle[place] = limited(cycle[place], most)
    sizing, _ = sized(cycle)

    assert sizing is not None
    assert most * 99 // 100 <= sizing.amounts[place] <= most
    assert sizing.net == left(cycle, sizing.amounts[0])


def test_confirmed_pool_that_pays_less_than_its_curve() -> None:
    """What the pools pay counts: a curve a few units too high costs those units, and one far too high gives nothing."""
    cycle = deep_cycle(1, ticks, pair, levels)
    free, _ = sized(cycle)
    assert free is not None
    low, none = list(cycle), list(cycle)
    low[0] = evolve(low[0], pool=evolve(low[0].pool, short=5))
    none[0] = evolve(none[0], pool=evolve(none[0].pool, short=2 * free.amounts[1]))
    sizing, _ = sized(low)

    assert sizing is not None
    assert free.net - 12 <= sizing.net == left(low, sizing.amounts[0]) < free.net
    assert sized(none)[0] is None


def test_confirmed_curve_that_ends_before_its_pool_goes_on_by_asking() -> None:
    """A curve cut short ends the doubles' walk; the pool takes more, and asking it finds that."""
    cycle = deep_cycle(1, pair, ticks, levels)
    whole, _ = sized(cycle)
    assert whole is not None
    place = next(place for place, hop in enumerate(cycle) if hop.pool.segments_[0].c == 0)
    first = cycle[place].pool.segments_[0]
    cut = evolve(first, in_to=whole.amounts[place] // 4)
    known = [*cycle]
    known[place] = evolve(cycle[place], pool=evolve(cycle[place].pool, segments_=(cut,)))
    sizes = Sizer().size(Arrays(known, 60), Batch.of([range(3)]), 0, array("q", [1 << 40]))
    hint = base_units(sizes.amount[0], 60)
    sizing = confirmed(cycle, LIMITED, hint, None, 0, 1, NEXT)
    ended = confirmed(known, LIMITED, hint, None, 0, 1, NEXT)

    assert LIMITED == sizes.state[0]
    assert sizing is not None
    assert ended is not None
    assert whole.net * 999_999 <= sizing.net * 1_000_000
    assert ended.amounts[0] <= hint
    assert cut.in_to * 999_999 <= ended.amounts[place] * 1_000_000
    assert ended.amounts[place] <= cut.in_to


def test_confirmed_pool_without_curve_is_asked() -> None:
    """A hop that gives no curve is sized by asking; the kernel's guess is only where it begins."""
    cycle = deep_cycle(1, pair, pair, pair)
    whole, _ = sized(cycle)
    hidden = [evolve(cycle[0], exact=False, drawn=False), *cycle[1:]]
    sizing, bound = sized(hidden)

    assert whole is not None
    assert sizing is not None
    assert whole.net * 999_999_999 <= sizing.net * 1_000_000_000
    assert sizing.net <= bound


def test_confirmed_drawn_cycle_asks_each_pool_once() -> None:
    """A pool may be dear to ask: where a unit weighs nothing, each is asked for the optimum alone."""
    cycle = deep_cycle(1, ticks, levels, ticks)
    for hop in cycle:
        hop.pool.asked.clear()
    sizing, _ = sized(cycle)

    assert sizing is not None
    assert [[amount] for amount in sizing.amounts[:-1]] == [hop.pool.asked for hop in cycle]


def test_confirmed_end_of_a_curve_is_met_with_few_questions() -> None:
    """The double of the most that a curve takes may be a little above it: a little less is tried, not everything."""
    backed_off = 0
    for seed in range(12):
        cycle = deep_cycle(seed, pair, levels, pair)
        place = next(place for place, hop in enumerate(cycle) if not hop.exact)
        first, end = cycle[place].pool.segments_[0], 10**18 * (seed + 1) // 7
        cycle[place] = evolve(cycle[place], pool=evolve(cycle[place].pool, segments_=(evolve(first, in_to=end, a=12_000),)))
        asked = cycle[place].pool.asked
        asked.clear()
        sizing, _ = sized(cycle, shift=40)
        backed_off += len(asked) == 3

        assert sizing is not None
        assert len(asked) <= 3
        assert asked[-1] > end >= sizing.amounts[place] > end - (end >> 45)
    assert backed_off > 2


def test_confirmed_dust_nothing_and_no_capital() -> None:
    """Amounts that floors eat, a start without money, a least that is not reached: nothing, and no error."""
    dust = cycle_of(Random(3), 3, 2, edge=100)
    cycle = deep_cycle(1, ticks, levels, pair)
    best, _ = sized(cycle)

    assert best is not None
    assert sized(dust)[0] is None
    assert confirmed(cycle, SIZED, 10**18, 0, 0, 1, NEXT) is None
    assert sized(cycle, least=best.net + 10)[0] is None
    assert best == confirmed(cycle, SIZED, 10**30, best.amounts[0], 0, best.net, NEXT)
    one, _ = sized(cycle, cap=1)
    assert one is None


def test_confirmed_hint_unknown_is_searched_for() -> None:
    """Without a hint the pools are asked from the smallest amounts on."""
    cycle = deep_cycle(1, ticks, levels, pair)
    best, _ = sized(cycle)
    asked = confirmed(cycle, UNKNOWN, 0, None, 0, 1, NEXT)

    assert best is not None
    assert asked is not None
    assert best.net * 999_999_999 <= asked.net * 1_000_000_000


@given(st.integers(0, 1 << 256), st.integers(-40, 240))
def test_scaled_units_and_back_is_near(units: int, shift: int) -> None:
    """Scaling is exact but for the double's 53 bits, and coming back rounds down."""
    back = base_units(scaled_units(units, shift), shift)

    assert abs(back - units) <= units >> 53


@pytest.mark.parametrize("seed", range(12))
def test_confirmed_drawn_cycle_through_a_token_of_few_units_finds_the_best(seed: int) -> None:
    """Where few units of a token pass, amounts that just reach another unit are found: the best of every number of its units."""
    random = Random(seed)
    start, coarse = NAMES[:2]
    held, worth = random.randint(40, 400), random.randint(10**16, 10**17)
    there = Segment(0, held * worth, held, held * worth, 1)
    split = held // 3
    back = (Segment(0, split, worth * random.randint(108, 120), 100, 0), Segment(split, held, worth, 1, 0))
    cycle = [
        Hop(Steps(PoolId("sim:1/steps:0"), (start, coarse), (there,)), start, coarse, exact=False),
        Hop(Steps(PoolId("sim:1/steps:1"), (coarse, start), back), coarse, start, exact=False),
    ]
    # The curve pays x held / (held worth + x): as many units as ``units`` or more for the ceiling of its inverse
    steps = [-(-units * held * worth // (held - units)) for units in range(1, held // 2)]
    found = confirmed(cycle, SIZED, held * worth // 8, None, 0, 1, NEXT)

    assert found is not None
    assert max(left(cycle, amount) for amount in steps) == found.net
