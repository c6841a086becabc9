"""The template of a chain."""

from collections.abc import Callable
from typing import Any


def test_chain_template_is_green_at_once(make_and_test: Callable[[str], Any]) -> None:
    """A chain of its own family keeps every rule of its kind before its first edit."""
    made = make_and_test("chain")

    assert 0 == made.ran, made.told
    assert "conformance chain acme: 29 of 29 rules hold" in made.told
