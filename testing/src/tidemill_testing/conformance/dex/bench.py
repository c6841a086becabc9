"""What the rules of a DEX stand on: pools loaded from cases, the ways to trade through them, and amounts worth asking for."""

from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType, TracebackType
from typing import ClassVar, Protocol, Self

from attrs import frozen
from hypothesis import strategies as st

from tidemill.domain.answers import Needs
from tidemill.domain.ids import AssetId, Key
from tidemill.domain.pool import Decoded, Pool, Quote
from tidemill.domain.time import ChainTime
from tidemill.hookspecs.dex import Dex
from tidemill_testing.conformance.dex.pool_case import PoolCase
from tidemill_testing.conformance.rule import Broken
from tidemill_testing.conformance.suite import Conformance

_PATIENCE = 64
_BITS = 256


class Printer(Protocol):
    """What hypothesis prints examples with."""

    def text(self, text: str) -> None:
        """Print a text."""


@frozen(repr=False)
class Loaded:
    """A case's pool: ``states`` is what was read for it, ``asked`` the keys in the order of asking, by round."""

    case: PoolCase
    decoded: Decoded
    states: Mapping[Key, bytes | None]
    asked: tuple[tuple[Key, ...], ...]

    @property
    def pool(self) -> Pool:
        """The pool."""
        return self.decoded.pool


@frozen(repr=False)
class Lane:
    """One direction through a pool. Amounts of ``low`` to ``high`` bits are quoted; others mostly are not."""

    loaded: Loaded
    sell: AssetId
    buy: AssetId
    low: int = 0
    high: int = 0

    @property
    def at(self) -> ChainTime:
        """When it would execute."""
        return self.loaded.case.at

    @property
    def slack(self) -> int:
        """How far an output may stray, base units."""
        return self.loaded.case.slack.get(self.buy, 0)

    @property
    def held(self) -> tuple[int, int]:
        """What the contract holds of the asset sold and of the asset bought, base units."""
        known = {**self.loaded.pool.holdings, **self.loaded.case.balances}
        return known.get(self.sell, 0), known.get(self.buy, 0)

    def out(self, amount: int, pool: Pool | None = None) -> int | None:
        """Return what selling an amount pays at the pool, or at another state of it; None without a quote."""
        quote = (pool or self.loaded.pool).quote_exact_in(self.sell, self.buy, amount, self.at)
        return quote.amount_out if isinstance(quote, Quote) else None

    def steepest(self) -> int:
        """Return what one unit pays at most, rounded up, from what quotes show."""
        shown = ((self.out(1 << bits), bits) for bits in range(max(self.low - 1, 0), self.high, 4))
        return max((-(-out >> bits) if bits else out for out, bits in shown if out is not None), default=0)

    def __repr__(self) -> str:
        return f"{self.loaded.case}, {self.sell.rpartition(':')[2][:10]} for {self.buy.rpartition(':')[2][:10]}"

    def _repr_pretty_(self, printer: "Printer", cycle: bool) -> None:
        """Show the lane in a failing example as in messages: field by field it would be pages of state."""
        printer.text(repr(self))


class DexBench(Conformance):
    """The part of the suite that is no rule."""

    kind: ClassVar[str] = "dex"
    prefix: ClassVar[str] = "DEX"
    may_give: ClassVar[frozenset[str]] = Conformance.may_give | {"cases"}

    plugin: ClassVar[type[Dex]]
    cases: ClassVar[Sequence[PoolCase]] = ()

    def dex(self) -> Dex:
        """Return a new instance of the plugin."""
        made: Dex = self.make()
        return made

    def loaded(self) -> list[Loaded]:
        """Return every case's pool."""
        if not self.cases:
            self.broken(f"{type(self).__name__} gives no cases: without a pool nothing can be tried")
        dex = self.dex()
        return [self.load(dex, case) for case in self.cases]

    def load(
        self, dex: Dex, case: PoolCase, states: Mapping[Key, bytes | None] | None = None, source: Mapping[Key, bytes | None] | None = None
    ) -> Loaded:
        """Decode a case's pool, reading what is asked for from ``source``, by default the case's states; ``states`` were read before."""
        read = dict(states or {})
        values = case.states if source is None else source
        asked: list[tuple[Key, ...]] = []
        for _ in range(_PATIENCE):
            answer = dex.decode(case.ref, MappingProxyType(read), case.at, None)
            if isinstance(answer, Decoded):
                return Loaded(case, answer, read, tuple(asked))
            if not isinstance(answer, Needs):
                self.broken(f"{case}: decode returned {answer!r}: expected Decoded or Needs")
            asked.append(answer.keys)
            read.update({key: values.get(key) for key in answer.keys})
        return self.broken(f"{case}: decode still asks for state after {_PATIENCE} rounds, last for {asked[-1][:3]}")

    def same_pool(self, expected: Loaded, found: Pool, when: str) -> None:
        """Break the rule where a pool quotes or holds another thing than the one that its state gives."""
        if found == expected.pool:
            return
        if found.holdings != expected.pool.holdings:
            self.broken(f"{expected.case}: {when} it holds {dict(found.holdings)}, its state says {dict(expected.pool.holdings)}")
        for lane in [Lane(expected, sell, buy) for sell, buy in directions(found)]:
            for bits in range(0, _BITS, 3):
                wanted, paid = lane.out(1 << bits), lane.out(1 << bits, found)
                if wanted is not None and paid is not None and wanted != paid:
                    self.broken(f"{1 << bits} in pays {paid} {when}, {wanted} by its state ({lane})")

    def read_more(self, dex: Dex, loaded: Loaded, keys: Sequence[Key]) -> Loaded:
        """Return the pool with further keys of the case's state read."""
        read = {key: loaded.case.states.get(key) for key in keys}
        return self.load(dex, loaded.case, {**loaded.states, **read})

    def lanes(self) -> list[Lane]:
        """Return the directions through the cases' pools that give quotes."""
        found = [lane for loaded in self.loaded() for lane in _lanes(loaded)]
        if not found:
            self.broken("no case's pool quotes any power of two from 1 to 2**255: give a case that trades")
        return found

    def asking(self, facts: object) -> "Asking":
        """Return a context in which an exception of the plugin's breaks the rule; ``facts`` say what was asked."""
        return Asking(self, facts)


class Asking:
    """Tells what was asked where the plugin raises."""

    def __init__(self, suite: Conformance, facts: object) -> None:
        self._suite = suite
        self._facts = facts

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if isinstance(error, Exception) and not isinstance(error, Broken):
            try:
                self._suite.broken(f"{self._facts}: raised {type(error).__name__}: {error}")
            except Broken as broken:
                raise broken from error


def directions(pool: Pool) -> Iterator[tuple[AssetId, AssetId]]:
    """Yield each ordered pair of a pool's assets."""
    return ((sell, buy) for sell in pool.assets for buy in pool.assets if sell != buy)


def amounts(lane: Lane) -> st.SearchStrategy[int]:
    """Return a strategy of amounts that a lane quotes, small ones first."""
    return st.integers(lane.low, lane.high).flatmap(lambda bits: st.integers(1 << max(bits - 1, 0), (1 << bits) - 1 if bits else 1))


def on_lanes(lanes: Sequence[Lane], count: int) -> st.SearchStrategy[tuple[Lane, list[int]]]:
    """Return a strategy of lanes with so many amounts for each."""
    return st.sampled_from(lanes).flatmap(lambda lane: st.tuples(st.just(lane), st.lists(amounts(lane), min_size=count, max_size=count)))


def _lanes(loaded: Loaded) -> Iterator[Lane]:
    for sell, buy in directions(loaded.pool):
        lane = Lane(loaded, sell, buy)
        quoted = [bits for bits in (*range(0, _BITS, 4), _BITS - 1) if lane.out(1 << bits)]
        if quoted:
            yield Lane(loaded, sell, buy, max(quoted[0] - 3, 0), min(quoted[-1] + 4, _BITS))
