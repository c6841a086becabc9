"""Which opportunity is served first, and which is worth its cost."""

from collections.abc import Callable

import pytest
from attrs import evolve

from tidemill.domain.asset import AssetAmount
from tidemill.domain.decision import Sized
from tidemill.domain.ids import MarketId, OpportunityId
from tidemill.domain.opportunity import Arbitrage, Signal
from tidemill.planning.rank import below_minimum, net_profit, rank_key
from tidemill_testing.desk import FlatRules, desk_of
from tidemill_testing.market import SIM, pair_pool, snapshot_of, token

A, B, LOST = token("A"), token("B"), token("LOST")
POOLS = [pair_pool("one", {A: 10**21, B: 2 * 10**21}), pair_pool("two", {A: 10**21, B: 2 * 10**21})]
VIEW = snapshot_of(POOLS, wrapped=A)
MakeRoute = Callable[..., Arbitrage]


def signal(profit: int) -> Signal:
    return Signal(OpportunityId("s"), "x", SIM, MarketId("venue/m"), A, B, "buy", 1, profit, 101)


def test_net_profit_is_gain_less_cost_in_the_base(make_route: MakeRoute) -> None:
    """Gain and chain cost are valued in the base asset; the native coin counts as its wrapped twin."""
    route = make_route(POOLS, A, 10**18, 1_000_000)

    assert 1_000_000 - 2 * 70 == net_profit(route, A, FlatRules(cost_per_swap=70), VIEW)
    assert abs(2 * (1_000_000 - 2 * 70) - net_profit(route, B, FlatRules(cost_per_swap=70), VIEW)) < 1_000


def test_net_profit_without_a_price_counts_no_gain(make_route: MakeRoute) -> None:
    """A gain that cannot be valued counts nothing, its cost does; a cost that cannot be valued is left to the door."""
    lost = [pair_pool("x", {LOST: 10**9, token("M"): 10**9}), pair_pool("y", {LOST: 10**9, token("M"): 10**9})]
    view = snapshot_of([*POOLS, *lost], wrapped=A)

    assert -140 == net_profit(make_route(lost, LOST, 10, 5), A, FlatRules(cost_per_swap=70), view)
    assert 5 == net_profit(make_route(lost, LOST, 10, 5), LOST, FlatRules(cost_per_swap=70), view)


def test_net_profit_of_a_signal_is_in_its_funding_asset() -> None:
    """A signal's profit is in what pays for it; without pools it has no chain cost."""
    assert 500 == net_profit(signal(500), B, FlatRules(cost_per_swap=70), VIEW)


def test_rank_orders_by_weighted_profit_then_priority_then_id(make_route: MakeRoute) -> None:
    """Net profit times confidence first, then the higher priority, then the smaller id."""
    route = make_route(POOLS, A)
    sure, unsure = rank_key(route, 100, 0), rank_key(evolve(route, confidence_ppm=500_000), 150, 9)

    assert sure < unsure
    assert rank_key(route, 100, 1) < sure
    assert (-100, 0, route.id) == sure


@pytest.mark.parametrize(
    ("cost", "least_bps", "passes"), [(100, 50, True), (101, 50, False), (0, 70, True), (0, 71, False), (10**9, 0, True)]
)
def test_minimum_in_bps_is_after_cost_of_the_amount_in(cost: int, least_bps: int, passes: bool, make_route: MakeRoute) -> None:
    """70 bps before costs of 20 bps reach a minimum of 50 exactly; a minimum of 0 asks for nothing."""
    desk = desk_of(VIEW, rules=FlatRules(cost_per_swap=cost))
    found = below_minimum(make_route(POOLS, A), Sized(100_000, 700), desk, least_bps, None)

    assert passes is (found is None)
    assert found is None or "min_profit_bps" == found.rule


@pytest.mark.parametrize(
    ("profit", "cost", "text"), [(700, 346, "0.8 bps"), (700, 350, "0.0 bps"), (700, 353, "-0.6 bps"), (708, 0, "70.8 bps")]
)
def test_minimum_in_bps_tells_people_a_tenth(profit: int, cost: int, text: str, make_route: MakeRoute) -> None:
    """The reason says what would be left, to a tenth of a basis point, and what was asked for."""
    desk = desk_of(VIEW, rules=FlatRules(cost_per_swap=cost))
    found = below_minimum(make_route(POOLS, A), Sized(100_000, profit), desk, 90, None)

    assert found is not None
    assert f"profit {text} after gas is below min_profit_bps 90" == found.reason


def test_minimum_counts_the_loan_in_the_cost(make_route: MakeRoute) -> None:
    """With a lender the loan's own gas counts."""
    desk = desk_of(VIEW, rules=FlatRules(cost_per_loan=201))
    route = make_route(POOLS, A)

    assert below_minimum(route, Sized(100_000, 700), desk, 50, None) is None
    assert below_minimum(route, Sized(100_000, 700, "bank"), desk, 50, None) is not None


@pytest.mark.parametrize(("least", "passes"), [(500, True), (501, False)])
def test_minimum_amount_is_after_cost(least: int, passes: bool, make_route: MakeRoute) -> None:
    """What is left after the expected cost must reach the amount, to the unit."""
    desk = desk_of(VIEW, rules=FlatRules(cost_per_swap=100))
    found = below_minimum(make_route(POOLS, A), Sized(100_000, 700), desk, 0, AssetAmount(A, least))

    assert passes is (found is None)
    assert found is None or ("min_net_profit", (("net", 500), ("min_net_profit", 501))) == (found.rule, found.numbers)


def test_minimum_that_cannot_be_valued_is_not_reached(make_route: MakeRoute) -> None:
    """Where cost or gain has no price in the minimum's asset, nothing reaches it."""
    lost = [pair_pool("x", {LOST: 10**9, token("M"): 10**9}), pair_pool("y", {LOST: 10**9, token("M"): 10**9})]
    desk = desk_of(snapshot_of([*POOLS, *lost], wrapped=A), rules=FlatRules(cost_per_swap=1))
    by_bps = below_minimum(make_route(lost, LOST), Sized(100_000, 700), desk, 1, None)
    by_amount = below_minimum(make_route(POOLS, A), Sized(100_000, 700), desk, 0, AssetAmount(LOST, 1))

    assert by_bps is not None
    assert by_amount is not None
    assert ("min_profit_bps", "min_net_profit") == (by_bps.rule, by_amount.rule)
