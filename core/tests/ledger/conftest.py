"""A flow, and what can become of it."""

import pytest

from tidemill.domain.ids import AssetId, BookId, ChainId, OpportunityId, PlanId, PoolId
from tidemill.domain.outcome import Outcome, OutcomeStatus
from tidemill.domain.plan import Basis, Flow, Loan, PlannedSwap

USDC = AssetId("sim:1/erc20:0xaa")
WETH = AssetId("sim:1/erc20:0xbb")
POOL = PoolId("sim:1/uniswap:0x01")


@pytest.fixture
def flow() -> Flow:
    """A loan of 100 USDC at a fee of 1, swapped there and back, with 5 USDC of our own."""
    return Flow(
        id=PlanId("plan-1"),
        opportunity=OpportunityId("opportunity-1"),
        strategy="triangular",
        book=BookId("main"),
        chain=ChainId("sim:1"),
        basis=(Basis(POOL, (7, 3)),),
        funds=((USDC, 5),),
        loans=(Loan("sim", USDC, 100, 1),),
        swaps=(PlannedSwap(POOL, USDC, WETH, 105, 1), PlannedSwap(POOL, WETH, USDC, None, 106)),
        guards=((USDC, 6),),
        expires=9,
        cost_cap=50,
    )


@pytest.fixture
def filled() -> Outcome:
    """The flow gained 8 USDC after the loan's fee and left 2 WETH, at a cost of 40."""
    return Outcome(OutcomeStatus.FILLED, 8, "0x08", changes=((USDC, 8), (WETH, 2)), cost=40, proof="0xabc")
