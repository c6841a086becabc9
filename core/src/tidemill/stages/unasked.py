"""Strategies that are not asked, paused by an operator or at rest after a failure; and what changed while they were not."""

from collections.abc import Iterable, Sequence

from attrs import define, field

from tidemill.domain.ids import AssetId, MarketId, Pair, PoolId
from tidemill.domain.snapshot import Changed, Snapshot

NOTHING = Changed()


@define
class Missed:
    """What changed while one strategy was not asked. It cannot outgrow the market: each pool, price and market stands in it once."""

    pools: set[PoolId] = field(factory=set)
    pairs: set[Pair] = field(factory=set)
    prices: set[AssetId] = field(factory=set)
    markets: set[MarketId] = field(factory=set)

    def add(self, changed: Changed) -> None:
        """Take in what others are told now."""
        self.pools.update(changed.pools)
        self.pairs.update(changed.pairs)
        self.prices.update(changed.prices)
        self.markets.update(changed.markets)

    def changed(self, snapshot: Snapshot) -> Changed:
        """Return it in order, without pools and pairs that are gone by now."""
        return Changed(
            tuple(sorted(pool for pool in self.pools if pool in snapshot.refs)),
            tuple(sorted(pair for pair in self.pairs if pair in snapshot.by_pair)),
            tuple(sorted(self.prices)),
            tuple(sorted(self.markets)),
        )


class Unasked:
    """Keeps who is paused and what must count as changed for whoever is asked again.

    A strategy looks at what changed since it was last asked. One that was left out while others were asked would never hear of those
    changes: they are kept here, by the strategy's name, and told to it alone at its next asking.
    """

    def __init__(self, strategies: Sequence[str]) -> None:
        self.paused: dict[str, str] = {}
        self._strategies = tuple(strategies)
        self._missed: dict[str, Missed] = {}

    def pause(self, names: Sequence[str], cause: str) -> tuple[str, ...]:
        """Pause strategies by name, all without one, and return those that were not paused; names that nobody here has change nothing."""
        new = tuple(name for name in self._named(names) if name not in self.paused)
        self.paused.update(dict.fromkeys(new, cause))
        return new

    def resume(self, names: Sequence[str]) -> tuple[str, ...]:
        """Let strategies be asked again, all without a name, and return those that were paused."""
        back = tuple(name for name in self._named(names) if name in self.paused)
        for name in back:
            del self.paused[name]
        return back

    def miss(self, strategies: Iterable[str], changed: Changed) -> None:
        """Keep what is told to others now, for strategies that do not hear it."""
        if changed == NOTHING:
            return
        for name in strategies:
            self._missed.setdefault(name, Missed()).add(changed)

    def take_missed(self, name: str, view: Snapshot) -> Changed | None:
        """Return what is new to a strategy that is asked now, ``view.changed`` included, and forget it; None: it missed nothing."""
        missed = self._missed.pop(name, None)
        if missed is None:
            return None
        missed.add(view.changed)
        return missed.changed(view)

    def _named(self, names: Sequence[str]) -> tuple[str, ...]:
        return self._strategies if not names else tuple(name for name in self._strategies if name in names)
