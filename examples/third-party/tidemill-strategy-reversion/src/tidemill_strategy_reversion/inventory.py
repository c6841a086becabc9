"""How much of a token a book may still take in."""

from tidemill import AssetId, ChainId, Snapshot
from tidemill.domain.answers import NoPrice
from tidemill.domain.book import BookState
from tidemill.units import bps_of


def is_home(asset: AssetId, book: BookState, snapshot: Snapshot, chain: ChainId) -> bool:
    """Tell whether an asset is one that the book means to hold: its base asset, or the chain's wrapped coin."""
    return asset in (book.base, snapshot.chains[chain].wrapped)


def worth(book: BookState, snapshot: Snapshot, in_asset: AssetId) -> int:
    """Return what a book owns, base units of ``in_asset``, each balance rounded down; what cannot be valued counts nothing."""
    values = (snapshot.value(asset, amount, in_asset) for asset, amount in sorted(book.balances.items()))
    return sum(value for value in values if not isinstance(value, NoPrice))


def room(book: BookState, snapshot: Snapshot, buy: AssetId, in_asset: AssetId, max_holding_bps: int) -> int:
    """Return how much more of ``buy`` the book may hold, as its value in ``in_asset``, at least 0.

    ``max_holding_bps`` of the book's worth, less what it owns of ``buy`` already. Plans in flight do not count: two on one token may
    overshoot by the second.
    """
    held = snapshot.value(buy, book.balances.get(buy, 0), in_asset)
    return 0 if isinstance(held, NoPrice) else max(0, bps_of(worth(book, snapshot, in_asset), max_holding_bps) - held)
