"""Strategies that are not asked: paused by an operator or disabled after failures; and what changed while they were not."""

from collections.abc import Iterable, Sequence

from attrs import define, field

from tidemill.domain.ids import AssetId, MarketId, PoolId
from tidemill.domain.snapshot import Changed


@define
class Missed:
    """What changed while one strategy was not asked. It cannot outgrow the market: each pool, price and market stands in it once."""

    pools: set[PoolId] = field(factory=set)
    prices: set[AssetId] = field(factory=set)
    markets: set[MarketId] = field(factory=set)


class Unasked:
    """Keeps who is paused and what must count as changed for whoever is asked again.

    A strategy looks at what changed since it was last asked. One that was left out while others were asked would never hear of those
    changes: they are kept here, and given back to the market when it returns.
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
        for name in strategies:
            missed = self._missed.setdefault(name, Missed())
            missed.pools.update(changed.pools)
            missed.prices.update(changed.prices)
            missed.markets.update(changed.markets)

    def take_missed(self, name: str) -> Missed:
        """Return what a strategy missed, and forget it."""
        return self._missed.pop(name, None) or Missed()

    def _named(self, names: Sequence[str]) -> tuple[str, ...]:
        return self._strategies if not names else tuple(name for name in self._strategies if name in names)
