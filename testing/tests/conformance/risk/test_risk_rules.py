"""Every rule of risk checks is broken by a check that breaks just that, and by no other."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tidemill_testing.conformance import RiskConformance
from tidemill_testing.conformance.rule import rules_of

WRONG = Path(__file__).with_name("wrong.py")
OWN = [method.rule.number for method in rules_of(RiskConformance) if method.rule.number > "RSK-09"]


@pytest.fixture(scope="module")
def ran(outcomes: Callable[..., Any]) -> Any:
    """The suites of all the wrong checks, run once."""
    return outcomes(WRONG, "--conformance-examples=6")


@pytest.mark.parametrize("number", OWN)
def test_rule_is_broken_by_the_check_that_breaks_it(ran: Any, number: str) -> None:
    """Just that rule goes red, and its message begins with its number."""
    (name,) = [name for name in ran.by_class if name.startswith(f"Test{number.replace('-', '')}")]
    red = ran.red(name)
    assert [number] == sorted(red), red
    assert red[number].startswith(f"{number} ")


@pytest.mark.parametrize("name", ["TestHalf", "TestHalfDeclaresNothing"])
def test_sound_check_breaks_no_rule(ran: Any, name: str) -> None:
    """The check that the wrong ones are made from keeps every rule."""
    assert {} == ran.red(name)
