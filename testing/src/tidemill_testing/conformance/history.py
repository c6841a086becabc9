"""More history than a strategy declared, as it finds it where another plugin declared more."""

from collections.abc import Callable, Mapping
from typing import TypeVar

from attrs import evolve
from immutables import Map

from tidemill.domain.events import Bar, Observation, Trade, TraderEvent
from tidemill.domain.history import History, PairPoint, Wants
from tidemill.domain.ids import ChainId, MarketId, Pair, PoolId
from tidemill.domain.offer import Offer
from tidemill.domain.snapshot import Snapshot

K = TypeVar("K")
V = TypeVar("V")

_MORE = 3
"""So many older entries stand before those that were asked for."""
_ELSEWHERE = MarketId("elsewhere/BTC-USD")


def more_history(snapshot: Snapshot, declared: Wants) -> Snapshot:
    """Return the snapshot with longer sequences where those declared are full, and with things that nobody declared here."""
    kept = snapshot.history
    pair_lengths = dict.fromkeys(declared.pairs, declared.pair_length)
    bar_lengths = {(bar.market, bar.interval_s): bar.length for bar in declared.bars}
    trade_lengths = dict.fromkeys(declared.trades, declared.trade_length)
    trader_lengths = dict.fromkeys(declared.traders, declared.trader_length)
    stranger = {pair: _elsewhere(pair) * _MORE for pair in sorted(snapshot.by_pair) if pair not in pair_lengths}
    history = History(
        pairs=Map(stranger | _longer(kept.pairs, pair_lengths.get)),
        gaps=Map(_gaps(snapshot) if not declared.gap_length else _longer(kept.gaps, lambda pair: declared.gap_length)),
        bars=Map({(_ELSEWHERE, 60): (Bar(_ELSEWHERE, 60, 0, 1, 1, 1, 1, 1),) * _MORE} | _longer(kept.bars, bar_lengths.get)),
        books=kept.books,
        trades=Map({_ELSEWHERE: (Trade(_ELSEWHERE, "buy", 1, 1),) * _MORE} | _longer(kept.trades, trade_lengths.get)),
        observations=Map(
            {("elsewhere", "fee"): (Observation("elsewhere", "fee", (("level", 1),)),) * _MORE}
            | _longer(kept.observations, lambda key: declared.observation_length if key[0] in declared.observations else None)
        ),
        traders=Map(
            {"0xsomebody": (TraderEvent("0xsomebody", ChainId("sim:1"), "swap", "0x1"),) * _MORE}
            | _longer(kept.traders, trader_lengths.get)
        ),
    )
    return evolve(snapshot, history=history)


def _gaps(snapshot: Snapshot) -> dict[Pair, tuple[PairPoint, ...]]:
    """Return gaps of every pair that two pools trade, as a strategy finds them that did not ask for any."""
    return {pair: _elsewhere(pair) * _MORE for pair, pools in sorted(snapshot.by_pair.items()) if len(pools) > 1}


def _longer(kept: Mapping[K, tuple[V, ...]], length_of: Callable[[K], int | None]) -> dict[K, tuple[V, ...]]:
    """Return the sequences, each that is full with older entries before it; one that is still growing has no older entries."""
    longer = {}
    for key, entries in kept.items():
        length = length_of(key)
        full = bool(entries) and length is not None and len(entries) >= length
        longer[key] = (*((entries[0],) * _MORE), *entries) if full else entries
    return longer


def _elsewhere(pair: Pair) -> tuple[PairPoint]:
    offer = Offer(PoolId(f"{_ELSEWHERE}:0x1"), *pair, 1, 1, 0, 1)
    return (PairPoint(1, 1, offer, offer),)
