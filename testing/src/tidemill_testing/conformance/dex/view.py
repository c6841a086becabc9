"""A snapshot of one pool, on whatever chain it is."""

from immutables import Map

from tidemill.domain.asset import Asset
from tidemill.domain.book import BookState
from tidemill.domain.ids import MAIN_BOOK, address_of, native, pair_of
from tidemill.domain.pool import Pool, PoolRef
from tidemill.domain.snapshot import ChainView, Changed, Snapshot
from tidemill.domain.time import ChainTime
from tidemill.domain.valuation import grow_price_tree
from tidemill_testing.conformance.dex.bench import directions


def view_of(ref: PoolRef, pool: Pool, at: ChainTime) -> Snapshot:
    """Return the snapshot that a market of this pool alone would give one block before ``at``."""
    head = ChainTime(at.chain, at.height - 1, at.unix_time, at.epoch)
    pairs = sorted({pair_of(*direction) for direction in directions(pool)})
    return Snapshot(
        chains={ref.chain: ChainView(head, at, native(ref.chain, 60), None, dollars=())},
        pools=Map({pool.id: pool}),
        refs=Map({pool.id: ref}),
        versions=Map({pool.id: (head.height, 0)}),
        seen=Map({pool.id: head.height}),
        assets=Map({asset: Asset(asset, address_of(asset), 18) for asset in pool.assets}),
        by_pair=Map(dict.fromkeys(pairs, (pool.id,))),
        prices=Map(),
        states=Map({ref.chain: Map()}),
        changed=Changed((pool.id,), tuple(pairs), ()),
        books={MAIN_BOOK: BookState(MAIN_BOOK, pool.assets[0])},
        trees=Map({ref.chain: grow_price_tree(pool.assets[0], [pool], at)}),
        finder=None,
        policies={},
    )
