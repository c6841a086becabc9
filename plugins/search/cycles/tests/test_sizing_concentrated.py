"""Sizing over real concentrated liquidity: curves as the graph reads them from the pools, amounts as the pools pay them."""

from array import array
from collections.abc import Mapping, Sequence
from math import inf
from random import Random
from types import SimpleNamespace
from typing import Any

import pytest
from attrs import field, frozen

from tidemill.domain.answers import NoCurve
from tidemill.domain.ids import AssetId, PoolId
from tidemill.domain.pool import Curve, Pool, Segment
from tidemill.domain.time import ChainTime
from tidemill_amm import concentrated
from tidemill_search_cycles.amounts import Sizing, confirmed
from tidemill_search_cycles.graph.curves import Side, read, scaled
from tidemill_search_cycles.sizing import Batch, Sizer, base_units
from tidemill_testing.market import NEXT, OpaquePool, PairPool, token

NAMES = sorted(token(f"R{place}") for place in range(6))
PPM = 1_000_000


@frozen
class RangePool(OpaquePool):
    """A concentrated pool that draws its curve."""

    state: Any = None
    asked: list[int] = field(factory=list, eq=False)

    @property
    def holdings(self) -> Mapping[AssetId, int]:
        return dict.fromkeys(self.assets, 10**20)

    def amount_out(self, sell: AssetId, buy: AssetId, amount: int, at: ChainTime) -> int:
        self.asked.append(amount)
        return concentrated.amount_out(self.state, sell == self.assets[0], amount)

    def segments(self, sell: AssetId, buy: AssetId, at: ChainTime, max_in: int) -> Curve | NoCurve:
        drawn = concentrated.curve_of(self.state, sell == self.assets[0], min(max_in, 1 << 255))
        return Curve(tuple(Segment(*piece) for piece in drawn.pieces), drawn.slack) if drawn.pieces else NoCurve("nothing to sell")


def range_pool(random: Random, place: int, one: AssetId, other: AssetId, digits: int) -> RangePool:
    """Overlapping positions around a price near one."""
    tick, ticks, liquidity = random.randint(-150, 150), dict[int, tuple[int, int]](), 0
    for _ in range(8):
        lower, amount = tick // 60 * 60 - 60 * random.randint(0, 9), random.randint(1, 99) * 10**digits
        upper = lower + 60 * random.randint(1, 30)
        for at, net in ((lower, amount), (upper, -amount)):
            gross, before = ticks.get(at, (0, 0))
            ticks[at] = gross + amount, before + net
        liquidity += amount if lower <= tick < upper else 0
    state = concentrated.ConcentratedState.from_ticks(
        sqrt_price_x96=concentrated.sqrt_ratio_at_tick(tick), tick=tick, liquidity=liquidity, fee_ppm=500, tick_spacing=60, ticks=ticks
    )
    return RangePool(PoolId(f"sim:1/range:{place}"), (min(one, other), max(one, other)), (10**19, 10**19), 500, state)


def cycle_of(random: Random, hops: int, digits: int) -> list[Pool]:
    """Concentrated pools and pairs in turn, the first two of them concentrated."""
    cycle: list[Pool] = []
    for place in range(hops):
        one, other = NAMES[place], NAMES[(place + 1) % hops]
        if place < 2 or random.random() < 0.6:
            cycle.append(range_pool(random, place, one, other, digits))
        else:
            held = random.randint(1, 99) * 10 ** (digits + 1)
            reserves = (held, held * random.randint(990, 1_020) // 1_000)
            cycle.append(PairPool(PoolId(f"sim:1/pair:{place}"), (min(one, other), max(one, other)), reserves, 500))
    return cycle


def sized(cycle: Sequence[Pool], shift: int) -> tuple[Sizing | None, int]:
    """Size a cycle as the searcher does, from the curves as the graph reads them; also the bound in base units."""
    names = ("edge_rate", "edge_bend", "edge_slack", "seg_from", "seg_to", "seg_a", "seg_b", "seg_c")
    drawing: Any = SimpleNamespace(**{name: array("d") for name in names}, edge_kind=array("i"), edge_segs=array("i"), edge_seg=array("q"))
    hops: list[Side] = []
    for place, pool in enumerate(cycle):
        sell, buy = NAMES[place], NAMES[(place + 1) % len(cycle)]
        reading = read(pool, sell, buy, NEXT)
        assert reading is not None
        entry, side = scaled(reading, place, shift, shift), Side(pool, sell, buy, reading)
        hops.append(side)
        for name, value in zip(
            ("edge_rate", "edge_bend", "edge_slack", "edge_kind"), (entry.rate, entry.bend, entry.slack, entry.kind), strict=True
        ):
            getattr(drawing, name).append(value)
        drawing.edge_seg.append(len(drawing.seg_a))
        drawing.edge_segs.append(len(entry.segments))
        for segment in entry.segments:
            for name, cell in zip(names[3:], segment, strict=True):
                getattr(drawing, name).append(cell)
    sizes = Sizer().size(drawing, Batch.of([range(len(cycle))], inf), 0, array("q", [1 << 40]))
    hint = base_units(sizes.amount[0], shift)
    return confirmed(hops, sizes.state[0], hint, None, 0, 1, NEXT), base_units(sizes.bound[0], shift)


def left(cycle: Sequence[Pool], amount: int) -> int:
    out = amount
    for place, pool in enumerate(cycle):
        out = pool.amount_out(NAMES[place], NAMES[(place + 1) % len(cycle)], out, NEXT) if out else 0
    return out - amount if out else -(1 << 256)


def golden(cycle: Sequence[Pool], high: int) -> int:
    """Return the most that a golden section over integers finds, asking the pools alone."""
    low, best = 1, 0
    while high - low > 8:
        step = (high - low) * 381_966 // PPM
        one, two = left(cycle, low + step), left(cycle, high - step)
        best = max(best, one, two)
        low, high = (low, high - step) if one >= two else (low + step, high)
    return max([best, *(left(cycle, amount) for amount in range(low, high + 1))])


@pytest.mark.parametrize("digits", [6, 12, 20])
@pytest.mark.parametrize("hops", [2, 3, 4, 6])
def test_confirmed_concentrated_cycles_equal_golden_section(hops: int, digits: int) -> None:
    """Over tick lists and pairs a search by quotes finds no more but for floors, and no more than the bound says."""
    random, gained = Random(hops * 100 + digits), 0
    for _ in range(24):
        cycle = cycle_of(random, hops, digits)
        best = golden(cycle, 10 ** (digits + 2))
        sizing, bound = sized(cycle, 3 * digits - 20)
        net = sizing.net if sizing is not None else 0
        gained += best > 10

        assert max(best, net) <= bound or max(best, net) <= 0
        assert best - net <= 3 * hops + (best >> 40)
        assert sizing is None or sizing.net == left(cycle, sizing.amounts[0])
    assert gained > 5
