"""The template of a lender."""

from collections.abc import Callable
from typing import Any


def test_lender_template_is_green_at_once(make_and_test: Callable[[str], Any]) -> None:
    """A lender that reads a vault's balances keeps every rule of its kind before its first edit."""
    made = make_and_test("lender")

    assert 0 == made.ran, made.told
    assert "conformance lender acme: 20 of 20 rules hold\n" in made.told
