"""The template of a DEX."""

from collections.abc import Callable
from typing import Any


def test_dex_template_is_green_at_once(make_and_test: Callable[[str], Any]) -> None:
    """An exact constant-product pool keeps every rule of its kind, and trades, before its first edit."""
    made = make_and_test("dex")

    assert 0 == made.ran, made.told
    assert "conformance dex acme: 41 of 41 rules hold, 1 not declared (DEX-20)" in made.told
