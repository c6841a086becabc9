"""Runs with real money on a model chain, in this process: the core, its driver, its execution and its writer as they are."""

import contextlib
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import cast

from tests.faults.reorg_chain import FINALITY, ModelChain, ModelLink, ModelSigner
from tests.faults.reorg_store import EndingStore
from tidemill import Opportunity, Snapshot, Strategy
from tidemill.api.live.left_open import left_open
from tidemill.api.run import held_before
from tidemill.domain.asset import Asset
from tidemill.domain.events import Batch, Event, Found, Gap, Head, Log, Logs, Opening, OpenIntent, Rollback, States
from tidemill.domain.ids import MAIN_BOOK
from tidemill.domain.transaction import Wallet
from tidemill.errors import LedgerError
from tidemill.pipeline.brake import Brake
from tidemill.pipeline.core import Core
from tidemill.pipeline.live import LiveExecution
from tidemill.pipeline.lockstep import Lockstep
from tidemill.pipeline.notices import Notices
from tidemill.pipeline.pace import Pace
from tidemill.pipeline.parts import BookPlan, Parts
from tidemill.pipeline.supervise import Supervisor
from tidemill.pipeline.writer import LedgerWriter
from tidemill.signing.client import SignerClient
from tidemill.stages.chain_rules import GuardedRules
from tidemill.stages.ideas import Asked
from tidemill.stages.market import Market
from tidemill.stages.planner import Tools
from tidemill_testing.chain_reader import MemoryReader
from tidemill_testing.market import ETHER, SIM
from tidemill_testing.toy import BLOCK_S, USD, WETH, ToyDex, ToyRules, reserves_bytes, state_key, toy_ref

DEEP = 10**21
PATIENCE = 3
POOLS = (toy_ref(1, USD, WETH), toy_ref(2, USD, WETH))
WALLET = Wallet(SIM, "0xowner")


class Lagging(Strategy):
    """Buys on the cheaper of two pools and sells on the dearer, whatever the edge."""

    name = "lagging"

    def find_opportunities(self, snapshot: Snapshot) -> Iterator[Opportunity]:
        for pair in snapshot.changed.pairs:
            offers = snapshot.offers(pair)
            if len(offers) > 1 and offers[0].edge_bps(offers[-1]) > 0:
                yield self.opportunity(buy=offers[0], sell=offers[-1])


class Rules(ToyRules):
    """The toy chain's, with blocks that can be dropped."""

    finality = FINALITY


def new_core() -> tuple[Core, Supervisor]:
    """Return a core that knows nothing yet, and who looks after its plugins."""
    supervisor, dexes = Supervisor({}, 3), {"toy": ToyDex()}
    rules = {SIM: GuardedRules(Rules(), "chains.toy", supervisor)}
    strategy = Lagging()
    market = Market(dexes=dexes, rules=rules, guard=supervisor, wants=[strategy.needs], lenders=())
    parts = Parts(
        market=market,
        asked=(Asked("strategies.lagging", strategy, 0, False),),
        searcher=None,
        tools=Tools(dexes, (), rules, (), {(MAIN_BOOK, SIM): WALLET}, 1),
        books=(BookPlan(MAIN_BOOK, USD),),
        guard=supervisor,
        overlay_blocks=20,
        stacking=False,
        paper=False,
    )
    return Core(parts), supervisor


class World:
    """One chain, one ledger, and one run after another on them."""

    def __init__(self, chain: ModelChain, store: EndingStore, folder: Path, moves: Random) -> None:
        self.chain, self.store, self.moves = chain, store, moves
        self.restarts = 0
        self.driver: Lockstep
        self.core: Core
        self._folder = folder
        self._writer: LedgerWriter | None = None
        self._seq = 0

    async def start(self) -> None:
        """Begin a run with what the ledger holds, on the head of the chain."""
        self._writer = writer = LedgerWriter(self.store, self._folder)
        held = held_before(writer)
        run = writer.begin("{}")
        self.core, supervisor = new_core()
        rules = self.core.market.rules
        link = ModelLink(self.chain, rules[SIM], MemoryReader())
        left = await left_open(writer, {SIM: link})
        brake = Brake(self._folder)
        execution = LiveExecution(
            links={SIM: link},
            rules=rules,
            wallets={(MAIN_BOOK, SIM): WALLET},
            signer=cast("SignerClient", ModelSigner()),
            intents=left.book,
            writer=writer,
            brake=brake,
            run=run,
            patience=PATIENCE,
            assets=(USD, ETHER),
            every=50,
        )
        self.driver = Lockstep(
            core=self.core,
            links={SIM: link},
            execution=execution,
            supervisor=supervisor,
            notices=Notices(()),
            pace=Pace.parse("max"),
            writer=writer,
            brake=brake,
        )
        balances = tuple((book, asset, amount) for (book, asset), amount in sorted(held.items()) if amount > 0)
        await self.driver.feed(opening(*left.intents, balances=balances), decide=False, intents=left.changed)
        await self.driver.step(self._batch(found(), self._head(), pools(100)), decide=False)

    async def restart(self) -> None:
        """Let the run end as a crash ends it, and begin another one."""
        if self._writer is not None:
            with contextlib.suppress(LedgerError):
                self._writer.close()
        self.store.commits_left = -1
        self.restarts += 1
        await self.start()

    async def block(self, *, decide: bool = True) -> None:
        """Mine a block in which prices move, and let the run see it; one that has halted begins anew."""
        self.chain.mine()
        moved = Logs(
            SIM, tuple(Log(POOLS[1].address, (), reserves_bytes(DEEP * self.moves.randint(100, 112) // 100, DEEP), 0) for _ in "1")
        )
        await self.driver.step(self._batch(self._head(), moved), decide=decide)

    async def lose_sight(self, depth: int) -> None:
        """Drop blocks and mine more than there were, of which the run hears nothing but that it missed some."""
        first = self.chain.go_back(depth).height + 1
        for _ in range(depth + 1):
            self.chain.mine()
        gap = Gap(SIM, first, self.chain.head.height)
        await self.driver.step(self._batch(gap, self._head()), decide=False)
        await self.driver.step(self._batch(pools(100)), decide=False)

    async def go_back(self, depth: int) -> None:
        """Drop blocks, and let the run see it."""
        head = self.chain.go_back(depth)
        await self.driver.step(self._batch(Rollback(SIM, head.height, head.hash)), decide=False)
        if self.driver.halted:
            await self.restart()

    def close(self) -> None:
        """End the last run."""
        if self._writer is not None:
            self._writer.close()

    def _head(self) -> Head:
        return head_of(self.chain, self.chain.head.height)

    def _batch(self, *events: Event) -> Batch:
        self._seq += 1
        head = self.chain.head
        now_ns = head.height * BLOCK_S * 10**9
        return Batch("model", self._seq, SIM, head.height, head.hash, "", "confirmed", now_ns, now_ns, events)


def head_of(chain: ModelChain, height: int) -> Head:
    """Return what tells of one block that stands."""
    block = chain.blocks[height]
    return Head(SIM, height, block.hash, chain.blocks[max(0, height - 1)].hash, (height + 1) * BLOCK_S)


def found() -> Found:
    """Return what tells of the tokens and the pools."""
    return Found((*Rules().verified_assets().values(), Asset(ETHER, "ETH", 18)), POOLS)


def pools(percent: int) -> States:
    """Return the pools' states, the second so many percent off."""
    return States(
        SIM,
        tuple((state_key(ref.id), reserves_bytes(DEEP * share // 100, DEEP)) for ref, share in zip(POOLS, (100, percent), strict=True)),
    )


def opening(*intents: OpenIntent, balances: tuple[tuple[str, str, int], ...]) -> Batch:
    """Return the batch that a run begins with."""
    return Batch("opening", 1, None, 0, "", "", "confirmed", 0, 0, (Opening(balances, intents),))  # type: ignore[arg-type]
