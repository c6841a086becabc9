"""The template of a strategy."""

from collections.abc import Callable
from typing import Any


def test_strategy_template_is_green_at_once(make_and_test: Callable[[str], Any]) -> None:
    """A strategy keeps every rule of its kind, and trades on the simulated market, before its first edit."""
    made = make_and_test("strategy")

    assert 0 == made.ran, made.told
    assert "conformance strategy acme: 21 of 21 rules hold" in made.told
