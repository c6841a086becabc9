"""What ideas see: one consistent, immutable view of the market at one moment."""

from collections.abc import Iterator, Mapping
from functools import cached_property

from attrs import field, frozen
from immutables import Map

from tidemill.domain.answers import NoPrice, NoQuote, NoQuoteReason
from tidemill.domain.asset import Asset
from tidemill.domain.book import BookState
from tidemill.domain.events import Market
from tidemill.domain.history import History, PricePoint
from tidemill.domain.ids import MAIN_BOOK, AssetId, BookId, ChainId, Key, MarketId, Pair, PoolId, chain_of, pair_of
from tidemill.domain.offer import Offer
from tidemill.domain.plan import Version
from tidemill.domain.pool import Pool, PoolRef, Quote
from tidemill.domain.search import Candidate, CycleFinder, CycleQuery, Netted
from tidemill.domain.time import ChainTime
from tidemill.domain.valuation import PriceTree, marginal_rate


@frozen
class ChainView:
    """A chain as seen: its ``head``, when a transaction sent now would execute (``next``), its native coin and the wrapped twin.

    ``fee`` is the base fee in the unit that the chain's rules define (wei per gas, micro-lamports per compute unit), 0 where unknown;
    ``dollars`` are the stables that count as one US dollar; ``swap_cost`` is what one more swap is expected to cost, native base units.
    """

    head: ChainTime
    next: ChainTime
    native: AssetId
    wrapped: AssetId | None
    fee: int = 0
    dollars: tuple[AssetId, ...] = ()
    swap_cost: int = 0


@frozen
class Changed:
    """What changed since ideas were last asked: pools, priced assets, order-book markets, by id. A change of our overlay counts.

    After a block ``pools`` and ``pairs`` tell what moved in it. New reference prices come between two blocks: then ``prices`` tells the
    assets, and the others are empty. All are empty where nothing changed, as at the beginning of a run.
    """

    pools: tuple[PoolId, ...] = ()
    pairs: tuple[Pair, ...] = ()
    prices: tuple[AssetId, ...] = ()
    markets: tuple[MarketId, ...] = ()


@frozen
class DexPolicy:
    """What the configuration says of one DEX.

    ``priority``: higher is asked first. ``min_liquidity_usd`` (whole dollars) and ``oracle_required`` keep pools from being traded,
    ``fee_bps`` is a ceiling: pools with a higher fee are not loaded. ``max_slippage_bps`` is how much less than quoted a swap may pay;
    None leaves it to the guard on the final balance.
    """

    priority: int = 0
    min_liquidity_usd: int | None = None
    max_slippage_bps: int | None = None
    fee_bps: int | None = None
    oracle_required: bool = False


@frozen(eq=False)
class Snapshot:
    """The market at one moment: the observed pools with our own filled swaps on them, prices, books, and what changed.

    It never changes; a later one shares what stayed equal. Everything a strategy may know stands here, and all of it is the past.
    ``now_ns`` is when the newest batch was received: the only clock there is.
    ``rates`` are work units a millisecond as they were measured, by what does the work (``search.<name>``).
    ``seen`` holds the height at which a pool's state was last read, for pools that no log moves.
    """

    chains: Mapping[ChainId, ChainView]
    pools: Mapping[PoolId, Pool]
    refs: Mapping[PoolId, PoolRef]
    versions: Mapping[PoolId, Version]
    seen: Mapping[PoolId, int]
    assets: Mapping[AssetId, Asset]
    by_pair: Mapping[Pair, tuple[PoolId, ...]]
    prices: Mapping[AssetId, PricePoint]
    states: Mapping[ChainId, Mapping[Key, bytes | None]]
    changed: Changed
    books: Mapping[BookId, BookState]
    history: History = field(factory=History)
    trees: Mapping[ChainId, PriceTree] = field(factory=Map)
    finder: CycleFinder | None = None
    policies: Mapping[str, DexPolicy] = field(factory=dict)
    markets: Mapping[MarketId, Market] = field(factory=Map)
    now_ns: int = 0
    rates: Mapping[str, int] = field(factory=Map)

    def head(self, chain: ChainId) -> ChainTime:
        """Return the newest head of a chain that this run follows; KeyError for another."""
        return self.chains[chain].head

    def at(self, chain: ChainId) -> ChainTime:
        """Return the height and time at which a transaction sent now would execute."""
        return self.chains[chain].next

    def pool(self, pool: PoolId) -> Pool | None:
        """Return a pool that is loaded and trusted, or None."""
        return self.pools.get(pool)

    def version(self, pool: PoolId) -> Version:
        """Return the version of a loaded pool's state; KeyError where it is not loaded."""
        return self.versions[pool]

    def age(self, pool: PoolId) -> int:
        """Return how many blocks ago the pool's state was last confirmed; 0 is the head itself, as for every pool that logs move."""
        head = self.chains[chain_of(pool)].head.height
        return head - self.seen.get(pool, head)

    def pools_of(self, one: AssetId, other: AssetId) -> tuple[PoolId, ...]:
        """Return the loaded pools that trade two assets, by id."""
        return self.by_pair.get(pair_of(one, other), ())

    def quote(self, pool: PoolId, sell: AssetId, buy: AssetId, amount: int) -> Quote | NoQuote:
        """Quote selling exactly ``amount`` at a pool in the next block."""
        found = self.pools.get(pool)
        if found is None:
            known = pool in self.refs
            return NoQuote(NoQuoteReason.STALE if known else NoQuoteReason.ASSET, "not loaded" if known else "unknown pool")
        return found.quote_exact_in(sell, buy, amount, self.at(chain_of(pool)))

    def state(self, chain: ChainId, key: Key) -> bytes | None:
        """Return a watched key's value; None where it is known to be absent; KeyError where it was never read."""
        return self.states[chain][key]

    def swap_cost(self, chain: ChainId, in_asset: AssetId) -> int:
        """Return what one more swap in a plan is expected to cost, base units of an asset, at least 0; 0 where it cannot be valued."""
        view = self.chains[chain]
        value = self.value(view.native, view.swap_cost, in_asset)
        return 0 if isinstance(value, NoPrice) else max(0, value)

    def book(self, book: BookId = MAIN_BOOK) -> BookState:
        """Return a book's balances, reservations and plans in flight."""
        return self.books[book]

    def cycles(self, query: CycleQuery) -> Iterator[Candidate]:
        """Yield cycles from the run's searcher, best first; nothing where no searcher is enabled."""
        return self.finder.find(query) if self.finder is not None else iter(())

    def work_for(self, deadline_ms: int) -> int:
        """Return how many work units of the run's searcher fit into a deadline; 0 for none, or where no searcher is enabled.

        They are counted at the rate that was measured and recorded, without one at the searcher's usual one: a search ends at the same
        place in every replay, however long it took.
        """
        if self.finder is None:
            return 0
        return deadline_ms * self.rates.get(f"search.{self.finder.name}", self.finder.work_per_ms)

    def netted(self, query: CycleQuery) -> Netted | None:
        """Return one trade over the cycles of a query from the run's searcher; None where nothing gains or no searcher is enabled."""
        return self.finder.net(query) if self.finder is not None else None

    def offers(self, pair: Pair) -> tuple[Offer, ...]:
        """Return what each pool pays for the pair's first asset in its second, cheapest first, ties by pool id."""
        base, quote = pair
        offers = []
        for identifier in self.by_pair.get(pair_of(base, quote), ()):
            pool = self.pools.get(identifier)
            if pool is None:
                continue
            at = self.at(chain_of(identifier))
            rate = marginal_rate(pool, base, quote, at)
            if rate is not None and rate[0]:
                offers.append(Offer(identifier, base, quote, rate[0], rate[1], pool.fee_ppm or 0, at.height))
        return tuple(sorted(offers, key=_by_rate))

    def cheapest(self, pair: Pair) -> Offer:
        """Return where the pair's first asset costs least; an offer of nothing (rate 0, no pool) where no loaded pool trades the pair."""
        return self._offer(pair, 0)

    def dearest(self, pair: Pair) -> Offer:
        """Return where the pair's first asset sells highest; an offer of nothing (rate 0, no pool) where no loaded pool trades the pair."""
        return self._offer(pair, -1)

    def _offer(self, pair: Pair, place: int) -> Offer:
        offers = self.offers(pair)
        return offers[place] if offers else Offer(PoolId(""), pair[0], pair[1], 0, 1, 0, 0)

    def value(self, asset: AssetId, amount: int, in_asset: AssetId) -> int | NoPrice:
        """Value an amount (may be negative) in another asset, base units, rounded towards minus infinity.

        Oracle prices where both have one (a stable of the configuration counts as one dollar), else the deepest pools. The native coin
        counts as its wrapped twin.
        """
        rates = self._rates
        rate = rates.get((asset, in_asset))
        if rate is None:
            rate = rates[asset, in_asset] = self._rate(self._twin(asset), self._twin(in_asset))
        return rate if isinstance(rate, NoPrice) else amount * rate[0] // rate[1]

    def _rate(self, source: AssetId, target: AssetId) -> tuple[int, int] | NoPrice:
        return (1, 1) if source == target else self._oracle_rate(source, target) or self._pool_rate(source, target)

    @cached_property
    def _rates(self) -> dict[tuple[AssetId, AssetId], tuple[int, int] | NoPrice]:
        return {}

    def _twin(self, asset: AssetId) -> AssetId:
        view = self.chains.get(chain_of(asset))
        if view is not None and view.wrapped is not None and asset == view.native:
            return view.wrapped
        known = self.assets.get(asset)
        return known.twin if known is not None and known.twin is not None else asset

    def _dollars(self, asset: AssetId) -> tuple[int, int] | None:
        """Return (mantissa, exponent) of one base unit in dollars."""
        known = self.assets.get(asset)
        view = self.chains.get(chain_of(asset))
        if known is None or view is None:
            return None
        point = self.prices.get(asset)
        if point is None and view.wrapped is not None and asset == view.wrapped:
            point = self.prices.get(view.native)
        if point is not None and point.mantissa > 0:
            return point.mantissa, point.exponent - known.decimals
        return (1, -known.decimals) if asset in view.dollars else None

    def _oracle_rate(self, source: AssetId, target: AssetId) -> tuple[int, int] | None:
        one, other = self._dollars(source), self._dollars(target)
        if one is None or other is None:
            return None
        shift = one[1] - other[1]
        return (one[0] * 10**shift, other[0]) if shift >= 0 else (one[0], other[0] * 10**-shift)

    def _pool_rate(self, source: AssetId, target: AssetId) -> tuple[int, int] | NoPrice:
        chain = chain_of(source)
        tree = self.trees.get(chain)
        if tree is None or chain != chain_of(target):
            return NoPrice(f"no pools lead from {source} to {target}")
        up, down = tree.path(source), tree.path(target)
        if up is None or down is None:
            return NoPrice(f"no pool prices {source if up is None else target}")
        numerator, denominator = self._walk(source, up)
        other, unit = self._walk(target, down)
        if not (numerator and other):
            return NoPrice(f"a pool between {source} and {target} gives no quote")
        return numerator * unit, denominator * other

    def _walk(self, asset: AssetId, steps: tuple[tuple[PoolId, AssetId], ...]) -> tuple[int, int]:
        numerator = denominator = 1
        for identifier, nearer in steps:
            pool = self.pools.get(identifier)
            rate = marginal_rate(pool, asset, nearer, self.at(chain_of(asset))) if pool is not None else None
            if rate is None:
                return 0, 1
            numerator, denominator, asset = numerator * rate[0], denominator * rate[1], nearer
        return numerator, denominator


def _by_rate(offer: Offer) -> tuple[int, PoolId]:
    """Order offers by rate without a fraction: 2^64 steps a unit are finer than any edge that pays."""
    return (offer.numerator << 128) // offer.denominator, offer.pool
