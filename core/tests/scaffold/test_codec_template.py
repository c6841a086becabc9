"""The template of a codec."""

from collections.abc import Callable
from typing import Any


def test_codec_template_is_green_at_once(make_and_test: Callable[[str], Any]) -> None:
    """A codec of a family of its own keeps every rule of its kind before its first edit."""
    made = make_and_test("codec")

    assert 0 == made.ran, made.told
    assert "conformance codec acme: 23 of 23 rules hold\n" in made.told
