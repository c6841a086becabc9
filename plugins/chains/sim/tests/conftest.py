"""Shared by the tests of the simulated chain: a small market, and calls for it."""

from collections.abc import Callable, Sequence
from typing import Any

import pytest

from tidemill.domain.ids import AssetId, BookId, OpportunityId, PlanId
from tidemill.domain.plan import Flow, Loan, PlannedSwap
from tidemill.domain.transaction import Unsigned
from tidemill.hookspecs.chain import Step
from tidemill_chain_sim.engine import Engine
from tidemill_chain_sim.market import Market, make_market
from tidemill_chain_sim.settings import SimSettings
from tidemill_evm.executor import encode_flow
from tidemill_evm.gas import call_gas, gas_limit
from tidemill_simworld import CHAIN
from tidemill_simworld.envelope import encode_call

MakeEngine = Callable[..., Engine]
MakeCall = Callable[..., Unsigned]
MakeFlow = Callable[..., Flow]


@pytest.fixture(scope="session")
def small() -> SimSettings:
    """A market of 12 tokens and 60 pools."""
    return SimSettings(tokens=12, pools=60, warmup_blocks=5)


@pytest.fixture(scope="session")
def market(small: SimSettings) -> Market:
    """The small market laid out from seed 1."""
    return make_market(1, small)


@pytest.fixture
def make_engine() -> MakeEngine:
    """Make a small chain from a seed and settings that differ from the small ones."""

    def make(seed: int = 1, **changed: Any) -> Engine:
        return Engine(make_market(seed, SimSettings(**{"tokens": 12, "pools": 60, "warmup_blocks": 5, **changed})))

    return make


@pytest.fixture
def make_call() -> MakeCall:
    """Make a composed plan from steps of the executor."""

    def make(
        steps: Sequence[Step],
        *,
        funds: Sequence[tuple[str, int]] = (),
        guards: Sequence[tuple[str, int]] = (),
        expires: int = 10**6,
        max_fee: int = 10**12,
    ) -> Unsigned:
        program = encode_flow(steps, guards, expires)
        return Unsigned(PlanId("p"), CHAIN, encode_call(funds, program, max_fee), gas_limit(program), expires, compute=call_gas(program))

    return make


@pytest.fixture
def make_flow() -> MakeFlow:
    """Make a flow from its parts."""

    def make(
        swaps: Sequence[PlannedSwap],
        *,
        funds: Sequence[tuple[AssetId, int]] = (),
        loans: Sequence[Loan] = (),
        guards: Sequence[tuple[AssetId, int]] = (),
        expires: int = 10**6,
        cost_cap: int = 0,
    ) -> Flow:
        return Flow(
            id=PlanId("p"),
            opportunity=OpportunityId("o"),
            strategy="s",
            book=BookId("main"),
            chain=CHAIN,
            basis=(),
            funds=tuple(funds),
            loans=tuple(loans),
            swaps=tuple(swaps),
            guards=tuple(guards),
            expires=expires,
            cost_cap=cost_cap,
        )

    return make
