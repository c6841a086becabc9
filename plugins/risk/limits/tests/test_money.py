"""Limits on money: per trade, borrowed, per asset, in flight, cost, and what must be left."""

from typing import Any

import pytest
from attrs import evolve

from tidemill import AssetAmount, Bps
from tidemill.domain.answers import Rejected
from tidemill.domain.decision import Allowance
from tidemill.domain.ids import MAIN_BOOK, MarketId, OpportunityId, PlanId
from tidemill.domain.opportunity import Signal
from tidemill.domain.plan import Group, Orders
from tidemill_risk_limits import Limits, LimitsSettings, tidemill_register_risks
from tidemill_testing.market import ETHER, SIM, pair_pool, token

WETH, USDC, LOST = token("WETH"), token("USDC"), token("LOST")
E18, E6 = 10**18, 10**6
UNLIMITED = 1 << 256
CHEAP = pair_pool("cheap", {WETH: 1_000 * E18, USDC: 2_000_000 * E6})
DEAR = pair_pool("dear", {WETH: 1_000 * E18, USDC: 1_900_000 * E6}, dex="sushiswap")


def rejection(found: object) -> tuple[str, str]:
    assert isinstance(found, Rejected)
    return found.rule, found.reason


def test_plugin_registers_the_check() -> None:
    """The entry point's hook gives the class under its name."""
    assert ["limits"] == [check.name for check in tidemill_register_risks()]


def test_defaults_allow_all_that_is_free(make_market: Any, make_idea: Any, make_book: Any, make_flow: Any) -> None:
    """Without settings only staleness and impact are looked at: all free money, any loan, all native coin for cost."""
    limits = Limits()

    assert Allowance(WETH, 100 * E18, UNLIMITED, E18) == limits.allow(make_idea(), make_book(), make_market())
    assert limits.check(make_flow(), make_book(), make_market()) is None


def test_allow_max_trade_caps_own_and_borrowed_by_value(make_market: Any, make_idea: Any, make_book: Any, usdc: Any) -> None:
    """2,000 USDC are one WETH at the pools' price, give or take the pools' spread."""
    allowance = Limits(LimitsSettings(max_trade=usdc(2_000))).allow(make_idea(), make_book(), make_market())

    assert isinstance(allowance, Allowance)
    assert allowance.own == allowance.borrowed
    assert E18 <= allowance.own <= E18 * 106 // 100


def test_allow_max_borrow_caps_loans_alone(make_market: Any, make_idea: Any, make_book: Any) -> None:
    """Own money is not touched by it; zero forbids loans."""
    half = Limits(LimitsSettings(max_borrow=AssetAmount(WETH, E18 // 2)))
    none = Limits(LimitsSettings(max_borrow=AssetAmount(WETH, 0)))

    assert Allowance(WETH, 100 * E18, E18 // 2, E18) == half.allow(make_idea(), make_book(), make_market())
    assert Allowance(WETH, 100 * E18, 0, E18) == none.allow(make_idea(), make_book(), make_market())


def test_allow_max_asset_leaves_what_plans_in_flight_do_not_use(
    make_market: Any, make_idea: Any, make_book: Any, make_open: Any, usdc: Any
) -> None:
    """Per asset: what plans in flight reserve is taken off; other assets' limits do not matter."""
    limits = Limits(LimitsSettings(max_asset=(usdc(1), AssetAmount(WETH, 10 * E18))))
    book = make_book(make_open("a", (WETH, 3 * E18)), make_open("b", (WETH, E18), (USDC, E6)))
    allowance = limits.allow(make_idea(), book, make_market())

    assert isinstance(allowance, Allowance)
    assert 6 * E18 == allowance.own


def test_allow_max_open_leaves_the_rest_by_value(make_market: Any, make_idea: Any, make_book: Any, make_open: Any) -> None:
    """Everything in flight counts, in the limit's asset, and nothing is left once it is used up."""
    limits = Limits(LimitsSettings(max_open=AssetAmount(WETH, 5 * E18), max_borrow=AssetAmount(WETH, 0)))
    some = limits.allow(make_idea(), make_book(make_open("a", (WETH, 2 * E18), (USDC, 1_900 * E6))), make_market())
    none = limits.allow(make_idea(), make_book(make_open("a", (WETH, 6 * E18))), make_market())

    assert isinstance(some, Allowance)
    assert 19 * E18 // 10 < some.own < 21 * E18 // 10
    assert ("max_open", f"max_open leaves none of {WETH}, and nothing may be borrowed") == rejection(none)


def test_allow_nothing_own_but_a_loan_is_allowed(make_market: Any, make_idea: Any, make_book: Any) -> None:
    """Without own money a loan may still serve; without either the rejection names what is lacking."""
    penniless = make_book(weth=0)
    allowance = Limits().allow(make_idea(), penniless, make_market())
    rejected = Limits(LimitsSettings(max_borrow=AssetAmount(WETH, 0))).allow(make_idea(), penniless, make_market())

    assert Allowance(WETH, 0, UNLIMITED, E18) == allowance
    assert "funds" == rejection(rejected)[0]


def test_allow_max_cost_caps_the_cost(make_market: Any, make_idea: Any, make_book: Any) -> None:
    """The native coin counts as its wrapped twin; never more than is free of it."""
    small = Limits(LimitsSettings(max_cost=AssetAmount(WETH, 10**15))).allow(make_idea(), make_book(), make_market())
    large = Limits(LimitsSettings(max_cost=AssetAmount(WETH, 9 * E18))).allow(make_idea(), make_book(), make_market())

    assert isinstance(small, Allowance)
    assert isinstance(large, Allowance)
    assert (10**15, E18) == (small.cost, large.cost)


def test_allow_a_signal_is_limited_in_what_pays_for_it(make_market: Any, make_book: Any) -> None:
    """The allowance of a signal is in its funding asset."""
    signal = Signal(OpportunityId("s"), "x", SIM, MarketId("venue/ETH-USD"), WETH, USDC, "buy", 1, 1, 101)
    allowance = Limits().allow(signal, make_book(), make_market())

    assert isinstance(allowance, Allowance)
    assert (USDC, 10_000 * E6) == (allowance.asset, allowance.own)


@pytest.mark.parametrize("rule", ["max_trade", "max_borrow", "max_open", "max_cost"])
def test_limit_in_an_asset_without_price_rejects(rule: str, make_market: Any, make_idea: Any, make_book: Any, make_flow: Any) -> None:
    """What cannot be compared with its limit is rejected, with both assets named."""
    stated: dict[str, Any] = {rule: AssetAmount(LOST, E18)}
    limits = Limits(LimitsSettings(**stated))

    for found in (
        limits.allow(make_idea(), make_book(), make_market()),
        limits.check(make_flow(cost=1, loan=rule == "max_borrow"), make_book(), make_market()),
    ):
        assert rule == rejection(found)[0]
        assert LOST in rejection(found)[1]


def test_max_open_over_an_asset_without_price_rejects(
    make_market: Any, make_idea: Any, make_book: Any, make_open: Any, make_flow: Any
) -> None:
    """A plan in flight that cannot be valued leaves the limit unknown."""
    limits = Limits(LimitsSettings(max_open=AssetAmount(WETH, E18)))
    book = make_book(make_open("a", (LOST, 1)))

    assert "max_open" == rejection(limits.allow(make_idea(), book, make_market()))[0]
    assert "max_open" == rejection(limits.check(make_flow(), book, make_market()))[0]


def test_max_open_plans_counts_plans_in_flight(make_market: Any, make_idea: Any, make_book: Any, make_open: Any, make_flow: Any) -> None:
    """With as many plans in flight as allowed nothing more is."""
    limits = Limits(LimitsSettings(max_open_plans=1))
    book = make_book(make_open("a"))

    assert isinstance(limits.allow(make_idea(), make_book(), make_market()), Allowance)
    assert ("max_open_plans", "1 plans are in flight, max_open_plans is 1") == rejection(limits.allow(make_idea(), book, make_market()))
    assert "max_open_plans" == rejection(limits.check(make_flow(), book, make_market()))[0]


def test_check_max_trade_says_both_amounts_in_words(make_market: Any, make_book: Any, make_flow: Any) -> None:
    """The rejection names the rule, both figures for machines and both amounts for people."""
    limits = Limits(LimitsSettings(max_trade=AssetAmount(WETH, E18)))
    found = limits.check(make_flow(3 * E18 // 2), make_book(), make_market())

    assert (
        Rejected(
            "max_trade",
            "the trade puts in 1.50 WETH, max_trade is 1.00 WETH",
            (("found", 3 * E18 // 2), ("limit", E18)),
        )
        == found
    )
    assert limits.check(make_flow(E18), make_book(), make_market()) is None


def test_check_loans_count_as_put_in_and_as_borrowed(make_market: Any, make_book: Any, make_flow: Any) -> None:
    """A flash loan is limited by ``max_trade`` and by ``max_borrow``, not by limits on own money in flight."""
    borrowed = make_flow(2 * E18, loan=True)
    for settings, rule in (
        (LimitsSettings(max_trade=AssetAmount(WETH, E18)), "max_trade"),
        (LimitsSettings(max_borrow=AssetAmount(WETH, E18)), "max_borrow"),
    ):
        assert rule == rejection(Limits(settings).check(borrowed, make_book(), make_market()))[0]
    roomy = LimitsSettings(max_open=AssetAmount(WETH, E18), max_asset=(AssetAmount(WETH, E18),))

    assert Limits(roomy).check(borrowed, make_book(), make_market()) is None


def test_check_allowed_by_value_passes_by_value(make_market: Any, make_idea: Any, make_book: Any, make_flow: Any, usdc: Any) -> None:
    """What ``allow`` gives, ``check`` accepts to the last unit, whatever the roundings between two assets."""
    for whole in (1, 3, 1_777, 2_000):
        limits = Limits(LimitsSettings(max_trade=usdc(whole), max_open=usdc(whole)))
        allowance = limits.allow(make_idea(), make_book(), make_market())
        assert isinstance(allowance, Allowance)
        assert limits.check(make_flow(allowance.own), make_book(), make_market()) is None
        assert (
            "max_trade"
            == rejection(limits.check(make_flow(allowance.own + 10**12 + allowance.own // 10**5), make_book(), make_market()))[0]
        )


def test_check_max_asset_counts_what_is_in_flight(make_market: Any, make_book: Any, make_open: Any, make_flow: Any) -> None:
    """The plan and those in flight together stay within the asset's limit."""
    limits = Limits(LimitsSettings(max_asset=(AssetAmount(USDC, 1), AssetAmount(WETH, 2 * E18))))

    assert limits.check(make_flow(E18), make_book(make_open("a", (WETH, E18))), make_market()) is None
    assert "max_asset" == rejection(limits.check(make_flow(E18), make_book(make_open("a", (WETH, E18 + 1))), make_market()))[0]


def test_check_max_open_counts_what_is_in_flight(make_market: Any, make_book: Any, make_open: Any, make_flow: Any) -> None:
    """Over all assets, by value."""
    limits = Limits(LimitsSettings(max_open=AssetAmount(WETH, 2 * E18)))

    assert limits.check(make_flow(E18), make_book(make_open("a", (WETH, E18))), make_market()) is None
    assert "max_open" == rejection(limits.check(make_flow(E18), make_book(make_open("a", (WETH, E18), (USDC, 1))), make_market()))[0]


def test_check_max_cost_is_compared_with_the_cost_cap(make_market: Any, make_book: Any, make_flow: Any) -> None:
    """The finished plan's own cost counts, native as wrapped."""
    limits = Limits(LimitsSettings(max_cost=AssetAmount(WETH, 10**15)))

    assert limits.check(make_flow(cost=10**15), make_book(), make_market()) is None
    assert "max_cost" == rejection(limits.check(make_flow(cost=10**15 + 1), make_book(), make_market()))[0]


def test_check_min_net_profit_is_after_cost(make_market: Any, make_book: Any, make_flow: Any) -> None:
    """What the replayed plan leaves, less its cost, must reach the minimum, to the unit."""
    gain = 1_000_000_000_000_000_000
    profit = Limits(LimitsSettings(min_net_profit=AssetAmount(WETH, gain))).check(make_flow(E18), make_book(), make_market())
    assert isinstance(profit, Rejected)
    net = dict(profit.numbers)["found"]

    assert 0 < net < E18
    exact = Limits(LimitsSettings(min_net_profit=AssetAmount(WETH, net - 7)))
    assert exact.check(make_flow(E18, cost=7), make_book(), make_market()) is None
    assert "min_net_profit" == rejection(exact.check(make_flow(E18, cost=8), make_book(), make_market()))[0]


def test_check_min_net_profit_cost_without_price_rejects(make_market: Any, make_book: Any, make_flow: Any) -> None:
    """A loss that cannot be valued rejects; a gain that cannot counts nothing."""
    limits = Limits(LimitsSettings(min_net_profit=AssetAmount(LOST, 1)))
    found = limits.check(make_flow(E18, cost=5), make_book(), make_market())
    free = limits.check(make_flow(E18), make_book(), make_market())

    assert "a loss of 5" in rejection(found)[1]
    assert isinstance(free, Rejected)
    assert 0 == dict(free.numbers)["found"]


def test_check_plan_that_does_not_hold_is_rejected_for_that(make_market: Any, make_book: Any, make_flow: Any) -> None:
    """A flow that breaks when it is replayed is not looked at further."""
    assert "balance" == rejection(Limits().check(make_flow(E18, funds=((WETH, E18 - 1),)), make_book(), make_market()))[0]


def test_check_impact_of_a_swap_is_limited(make_market: Any, make_book: Any, make_flow: Any) -> None:
    """A swap that moves its pool's price too far is rejected, with the pool and both figures."""
    tight = Limits(LimitsSettings(max_impact_bps=Bps(5)))
    found = tight.check(make_flow(E18), make_book(), make_market())

    assert "max_impact_bps" == rejection(found)[0]
    assert isinstance(found, Rejected)
    assert [("found", 9), ("limit", 5)] == list(found.numbers)
    assert Limits(LimitsSettings(max_impact_bps=Bps(10))).check(make_flow(E18), make_book(), make_market()) is None


def test_check_orders_and_groups_sum_their_money(make_market: Any, make_book: Any, make_flow: Any, usdc: Any) -> None:
    """An order's funds count, and a group's legs count together."""
    order = Orders(PlanId("o"), OpportunityId("o"), "x", MAIN_BOOK, SIM, "venue", MarketId("venue/m"), "buy", 1, None, ((USDC, 600 * E6),))
    group = Group(PlanId("g"), OpportunityId("o"), "x", MAIN_BOOK, SIM, (order, order), "sell_back", 0)
    mixed = Group(PlanId("g"), OpportunityId("o"), "x", MAIN_BOOK, SIM, (order, make_flow(E18)), "sell_back", 0)
    limits = Limits(LimitsSettings(max_trade=usdc(1_000)))

    assert limits.check(order, make_book(), make_market()) is None
    assert [("found", 1_200 * E6), ("limit", 1_000 * E6)] == list(limits.check(group, make_book(), make_market()).numbers)  # type: ignore[union-attr]
    assert "max_impact_bps" == rejection(Limits(LimitsSettings(max_impact_bps=Bps(5))).check(mixed, make_book(), make_market()))[0]


def test_check_group_is_judged_by_what_its_legs_leave_together(make_market: Any, make_book: Any, make_flow: Any) -> None:
    """A leg alone gains nothing: profit and cost count over all legs, each on the pools as the one before leaves them."""
    whole = make_flow(E18, cost=5)
    buy, sell = whole.swaps
    out = CHEAP.amount_out(WETH, USDC, E18, make_market().at(SIM))
    first = evolve(whole, id=PlanId("1"), swaps=(buy,), guards=())
    second = evolve(whole, id=PlanId("2"), swaps=(evolve(sell, amount_in=out),), funds=((USDC, out),), guards=())
    group = Group(PlanId("g"), OpportunityId("o"), "x", MAIN_BOOK, SIM, (first, second), "sell_back", 0)
    gain = DEAR.amount_out(USDC, WETH, out, make_market().at(SIM)) - E18 - 10
    enough = Limits(LimitsSettings(min_net_profit=AssetAmount(WETH, gain)))
    short = Limits(LimitsSettings(min_net_profit=AssetAmount(WETH, gain + 1)))
    again = evolve(group, plans=(first, evolve(first, id=PlanId("3"), swaps=(evolve(buy, min_out=out),))))

    assert enough.check(group, make_book(), make_market()) is None
    assert ("min_net_profit", (("found", gain), ("limit", gain + 1))) == _told(short.check(group, make_book(), make_market()))
    assert "min_out" == rejection(Limits().check(again, make_book(), make_market()))[0]


def test_check_group_counts_its_legs_as_plans_in_flight(make_market: Any, make_book: Any, make_flow: Any, make_open: Any) -> None:
    """Two legs are two transactions."""
    limits = Limits(LimitsSettings(max_open_plans=2))
    pair = tuple(evolve(make_flow(E18), id=PlanId(name)) for name in ("1", "2"))
    group = Group(PlanId("g"), OpportunityId("o"), "x", MAIN_BOOK, SIM, pair, "sell_back", 0)

    assert limits.check(group, make_book(), make_market()) is None
    assert "max_open_plans" == rejection(limits.check(group, make_book(make_open("a")), make_market()))[0]


def _told(found: Rejected | None) -> tuple[str, tuple[tuple[str, int], ...]]:
    assert found is not None
    return found.rule, found.numbers


def test_amounts_of_unknown_assets_are_shown_in_base_units(make_market: Any, make_book: Any, make_flow: Any) -> None:
    """Without decimals an amount is written as it is, with the asset's id."""
    limits = Limits(LimitsSettings(max_cost=AssetAmount(ETHER, 1)))

    assert f"the chain takes 9 {ETHER}, max_cost is 1 {ETHER}" == rejection(limits.check(make_flow(cost=9), make_book(), make_market()))[1]
