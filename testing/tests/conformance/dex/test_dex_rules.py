"""Every rule of DEXs is broken by one small DEX, and by that alone."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tidemill_testing.conformance import DexConformance
from tidemill_testing.conformance.rule import rules_of

HERE = Path(__file__).parent
NUMBERS = [method.rule.number for method in rules_of(DexConformance)]


@pytest.fixture(scope="module")
def of_dexes(outcomes: Callable[..., Any]) -> Any:
    return outcomes(HERE / "broken_dexes.py", "--conformance-examples=6")


@pytest.fixture(scope="module")
def of_pools(outcomes: Callable[..., Any]) -> Any:
    return outcomes(HERE / "broken_pools.py", "--conformance-examples=6")


@pytest.mark.parametrize("number", NUMBERS)
def test_rule_is_broken_by_the_one_dex_that_breaks_it(of_dexes: Any, of_pools: Any, number: str) -> None:
    """Exactly the rule of that number is red, and says so with number and title."""
    name = f"TestBreaks{number.removeprefix('DEX-')}"
    red = (of_dexes if name in of_dexes.by_class else of_pools).red(name)

    assert [number] == list(red)
    title = next(method.rule.title for method in rules_of(DexConformance) if method.rule.number == number)
    assert red[number].startswith(f"{number} {title}: ")


@pytest.mark.parametrize("name", ["TestSound", "TestSoundWhole"])
def test_sound_dex_keeps_every_rule(of_dexes: Any, name: str) -> None:
    """What is not broken is green, and nothing is left out but what is not declared."""
    assert {} == of_dexes.red(name)
    assert {"held", "not_declared"} >= {outcome for outcome, _ in of_dexes[name].values()}
    assert NUMBERS == list(of_dexes[name])
