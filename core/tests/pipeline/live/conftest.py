"""A live execution whose chain and signer do as they are told, over a real ledger: everything that is called is written down in order."""

from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from attrs import evolve

from tidemill.domain.book import BookState
from tidemill.domain.events import Batch, RefusedSeen
from tidemill.domain.ids import MAIN_BOOK, AssetId, ChainId, OpportunityId, PlanId, erc20
from tidemill.domain.intent import IntentRecord
from tidemill.domain.outcome import Outcome, OutcomeStatus
from tidemill.domain.plan import Flow
from tidemill.domain.pool import Watch
from tidemill.domain.records import Row
from tidemill.domain.snapshot import Snapshot
from tidemill.domain.time import ChainTime
from tidemill.domain.transaction import Signed, Simulated, TxRef, Unsigned, Wallet
from tidemill.hookspecs.chain import ChainLink, ChainReader, ChainRules
from tidemill.ledger.intents import IntentBook
from tidemill.pipeline.brake import Brake
from tidemill.pipeline.live import LiveExecution
from tidemill.pipeline.writer import LedgerWriter
from tidemill.signing.client import SignerClient
from tidemill.stages.effects import Intent
from tidemill_store_sqlite import SqliteStore
from tidemill_testing.chain_reader import MemoryReader
from tidemill_testing.market import ETHER, SIM, pair_pool, snapshot_of
from tidemill_testing.toy import USD, WETH, ToyRules

OTHER = ChainId("sim:2")
OWNER = "0xowner"
EXPIRES = 20


class Said(list[str]):
    """Every call in order; ``fail`` holds what a call raises next, ``then`` what happens as it is made."""

    def __init__(self) -> None:
        super().__init__()
        self.fail: dict[str, list[Exception]] = defaultdict(list)
        self.then: dict[str, Callable[[], object]] = {}

    def call(self, name: str, about: object = "") -> None:
        """Write a call down, and do with it what was told."""
        self.append(f"{name} {about}".strip())
        if name in self.then:
            self.then[name]()
        if self.fail[name]:
            raise self.fail[name].pop(0)


class SaidLink(ChainLink):
    """A chain of one account: ``outcomes`` by transaction, ``held`` by asset."""

    def __init__(self, rules: ChainRules, said: Said, script: Sequence[Batch] = ()) -> None:
        self.rules, self.said, self.script = rules, said, list(script)
        self.reader: ChainReader = MemoryReader()
        self.outcomes: dict[str, Outcome] = {}
        self.held: dict[AssetId, int] = {}
        self.dry = Simulated(True)
        self.kind = "nonce"
        self.cancelling = True

    async def batches(self) -> AsyncIterator[Batch]:
        for batch in self.script:
            yield batch

    async def watch(self, add: Sequence[Watch], remove: Sequence[Watch]) -> None:
        """Report the same, whatever is watched."""

    async def slot(self, wallet: Wallet, taken: Sequence[str]) -> str:
        self.said.call("slot")
        return next(slot for number in range(99) if (slot := f"{self.kind}:{number}") not in taken)

    async def seal(self, unsigned: Unsigned, wallet: Wallet, slot: str) -> Unsigned:
        self.said.call("seal", slot)
        return unsigned

    async def simulate(self, unsigned: Unsigned) -> Simulated:
        self.said.call("simulate", unsigned.plan)
        return self.dry

    async def cancel(self, wallet: Wallet, replaced: Signed) -> Unsigned | None:
        self.said.call("cancel", replaced.ref.tx)
        return Unsigned(replaced.plan, SIM, b"nothing", 21, 1 << 40) if self.cancelling else None

    async def broadcast(self, signed: Signed) -> None:
        self.said.call("broadcast", signed.ref.tx)

    async def outcome(self, signed: Signed) -> Outcome:
        self.said.call("outcome", signed.ref.tx)
        return self.outcomes.get(signed.ref.tx, Outcome(OutcomeStatus.UNKNOWN, 0, ""))

    async def holdings(self, wallet: Wallet, assets: Sequence[AssetId], height: int) -> tuple[tuple[AssetId, int], ...]:
        self.said.call("holdings", height)
        return tuple((asset, self.held.get(asset, 0)) for asset in assets)


class SaidSigner(SignerClient):
    """Signs whatever it is given: the name of the bytes is ``tx-<intent>``."""

    def __init__(self, said: Said) -> None:
        super().__init__(Path("signer.sock"), {})
        self.said = said

    async def sign(self, unsigned: Unsigned, account: str, intent: int) -> Signed:
        self.said.call("sign", intent)
        return Signed(unsigned.plan, TxRef(unsigned.chain, f"tx-{intent}"), b"signed " + unsigned.payload)


class SaidStore(SqliteStore):
    """The store of every run; ``said`` has what it kept, and ``!`` where that would survive a loss of power."""

    def __init__(self, said: Said) -> None:
        super().__init__()
        self.said = said

    def keep_intents(self, changes: Sequence[IntentRecord], at: str, *, durable: bool, run: int = 0, rows: Sequence[Row] = ()) -> None:
        super().keep_intents(changes, at, durable=durable, run=run, rows=rows)
        self.said.call("keep", " ".join(f"{change.number}:{change.state}" for change in changes) + "!" * durable)


class Desk:
    """A live execution with what stands around it; ``restart`` is what a later run takes up of the same folder."""

    def __init__(self, folder: Path, *, finality: int = 3, patience: int = 4, every: int = 50, said: Said | None = None) -> None:
        self.folder = folder
        self.said = Said() if said is None else said
        self.rules = ToyRules()
        self.rules.finality = finality
        self.link = SaidLink(self.rules, self.said)
        self.signer = SaidSigner(self.said)
        self.store = SaidStore(self.said)
        self.writer = LedgerWriter(self.store, folder)
        left = self.writer.intents()
        self.book = IntentBook(left, last=self.writer.last_intent())
        self.run = self.writer.begin("{}")
        self.brake = Brake(folder)
        self.brake.load()
        self.live = LiveExecution(
            links={SIM: self.link},
            rules={SIM: self.rules},
            wallets={(MAIN_BOOK, chain): Wallet(chain, OWNER) for chain in (SIM, OTHER)},
            signer=self.signer,
            intents=self.book,
            writer=self.writer,
            brake=self.brake,
            run=self.run,
            patience=patience,
            assets=(USD, ETHER, erc20(OTHER, "0xe0")),
            every=every,
        )

    async def take(
        self, name: str = "p1", *, height: int = 10, expires: int = EXPIRES, reopened: bool = False, strategy: str = "lagging"
    ) -> list[tuple[Any, ...]]:
        """Hand over a plan as the driver does; return (plan, by, reason) of what was refused at once."""
        plan = evolve(flow(name, expires), strategy=strategy)
        intent = Intent(plan, Unsigned(plan.id, SIM, name.encode(), 1_000, expires, name), height, reopened)
        if reopened:
            self.writer.keep(self.live.reopened(intent, height), durable=True)
        known = await self.live.take([intent], {intent.plan.chain: height})
        return [(event.plan, event.by, event.reason) for event in known if isinstance(event, RefusedSeen)]

    async def settle(self, height: int, block: str = "") -> Any:
        """Ask what became of everything at a head and keep it as the driver does; return the events for the core and ``number:state``."""
        settled = await self.live.settle(SIM, view(height), block or f"0x{height:x}", height * 10**9)
        self.writer.keep(settled.intents, durable=bool(settled.intents))
        return settled.batch.events, [f"{record.number}:{record.state}" for record in settled.intents]

    def states(self) -> list[str]:
        """Return what the store holds of each transaction, in order: ``number:state:reason``."""
        self.writer.flush()
        return [f"{record.number}:{record.state}:{record.reason}" for record in self.writer.intents(ended=True)]

    def since(self, call: str = "") -> list[str]:
        """Return the calls that have been made since this was last asked, those of one name alone where it is given."""
        self.writer.flush()
        found = [one for one in self.said if one.startswith(call)]
        self.said.clear()
        return found


def flow(name: str, expires: int = EXPIRES) -> Flow:
    return Flow(PlanId(name), OpportunityId(f"o-{name}"), "lagging", MAIN_BOOK, SIM, (), ((USD, 5),), (), (), ((USD, 6),), expires, 1_000)


def view(height: int, held: Mapping[AssetId, int] | None = None) -> Snapshot:
    pools = [pair_pool("one", {USD: 10**20, WETH: 10**20})]
    books = [BookState(MAIN_BOOK, USD, {USD: 100, WETH: 7} if held is None else held)]
    return snapshot_of(pools, books=books, head=ChainTime(SIM, height, height * 12), following=ChainTime(SIM, height + 1, height * 12 + 12))


@pytest.fixture
def desks(tmp_path: Path) -> Iterator[Callable[..., Desk]]:
    """Makes a desk, or again one over the ledger that the last one left."""
    made: list[Desk] = []

    def make(**settings: Any) -> Desk:
        if made:
            made[-1].writer.close()
        made.append(Desk(tmp_path, **settings))
        made[-1].said.clear()
        return made[-1]

    yield make
    made[-1].writer.close()


@pytest.fixture
def desk(desks: Callable[..., Desk]) -> Desk:
    """One over a fresh ledger."""
    return desks()


@pytest.fixture
def filled() -> Callable[..., Outcome]:
    """Makes the outcome of a transaction that a block holds."""

    def make(height: int, status: OutcomeStatus = OutcomeStatus.FILLED, block: str = "", cost: int = 3) -> Outcome:
        return Outcome(status, height, block or f"0x{height:x}", (), ((USD, 9),), cost)

    return make


@pytest.fixture
def make_flow() -> Callable[..., Flow]:
    """Makes a plan by its name."""
    return flow
