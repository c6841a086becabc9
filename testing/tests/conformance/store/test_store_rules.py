"""Every rule of stores is broken by a store that breaks just that, and by no other."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tidemill_testing.conformance import StoreConformance
from tidemill_testing.conformance.rule import rules_of

WRONG = Path(__file__).with_name("wrong.py")
OWN = {method.rule.number for method in rules_of(StoreConformance) if method.rule.number > "STO-09"}
SUITES = re.findall(r"^class (TestSTO\d\d\w*)\(", WRONG.read_text("utf-8"), re.MULTILINE)


@pytest.fixture(scope="module")
def ran(outcomes: Callable[..., Any]) -> Any:
    """The suites of all the wrong stores, run once."""
    return outcomes(WRONG, "--conformance-examples=4")


def rule_of_suite(name: str) -> str:
    """Return the rule that a test class names: TestXYZ10Something is about XYZ-10."""
    return f"STO-{name.removeprefix('TestSTO')[:2]}"


def test_every_rule_has_a_store_that_breaks_it() -> None:
    """No rule stands without an example that it catches."""
    assert OWN == {rule_of_suite(name) for name in SUITES}


@pytest.mark.parametrize("name", SUITES)
def test_rule_is_broken_by_the_store_that_breaks_it(ran: Any, name: str) -> None:
    """Just that rule goes red, and its message begins with its number."""
    red = ran.red(name)
    assert [rule_of_suite(name)] == sorted(red)
    assert red[rule_of_suite(name)].startswith(f"{rule_of_suite(name)} ")


def test_sound_store_breaks_no_rule(ran: Any) -> None:
    """The store that the wrong ones are made from keeps every rule that it declares."""
    assert {} == ran.red("TestSound")
    assert {"held", "not_declared"} >= {outcome for outcome, _ in ran["TestSound"].values()}
