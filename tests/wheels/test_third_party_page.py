"""The page on other people's packages does what it says, and so do the links of all its pages."""

from pathlib import Path

from tests.bare import ROOT
from tests.docs.blocks import blocks_of
from tests.docs.folder import Folder
from tests.docs.links import dead_links
from tests.wheels.third_party import EXAMPLES, FOLDER, WRONG, copied


def test_page_does_what_it_says(tmp_path: Path) -> None:
    """A reader who types what the page shows, in that folder, sees what the page shows."""
    folder = Folder(tmp_path)
    for example in EXAMPLES:
        copied(example, folder.path)
    try:
        folder.follow(blocks_of((FOLDER / "README.md").read_text("utf-8")))
    finally:
        folder.close()


def test_no_link_is_dead() -> None:
    """What the pages link to is there."""
    assert [] == dead_links([FOLDER / "README.md", *(FOLDER / example.folder / "README.md" for example in EXAMPLES)], ROOT)


def test_page_names_every_package() -> None:
    """A reader finds each folder in the page's table."""
    page = (FOLDER / "README.md").read_text("utf-8")

    assert [] == [example.folder for example in EXAMPLES if f"[{example.folder}]({example.folder}/README.md)" not in page]


def test_page_shows_every_rule_that_the_wrong_one_breaks() -> None:
    """The report for people, which the page's blocks compare, is exact: number, title, and how many they are."""
    page = (FOLDER / "README.md").read_text("utf-8")

    assert [] == [rule for rule in WRONG.red if f"  {rule}: " not in page]
    assert f"red: {len(WRONG.red)} rules\n" in page
