"""The template of a searcher."""

from collections.abc import Callable
from typing import Any


def test_search_template_is_green_at_once(make_and_test: Callable[[str], Any]) -> None:
    """A depth-first searcher keeps every rule of its kind, held against brute force, before its first edit."""
    made = make_and_test("search")

    assert 0 == made.ran, made.told
    assert "conformance search acme: 29 of 29 rules hold, 2 not declared (SCH-29, SCH-32)" in made.told
