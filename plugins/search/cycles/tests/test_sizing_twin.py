"""The compiled sizing kernel against the plain one."""

from array import array
from math import inf
from random import Random

import pytest

from tidemill_search_cycles.compiled import Kernels
from tidemill_search_cycles.sizing import CAPPED, LIMITED, LOSES, SIZED, UNKNOWN, Batch, Sizer


class Arrays:
    """Random edges of every kind: half of them segmented, and a few that no sane market holds."""

    def __init__(self, random: Random, count: int) -> None:
        self.edge_rate, self.edge_bend, self.edge_slack = array("d"), array("d"), array("d")
        self.edge_kind, self.edge_segs, self.edge_seg = array("i"), array("i"), array("q")
        self.seg_from, self.seg_to, self.seg_a, self.seg_b, self.seg_c = (array("d") for _ in range(5))
        for _ in range(count):
            rate, depth = random.uniform(0.99, 1.03), 10 ** random.uniform(3, 6)
            kind = random.choice((0, 1, 1, 2, 2, 2)) if random.randrange(8) else 1
            self.edge_rate.append(rate if random.randrange(100) else random.choice((0.0, 2.0**300, 2.0**-300, inf)))
            self.edge_bend.append(rate / depth if kind == 1 and random.randrange(30) else 0.0)
            self.edge_slack.append(random.choice((0.0, 1e-6)))
            self.edge_kind.append(kind)
            self.edge_seg.append(len(self.seg_a))
            self.edge_segs.append(random.choice((1, 3, 40)) if kind == 2 else 0)
            begun, straight = 0.0, random.randrange(2)
            for _ in range(self.edge_segs[-1]):
                width, bend = depth * random.uniform(0, 0.05), 0.0 if straight else random.uniform(0.01, 1.0) / depth
                for cells, value in zip(self._segments(), (begun, begun + width, rate * 3.0, 3.0, bend * 3.0), strict=True):
                    cells.append(value)
                begun += width
                rate = rate * (1.0 - random.uniform(0, 0.002)) if straight else rate / (1.0 + bend * width) ** 2

    def _segments(self) -> tuple["array[float]", ...]:
        return self.seg_from, self.seg_to, self.seg_a, self.seg_b, self.seg_c


def test_size_compiled_equals_plain_bit_for_bit(kept_kernels: Kernels | None) -> None:
    """The compiled twin gives every answer in every state to the last bit, and stops at the same cycle."""
    if kept_kernels is None:
        pytest.skip("numba is not installed: there is no compiled twin to compare")
    random, seen = Random(12), set()
    arrays = Arrays(random, 300)
    segmented = [place for place in range(300) if arrays.edge_segs[place] == 40]
    cycles = [random.sample(range(300), random.randint(2, 12)) for _ in range(1_000)]
    cycles += [random.sample(segmented, random.randint(2, 12)) for _ in range(300)]

    for capital, hop_cost, fee_ppm in ((inf, 0.0, 0), (1e4, 0.01, 500), (3.0, 0.0, 9_000)):
        batch = Batch.of(cycles, capital, hop_cost)
        work, twin_work = array("q", [16 * 1_250]), array("q", [16 * 1_250])
        plain = Sizer().size(arrays, batch, fee_ppm, work)
        fast = Sizer(kept_kernels).size(arrays, batch, fee_ppm, twin_work)
        seen |= set(plain.state[:1_250])

        assert plain.count == fast.count == 1_250
        assert -16 == work[0] == twin_work[0]
        assert plain.state.tobytes() == fast.state.tobytes()
        for name in ("amount", "out", "net", "bound"):
            assert getattr(plain, name).tobytes() == getattr(fast, name).tobytes()
    assert {LOSES, SIZED, CAPPED, LIMITED, UNKNOWN} == seen
