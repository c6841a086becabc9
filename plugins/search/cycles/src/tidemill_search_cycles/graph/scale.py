"""In how many base units amounts of a token are counted, as powers of two: amounts of one worth come to stand near each other."""

from collections.abc import Mapping, Sequence
from heapq import heappop, heappush

from tidemill.domain.ids import AssetId
from tidemill.domain.pool import Pool
from tidemill_search_cycles.graph.curves import Reading

MOST = 96
"""Shifts stay within -96 .. 96, so that no pool's absurd price takes the rates of others out of the range of doubles."""
Rate = tuple[int, int]


def shift_beside(known: int | None, rate: Rate) -> int:
    """Return the shift of an asset of which a unit of a known one buys ``rate``; 0 where nothing is known."""
    if known is None:
        return 0
    return max(-MOST, min(MOST, known + rate[0].bit_length() - rate[1].bit_length()))


def shifts_from(
    readings: Sequence[tuple[Pool, Mapping[tuple[AssetId, AssetId], Reading | None]]], known: Mapping[AssetId, int]
) -> dict[AssetId, int]:
    """Return the shifts of assets that have none yet: from the deepest pools outwards, beginning with the asset in most pools.

    Only what is counted with depends on them, no answer.
    """
    beside: dict[AssetId, list[tuple[AssetId, Rate, int]]] = {}
    for pool, found in readings:
        holdings = pool.holdings
        for (sell, buy), reading in found.items():
            if reading is not None:
                beside.setdefault(sell, []).append((buy, reading.rate, holdings.get(sell, 0)))
                beside.setdefault(buy, []).append((sell, (reading.rate[1], reading.rate[0]), holdings.get(buy, 0)))
    shifts: dict[AssetId, int] = {}
    heap: list[tuple[int, AssetId, int]] = []
    for asset in sorted(beside):
        if asset in known:
            _reach(heap, beside[asset], known[asset])
    for root in sorted(beside, key=lambda asset: (-len(beside[asset]), asset)):
        if root not in known and not heap and root not in shifts:
            heappush(heap, (0, root, 0))
        while heap:
            _, asset, shift = heappop(heap)
            if asset not in shifts and asset not in known:
                shifts[asset] = shift
                _reach(heap, beside[asset], shift)
    return shifts


def _reach(heap: list[tuple[int, AssetId, int]], beside: Sequence[tuple[AssetId, Rate, int]], shift: int) -> None:
    for other, rate, held in beside:
        depth = held >> shift if shift >= 0 else held << -shift
        heappush(heap, (-depth, other, shift_beside(shift, rate)))
