"""Loads pools and keeps them moving: state and logs in, decoded pools out, keys to read on the way."""

from collections.abc import Iterable, Mapping, Sequence

import attrs
from immutables import Map

from tidemill.domain.answers import Needs
from tidemill.domain.events import Log, Logs, Observation, States
from tidemill.domain.ids import ChainId, Key, PoolId, chain_of, pair_of
from tidemill.domain.pool import Decoded, Pool, PoolRef, Watch
from tidemill.domain.snapshot import DexPolicy
from tidemill.domain.time import ChainTime
from tidemill.hookspecs.dex import Dex
from tidemill.stages import contract
from tidemill.stages.guard import Fault, Guard
from tidemill.stages.market_state import Loading, MarketState

MAX_ROUNDS = 8
"""How often a DEX may ask for more keys before a pool is given up."""
_NO_STATES: Map[Key, bytes | None] = Map()
_ABSENT = object()
"""Differs from every value, None among them, which says that a key is known to be absent."""
_FAILED = -2
"""Stands for the height of a load that failed: the next change of a key that it reads begins it anew."""


class Loader:
    """Works on the state that it is given; holds only what one batch collects and what is still to be read."""

    def __init__(self, dexes: Mapping[str, Dex], policies: Mapping[str, DexPolicy], guard: Guard, faults: list[Fault]) -> None:
        self._dexes = dict(dexes)
        self._policies = policies
        self._guard = guard
        self._faults = faults
        self._dirty: dict[PoolId, None] = {}
        self._moved: dict[PoolId, Pool] = {}
        self._reads: dict[ChainId, dict[Key, None]] = {}
        self._watches: dict[ChainId, list[Watch]] = {}
        self._followed: dict[ChainId, dict[Key, None]] = {}
        self._asked: set[tuple[PoolId, Key]] = set()

    def found(self, state: MarketState, pools: Iterable[PoolRef]) -> None:
        """Take up new pools of enabled DEXs; one whose fee is above the DEX's ceiling is left out."""
        fresh = {ref.id: ref for ref in pools if ref.id not in state.refs and self._wanted(ref)}
        if not fresh:
            return
        state.refs = state.refs.update(fresh)
        state.loading = state.loading.update({pool: Loading() for pool in fresh})
        for ref in fresh.values():
            _index(state, "by_address", ref.chain, (ref.address,), ref.id)
        self._dirty.update(dict.fromkeys(fresh))

    def states(self, state: MarketState, event: States, height: int) -> None:
        """Take over values; pools that watch a changed one are decoded at the batch's end, others only grow younger."""
        held = state.states.get(event.chain, _NO_STATES)
        index = state.by_key.get(event.chain, Map())
        refreshed: dict[PoolId, int] = {}
        with held.mutate() as values:
            for key, value in event.values:
                pools = index.get(key, ())
                for pool in pools:
                    refreshed[pool] = height
                if values.get(key, _ABSENT) != value:
                    values[key] = value
                    for pool in pools:
                        self._dirty[pool] = None
            state.states = state.states.set(event.chain, values.finish())
        self._refresh(state, refreshed, height)

    def _refresh(self, state: MarketState, refreshed: Mapping[PoolId, int], height: int) -> None:
        by_state = {pool: height for pool in refreshed if pool in state.pools and not state.watches[pool].logs}
        if by_state:
            state.seen = state.seen.update(by_state)
        for pool in refreshed:
            loading = state.loading.get(pool)
            if loading is None or loading.rounds > MAX_ROUNDS:
                continue
            self._dirty[pool] = None
            if loading.height == _FAILED:
                self._restart(state, pool, loading)
            elif loading.height == -1:
                state.loading = state.loading.set(pool, Loading(loading.keys, loading.rounds, height, loading.logs))
            elif loading.height != height and any(seen > loading.height for seen, _ in loading.logs):
                # Its reads are of different heights and it moved in between: everything must be read again.
                self._restart(state, pool, loading)

    def _restart(self, state: MarketState, pool: PoolId, loading: Loading) -> None:
        self._dirty.pop(pool, None)
        state.loading = state.loading.set(pool, Loading(loading.keys, loading.rounds))
        self._read(state.refs[pool].chain, loading.keys)

    def logs(self, state: MarketState, event: Logs, height: int) -> None:
        """Play logs on the pools that they move; a pool that is still loading keeps them for later."""
        index = state.by_address.get(event.chain)
        if index is None:
            return
        moved, pools, guard = self._moved, state.pools, self._guard
        at = _block_time(state, event.chain, height)
        for log in event.logs:
            for pool in index.get(log.address, ()):
                current = moved.get(pool) or pools.get(pool)
                if current is None:
                    self._keep(state, pool, height, log)
                    continue
                dex = self._dexes[state.refs[pool].dex]
                path = f"dex.{dex.name}"
                after = guard.call(path, contract.moved, path, "apply", dex.apply, current, log, at)
                if isinstance(after, Fault | Needs):
                    self._failed(state, pool, after)
                elif after is not current:
                    moved[pool] = after

    def _keep(self, state: MarketState, pool: PoolId, height: int, log: Log) -> None:
        loading = state.loading.get(pool)
        if loading is not None and loading.height != _FAILED and loading.rounds <= MAX_ROUNDS:
            state.loading = state.loading.set(pool, attrs.evolve(loading, logs=(*loading.logs, (height, log))))

    def finish(self, state: MarketState, height: int, sequence: int) -> frozenset[PoolId]:
        """Decode what became dirty, store what moved under a new version, and return its ids."""
        while self._dirty:
            dirty, self._dirty = self._dirty, {}
            for pool in dirty:
                self._decode(state, pool)
        if not self._moved:
            return frozenset()
        moved, self._moved = self._moved, {}
        version = (height, sequence)
        with state.pools.mutate() as pools, state.versions.mutate() as versions:
            for pool, value in moved.items():
                pools[pool] = value
                versions[pool] = version
            state.pools, state.versions = pools.finish(), versions.finish()
        return frozenset(moved)

    def _decode(self, state: MarketState, pool: PoolId) -> None:
        ref, loading = state.refs[pool], state.loading.get(pool)
        if loading is not None and loading.rounds > MAX_ROUNDS:
            return
        dex = self._dexes[ref.dex]
        view = state.chains.get(ref.chain)
        at = view.head if view is not None else ChainTime(ref.chain, 0, 0)
        values = state.states.get(ref.chain, _NO_STATES)
        last = self._moved.get(pool) or state.pools.get(pool)
        path = f"dex.{dex.name}"
        result = self._guard.call(path, contract.decoded, path, pool, dex.decode, ref, values, at, last)
        if isinstance(result, Decoded):
            self._loaded(state, ref, result)
        else:
            self._failed(state, pool, result)

    def _loaded(self, state: MarketState, ref: PoolRef, decoded: Decoded) -> None:
        pool, loading = decoded.pool, state.loading.get(ref.id)
        if decoded.watch != state.watches.get(ref.id):
            known = frozenset(state.watches.get(ref.id, Watch()).keys)
            state.watches = state.watches.set(ref.id, decoded.watch)
            _index(state, "by_key", ref.chain, [key for key in decoded.watch.keys if key not in known], ref.id)
            _index(state, "by_address", ref.chain, [log.address for log in decoded.watch.logs], ref.id)
            self._watches.setdefault(ref.chain, []).append(decoded.watch)
        if not decoded.watch.logs:
            height = loading.height if loading is not None else -1
            if height >= 0:
                state.seen = state.seen.set(ref.id, height)
        elif ref.id in state.seen:
            state.seen = state.seen.delete(ref.id)
        if loading is not None:
            state.loading = state.loading.delete(ref.id)
            _pairs(state, ref)
            for height, log in loading.logs:
                if height > loading.height:
                    at = _block_time(state, ref.chain, height)
                    path = f"dex.{ref.dex}"
                    after = self._guard.call(path, contract.moved, path, "apply", self._dexes[ref.dex].apply, pool, log, at)
                    if isinstance(after, Fault | Needs):
                        self._failed(state, ref.id, after, loading.rounds)
                        return
                    pool = after
        if decoded.reads:
            self._read(ref.chain, [key for key in decoded.reads if (ref.id, key) not in self._asked])
            self._asked.update((ref.id, key) for key in decoded.reads)
        if decoded.changes_at:
            state.timed = state.timed.set(ref.id, decoded.changes_at)
        self._moved[ref.id] = pool

    def _failed(self, state: MarketState, pool: PoolId, answer: Fault | Needs, rounds: int = 0) -> None:
        """Note what a pool still needs, or give it up: it gives no quote until it has been read again."""
        self._moved.pop(pool, None)
        if pool in state.pools:
            state.pools, state.versions = state.pools.delete(pool), state.versions.delete(pool)
        ref, first = state.refs[pool], state.loading.get(pool)
        loading = first or self._anew(state, ref, rounds)
        if isinstance(answer, Fault):
            self._faults.append(answer)
            height = _FAILED if first is not None else loading.height
            state.loading = state.loading.set(pool, attrs.evolve(loading, logs=(), height=height))
        elif loading.rounds >= MAX_ROUNDS:
            text = f"{pool} still asks for state after {MAX_ROUNDS} rounds, first for {answer.keys[0] if answer.keys else 'nothing'}"
            self._faults.append(Fault(f"dex.{ref.dex}", text))
            state.loading = state.loading.set(pool, Loading(loading.keys, MAX_ROUNDS + 1))
        else:
            keys = tuple(dict.fromkeys((*loading.keys, *answer.keys)))
            state.loading = state.loading.set(pool, Loading(keys, loading.rounds + 1, loading.height, loading.logs))
            _index(state, "by_key", ref.chain, answer.keys, pool)
            self._read(ref.chain, answer.keys)

    def _anew(self, state: MarketState, ref: PoolRef, rounds: int) -> Loading:
        """Begin to load a pool that was loaded: what logs moved since stands in no value held, so all of it is forgotten and read."""
        watch = state.watches.get(ref.id, Watch())
        if not watch.logs:
            return Loading(rounds=rounds)
        forget(state, ref.chain, watch.keys)
        self._read(ref.chain, watch.keys)
        return Loading(watch.keys, rounds)

    def request(self, state: MarketState, pool: PoolId, keys: Iterable[Key]) -> None:
        """Read keys that a quote of a pool was missing, with its whole state where logs move it: all must be of one height."""
        fresh = [key for key in keys if (pool, key) not in self._asked]
        if not fresh or pool not in state.watches:
            return
        self._asked.update((pool, key) for key in fresh)
        ref, watch = state.refs[pool], state.watches[pool]
        _index(state, "by_key", ref.chain, fresh, pool)
        self._read(ref.chain, (*(watch.keys if watch.logs else ()), *fresh))

    def tick(self, state: MarketState, head: ChainTime) -> None:
        """Decode again the pools of a chain whose quotes change by time alone, once that time has come."""
        for pool in sorted(pool for pool, due in state.timed.items() if due <= head.unix_time and chain_of(pool) == head.chain):
            state.timed = state.timed.delete(pool)
            if pool in state.pools:
                self._dirty[pool] = None

    def observed(self, state: MarketState, event: Observation) -> None:
        """Show a pool that is made of observations what was observed of it: ``subject`` names the pool."""
        pool = PoolId(event.subject)
        current = self._moved.get(pool) or state.pools.get(pool)
        if current is None:
            return
        dex = self._dexes[state.refs[pool].dex]
        path = f"dex.{dex.name}"
        after = self._guard.call(path, contract.moved, path, "observe", dex.observe, current, event)
        if isinstance(after, Fault):
            self._failed(state, pool, after)
        elif after is not current:
            self._moved[pool] = after

    def follow(self, chain: ChainId, watch: Watch, *, after_gaps: bool = False) -> None:
        """Watch state that belongs to no pool, and read it now; ``after_gaps``: also again when a gap may have touched it."""
        self._watches.setdefault(chain, []).append(watch)
        if after_gaps:
            self._followed.setdefault(chain, {}).update(dict.fromkeys(watch.keys))
        self._read(chain, watch.keys)

    def distrust(self, state: MarketState, chain: ChainId, keys: Sequence[str]) -> frozenset[PoolId]:
        """Withdraw the pools that a gap may have touched, forget their state and read it again."""
        by_address, by_key = state.by_address.get(chain, Map()), state.by_key.get(chain, Map())
        if keys:
            named = (*(by_address.get(key, ()) for key in keys), *(by_key.get(Key(key), ()) for key in keys))
            touched = sorted({pool for pools in named for pool in pools})
        else:
            touched = sorted(pool for pool in state.refs if chain_of(pool) == chain)
        for pool in touched:
            forget(state, chain, (*state.watches.get(pool, Watch()).keys, *state.loading.get(pool, Loading()).keys))
            state.loading = state.loading.set(pool, Loading())
            if pool in state.pools:
                state.pools, state.versions = state.pools.delete(pool), state.versions.delete(pool)
            self._dirty[pool] = None
        gone = set(touched)
        self._asked = {asked for asked in self._asked if asked[0] not in gone}
        stale = [key for key in self._followed.get(chain, ()) if not keys or key in keys or key.partition(":")[0] in keys]
        forget(state, chain, stale)
        self._read(chain, stale)
        return frozenset(touched)

    def disable(self, state: MarketState, dex: str) -> frozenset[PoolId]:
        """Withdraw every pool of a DEX for good and return them."""
        self._dexes.pop(dex, None)
        gone = {pool for pool, ref in state.refs.items() if ref.dex == dex}
        for name in ("refs", "pools", "versions", "loading"):
            kept = getattr(state, name).mutate()
            for pool in sorted(gone):
                kept.pop(pool, None)
            setattr(state, name, kept.finish())
        for name in ("by_key", "by_address"):
            index = {chain: _drop(pools, gone) for chain, pools in getattr(state, name).items()}
            setattr(state, name, Map(index))
        return frozenset(gone)

    def rolled_back(self, state: MarketState, chain: ChainId) -> None:
        """Ask again for what was asked for, or answered, in blocks that are gone; what was disabled since stays disabled."""
        held = state.states.get(chain, _NO_STATES)
        self._asked = {(pool, key) for pool, key in self._asked if chain_of(pool) != chain or (pool in state.pools and key in held)}
        for dex in sorted({ref.dex for ref in state.refs.values()} - set(self._dexes)):
            self.disable(state, dex)
        for pool, loading in sorted(state.loading.items()):
            if chain_of(pool) == chain and loading.rounds <= MAX_ROUNDS:
                self._read(chain, loading.keys)

    def loaded(self, state: MarketState, chain: ChainId) -> list[PoolId]:
        """Return the loaded pools of a chain, by id."""
        return sorted(pool for pool in state.pools if state.refs[pool].chain == chain)

    def take_reads(self) -> tuple[tuple[ChainId, tuple[Key, ...]], ...]:
        """Return the keys to read now, per chain, and forget them."""
        if not self._reads:
            return ()
        reads, self._reads = self._reads, {}
        return tuple((chain, tuple(keys)) for chain, keys in sorted(reads.items()) if keys)

    def take_watches(self) -> tuple[tuple[ChainId, Watch], ...]:
        """Return what chains must report from now on, and forget it."""
        if not self._watches:
            return ()
        watches, self._watches = self._watches, {}
        return tuple((chain, watch) for chain, found in sorted(watches.items()) for watch in found)

    def _wanted(self, ref: PoolRef) -> bool:
        policy = self._policies.get(ref.dex)
        ceiling = policy.fee_bps if policy is not None else None
        return ref.dex in self._dexes and (ceiling is None or ref.fee_ppm is None or ref.fee_ppm <= ceiling * 100)

    def _read(self, chain: ChainId, keys: Iterable[Key]) -> None:
        self._reads.setdefault(chain, {}).update(dict.fromkeys(keys))


def _block_time(state: MarketState, chain: ChainId, height: int) -> ChainTime:
    """Return the time of the block that a batch came from: the head's own, unless the batch is of another height."""
    view = state.chains.get(chain)
    if view is None:
        return ChainTime(chain, height, 0)
    return view.head if view.head.height == height else ChainTime(chain, height, view.head.unix_time, view.head.epoch)


def _index(state: MarketState, name: str, chain: ChainId, keys: Iterable[str], pool: PoolId) -> None:
    """Enter a pool under keys or addresses in one of the state's two indexes."""
    whole = getattr(state, name)
    index: Map[str, tuple[PoolId, ...]] = whole.get(chain, Map())
    fresh = {key: (*pools, pool) for key in keys if pool not in (pools := index.get(key, ()))}
    if fresh:
        setattr(state, name, whole.set(chain, index.update(fresh)))


def forget(state: MarketState, chain: ChainId, keys: Iterable[Key]) -> None:
    """Drop values that can no longer be trusted: who needs them asks for them again."""
    with state.states.get(chain, _NO_STATES).mutate() as values:
        for key in keys:
            values.pop(key, None)
        state.states = state.states.set(chain, values.finish())


def _drop(index: Map[str, tuple[PoolId, ...]], gone: set[PoolId]) -> Map[str, tuple[PoolId, ...]]:
    entries = index.items()  # order: a map made of another
    return Map({key: kept for key, pools in entries if (kept := tuple(pool for pool in pools if pool not in gone))})


def _pairs(state: MarketState, ref: PoolRef) -> None:
    for place, one in enumerate(ref.assets):
        for other in ref.assets[place + 1 :]:
            pair = pair_of(one, other)
            pools = state.by_pair.get(pair, ())
            if ref.id not in pools:
                state.by_pair = state.by_pair.set(pair, tuple(sorted((*pools, ref.id))))
