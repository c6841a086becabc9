"""Points of a pair with the edges that a test says."""

from collections.abc import Callable

import pytest

from tidemill import PairPoint
from tidemill.domain.ids import PoolId
from tidemill.domain.offer import Offer
from tidemill_testing.market import token

WETH, DAI = token("WETH"), token("DAI")


def point(height: int, edge_bps: int) -> PairPoint:
    """Give a point whose two offers leave ``edge_bps``, without fees."""
    cheap, dear = (
        Offer(PoolId(f"sim:1:{name}:0x1"), WETH, DAI, rate, 10_000, 0, height) for name, rate in (("a", 10_000), ("b", 10_000 + edge_bps))
    )
    return PairPoint(height, height * 12, cheap, dear)


@pytest.fixture
def points() -> Callable[..., tuple[PairPoint, ...]]:
    """Make points from pairs of a height and an edge."""
    return lambda *edges: tuple(point(height, edge) for height, edge in edges)
