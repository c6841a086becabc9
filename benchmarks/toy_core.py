"""A core over the toy chain, and ready-made batches for it: what is measured is the fold, not the making of its input."""

from collections.abc import Iterator, Sequence

from tidemill.domain.events import Batch, OraclePrice, Trade
from tidemill.domain.ids import MAIN_BOOK, MarketId, PoolId
from tidemill.domain.opportunity import Opportunity
from tidemill.domain.snapshot import Snapshot
from tidemill.domain.transaction import Wallet
from tidemill.hookspecs.strategy import Strategy
from tidemill.pipeline.core import Core
from tidemill.pipeline.parts import BookPlan, Parts
from tidemill.pipeline.supervise import Supervisor
from tidemill.stages.ideas import Asked
from tidemill.stages.market import Market
from tidemill.stages.planner import Tools
from tidemill_testing.market import SIM, token
from tidemill_testing.toy import USD, WETH, ToyBlocks, ToyDex, ToyRules, toy_ref

UNIT = 10**21
"""What each toy pool holds of both its assets at first."""


class Watcher(Strategy):
    """Looks at what changed and finds nothing: the least that a strategy costs."""

    name = "watcher"

    def find_opportunities(self, snapshot: Snapshot) -> Iterator[Opportunity]:
        for pool in snapshot.changed.pools:
            if snapshot.pool(pool) is None:
                return
        yield from ()


class LoadedCore:
    """A core with so many pools loaded, two to a pair, and the maker of its batches."""

    def __init__(self, pools: int = 0, strategies: Sequence[Strategy] = ()) -> None:
        self.core = _core(strategies)
        self.blocks = ToyBlocks()
        self.pools: list[PoolId] = []
        self._amount = UNIT
        self._next = 0
        if pools:
            self._load(pools)

    def _load(self, count: int) -> None:
        refs = [toy_ref(number, WETH, token(f"T{number // 2}")) for number in range(count)]
        self.pools = [ref.id for ref in refs]
        self.core.on_batch(self.blocks.head(), decide=False)
        self.core.on_batch(self.blocks.found(*refs), decide=False)
        self.core.on_batch(self.blocks.batch(self.blocks.states(dict.fromkeys(self.pools, (UNIT, UNIT)))), decide=True)
        if len(self.core.market.state.pools) != count:
            raise RuntimeError(f"expected {count} loaded pools, found {len(self.core.market.state.pools)}")

    def prices(self, size: int, number: int, *, heads: bool) -> list[Batch]:
        """Return so many batches of ``size`` oracle prices, each led by a head where ``heads``."""
        make = self.blocks.head if heads else self.blocks.batch
        return [make(*(OraclePrice(WETH, self._amount + place, -18, 1, place) for place in range(size))) for _ in range(number)]

    def trades(self, size: int, number: int) -> list[Batch]:
        """Return so many batches of ``size`` trades in a market that no strategy asked for."""
        market = MarketId("venue/WETH-USD")
        return [self.blocks.batch(*(Trade(market, "buy", place, 1) for place in range(size))) for _ in range(number)]

    def logs(self, size: int, number: int, *, heads: bool = True) -> list[Batch]:
        """Return so many batches that move ``size`` different pools by logs."""
        make = self.blocks.head if heads else self.blocks.batch
        return [make(self.blocks.logs(self._moves(size))) for _ in range(number)]

    def states(self, size: int, number: int) -> list[Batch]:
        """Return so many blocks that give ``size`` pools new state, which is decoded."""
        return [self.blocks.head(self.blocks.states(self._moves(size))) for _ in range(number)]

    def _moves(self, size: int) -> dict[PoolId, tuple[int, int]]:
        moved = {}
        for _ in range(size):
            self._amount += 1
            # A step that shares no factor with the count visits every pool, and neighbours in memory never in turn
            self._next = (self._next + 7919) % len(self.pools)
            moved[self.pools[self._next]] = (self._amount, UNIT)
        return moved


def _core(strategies: Sequence[Strategy]) -> Core:
    guard, rules, dexes = Supervisor({}, 3), {SIM: ToyRules()}, {"toy": ToyDex()}
    return Core(
        Parts(
            market=Market(dexes=dexes, rules=rules, guard=guard, wants=[one.needs for one in strategies]),
            asked=tuple(Asked(f"strategies.{one.name}", one, 0) for one in strategies),
            searcher=None,
            tools=Tools(dexes, (), rules, (), {(MAIN_BOOK, SIM): Wallet(SIM, "0xowner")}, 1),
            books=(BookPlan(MAIN_BOOK, USD),),
            guard=guard,
            overlay_blocks=20,
        )
    )
