"""Every rule of strategies is broken by a strategy that breaks just that, and by no other."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tidemill_testing.conformance import StrategyConformance
from tidemill_testing.conformance.rule import rules_of

WRONG = Path(__file__).with_name("wrong.py")
SIGNALS = Path(__file__).with_name("signals.py")
OWN = [method.rule.number for method in rules_of(StrategyConformance) if method.rule.number > "STR-09"]


@pytest.fixture(scope="module")
def ran(outcomes: Callable[..., Any]) -> Any:
    """The suites of all the wrong strategies, run once."""
    return outcomes(WRONG, str(SIGNALS), "--conformance-examples=6")


@pytest.mark.parametrize("number", OWN)
def test_rule_is_broken_by_the_strategy_that_breaks_it(ran: Any, number: str) -> None:
    """Just that rule goes red, and its message begins with its number."""
    names = [name for name in ran.by_class if name.startswith(f"Test{number.replace('-', '')}")]
    assert names
    for name in names:
        red = ran.red(name)
        assert [number] == sorted(red), (name, red)
        assert red[number].startswith(f"{number} ")


@pytest.mark.parametrize("name", ["TestSound", "TestSoundApart", "TestSoundWithSettings", "TestSignals", "TestMoody", "TestTalking"])
def test_sound_strategy_breaks_no_rule(ran: Any, name: str) -> None:
    """Finders of gaps, with settings, with legs apart, of signals, one openly not deterministic, one that logs: they keep every rule."""
    assert {} == ran.red(name)


def test_message_of_a_clock_names_call_and_line(ran: Any) -> None:
    """The author is told which call left the computation, and where it stands."""
    assert "perf_counter (clock) at " in ran.red("TestSTR10Clock")["STR-10"]
    assert "wrong.py:" in ran.red("TestSTR10Clock")["STR-10"]
