"""Routes over pairs of constant product, and flows along them."""

from collections.abc import Callable, Sequence
from typing import Any

import pytest

from tidemill.domain.ids import MAIN_BOOK, AssetId, OpportunityId, PlanId
from tidemill.domain.opportunity import Arbitrage, Leg, arbitrage_id
from tidemill.domain.plan import Flow
from tidemill_testing.market import SIM, PairPool


def legs_of(pools: Sequence[PairPool], start: AssetId) -> tuple[Leg, ...]:
    """The route that enters the first pool with ``start`` and goes on with what each pays."""
    legs, held = [], start
    for pool in pools:
        other = pool.assets[1 - pool.assets.index(held)]
        legs.append(Leg(pool.id, held, other))
        held = other
    return tuple(legs)


def route_of(pools: Sequence[PairPool], start: AssetId, amount: int = 0, profit: int = 0) -> Arbitrage:
    """An arbitrage along those pools."""
    legs = legs_of(pools, start)
    return Arbitrage(arbitrage_id("test", 101, start, legs), "test", SIM, start, legs, amount, profit, 101)


def flow_of(**changes: Any) -> Flow:
    """A flow with nothing in it but what is given."""
    values: dict[str, Any] = {
        "id": PlanId("plan"),
        "opportunity": OpportunityId("idea"),
        "strategy": "test",
        "book": MAIN_BOOK,
        "chain": SIM,
        "basis": (),
        "funds": (),
        "loans": (),
        "swaps": (),
        "guards": (),
        "expires": 200,
        "cost_cap": 0,
    }
    return Flow(**(values | changes))


@pytest.fixture
def make_legs() -> Callable[..., tuple[Leg, ...]]:
    return legs_of


@pytest.fixture
def make_route() -> Callable[..., Arbitrage]:
    return route_of


@pytest.fixture
def make_flow() -> Callable[..., Flow]:
    return flow_of
