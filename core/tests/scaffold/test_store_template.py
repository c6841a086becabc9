"""The template of a store."""

from collections.abc import Callable
from typing import Any


def test_store_template_is_green_at_once(make_and_test: Callable[[str], Any]) -> None:
    """A store that notices what was altered keeps every rule of its kind before its first edit."""
    made = make_and_test("store")

    assert 0 == made.ran, made.told
    assert "conformance store acme: 31 of 31 rules hold\n" in made.told
