"""Keeps exactly the history that strategies declared, nothing else."""

from collections.abc import Callable, Hashable, Iterable, Mapping
from typing import Literal, TypeVar

import attrs
from attrs import frozen
from immutables import Map

from tidemill.domain.events import Bar, BookDelta, BookSnapshot, Event, Observation, Trade, TraderEvent
from tidemill.domain.history import History, PairPoint, PastPlan, Wants
from tidemill.domain.ids import MarketId, Pair, PlanId
from tidemill.domain.offer import Offer
from tidemill.domain.outcome import Outcome, OutcomeStatus
from tidemill.domain.time import ChainTime
from tidemill.stages.effects import Intent

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")
_STATUS: Mapping[OutcomeStatus, Literal["filled", "reverted", "dead"]] = {
    OutcomeStatus.FILLED: "filled",
    OutcomeStatus.REVERTED: "reverted",
    OutcomeStatus.DEAD: "dead",
}
"""What a plan can have come to; an unknown outcome is none yet."""


@frozen
class Kept:
    """The union of several declarations: for each thing the greatest length that anyone asked for."""

    pairs: Mapping[Pair, int]
    gaps: int
    bars: Mapping[tuple[MarketId, int], int]
    books: frozenset[MarketId]
    trades: Mapping[MarketId, int]
    observations: Mapping[str, int]
    traders: Mapping[str, int]
    plans: int


def union(declared: Iterable[Wants]) -> Kept:
    """Return what must be kept so that each declaration is served."""
    pairs: dict[Pair, int] = {}
    bars: dict[tuple[MarketId, int], int] = {}
    books: set[MarketId] = set()
    trades: dict[MarketId, int] = {}
    observations: dict[str, int] = {}
    traders: dict[str, int] = {}
    plans = gaps = 0
    for wants in declared:
        for pair in wants.pairs:
            pairs[pair] = max(pairs.get(pair, 0), wants.pair_length)
        for bar in wants.bars:
            bars[bar.market, bar.interval_s] = max(bars.get((bar.market, bar.interval_s), 0), bar.length)
        books.update(wants.books)
        for market in wants.trades:
            trades[market] = max(trades.get(market, 0), wants.trade_length)
        for kind in wants.observations:
            observations[kind] = max(observations.get(kind, 0), wants.observation_length)
        for trader in wants.traders:
            traders[trader] = max(traders.get(trader, 0), wants.trader_length)
        plans = max(plans, wants.own_plans)
        gaps = max(gaps, wants.gap_length)
    return Kept(pairs, gaps, bars, frozenset(books), trades, observations, traders, plans)


def keep_event(history: History, event: Event, kept: Kept) -> History:
    """Return the history with an event added, or unchanged where nobody asked for it."""
    if isinstance(event, Trade) and event.market in kept.trades:
        return attrs.evolve(history, trades=_append(history.trades, event.market, event, kept.trades[event.market]))
    if isinstance(event, Bar) and (event.market, event.interval_s) in kept.bars:
        key = (event.market, event.interval_s)
        return attrs.evolve(history, bars=_append(history.bars, key, event, kept.bars[key]))
    if isinstance(event, BookSnapshot) and event.market in kept.books:
        return attrs.evolve(history, books=_set(history.books, event.market, event))
    if isinstance(event, BookDelta) and event.market in kept.books:
        return _delta(history, event)
    if isinstance(event, Observation) and event.kind in kept.observations:
        key_of = (event.kind, event.subject)
        return attrs.evolve(history, observations=_append(history.observations, key_of, event, kept.observations[event.kind]))
    if isinstance(event, TraderEvent) and event.trader in kept.traders:
        return attrs.evolve(history, traders=_append(history.traders, event.trader, event, kept.traders[event.trader]))
    return history


def keep_pairs(history: History, at: ChainTime, kept: Kept, offers: Callable[[Pair], tuple[Offer, ...]]) -> History:
    """Return the history with one point per declared pair: the extreme offers at the head that ends."""
    points = history.pairs
    for pair, length in sorted(kept.pairs.items()):
        found = offers(pair)
        if found:
            points = _append(points, pair, PairPoint(at.height, at.unix_time, found[0], found[-1]), length)
    return attrs.evolve(history, pairs=points) if points is not history.pairs else history


def keep_gaps(history: History, at: ChainTime, kept: Kept, changed: Iterable[Pair], offers: Callable[[Pair], tuple[Offer, ...]]) -> History:
    """Return the history with one point per pair that changed in the head that ends and that two pools or more trade."""
    points = history.gaps
    for pair in sorted(changed):
        found = offers(pair)
        if len(found) > 1:
            points = _append(points, pair, PairPoint(at.height, at.unix_time, found[0], found[-1]), kept.gaps)
    return attrs.evolve(history, gaps=points) if points is not history.gaps else history


def past_plan(intent: Intent, outcome: Outcome | None, ended: int) -> PastPlan:
    """Return what is remembered of a plan that was over at height ``ended``; without an outcome it was refused."""
    plan = intent.plan
    if outcome is None:
        return PastPlan(plan.id, plan.book, plan.pools, "refused", intent.height, ended)
    return PastPlan(plan.id, plan.book, plan.pools, _STATUS[outcome.status], intent.height, ended, outcome.changes, outcome.cost)


def keep_plan(history: History, strategy: str, plan: PastPlan, kept: Kept) -> History:
    """Return the history with a plan that is over added to its strategy's, or unchanged where nobody asked for plans."""
    return attrs.evolve(history, plans=_append(history.plans, strategy, plan, kept.plans)) if kept.plans else history


def drop_plan(history: History, strategy: str, plan: PlanId) -> History:
    """Return the history without a plan that is in flight again."""
    known = history.plans.get(strategy, ())
    left = tuple(one for one in known if one.plan != plan)
    return attrs.evolve(history, plans=_set(history.plans, strategy, left)) if len(left) < len(known) else history


def _delta(history: History, event: BookDelta) -> History:
    book = history.books.get(event.market)
    # A delta that does not follow the snapshot held would corrupt the book; a snapshot must come first.
    if book is None or event.sequence <= book.sequence:
        return history
    bids, asks = book.bids, book.asks
    if event.side == "buy":
        bids = _level(bids, event, reverse=True)
    else:
        asks = _level(asks, event, reverse=False)
    return attrs.evolve(history, books=_set(history.books, event.market, BookSnapshot(event.market, bids, asks, event.sequence)))


def _level(levels: tuple[tuple[int, int], ...], event: BookDelta, *, reverse: bool) -> tuple[tuple[int, int], ...]:
    others = [level for level in levels if level[0] != event.price_ticks]
    if event.lots:
        others.append((event.price_ticks, event.lots))
    return tuple(sorted(others, reverse=reverse))


def _append(mapping: Mapping[K, tuple[V, ...]], key: K, value: V, length: int) -> Mapping[K, tuple[V, ...]]:
    return _set(mapping, key, (*mapping.get(key, ()), value)[-length:] if length else ())


def _set(mapping: Mapping[K, V], key: K, value: V) -> Mapping[K, V]:
    return mapping.set(key, value) if isinstance(mapping, Map) else Map({**mapping, key: value})
