"""The market of a tape from Python: exact quotes, and the cycles that gain."""

import gc
from collections import Counter
from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING, TypeVar

import attrs
from attrs import field, frozen

from tidemill.api.cycles import Cycle, HopCost, cycle_of, explained, flow_of
from tidemill.api.names import Names
from tidemill.api.tape import one_chain
from tidemill.config.assets import KnownAssets, known_assets
from tidemill.config.model import Config
from tidemill.domain.answers import NoQuote, NoQuoteReason
from tidemill.domain.events import Batch, Found, Head, Rollback
from tidemill.domain.ids import AssetId, ChainId, Key, PoolId, chain_of
from tidemill.domain.pool import Quote
from tidemill.domain.search import CycleQuery
from tidemill.domain.snapshot import Snapshot
from tidemill.domain.time import ChainTime
from tidemill.errors import MarketDataError, PluginError, UsageError
from tidemill.hookspecs.search import Searcher
from tidemill.pipeline.assemble import Pipeline, assemble
from tidemill.stages.guard import Fault, Guard
from tidemill.tape.reader import TapeReader

if TYPE_CHECKING:
    from tidemill.stages.market import Market as Fold

T = TypeVar("T")
NEEDED = ("chain", "dex", "search")
"""The kinds of plugins that a market without a run needs."""
TOP_OF_RANGE = 50
_SHORT_HOPS = 4
"""Longer cycles are worth the seconds that a searcher may need to make itself ready."""
_NO_LIMIT = 1 << 62


@frozen
class PoolQuote:
    """An exact quote in base units, ``fee`` in the asset sold, for a swap that executes ``at`` that block."""

    pool: PoolId
    sell: AssetId
    buy: AssetId
    amount_in: int
    amount_out: int
    fee: int
    at: ChainTime


@frozen
class Market:
    """A tape's market at one moment. ``faults`` says which pools could not be loaded, a sentence each."""

    snapshot: Snapshot
    names: Names
    faults: tuple[str, ...] = ()
    _guard: Guard = field(kw_only=True, repr=False, eq=False)
    _lacking: Mapping[PoolId, tuple[Key, ...]] = field(factory=dict, kw_only=True, repr=False, eq=False)

    def quote(self, pool: str, sell: str, amount: int, buy: str | None = None, *, exact_out: bool = False) -> PoolQuote | NoQuote:
        """Quote one swap exactly, in integers.

        Args:
            pool: an id or, where the tape has one chain, a bare address.
            sell: an id, a bare address, or a verified symbol.
            amount: base units of ``sell``; with ``exact_out`` of ``buy``.
            buy: as ``sell``; a pool of two assets needs none.
            exact_out: ``amount`` is what is bought.

        Returns:
            The quote, or the pool's "no".

        Raises:
            UsageError: a name is unknown or ambiguous, or ``buy`` is needed.
        """
        identifier = self.names.pool(pool)
        sold = self.names.asset(sell)
        bought = self.names.asset(buy) if buy is not None else self._other(identifier, sold)
        found = self.snapshot.pool(identifier)
        if found is None:
            lacking = self._lacking.get(identifier, ())
            return NoQuote(NoQuoteReason.MISSING_STATE if lacking else NoQuoteReason.STALE, "the tape does not hold its state", lacking)
        at = self.snapshot.at(chain_of(identifier))
        ask = found.quote_exact_out if exact_out else found.quote_exact_in
        answer = self._call(f"dex.{self.snapshot.refs[identifier].dex}", partial(ask, sold, bought, amount, at))
        if isinstance(answer, Quote):
            return PoolQuote(identifier, sold, bought, answer.amount_in, answer.amount_out, answer.fee, at)
        return answer

    def scan(
        self,
        start: str,
        hops: int | range,
        min_profit: int = 1,
        top: int | None = None,
        *,
        netted: bool = False,
        deadline_ms: int | None = None,
    ) -> list[Cycle]:
        """Return the cycles from ``start`` back to it that gain, best first, ties by their pools' ids.

        Args:
            start: an id, a bare address, or a verified symbol.
            hops: so many swaps; or a range of them, whose end is not in it.
            min_profit: least gain before chain costs, base units of ``start``; >= 1.
            top: the best so many; None: all for one number of hops, the best 50 for a range.
            netted: the first is the one trade over all of them, of kind ``flow``; it uses no pool that a suspect cycle's gain is put
                down to, and none of a token with a known fault.
            deadline_ms: about so long may be searched, as work units at the searcher's rate; None: as long as it takes.

        Raises:
            UsageError: the asset is unknown or ambiguous, a number is out of range, or no searcher is enabled.
            PluginError: the searcher failed.
        """
        few, many = (hops, hops) if isinstance(hops, int) else (hops.start, hops.stop - 1)
        if few < 2 or many < few or min_profit < 1 or (top is not None and top < 1):
            raise UsageError(f"hops must be 2 or more, least profit and top 1 or more; found {few} to {many}, {min_profit}, {top}")
        if deadline_ms is not None and deadline_ms < 1:
            raise UsageError(f"a deadline must be 1 ms or more; found {deadline_ms}")
        finder = self.snapshot.finder
        if finder is None:
            raise UsageError("no searcher is enabled: add a table such as [search.cycles]")
        if finder.max_hops is not None and many > finder.max_hops:
            raise UsageError(f"cycles of {many} hops are asked for; the searcher that is enabled knows those of up to {finder.max_hops}")
        asset = self.names.asset(start)
        best = top if top is not None else 0 if isinstance(hops, int) else TOP_OF_RANGE
        query = CycleQuery(chain_of(asset), (asset,), min_hops=few, max_hops=many, min_profit=min_profit, top=best)
        query = attrs.evolve(query, work=_NO_LIMIT if deadline_ms is None else self.snapshot.work_for(deadline_ms))
        if many > _SHORT_HOPS or netted:
            self._call(f"search.{finder.name}", finder.warm)
        cycles = self._call(f"search.{finder.name}", lambda: [cycle_of(found) for found in finder.find(query)])
        trade = self._call(f"search.{finder.name}", lambda: finder.net(query)) if netted else None
        return cycles if trade is None else [flow_of(trade), *cycles]

    def explain(self, cycle: Cycle) -> tuple[HopCost, ...]:
        """Return, for each swap of a cycle or flow of this market, what it costs: rate, fee, impact and chain cost."""
        chain = chain_of(cycle.legs[0].pool)
        return explained(cycle, self.snapshot, self.snapshot.swap_cost(chain, cycle.legs[0].sell))

    def _other(self, pool: PoolId, sold: AssetId) -> AssetId:
        """Return the one asset of a pool that ``sold`` can be sold for."""
        others = [asset for asset in self.snapshot.refs[pool].assets if asset != sold]
        if len(others) != 1:
            raise UsageError(f"{pool} trades {', '.join(self.snapshot.refs[pool].assets)}: say what to buy for {sold}")
        return others[0]

    def _call(self, plugin: str, function: Callable[[], T]) -> T:
        answer = self._guard.call(plugin, function)
        if isinstance(answer, Fault):
            raise PluginError(answer.plugin, answer.reason)
        return answer


def fold_market(reader: TapeReader, config: Config, height: int | None) -> Market:
    """Fold a tape's market up to a height; see ``Tape.market_at``."""
    # Tens of thousands of pools that all stay: without the pause, the collector looks at each of them again and again
    collecting = gc.isenabled()
    gc.disable()
    try:
        return _fold_market(reader, config, height)
    finally:
        if collecting:
            gc.enable()


def _fold_market(reader: TapeReader, config: Config, height: int | None) -> Market:
    narrowed = attrs.evolve(config, tables=tuple(table for table in config.tables if table.kind in NEEDED))
    pipeline = assemble(narrowed)
    chain = _check_height(reader, height)
    missing = [chain for chain in reader.header.chains if chain not in pipeline.chains]
    if missing:
        known = ", ".join(sorted(pipeline.chains))
        raise UsageError(f"the tape is of {', '.join(missing)}, the configuration is for {known}: give one that enables its chain")
    fold, absent = pipeline.core.market, Counter[str]()
    for record in reader.records():
        if height is not None and _is_past(record.batch, chain, height):
            break
        if not record.batch.is_answer:
            _apply(fold, record.batch)
            absent.update(ref.dex for event in record.batch.events if isinstance(event, Found) for ref in event.pools)
    for dex in pipeline.parts.tools.dexes:
        del absent[dex]
    return _market(pipeline, config, reader.header.chains, absent)


def _check_height(reader: TapeReader, height: int | None) -> ChainId | None:
    """Return the chain that a height is of."""
    if height is None:
        return None
    chain = ChainId(one_chain(reader.header, "a height says nothing without its chain"))
    span = next((span for span in reader.closing.spans if span.chain == chain), None)
    if span is None or not span.first <= height <= span.last:
        held = f"heights {span.first} to {span.last}" if span is not None else "no head"
        raise UsageError(f"the tape holds {held} of {chain}, not {height}")
    return chain


def _is_past(batch: Batch, chain: ChainId | None, height: int) -> bool:
    return any(isinstance(event, Head) and event.chain == chain and event.height > height for event in batch.events)


def _apply(fold: "Fold", batch: Batch) -> None:
    for event in batch.events:
        if isinstance(event, Rollback) and fold.roll_back(event) is None:
            raise MarketDataError(f"{event.chain} was rolled back to {event.height} on the tape, further than the market can follow")
    fold.apply(batch)


def _market(pipeline: Pipeline, config: Config, chains: tuple[ChainId, ...], absent: Mapping[str, int]) -> Market:
    fold = pipeline.core.market
    fold.refresh_trees()
    before = pipeline.core.snapshot()
    snapshot = fold.snapshot(changed=fold.take_changed(), books=before.books, finder=before.finder)
    rules = pipeline.parts.tools.rules
    verified: KnownAssets = known_assets(config.assets, [rules[one].verified_assets() for one in pipeline.chains])
    failed = dict.fromkeys(f"{fault.plugin}: {fault.reason}" for fault in fold.faults)
    unknown = tuple(f"{count} pool{'s' * (count > 1)} of {dex}: no [dex.{dex}] is enabled" for dex, count in sorted(absent.items()))
    waiting = {pool: loading.keys for pool, loading in fold.state.loading.items() if pool not in fold.state.watches}
    lacking = {pool: tuple(key for key in keys if key not in snapshot.states.get(chain_of(pool), {})) for pool, keys in waiting.items()}
    market = Market(snapshot, Names(snapshot, verified, chains, unknown), (*failed, *unknown), guard=pipeline.supervisor, lacking=lacking)
    finder = snapshot.finder
    if isinstance(finder, Searcher):
        market._call(f"search.{finder.name}", partial(finder.update, snapshot))
    return market
