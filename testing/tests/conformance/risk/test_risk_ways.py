"""Rules of risk checks that can be broken in more than one way: each way is told in its own words."""

from types import ModuleType
from typing import Any

import pytest

from tidemill_testing.conformance.risk.case import WETH, everyday
from tidemill_testing.conformance.rule import Broken

WELL_FORMED = "test_allowance_is_well_formed"
ALLOWED, DOOR, COST = (
    "test_no_more_is_allowed_than_is_free",
    "test_what_it_does_not_allow_it_stops_at_the_door",
    "test_cost_that_it_does_not_allow_it_stops_at_the_door",
)


def first_part(self: Any, plan: Any) -> Any:
    return getattr(plan, "plans", (plan,))[:1]


def flows_alone(self: Any, plan: Any) -> Any:
    return tuple(part for part in getattr(plan, "plans", (plan,)) if hasattr(part, "swaps"))


def largest(self: Any, amounts: Any) -> Any:
    total: dict[str, int] = {}
    for asset, amount in (one for some in amounts for one in some):
        total[asset] = max(total.get(asset, 0), amount)
    return tuple(total.items())


def balance_share(self: Any, book: Any, asset: Any, snapshot: Any) -> int:
    return int(book.balances.get(asset, 0)) // 10


def float_share(self: Any, book: Any, asset: Any, snapshot: Any) -> int:
    return int(book.free(asset) * 0.1)


@pytest.mark.parametrize(
    ("changed", "rule", "expected"),
    [
        ({"share": float_share}, WELL_FORMED, "all are multiples of 1099511627776, as floats are"),
        ({"share": balance_share}, ALLOWED, " own is allowed, 0 is free"),
        ({"cost": lambda self, free: 10**30}, ALLOWED, f"a cost of {10**30} sim:1/slip44:60 is allowed, "),
        ({"funds": lambda self, part: part.funds[:1]}, DOOR, "and more after a fund of another asset passes: Flow("),
        ({"parts": first_part}, DOOR, "and more in the second of two flows passes: Group("),
        ({"parts": flows_alone}, DOOR, "and more in a flow and an order together passes: Group("),
        ({"together": largest}, DOOR, "and more in two flows together passes: Group("),
        ({"loans": lambda self, part: ()}, DOOR, " borrowed is allowed, and more in a loan passes: Flow("),
        (
            {"loans": lambda self, part: tuple((one.asset, one.amount) for one in getattr(part, "loans", ())[:1])},
            DOOR,
            "and more in two loans together passes: Flow(",
        ),
        ({"check_cost": lambda self, found, free: None}, COST, "is allowed, and more of a flow passes: Flow("),
        ({"cost_of": lambda self, parts: parts[0].cost_cap}, COST, "and more of the second of two flows passes: Group("),
        ({"cost_of": lambda self, parts: max(part.cost_cap for part in parts)}, COST, "and more of two flows together passes: Group("),
    ],
)
def test_check_broken_another_way_is_told(wrong: ModuleType, changed: dict[str, Any], rule: str, expected: str) -> None:
    """What is not added up, or not looked at, stands in the message with the plan that shows it."""
    check = type("Wrong", (wrong.Half,), changed)
    case: Any = type("TestWrong", (wrong.TestHalf,), {"plugin": check})()
    with pytest.raises(Broken) as broken:
        getattr(case, rule)(everyday())

    assert expected in str(broken.value)


@pytest.mark.parametrize(
    "changed",
    [
        {"lent": lambda self, own: 1 << 200, "loans": lambda self, part: ()},
        {"share": lambda self, book, asset, snapshot: book.free(asset), "lent": lambda self, own: 1 << 200, "parts": first_part},
    ],
)
def test_figure_that_bounds_nothing_need_not_be_stopped(wrong: ModuleType, changed: dict[str, Any]) -> None:
    """Borrowed money without a limit, and groups where all that is free is allowed."""
    check = type("Wrong", (wrong.Half,), changed)
    case: Any = type("TestOther", (wrong.TestHalf,), {"plugin": check})()

    getattr(case, DOOR)(tuple(one for one in everyday() if one.book.free(WETH)))
