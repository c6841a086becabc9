"""Where a run begins: what the ledger's last run left, else the capital of the configuration."""

from collections.abc import Mapping, Sequence

from tidemill.config.books import ResolvedBook
from tidemill.domain.events import Batch, OpenGroup, Opening, OpenIntent
from tidemill.domain.ids import AssetId, BookId, chain_of

Held = Mapping[tuple[BookId, AssetId], int]


def opening_batch(
    books: Sequence[ResolvedBook], held: Held, intents: Sequence[OpenIntent] = (), groups: Sequence[OpenGroup] = (), *, live: bool = False
) -> Batch:
    """Return the first batch of a run.

    A book that an earlier run left with money on a chain goes on with it there; on a chain where it never had any it starts with its
    capital, with real money (``live``) with nothing: the chain says what it holds. ``intents`` and ``groups`` are what earlier
    runs left open.
    """
    balances: list[tuple[BookId, AssetId, int]] = []
    for book in books:
        known = {chain_of(asset) for owner, asset in held if owner == book.id}
        amounts = {asset: amount for (owner, asset), amount in held.items() if owner == book.id}
        if not live:
            amounts.update({asset: amount for asset, amount in book.capital.items() if chain_of(asset) not in known})
        balances.extend((book.id, asset, amount) for asset, amount in sorted(amounts.items()) if amount > 0)
    return Batch("opening", 1, None, 0, "", "", "confirmed", 0, 0, (Opening(tuple(balances), tuple(intents), groups=tuple(groups)),))
