"""The template of a notifier."""

from collections.abc import Callable
from typing import Any


def test_notifier_template_is_green_at_once(make_and_test: Callable[[str], Any]) -> None:
    """A notifier whose target can fail keeps every rule of its kind before its first edit."""
    made = make_and_test("notifier")

    assert 0 == made.ran, made.told
    assert "conformance notifier acme: 15 of 15 rules hold\n" in made.told
