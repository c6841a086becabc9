"""A core over the toy chain, and a driver for it: nothing inside the core is faked."""

from collections.abc import AsyncGenerator, Callable, Iterator, Mapping, Sequence

import pytest

from tidemill.domain.asset import AssetAmount
from tidemill.domain.events import Batch, Event, Found, Log, Opening, States
from tidemill.domain.ids import MAIN_BOOK, AssetId, Key, PoolId
from tidemill.domain.note import Summary
from tidemill.domain.opportunity import Opportunity
from tidemill.domain.outcome import Outcome
from tidemill.domain.pool import LogFilter, Watch
from tidemill.domain.records import OpportunityRow
from tidemill.domain.snapshot import Snapshot
from tidemill.domain.transaction import Signed, Simulated, Unsigned, Wallet
from tidemill.errors import RefusedByVenue, Unavailable
from tidemill.hookspecs.chain import ChainLink, ChainReader, ChainRules
from tidemill.hookspecs.dex import Dex
from tidemill.hookspecs.lender import Lender
from tidemill.hookspecs.notifier import Notifier
from tidemill.hookspecs.risk import RiskCheck
from tidemill.hookspecs.search import Searcher
from tidemill.hookspecs.strategy import Strategy
from tidemill.ledger.digest import RowDigest
from tidemill.pipeline.core import Core
from tidemill.pipeline.execution import PaperExecution
from tidemill.pipeline.lockstep import Lockstep
from tidemill.pipeline.memory import MemoryWatch
from tidemill.pipeline.notices import Notices
from tidemill.pipeline.pace import Pace
from tidemill.pipeline.paper import PaperDesk
from tidemill.pipeline.parts import BookPlan, Parts
from tidemill.pipeline.sources import in_order
from tidemill.pipeline.supervise import Supervisor, needed
from tidemill.pipeline.warming import Warming
from tidemill.stages.chain_rules import GuardedRules
from tidemill.stages.effects import Effects
from tidemill.stages.ideas import Asked
from tidemill.stages.market import Market
from tidemill.stages.planner import Tools
from tidemill.stages.roster import Fresh
from tidemill_testing.market import ETHER, SIM
from tidemill_testing.toy import USD, WETH, ToyBlocks, ToyDex, ToyRules, reserves_bytes, state_key, toy_ref


class Lagging(Strategy):
    """Buys on the cheaper of two pools and sells on the dearer, whatever the edge."""

    name = "lagging"

    def find_opportunities(self, snapshot: Snapshot) -> Iterator[Opportunity]:
        for pair in snapshot.changed.pairs:
            offers = snapshot.offers(pair)
            if len(offers) > 1 and offers[0].edge_bps(offers[-1]) > 0:
                yield self.opportunity(buy=offers[0], sell=offers[-1])


class Bench:
    """A core with its paper desk, driven batch by batch as the lock-step driver does it."""

    def __init__(
        self,
        strategies: Sequence[Strategy] = (),
        *,
        capital: Mapping[AssetId, int] | None = None,
        rules: ToyRules | None = None,
        risks: Sequence[RiskCheck] = (),
        latency: int = 1,
        overlay_blocks: int = 20,
        stacking: bool = False,
        books: Sequence[BookPlan] = (BookPlan(MAIN_BOOK, USD),),
        dexes: Sequence[Dex] = (),
        lenders: Sequence[Lender] = (),
        searcher: Searcher | None = None,
        priorities: Mapping[str, int] | None = None,
        owners: Mapping[str, Sequence[str]] | None = None,
        paper: bool = True,
        fresh: Fresh | None = None,
        isolated: Sequence[str] = (),
        max_exposure: AssetAmount | None = None,
        unwind_loss_bps: int = 300,
    ) -> None:
        self.rules = rules or ToyRules()
        self.supervisor = Supervisor(owners or {}, 3)
        chosen = strategies or (Lagging(),)
        chain_rules = {SIM: GuardedRules(self.rules, "chains.toy", self.supervisor)}
        by_name: dict[str, Dex] = {dex.name: dex for dex in dexes or (ToyDex(),)}
        wants = [strategy.needs for strategy in chosen]
        self.market = Market(dexes=by_name, rules=chain_rules, guard=self.supervisor, wants=wants, lenders=lenders)
        wallets = {(book.id, SIM): Wallet(SIM, "0xowner") for book in books}
        parts = Parts(
            market=self.market,
            asked=tuple(Asked(f"strategies.{one.name}", one, (priorities or {}).get(one.name, 0), one.name in isolated) for one in chosen),
            searcher=searcher,
            tools=Tools(by_name, lenders, chain_rules, risks, wallets, 1, max_exposure),
            books=books,
            guard=self.supervisor,
            overlay_blocks=overlay_blocks,
            stacking=stacking,
            paper=paper,
            fresh=fresh,
            unwind_loss_bps=unwind_loss_bps,
        )
        self.parts = parts
        self.core = Core(parts)
        self.paper = PaperDesk(latency, chain_rules, self.supervisor)
        self.blocks = ToyBlocks()
        self.digest = RowDigest()
        self.tape: list[tuple[Batch, bool]] = []
        self.seen: list[Effects] = []
        money = {USD: 10**24, WETH: 10**24, ETHER: 10**9} if capital is None else capital
        balances = tuple((book.id, asset, amount) for book in books for asset, amount in sorted(money.items()))
        self.feed(Batch("opening", 1, None, 0, "", "", "confirmed", 0, 0, (Opening(balances),)), decide=False)

    def feed(self, batch: Batch, *, decide: bool = True) -> Effects:
        """Fold one batch and take up its intents."""
        self.tape.append((batch, decide))
        blocks = self.core.tally.blocks
        effects = self.core.on_batch(batch, decide)
        self.seen.append(effects)
        for row in effects.rows:
            self.digest.add(row)
        for intent in effects.intents:
            self.paper.take(intent, self.blocks.height)
        faults, self.paper.faults = (*self.paper.faults, *effects.faults), []
        events = self.supervisor.answer(faults, self.core.tally.blocks - blocks)
        if events:
            self.answer(*events)
        return effects

    def answer(self, *events: Event, decide: bool = False) -> Effects:
        """Feed answers as a driver does."""
        return self.feed(Batch("driver", len(self.tape), SIM, self.blocks.height, "", "", "confirmed", 0, 0, events), decide=decide)

    def block(self, moved: Mapping[PoolId, tuple[int, int]] | None = None) -> Effects:
        """Feed the next block, with logs of what moved, and let what is due settle before ideas are asked."""
        batch = self.blocks.head(*([self.blocks.logs(moved)] if moved else []))
        due = self.paper.due(SIM, self.blocks.height)
        effects = self.feed(batch, decide=not due)
        if due:
            effects = self.feed(self.paper.settle(SIM, self.core.snapshot(), batch.block_hash, batch.local_ns), decide=True)
        return effects

    def load(self, reserves: Mapping[int, tuple[int, int]], pair: tuple[AssetId, AssetId] = (USD, WETH)) -> dict[int, PoolId]:
        """Find pools by number, read their state, and return their ids."""
        refs = {number: toy_ref(number, *pair) for number in reserves}
        self.feed(self.blocks.head(), decide=False)
        self.feed(self.blocks.found(*refs.values()), decide=False)
        held = {refs[number].id: amounts for number, amounts in reserves.items()}
        self.feed(self.blocks.batch(self.blocks.states(held)))
        return {number: ref.id for number, ref in refs.items()}

    def rejections(self) -> list[tuple[str, str]]:
        """Return (book, rule) of every opportunity that was turned away."""
        rows = [row for effects in self.seen for row in effects.rows if isinstance(row, OpportunityRow)]
        return [(row.book, row.rule) for row in rows if row.decision == "rejected"]

    def summary(self) -> Summary:
        """Return what the run has come to."""
        return self.core.tally.summary(self.digest.hexdigest(), self.market.state.assets)


class ToyReader(ChainReader):
    """Answers from ``world``; unavailable as often as ``outages`` says."""

    def __init__(self) -> None:
        self.world: dict[Key, bytes | None] = {}
        self.outages = 0
        self.asked: list[tuple[tuple[Key, ...], int | None]] = []

    async def read(self, keys: Sequence[Key], height: int | None = None) -> States:
        self.asked.append((tuple(keys), height))
        if self.outages:
            self.outages -= 1
            raise Unavailable("the node is busy")
        return States(SIM, tuple((key, self.world.get(key)) for key in keys if key in self.world))

    async def logs(self, wanted: LogFilter, from_height: int, to_height: int) -> Sequence[Log]:
        return ()


class ToyLink(ChainLink):
    """Plays scripted batches; what it reports is up to the script."""

    def __init__(self, rules: ChainRules, script: Sequence[Batch]) -> None:
        self.rules, self.script = rules, list(script)
        self.reader: ToyReader = ToyReader()
        self.watched: list[Watch] = []
        self.closed = False

    async def batches(self) -> AsyncGenerator[Batch, None]:
        try:
            for batch in self.script:
                yield batch
        finally:
            self.closed = True

    async def watch(self, add: Sequence[Watch], remove: Sequence[Watch]) -> None:
        self.watched.extend(add)

    async def simulate(self, unsigned: Unsigned) -> Simulated:
        raise Unavailable("a script cannot simulate")

    async def broadcast(self, signed: Signed) -> None:
        raise RefusedByVenue("a script cannot send")

    async def outcome(self, signed: Signed) -> Outcome:
        raise Unavailable("a script knows no outcome")


class Rig:
    """A bench's core behind a real lock-step driver, with everything that it hears written down."""

    def __init__(
        self,
        run: Bench,
        script: Sequence[Batch] = (),
        notifiers: Sequence[Notifier] = (),
        speed: str = "max",
        memory: MemoryWatch | None = None,
        warming: Warming | None = None,
    ) -> None:
        self.run = run
        self.link = ToyLink(run.rules, script)
        self.notices = Notices(notifiers)
        self.fed: list[tuple[Batch, bool]] = []
        self.driver = Lockstep(
            core=run.core,
            links={SIM: self.link},
            execution=PaperExecution(run.paper),
            supervisor=run.supervisor,
            notices=self.notices,
            pace=Pace.parse(speed),
            memory=memory,
            warming=warming,
        )
        fold = run.core.on_batch

        def listening(batch: Batch, decide: bool) -> Effects:
            self.fed.append((batch, decide))
            return fold(batch, decide)

        run.core.on_batch = listening  # type: ignore[method-assign]

    async def play(self, stopped: Callable[[], bool] = lambda: False, prices: Sequence[AsyncGenerator[Batch, None]] = ()) -> None:
        """Run the script to its end."""
        await self.driver.run(in_order([needed("chains.toy", self.link.batches)], prices), stopped, lambda: None)

    def script_of(self, count: int, gaps: Mapping[int, int] | None = None) -> None:
        """Script a chain whose two pools are found at once; block ``n`` moves the second to ``gaps[n]`` percent."""
        blocks, refs, deep = self.run.blocks, [toy_ref(number, USD, WETH) for number in (1, 2)], 10**21
        first = blocks.head(Found((), tuple(refs)))
        self.link.reader.world = {state_key(ref.id): reserves_bytes(deep, deep) for ref in refs}
        moves = [(gaps or {}).get(number) for number in range(2, count + 1)]
        rest = [blocks.head(*([blocks.logs({refs[1].id: (deep * move // 100, deep)})] if move else [])) for move in moves]
        self.link.script = [first, *rest]


@pytest.fixture
def rig() -> Callable[..., Rig]:
    """Put a bench behind a lock-step driver."""
    return Rig


@pytest.fixture
def bench() -> Callable[..., Bench]:
    """Make a bench with the given strategies and settings."""
    return Bench


@pytest.fixture(params=["asyncio", "trio"])
def anyio_backend(request: pytest.FixtureRequest) -> str:
    """Run every test of a coroutine on both event loops."""
    return str(request.param)
