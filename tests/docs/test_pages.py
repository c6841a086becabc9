"""Every block of the other pages runs as it stands, in an empty folder, in order; what does not run has a reason."""

import os
from pathlib import Path

import pytest

from scripts.docs.pages import pages
from tests.docs.blocks import blocks_of
from tests.docs.pages import NOT_RUN, OTHERS, PAGES, ROOT, follow, left_out


@pytest.mark.parametrize("page", OTHERS)
def test_page_does_what_it_says(page: str, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    """A reader who types what the page shows sees what the page shows."""
    compiled = "[strategies.compound]" in PAGES[page] and request.getfixturevalue("kept_kernels") is not None
    follow(page, tmp_path, os.environ["NUMBA_CACHE_DIR"] if compiled else None)


@pytest.mark.parametrize("page", sorted(PAGES))
def test_page_gives_a_reason_for_each_block_that_is_not_run(page: str) -> None:
    """A `console` block stands on the list of what cannot be run here."""
    unreasoned = [block.line for block in blocks_of(PAGES[page]) if block.how == "shown" and left_out(page, block) is None]

    assert [] == unreasoned


def test_reasons_are_for_blocks_that_exist() -> None:
    """The list of what is not run only shrinks: nothing on it is out of date."""
    found = {(page, block.text.splitlines()[0]) for page, text in PAGES.items() for block in blocks_of(text)}

    assert set() == set(NOT_RUN) - found


def test_made_pages_show_text_only() -> None:
    """Pages that are made from code hold no block but text, which `python -m scripts.docs --check` compares."""
    shown = {(ROOT / name).read_text("utf-8") for name in pages()}
    languages = {line for text in shown for line in text.splitlines() if line.startswith("```")}

    assert {"```", "```text"} == languages
