"""A small tape with one event of each kind."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tidemill.domain.asset import Asset
from tidemill.domain.book import Position
from tidemill.domain.events import (
    Balances,
    Bar,
    Batch,
    BookDelta,
    BookSnapshot,
    Control,
    Event,
    Found,
    Gap,
    Head,
    Log,
    Logs,
    Market,
    Observation,
    Opening,
    OpenIntent,
    OraclePrice,
    OrderSeen,
    OutcomeSeen,
    PluginState,
    Proposals,
    Rate,
    RefusedSeen,
    Rollback,
    States,
    Timer,
    Trade,
    TraderEvent,
)
from tidemill.domain.ids import MAIN_BOOK, AssetId, ChainId, Key, MarketId, OpportunityId, PlanId, PoolId
from tidemill.domain.opportunity import Arbitrage, Leg, Signal
from tidemill.domain.outcome import Fill, Outcome, OutcomeStatus
from tidemill.domain.plan import Basis, Flow, Group, Loan, Orders, PlannedSwap
from tidemill.domain.pool import PoolRef
from tidemill.tape.header import TapeHeader
from tidemill.tape.writer import TapeWriter

CHAIN = ChainId("sim:1")
ASSET = AssetId("sim:1/erc20:0xaa")
OTHER = AssetId("sim:1/slip44:60")
POOL = PoolId("sim:1/uniswap:0xcc")
MARKET = MarketId("book/AA-BB")
PLAN = PlanId("p")

FLOW = Flow(
    PLAN,
    OpportunityId("o"),
    "triangular",
    MAIN_BOOK,
    CHAIN,
    (Basis(POOL, (7, 1)),),
    ((ASSET, 5),),
    (Loan("sim", ASSET, 5, 1),),
    (PlannedSwap(POOL, ASSET, OTHER, None, 0),),
    ((ASSET, 6),),
    9,
    10**16,
)
ORDERS = Orders(PlanId("q"), OpportunityId("o"), "spatial", MAIN_BOOK, CHAIN, "book", MARKET, "buy", 3, None, ((OTHER, 9),))
GROUP = Group(PlanId("g"), OpportunityId("o"), "spatial", MAIN_BOOK, CHAIN, (FLOW, ORDERS), "hedge", 10**18, MARKET)

MARKET_EVENTS: tuple[Event, ...] = (
    Head(CHAIN, 7, "0x07", "0x06", 1_700_000_000, fee=9),
    Rollback(CHAIN, 6, "0x06"),
    Gap(CHAIN, 3, 4, ("0xcc",)),
    Found(
        (Asset(ASSET, "AA", 18),),
        (PoolRef(POOL, "uniswap", CHAIN, "0xcc", (ASSET, OTHER), "v3", 3000, (("a", "x"), ("tick_spacing", 60))),),
    ),
    Found(markets=(Market(MARKET, "book", ASSET, OTHER, 1, 10, 100),)),
    States(CHAIN, ((Key("0xcc:0x8"), b"\x01" * 32), (Key("0xcc:0x9"), None), (Key("0xcc:0xa"), b""))),
    Logs(CHAIN, (Log("0xcc", (b"\x02" * 32, b"\x03" * 32), b"\x04", 5, "0x1"), Log("0xcd", (), b""))),
    Trade(MARKET, "buy", 3, 4, "t"),
    BookSnapshot(MARKET, ((3, 4), (2, 1)), (), 8),
    BookDelta(MARKET, "sell", 3, 0, 9),
    OraclePrice(ASSET, 12, -2, 1, 1_700_000_000_000_000_000, "sim"),
    Bar(MARKET, 60, 1, 2, 3, 4, 5, 6),
    TraderEvent("w", CHAIN, "swap", "0x2", ((ASSET, -5),), MARKET),
    Observation("quote", "aa", (("out", 1 << 300),), 9),
    Timer("hour", 3_600),
    Control("pause", ("triangular",), "a drill"),
    Rate("search", 400),
)
ANSWERS: tuple[Event, ...] = (
    Opening(
        ((MAIN_BOOK, ASSET, 10**30),),
        (OpenIntent(GROUP, "0x3", OrderSeen(PLAN, 1, 0, 9, 0, 0, True)),),
        (("triangular", "reverts"),),
        (Position(MAIN_BOOK, "1", "momentum", PLAN, POOL, ASSET, OTHER, "buy", 5, 6, 10**18, stop=4),),
    ),
    OutcomeSeen(PLAN, Outcome(OutcomeStatus.FILLED, 8, "0x08", (Fill(POOL, ASSET, OTHER, 5, 6),), ((ASSET, -5), (OTHER, 6)), 3, "", "0x3")),
    OrderSeen(PLAN, 2, 3, 4, 5, 6, True, OTHER),
    Balances(MAIN_BOOK, ((ASSET, 10**30),)),
    RefusedSeen(PLAN, "signer", "too much"),
    Proposals(
        "model",
        (
            Arbitrage(OpportunityId("o"), "model", CHAIN, ASSET, (Leg(POOL, ASSET, OTHER),), 1, 2, 3, reason="why"),
            Signal(OpportunityId("q"), "model", CHAIN, POOL, ASSET, OTHER, "buy", 1, 2, 3, stop=4),
        ),
    ),
    PluginState("dex.uniswap", "failed", 1, "ZeroDivisionError"),
)

BatchMaker = Callable[..., Batch]


@pytest.fixture(scope="session")
def make_batch() -> BatchMaker:
    """Return a function from a sequence number and events to a batch."""

    def made(seq: int, *events: Event, height: int = 7) -> Batch:
        return Batch("sim", seq, CHAIN, height, f"0x{height:02x}", "0x06", "confirmed", 10**18, 10**18 + seq, events)

    return made


@pytest.fixture(scope="session")
def every_event() -> tuple[tuple[Event, ...], tuple[Event, ...]]:
    """Return market events and answers, at least one of each kind."""
    return MARKET_EVENTS, ANSWERS


@pytest.fixture(scope="session")
def small_tape(tmp_path_factory: pytest.TempPathFactory, make_batch: BatchMaker) -> Path:
    """Return the path of a sound tape with three segments."""
    path = tmp_path_factory.mktemp("tape") / "small.tape"
    header = TapeHeader("run", (CHAIN,), "sim", 7, '{"mode":"paper"}', (("dex.uniswap", "0.1.0"),), "tidemill 0.1.0")
    with TapeWriter(path, header) as tape:
        tape.write(make_batch(1, MARKET_EVENTS[0], MARKET_EVENTS[5]), decide=False)
        tape.flush()
        tape.write(make_batch(2, *ANSWERS[:2]), decide=True, digest="5f2c")
        tape.flush()
        tape.write(make_batch(3, MARKET_EVENTS[0], height=8))
        tape.close(ledger_hash="ab" * 32, summary={"fills": 3, "pnl": {ASSET: str(10**30)}})
    return path
