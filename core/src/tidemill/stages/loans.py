"""Keeps the state fresh from which lenders read their terms."""

from collections.abc import Sequence

from immutables import Map

from tidemill.domain.events import States
from tidemill.domain.ids import ChainId, Key
from tidemill.domain.pool import Watch
from tidemill.hookspecs.lender import Lender
from tidemill.stages.contract import given
from tidemill.stages.guard import Fault, Guard
from tidemill.stages.market_state import MarketState


class LoanWatch:
    """Asks each lender what to watch: once per chain, and again when one of its keys was read, until it names nothing new."""

    def __init__(self, lenders: Sequence[Lender], guard: Guard, faults: list[Fault]) -> None:
        self._lenders = tuple(lenders)
        self._guard = guard
        self._faults = faults
        self._keys: dict[tuple[str, ChainId], set[Key]] = {}
        self._due: set[tuple[str, ChainId]] = set()

    def states(self, event: States) -> None:
        """Note which lenders must be asked again because a key of theirs was read."""
        if not self._keys:
            return
        read = {key for key, _ in event.values}
        self._due.update(place for place, keys in self._keys.items() if place[1] == event.chain and not keys.isdisjoint(read))

    def keys(self, chain: ChainId) -> tuple[Key, ...]:
        """Return the keys that lenders watch on a chain, in order."""
        return tuple(sorted({key for place, keys in self._keys.items() if place[1] == chain for key in keys}))

    def forget(self, chain: ChainId) -> None:
        """Ask every lender anew what to watch on a chain, because what was read of it can no longer be trusted."""
        for place in [place for place in self._keys if place[1] == chain]:
            del self._keys[place]
            self._due.discard(place)

    def watches(self, state: MarketState) -> tuple[tuple[ChainId, Watch], ...]:
        """Return what lenders newly want watched."""
        if not self._lenders:
            return ()
        fresh = []
        for chain in sorted(state.chains):
            for lender in self._lenders:
                place = (lender.name, chain)
                if place in self._keys and place not in self._due:
                    continue
                self._due.discard(place)
                known = self._keys.setdefault(place, set())
                answer = self._guard.call(f"lenders.{lender.name}", _watched, lender, chain, state)
                if isinstance(answer, Fault):
                    self._faults.append(answer)
                    continue
                keys = tuple(key for key in answer.keys if key not in known)
                known.update(keys)
                if keys or (answer.logs and not known):
                    fresh.append((chain, Watch(keys, answer.logs)))
        return tuple(fresh)


def _watched(lender: Lender, chain: ChainId, state: MarketState) -> Watch:
    answer = lender.watch(chain, state.states.get(chain, Map()))
    watch: Watch = given(answer, Watch, f"lenders.{lender.name}", "watch", "a Watch")
    return watch
