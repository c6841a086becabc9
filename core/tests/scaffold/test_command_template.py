"""The template of a command."""

from collections.abc import Callable
from typing import Any


def test_command_template_is_green_at_once(make_and_test: Callable[[str], Any]) -> None:
    """A command that reads a ledger keeps every rule of its kind before its first edit."""
    made = make_and_test("command")

    assert 0 == made.ran, made.told
    assert "conformance command acme: 13 of 13 rules hold\n" in made.told
