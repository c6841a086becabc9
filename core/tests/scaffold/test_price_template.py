"""The template of a price source."""

from collections.abc import Callable
from typing import Any


def test_price_template_is_green_at_once(make_and_test: Callable[[str], Any]) -> None:
    """A source that reads a WebSocket keeps every rule of its kind before its first edit."""
    made = make_and_test("price")

    assert 0 == made.ran, made.told
    assert "conformance price acme: 24 of 24 rules hold" in made.told
