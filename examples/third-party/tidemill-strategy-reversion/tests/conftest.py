"""A market of one pool and two reference prices."""

from collections.abc import Callable

import pytest
from tidemill import AssetId, Snapshot
from tidemill.domain.asset import Asset
from tidemill.domain.book import BookState
from tidemill.domain.history import PricePoint
from tidemill.domain.ids import MAIN_BOOK
from tidemill_testing.market import ETHER, pair_pool, snapshot_of, token

GOLD, USD = token("GOLD"), token("USD")
E18 = 10**18
FEE_PPM = 3_000


def price(asset: AssetId, mantissa: int, *, confidence: int = 0, publish_ns: int = 0) -> PricePoint:
    """Return a reference price in 10**-6 dollars a token."""
    return PricePoint(asset, mantissa, -6, confidence, publish_ns, 100)


def market(
    gold: int,
    *,
    reference: PricePoint | None = None,
    held: dict[AssetId, int] | None = None,
    changed: tuple[AssetId, ...] = (),
    quiet: bool = False,
) -> Snapshot:
    """Return a market in which a pool of a million each way prices GOLD at ``gold`` / 1_000 dollars; one dollar is its reference, and that of the chain's coin."""
    pool = pair_pool("gold", {GOLD: 10**6 * E18, USD: gold * 10**3 * E18}, FEE_PPM)
    prices = {GOLD: reference or price(GOLD, 10**6), USD: price(USD, 10**6), ETHER: price(ETHER, 10**6)}
    owned = held if held is not None else {USD: 10**5 * E18}
    book = BookState(MAIN_BOOK, USD, owned)
    coin = Asset(ETHER, "ETH", 18)
    return snapshot_of([pool], prices=prices, assets=[coin], books=[book], changed=() if quiet else None, changed_prices=changed)


@pytest.fixture
def market_at() -> Callable[..., Snapshot]:
    """Give ``market_at(gold, …)``: GOLD at so many thousandths of a dollar, worth one dollar by its reference."""
    return market
