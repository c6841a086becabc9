"""Every block of every how-to runs as it stands, in an empty folder, in order."""

from pathlib import Path

import pytest

from tests.docs.pages import HOW_TOS, follow


@pytest.mark.parametrize("page", HOW_TOS)
def test_how_to_does_what_it_says(page: str, tmp_path: Path) -> None:
    """A reader who types what the page shows sees what the page shows."""
    follow(page, tmp_path)
