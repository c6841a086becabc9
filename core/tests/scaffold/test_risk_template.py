"""The template of a risk check."""

from collections.abc import Callable
from typing import Any


def test_risk_template_is_green_at_once(make_and_test: Callable[[str], Any]) -> None:
    """A bound on the share of the book keeps every rule of its kind before its first edit."""
    made = make_and_test("risk")

    assert 0 == made.ran, made.told
    assert "conformance risk acme: 18 of 18 rules hold, 1 not declared (RSK-23)" in made.told
