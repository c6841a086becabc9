"""Which cycles are sized, and in what order they are given: what cannot be among the best is left unsized."""

import heapq
from collections.abc import Callable

from attrs import frozen

from tidemill.domain.ids import AssetId, PoolId
from tidemill.domain.time import ChainTime
from tidemill_search_cycles.amounts import Promise, Sizing, keep
from tidemill_search_cycles.paths import Cycle

RankKey = tuple[int, tuple[PoolId, ...], AssetId]


@frozen
class Asked:
    """A cycle that was looked at, with what is needed to size it: its cost is that of its swaps, in units of the start asset."""

    start: AssetId
    cycle: Cycle
    cost: int
    cap: int | None
    loan_fee_ppm: int
    least: int
    at: ChainTime
    answer: Sizing | Promise

    @property
    def pools(self) -> tuple[PoolId, ...]:
        """The pools, in order."""
        return tuple(edge.pool_id for edge in self.cycle)

    def sized(self) -> Sizing | None:
        """Return the sizing, searched for where it was only promised."""
        if isinstance(self.answer, Sizing):
            return self.answer
        return keep(self.cycle, self.answer, self.cap, self.loan_fee_ppm, self.least, self.at)


def best(asked: list[Asked], top: int, worth: Callable[[AssetId, int], int]) -> list[tuple[Asked, Sizing]]:
    """Return the ``top`` best (0: all), best first, ties by pools and start; what cannot be among them is not sized."""
    bounded = [(-worth(one.start, _most(one) - one.cost), one.pools, one.start, one) for one in asked]
    if top:
        bounded.sort(key=lambda row: row[:3])
    found: list[tuple[RankKey, Asked, Sizing]] = []
    leaders: list[int] = []
    for bound, pools, start, one in bounded:
        if top and len(leaders) == top and -bound < leaders[0]:
            break
        sizing = one.sized()
        if sizing is None:
            continue
        value = worth(start, sizing.net - one.cost)
        found.append(((-value, pools, start), one, sizing))
        if top:
            (heapq.heappush if len(leaders) < top else heapq.heappushpop)(leaders, value)
    found.sort(key=lambda row: row[0])
    return [(one, sizing) for _, one, sizing in found[: top or None]]


def _most(one: Asked) -> int:
    return one.answer.net if isinstance(one.answer, Sizing) else one.answer.bound
