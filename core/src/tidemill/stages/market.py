"""The market: applies batches, decodes what changed once at a batch's end, and gives immutable snapshots."""

from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import attrs
from immutables import Map

from tidemill.domain import events as ev
from tidemill.domain.asset import Asset, asset_after
from tidemill.domain.book import BookState
from tidemill.domain.history import PricePoint, Wants
from tidemill.domain.ids import AssetId, BookId, ChainId, Key, MarketId, Pair, PoolId, chain_of, pair_of
from tidemill.domain.offer import Offer
from tidemill.domain.outcome import Outcome
from tidemill.domain.plan import Plan, Version
from tidemill.domain.pool import Pool, Watch
from tidemill.domain.search import CycleFinder
from tidemill.domain.snapshot import ChainView, Changed, DexPolicy, Snapshot
from tidemill.domain.time import ChainTime
from tidemill.domain.transaction import Wallet
from tidemill.domain.valuation import grow_price_tree
from tidemill.errors import MarketDataError, PluginError
from tidemill.hookspecs.chain import ChainRules
from tidemill.hookspecs.dex import Dex
from tidemill.hookspecs.lender import Lender
from tidemill.stages.chain_rules import path_of
from tidemill.stages.effects import Intent
from tidemill.stages.guard import Fault, Guard, P, T
from tidemill.stages.history import drop_plan, keep_event, keep_gaps, keep_pairs, keep_plan, past_plan, union
from tidemill.stages.loading import Loader, forget
from tidemill.stages.loans import LoanWatch
from tidemill.stages.market_state import MarketState, restored, without
from tidemill.stages.price_band import judged

ROLLBACK_BLOCKS = 64
"""How many blocks back a rollback can be followed; a deeper one halts trading. Below the first head all is read again."""
_TREE_BLOCKS = 256


class Market:
    """The one mutable market of a run; everything it hands out is immutable.

    ``observed`` pools come from the chain alone; the overlay of our own swaps is put on top by the caller of ``snapshot``.
    """

    def __init__(
        self,
        *,
        dexes: Mapping[str, Dex],
        rules: Mapping[ChainId, ChainRules],
        guard: Guard,
        policies: Mapping[str, DexPolicy] | None = None,
        wants: Iterable[Wants] = (),
        lenders: Sequence[Lender] = (),
        wallets: Sequence[Wallet] = (),
    ) -> None:
        self.state = MarketState(assets=_verified(rules.values()))
        self.rules = dict(rules)
        self.policies = dict(policies or {})
        self.faults: list[Fault] = []
        self._guard = guard
        self._kept = union(wants)
        self._loader = Loader(dexes, self.policies, guard, self.faults)
        self._offers = LoanWatch(lenders, guard, self.faults)
        self._wallets = tuple(wallets)
        self._sequence = 0
        self._now_ns = 0
        self._height = 0
        self._past: dict[ChainId, deque[tuple[int, MarketState]]] = {}
        self._first: dict[ChainId, int] = {}
        self._trees_grown: dict[ChainId, tuple[int, int]] = {}
        self._changed: set[PoolId] = set()
        self._changed_prices: set[AssetId] = set()
        self._changed_markets: set[MarketId] = set()
        self._handlers: dict[type, Callable[[Any], None]] = {
            ev.Head: self._head,
            ev.Found: self._found,
            ev.States: self._states,
            ev.Logs: self._logs,
            ev.Gap: self._gap,
            ev.OraclePrice: self._price,
            ev.Rate: self._rate,
        }

    def apply(self, batch: ev.Batch) -> frozenset[PoolId]:
        """Apply a batch of market events and return the pools that it moved.

        What is pending never touches pools. ``Rollback`` is not applied here but by ``roll_back``.
        """
        self._sequence += 1
        self._height = batch.height
        self._now_ns = max(self._now_ns, batch.local_ns)
        pending = batch.status == "pending"
        for event in batch.events:
            handler = self._handlers.get(type(event))
            if handler is not None:
                if not (pending and isinstance(event, ev.Head | ev.States | ev.Logs)):
                    handler(event)
            elif not isinstance(event, ev.Rollback):
                self._keep(event)
        self._read_loans()
        moved = self._loader.finish(self.state, self._height, self._sequence)
        self._changed.update(moved)
        if self._kept.gaps and moved:
            self.state.moved = self.state.moved.update(dict.fromkeys(moved))
        return moved

    def roll_back(self, event: ev.Rollback) -> frozenset[PoolId] | None:
        """Restore one chain as it was at ``event.height`` and return the pools that differ; None where that is too far back."""
        past = self._past.get(event.chain)
        view = self.state.chains.get(event.chain)
        if view is None or view.head.height <= event.height:
            return frozenset()
        then = next((state for height, state in past or () if height == event.height), None)
        if past is None or then is None:
            return None
        while past and past[-1][0] >= event.height:
            past.pop()
        self._sequence += 1
        before = self.state
        self.state = restored(before, then, event.chain)
        self._loader.rolled_back(self.state, event.chain)
        self._offers.forget(event.chain)
        touched = {*before.pools, *self.state.pools}
        moved = frozenset(pool for pool in touched if before.pools.get(pool) is not self.state.pools.get(pool))
        with self.state.versions.mutate() as versions:
            for pool in sorted(moved):
                if pool in self.state.pools:
                    versions[pool] = (event.height, self._sequence)
            self.state.versions = versions.finish()
        self._changed.update(moved)
        return moved

    def rebase(self, event: ev.Rollback) -> bool:
        """Begin a chain anew below the first head that was told of it, and return whether that is why ``roll_back`` cannot.

        No block that was told of stands then: its pools are withdrawn until all of their state has been read at ``event.height`` or above.
        """
        view = self.state.chains.get(event.chain)
        if view is None or not view.head.height - ROLLBACK_BLOCKS <= event.height < self._first[event.chain]:
            return False
        self._first[event.chain] = event.height
        self._past.pop(event.chain, None)
        self._sequence += 1
        head = attrs.evolve(view.head, height=event.height)
        following = self._told(event.chain, self.rules[event.chain].executes_at, head)
        self.state.chains = self.state.chains.set(event.chain, attrs.evolve(view, head=head, next=following))
        self.state.history = without(self.state.history, event.chain)
        self._gap(ev.Gap(event.chain, event.height + 1, view.head.height))
        return True

    def touch(self, pools: Iterable[PoolId]) -> None:
        """Count pools as changed: our overlay on them changed, ideas turned away may now pass, or the searcher has not taken them in."""
        self._changed.update(pools)

    def bump(self, pool: PoolId) -> Version:
        """Give a pool a new version, because our overlay on it changed, and return it."""
        self._sequence += 1
        version = (self.state.versions[pool][0], self._sequence)
        self.state.versions = self.state.versions.set(pool, version)
        self._changed.add(pool)
        return version

    def request(self, pool: PoolId, keys: Iterable[Key]) -> None:
        """Ask for state that a quote of a pool was missing; for one that logs move, its whole state is read again at one height."""
        self._loader.request(self.state, pool, keys)

    def disable(self, dex: str) -> None:
        """Withdraw a DEX whose plugin was disabled: its pools are no longer quoted."""
        self._changed.update(self._loader.disable(self.state, dex))

    def take_reads(self) -> tuple[tuple[ChainId, tuple[Key, ...]], ...]:
        """Return the keys to read now, per chain, and forget them."""
        return self._loader.take_reads()

    def take_watches(self) -> tuple[tuple[ChainId, Watch], ...]:
        """Return what chains must report from now on, and forget it."""
        return self._loader.take_watches()

    def take_changed(self) -> Changed:
        """Return what changed since this was last called."""
        pools = tuple(sorted(pool for pool in self._changed if pool in self.state.refs))
        pairs = self._pairs_of(pools)
        markets = tuple(sorted(self._changed_markets))
        changed = Changed(pools, tuple(sorted(pairs)), tuple(sorted(self._changed_prices)), markets)
        self._changed_markets.clear()
        self._changed.clear()
        self._changed_prices.clear()
        return changed

    def refresh_trees(self) -> None:
        """Grow the valuation's trees anew where pools came or went, and every 256 blocks; called before ideas are asked.

        The occasions depend on batches alone, so that a replay values alike.
        """
        for chain, view in sorted(self.state.chains.items()):
            tree = self.state.trees.get(chain)
            pools = [self.state.pools[pool] for pool in self._loader.loaded(self.state, chain)] if self._tree_due(chain) else []
            if pools:
                root = view.wrapped or (tree.root if tree else pools[0].assets[0])
                grown = self._guard.call(f"dex.{self.state.refs[pools[0].id].dex}", grow_price_tree, root, pools, view.next)
                if isinstance(grown, Fault):
                    self.faults.append(grown)
                    continue
                self.state.trees = self.state.trees.set(chain, grown)
                self._trees_grown[chain] = view.head.height, len(self.state.pools)

    def snapshot(
        self,
        *,
        pools: Mapping[PoolId, Pool] | None = None,
        changed: Changed | None = None,
        books: Mapping[BookId, BookState] | None = None,
        finder: CycleFinder | None = None,
    ) -> Snapshot:
        """Return the market as it stands; ``pools`` replaces the observed ones (the overlay's view)."""
        state = self.state
        return Snapshot(
            chains=state.chains,
            pools=state.pools if pools is None else pools,
            refs=state.refs,
            versions=state.versions,
            seen=state.seen,
            assets=state.assets,
            by_pair=state.by_pair,
            prices=state.prices,
            states=state.states,
            changed=changed or Changed(),
            books=books or {},
            history=state.history,
            trees=state.trees,
            finder=finder,
            policies=self.policies,
            markets=state.markets,
            now_ns=self._now_ns,
            rates=state.rates,
        )

    def _read_loans(self) -> None:
        for chain, watch in self._offers.watches(self.state):
            self._loader.follow(chain, watch)

    def _tree_due(self, chain: ChainId) -> bool:
        tree = self.state.trees.get(chain)
        count = len(self.state.pools)
        if tree is None:
            return count > 0
        height, before = self._trees_grown[chain]
        return count * 10 >= before * 11 or count * 11 <= before * 10 or self.state.chains[chain].head.height - height >= _TREE_BLOCKS

    @property
    def now_ns(self) -> int:
        """When the newest batch was received: the only clock there is."""
        return self._now_ns

    def keep_plan(self, intent: Intent, outcome: Outcome | None) -> None:
        """Add a plan that is over to the history of those who asked for it; without an outcome it was refused now."""
        ended = self.state.chains[intent.plan.chain].head.height if outcome is None else outcome.height
        self.state.history = keep_plan(self.state.history, intent.plan.strategy, past_plan(intent, outcome, ended), self._kept)

    def drop_plan(self, plan: Plan) -> None:
        """Take a plan out of the history: its block was rolled back, and it is in flight again."""
        self.state.history = drop_plan(self.state.history, plan.strategy, plan.id)

    def _keep(self, event: ev.Event) -> None:
        if isinstance(event, ev.Observation):
            self._loader.observed(self.state, event)
        history = keep_event(self.state.history, event, self._kept)
        if history is not self.state.history:
            self.state.history = history
            if isinstance(event, ev.Trade | ev.Bar | ev.BookSnapshot | ev.BookDelta):
                self._changed_markets.add(event.market)

    def _head(self, event: ev.Head) -> None:
        rules = self.rules.get(event.chain)
        if rules is None:
            raise MarketDataError(f"a head of {event.chain} came, and no chain of this run has that id: enable its chain plugin")
        before = self.state.chains.get(event.chain)
        if before is not None:
            past = self._past.setdefault(event.chain, deque(maxlen=ROLLBACK_BLOCKS))
            past.append((before.head.height, self.state.copy()))
            self._keep_points(before.head)
        head = ChainTime(event.chain, event.height, event.unix_time, event.epoch)
        self._loader.tick(self.state, head)
        if before is None:
            self._first[event.chain] = event.height
            for watch in [self._told(event.chain, rules.watch, wallet) for wallet in self._wallets if wallet.chain == event.chain]:
                if watch.keys or watch.logs:
                    self._loader.follow(event.chain, watch, after_gaps=True)
        following = self._told(event.chain, rules.executes_at, head)
        swap_cost = self._told(event.chain, rules.swap_cost, event.fee)
        view = ChainView(head, following, rules.native, rules.wrapped, event.fee, rules.dollars, swap_cost)
        self.state.chains = self.state.chains.set(event.chain, view)

    def _keep_points(self, at: ChainTime) -> None:
        """Keep what the head that ends leaves of the pairs that somebody wants to see the past of."""
        if self._kept.pairs:
            self.state.history = keep_pairs(self.state.history, at, self._kept, self._offers_of)
        if self._kept.gaps:
            moved = [pool for pool in self.state.moved if chain_of(pool) == at.chain]  # order: pairs are sorted
            changed = [pair for pair in self._pairs_of(moved) if len(self.state.by_pair.get(pair, ())) > 1]
            self.state.history = keep_gaps(self.state.history, at, self._kept, changed, self._offers_of)
            with self.state.moved.mutate() as left:
                for pool in moved:
                    del left[pool]
                self.state.moved = left.finish()

    def _pairs_of(self, pools: Iterable[PoolId]) -> set[Pair]:
        """Return every pair that one of the pools trades; a pool that is no longer known trades none."""
        return {
            pair_of(one, other)
            for ref in map(self.state.refs.get, pools)
            if ref is not None
            for place, one in enumerate(ref.assets)
            for other in ref.assets[place + 1 :]
        }

    def _told(self, chain: ChainId, ask: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Ask a chain's rules what no run can go on without.

        Raises:
            PluginError: they raised; it names the chain.
        """
        answer = self._guard.call(path_of(self.rules[chain]), ask, *args, **kwargs)
        if isinstance(answer, Fault):
            raise PluginError(answer.plugin, answer.reason)
        return answer

    def _offers_of(self, pair: Pair) -> tuple[Offer, ...]:
        answer = self._guard.call("dex", self.snapshot().offers, pair)
        if isinstance(answer, Fault):
            self.faults.append(answer)
            return ()
        return answer

    def _found(self, event: ev.Found) -> None:
        state = self.state
        if event.assets:
            with state.assets.mutate() as assets:
                for asset in event.assets:
                    assets[asset.id] = asset_after(assets.get(asset.id), asset)
                state.assets = assets.finish()
        if event.markets:
            state.markets = state.markets.update({market.id: market for market in event.markets})
        self._loader.found(state, event.pools)

    def _states(self, event: ev.States) -> None:
        self._loader.states(self.state, event, self._height)
        self._offers.states(event)

    def _logs(self, event: ev.Logs) -> None:
        self._loader.logs(self.state, event, self._height)

    def _gap(self, event: ev.Gap) -> None:
        self._changed.update(self._loader.distrust(self.state, event.chain, event.keys))
        named = set(event.keys)
        lent = [key for key in self._offers.keys(event.chain) if not named or not named.isdisjoint((key, key.partition(":")[0]))]
        if lent:
            forget(self.state, event.chain, lent)
            self._offers.forget(event.chain)

    def _price(self, event: ev.OraclePrice) -> None:
        self.state.levels, wrong = judged(self.state.levels, event)
        if wrong:
            reason = f"a price of {event.asset} is left out: {wrong}"
            self.faults.append(Fault(f"prices.{event.source or 'unnamed'}", reason, blamed=False))
            # What it is worth now is not known: the price before it is no better than none
            self.state.prices = self.state.prices.delete(event.asset) if event.asset in self.state.prices else self.state.prices
            return
        point = PricePoint(event.asset, event.mantissa, event.exponent, event.confidence, event.publish_ns, self._height)
        self.state.prices = self.state.prices.set(event.asset, point)
        self._changed_prices.add(event.asset)

    def _rate(self, event: ev.Rate) -> None:
        if event.units > 0:  # below one unit nothing can be done in any time: no measure
            self.state.rates = self.state.rates.set(event.name, event.units)


def _verified(rules: Iterable[ChainRules]) -> Map[AssetId, Asset]:
    """Return what chains say of their own assets: the native coin has a name before anything is found, and all of them count as sound."""
    verified = (asset for rule in rules for asset in rule.verified_assets().values())
    return Map({asset.id: asset if asset.transfers != "unknown" else attrs.evolve(asset, transfers="sound") for asset in verified})
