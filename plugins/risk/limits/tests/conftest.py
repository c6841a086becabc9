"""A market of three tokens, and the opportunities and plans that the tests hold against limits."""

from collections.abc import Callable
from typing import Any

import pytest

from tidemill import Arbitrage, AssetAmount, AssetId, Leg, PoolId
from tidemill.domain.asset import Asset
from tidemill.domain.book import BookState, OpenPlan
from tidemill.domain.ids import MAIN_BOOK, OpportunityId, PlanId
from tidemill.domain.plan import Flow, Loan, PlannedSwap
from tidemill.domain.snapshot import Snapshot
from tidemill_testing.market import ETHER, SIM, pair_pool, snapshot_of, token

WETH, USDC, DUST = token("WETH"), token("USDC"), token("DUST")
E18, E6 = 10**18, 10**6
CHEAP = pair_pool("cheap", {WETH: 1_000 * E18, USDC: 2_000_000 * E6})
DEAR = pair_pool("dear", {WETH: 1_000 * E18, USDC: 1_900_000 * E6}, dex="sushiswap")
LEGS = (Leg(CHEAP.id, WETH, USDC), Leg(DEAR.id, USDC, WETH))
KNOWN = (Asset(WETH, "WETH", 18), Asset(USDC, "USDC", 6))


def market(**options: Any) -> Snapshot:
    return snapshot_of([CHEAP, DEAR], **{"wrapped": WETH, "dollars": (USDC,), "assets": KNOWN, **options})


def idea(asset: AssetId = WETH) -> Arbitrage:
    return Arbitrage(OpportunityId("o"), "spatial", SIM, asset, LEGS, E18, 10**16, 101)


def flow(amount: int = E18, *, loan: bool = False, cost: int = 0, funds: tuple[tuple[AssetId, int], ...] | None = None) -> Flow:
    return Flow(
        id=PlanId("p"),
        opportunity=OpportunityId("o"),
        strategy="spatial",
        book=MAIN_BOOK,
        chain=SIM,
        basis=(),
        funds=funds if funds is not None else (() if loan else ((WETH, amount),)),
        loans=(Loan("bank", WETH, amount, 0),) if loan else (),
        swaps=(PlannedSwap(CHEAP.id, WETH, USDC, amount, 0), PlannedSwap(DEAR.id, USDC, WETH, None, 0)),
        guards=((WETH, 1),),
        expires=102,
        cost_cap=cost,
    )


def in_flight(name: str, *reserved: tuple[AssetId, int]) -> OpenPlan:
    return OpenPlan(PlanId(name), "spatial", 100, reserved, 10**15, ETHER, (PoolId("sim:1/uniswap:0x1"),))


def purse(*plans: OpenPlan, weth: int = 100 * E18) -> BookState:
    return BookState(MAIN_BOOK, WETH, {WETH: weth, USDC: 10_000 * E6, ETHER: E18}, {}, plans)


@pytest.fixture
def make_market() -> Callable[..., Snapshot]:
    return market


@pytest.fixture
def make_flow() -> Callable[..., Flow]:
    return flow


@pytest.fixture
def make_idea() -> Callable[..., Arbitrage]:
    return idea


@pytest.fixture
def make_open() -> Callable[..., OpenPlan]:
    return in_flight


@pytest.fixture
def make_book() -> Callable[..., BookState]:
    return purse


@pytest.fixture
def usdc() -> Callable[[int], AssetAmount]:
    return lambda whole: AssetAmount(USDC, whole * E6)
