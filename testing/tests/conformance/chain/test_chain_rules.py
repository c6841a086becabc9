"""Every rule of chains is broken by a chain that breaks just that, and by no other."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tidemill_testing.conformance import ChainConformance
from tidemill_testing.conformance.rule import rules_of

WRONG = Path(__file__).with_name("wrong.py")
OWN = [method.rule.number for method in rules_of(ChainConformance) if method.rule.number > "CHN-09"]


@pytest.fixture(scope="module")
def ran(outcomes: Callable[..., Any]) -> Any:
    """The suites of all the wrong chains, run once."""
    return outcomes(WRONG, "--conformance-examples=6")


@pytest.mark.parametrize("number", OWN)
def test_rule_is_broken_by_the_chain_that_breaks_it(ran: Any, number: str) -> None:
    """Just that rule goes red, and its message begins with its number."""
    (name,) = [name for name in ran.by_class if name.startswith(f"Test{number.replace('-', '')}")]
    red = ran.red(name)
    assert [number] == sorted(red)
    assert red[number].startswith(f"{number} ")


@pytest.mark.parametrize("name", ["TestSound", "TestSoundWithSlots"])
def test_sound_chain_breaks_no_rule(ran: Any, name: str) -> None:
    """The chain that the wrong ones are made from keeps every rule."""
    assert {} == ran.red(name)
