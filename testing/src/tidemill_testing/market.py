"""A market for tests: constant-product pools that quote as the contract does, and a real snapshot made of any pools."""

import hashlib
from collections.abc import Iterable, Mapping
from itertools import starmap

from attrs import frozen
from immutables import Map

from tidemill.domain.answers import NoCurve, NoQuote, NoQuoteReason
from tidemill.domain.asset import Asset
from tidemill.domain.book import BookState
from tidemill.domain.history import PricePoint
from tidemill.domain.ids import (
    MAIN_BOOK,
    AssetId,
    ChainId,
    Key,
    Pair,
    PoolId,
    address_of,
    erc20,
    native,
    pair_of,
    pool_id,
    split_pool_id,
)
from tidemill.domain.pool import Curve, Pool, PoolRef, Quote, Segment, Swapped
from tidemill.domain.snapshot import ChainView, Changed, DexPolicy, Snapshot
from tidemill.domain.time import ChainTime
from tidemill.domain.valuation import grow_price_tree
from tidemill.hookspecs.search import Searcher
from tidemill.units import PPM_SCALE
from tidemill_amm.constant_product import MAX_RESERVE, amount_in, amount_out, check_reserves, curve_of

SIM = ChainId("sim:1")
"""The chain that all of it is on."""
ETHER = native(SIM, 60)
"""Its native coin, 18 decimals."""
NOW = ChainTime(SIM, 100, 1_700_000_000)
"""The head of a made snapshot: height 100."""
NEXT = ChainTime(SIM, 101, 1_700_000_012)
"""When a transaction sent on it executes: the next block, twelve seconds later. What quotes take as ``at``."""


def token(symbol: str) -> AssetId:
    """Return a made-up token's id on ``sim:1``; equal symbols give equal ids. A snapshot gives it 18 decimals, unless it is told others."""
    return erc20(SIM, "0x" + hashlib.sha256(symbol.encode()).hexdigest()[:40])


@frozen
class PairPool:
    """A Uniswap V2 pair at one state: quotes equal ``UniswapV2Library`` and ``UniswapV2Pair.swap`` to the unit.

    ``reserves`` are in the order of ``assets``, 0..2^112-1 base units; 0 <= ``fee_ppm`` < 1_000_000. It fulfils ``Pool``.
    """

    id: PoolId
    assets: tuple[AssetId, ...]
    reserves: tuple[int, int]
    fee_ppm: int | None = 3_000

    def __attrs_post_init__(self) -> None:
        check_reserves(*self.reserves)

    @property
    def holdings(self) -> Mapping[AssetId, int]:
        """Both reserves."""
        return dict(zip(self.assets, self.reserves, strict=True))

    def _facing(self, sell: AssetId, buy: AssetId) -> tuple[int, int] | None:
        if (sell, buy) == self.assets:
            return self.reserves
        return (self.reserves[1], self.reserves[0]) if (buy, sell) == self.assets else None

    def amount_out(self, sell: AssetId, buy: AssetId, amount: int, at: ChainTime) -> int:
        """Return what the pair pays; 0 where the contract reverts: no amount, no liquidity, or a reserve beyond uint112."""
        found = self._facing(sell, buy)
        if found is None or amount <= 0 or found[0] + amount > MAX_RESERVE:
            return 0
        return amount_out(amount, *found, self.fee_ppm or 0)

    def quote_exact_in(self, sell: AssetId, buy: AssetId, amount: int, at: ChainTime) -> Quote | NoQuote:
        """Quote as ``amount_out`` does, with the reason where it cannot."""
        if self._facing(sell, buy) is None:
            return NoQuote(NoQuoteReason.ASSET, f"{self.id} does not trade {sell} for {buy}")
        out = self.amount_out(sell, buy, amount, at)
        if not out:
            return NoQuote(NoQuoteReason.AMOUNT if amount <= 0 else NoQuoteReason.LIQUIDITY, f"{amount} of {sell}")
        return Quote(self.id, sell, buy, amount, out, amount * (self.fee_ppm or 0) // PPM_SCALE)

    def quote_exact_out(self, sell: AssetId, buy: AssetId, amount: int, at: ChainTime) -> Quote | NoQuote:
        """Quote the least input that pays ``amount``."""
        found = self._facing(sell, buy)
        if found is None:
            return NoQuote(NoQuoteReason.ASSET, f"{self.id} does not trade {sell} for {buy}")
        if amount <= 0 or amount >= found[1] or not found[0]:
            return NoQuote(NoQuoteReason.AMOUNT if amount <= 0 else NoQuoteReason.LIQUIDITY, f"{amount} of {buy}")
        paid = amount_in(amount, *found, self.fee_ppm or 0)
        # The library adds one even where the division is exact; the pair itself accepts one less there.
        paid -= self.amount_out(sell, buy, paid - 1, at) >= amount
        if found[0] + paid > MAX_RESERVE:
            return NoQuote(NoQuoteReason.LIQUIDITY, f"{paid} of {sell} exceeds uint112")
        return Quote(self.id, sell, buy, paid, amount, paid * (self.fee_ppm or 0) // PPM_SCALE)

    def swap_exact_in(self, sell: AssetId, buy: AssetId, amount: int, at: ChainTime) -> Swapped | NoQuote:
        """Quote, and give the pair with the new reserves."""
        quote = self.quote_exact_in(sell, buy, amount, at)
        if isinstance(quote, NoQuote):
            return quote
        return Swapped(quote, type(self)(self.id, self.assets, reserves_after(self.assets, self.reserves, quote), self.fee_ppm))

    def segments(self, sell: AssetId, buy: AssetId, at: ChainTime, max_in: int) -> Curve | NoCurve:
        """Give the one Möbius segment that the pair is; its slack is the floor's one unit."""
        found = self._facing(sell, buy)
        drawn = curve_of(*found, self.fee_ppm or 0, max_in) if found is not None else None
        if drawn is None or not drawn.pieces:
            return NoCurve("no reserves, or nothing that they take")
        return Curve(tuple(starmap(Segment, drawn.pieces)), drawn.slack)


def reserves_after(assets: tuple[AssetId, ...], reserves: tuple[int, int], quote: Quote) -> tuple[int, int]:
    """Return the two reserves of a pool after the swap that was quoted, base units in the order of ``assets``; the fee stays in it."""
    one, other = reserves
    if quote.sell == assets[0]:
        return one + quote.amount_in, other - quote.amount_out
    return one - quote.amount_out, other + quote.amount_in


class OpaquePool(PairPool):
    """A pair that hides what it is: it gives no curve, so that it can only be asked for amounts."""

    def segments(self, sell: AssetId, buy: AssetId, at: ChainTime, max_in: int) -> Curve | NoCurve:
        """Give no curve."""
        return NoCurve("it must be probed")


def pair_pool(name: str, reserves: Mapping[AssetId, int], fee_ppm: int = 3_000, *, dex: str = "uniswap", opaque: bool = False) -> PairPool:
    """Return a pool on ``sim:1`` in which two assets are traded.

    Example::

        from tidemill_testing.market import NEXT, pair_pool, token
        WETH, USD = token("WETH"), token("USD")
        pool = pair_pool("deep", {WETH: 1_000 * 10**18, USD: 3_000_000 * 10**18}, fee_ppm=500)
        assert pool.amount_out(WETH, USD, 10**18, NEXT) == 2995505991761234645971

    Args:
        name: of the pool; equal names give equal ids.
        reserves: base units by asset, of two assets; 0 to 2^112 - 1.
        fee_ppm: the pool's fee on what goes in, parts per million; below 1_000_000.
        dex: the DEX that the pool's id names.
        opaque: give no curve, so that the pool can only be asked for amounts, as one of a formula that nobody knows.
    """
    (one, held), (other, held_other) = sorted(reserves.items())
    address = "0x" + hashlib.sha256(name.encode()).hexdigest()[:40]
    made = OpaquePool if opaque else PairPool
    return made(pool_id(SIM, dex, address), (one, other), (held, held_other), fee_ppm)


def snapshot_of(
    pools: Iterable[Pool],
    *,
    changed: Iterable[PoolId] | None = None,
    changed_prices: Iterable[AssetId] = (),
    prices: Mapping[AssetId, PricePoint] | None = None,
    assets: Iterable[Asset] = (),
    books: Iterable[BookState] = (),
    wrapped: AssetId | None = None,
    dollars: tuple[AssetId, ...] = (),
    policies: Mapping[str, DexPolicy] | None = None,
    seen: Mapping[PoolId, int] | None = None,
    states: Mapping[Key, bytes | None] | None = None,
    searcher: Searcher | None = None,
    head: ChainTime = NOW,
    following: ChainTime = NEXT,
) -> Snapshot:
    """Return the snapshot that a market of these pools, all on ``sim:1``, would give at height 100.

    Example::

        from tidemill import BookState
        from tidemill.domain.history import PricePoint
        from tidemill.domain.ids import MAIN_BOOK
        from tidemill_testing.market import pair_pool, snapshot_of, token
        WETH, USD = token("WETH"), token("USD")
        snapshot = snapshot_of(
            [pair_pool("deep", {WETH: 1_000 * 10**18, USD: 3_000_000 * 10**18})],
            prices={WETH: PricePoint(WETH, 3_010_00, -2, 50, 1_700_000_000 * 10**9, 100)},
            changed_prices=[WETH],
            dollars=(USD,),
            books=[BookState(MAIN_BOOK, USD, {USD: 5_000 * 10**18})],
        )
        assert snapshot.value(WETH, 10**18, USD) == 3_010 * 10**18
        assert snapshot.book().free(USD) == 5_000 * 10**18

    Args:
        pools: each id once.
        changed: which of them changed; None: all; (): none, as between two blocks. Their pairs changed as well.
        changed_prices: assets whose oracle price changed.
        prices: oracle prices by asset: ``mantissa * 10**exponent`` US dollars a whole token, known since ``height``.
        assets: symbol and decimals of tokens; the pools' other assets get their address as symbol and 18 decimals.
        books: balances and reservations in base units; none: one book ``main`` based on ``wrapped``, or on the first asset, with nothing
            in it.
        wrapped: the native coin's twin and the root of the price tree; None: no twin, and the tree starts at the first asset.
        dollars: stables that count as one dollar.
        policies: what the configuration says of a DEX, by its name.
        seen: the height at which a pool was last confirmed; absent: the head's.
        states: values of the chain's watched keys; None: known to be absent.
        searcher: brought up to date with the snapshot and reached by its ``cycles``; None: there are no cycles.
        head: the chain's newest head.
        following: when a transaction sent now executes.

    The past is empty; ``attrs.evolve(snapshot, history=…)`` gives one.
    """
    by_id = {pool.id: pool for pool in sorted(pools, key=lambda pool: pool.id)}
    by_pair = _by_pair(by_id.values())
    held = sorted({asset for pool in by_id.values() for asset in pool.assets})
    root = wrapped if wrapped is not None else (held[0] if held else ETHER)
    moved = tuple(by_id) if changed is None else tuple(sorted(changed))
    moved_pairs = tuple(sorted(pair for pair, members in by_pair.items() if not set(members).isdisjoint(moved)))
    listed = {asset: Asset(asset, address_of(asset), 18) for asset in held} | {asset.id: asset for asset in assets}
    made = {book.id: book for book in books} or {MAIN_BOOK: BookState(MAIN_BOOK, root)}
    snapshot = Snapshot(
        chains={SIM: ChainView(head, following, ETHER, wrapped, dollars=dollars)},
        pools=Map(by_id),
        refs=Map({name: ref_of(pool) for name, pool in by_id.items()}),
        versions=Map({name: (head.height, place) for place, name in enumerate(by_id)}),
        seen=Map({name: (seen or {}).get(name, head.height) for name in by_id}),
        assets=Map(listed),
        by_pair=Map(by_pair),
        prices=Map(prices or {}),
        states=Map({SIM: Map(states or {})}),
        changed=Changed(moved, moved_pairs, tuple(sorted(changed_prices))),
        books=made,
        trees=Map({SIM: grow_price_tree(root, by_id.values(), following)}),
        finder=searcher,
        policies=dict(policies or {}),
    )
    if searcher is not None:
        searcher.update(snapshot)
    return snapshot


def ref_of(pool: Pool) -> PoolRef:
    """Return the descriptor of a test pool, a V2 pair of the DEX that its id names."""
    chain, dex, address = split_pool_id(pool.id)
    return PoolRef(pool.id, dex, chain, address, pool.assets, "v2", pool.fee_ppm)


def _by_pair(pools: Iterable[Pool]) -> dict[Pair, tuple[PoolId, ...]]:
    found: dict[Pair, list[PoolId]] = {}
    for pool in pools:
        for place, one in enumerate(pool.assets):
            for other in pool.assets[place + 1 :]:
                found.setdefault(pair_of(one, other), []).append(pool.id)
    return {pair: tuple(members) for pair, members in found.items()}
