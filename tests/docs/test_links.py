"""Every link leads somewhere, and every page can be found from the index."""

from pathlib import Path

import pytest

from tests.docs.links import anchors_of, dead_links, links_of, unreachable

ROOT = Path(__file__).parents[2]
DOCS = sorted((ROOT / "docs").rglob("*.md"))
READMES = [path for pattern in ("core", "testing", "libs/*", "plugins/*/*") for path in sorted(ROOT.glob(f"{pattern}/README.md"))]
PAGES = [ROOT / "README.md", ROOT / "CHANGELOG.md", ROOT / "CONTRIBUTING.md", *DOCS, *READMES]


def test_links_of_every_page_are_alive() -> None:
    """Files, folders and headings that pages link to exist."""
    assert [] == dead_links(PAGES, ROOT)


def test_pages_of_docs_are_all_found_from_the_index() -> None:
    """Whoever begins at docs/README.md can come to every page."""
    assert [] == [path.relative_to(ROOT).as_posix() for path in unreachable(ROOT / "docs" / "README.md", DOCS)]


def test_index_is_linked_from_the_readme() -> None:
    """The first page leads to the others."""
    assert "docs/README.md" in set(links_of((ROOT / "README.md").read_text("utf-8")))


def test_design_records_are_all_listed() -> None:
    """The list of design records leaves none out."""
    folder = ROOT / "docs" / "adr"
    listed = set(links_of((folder / "README.md").read_text("utf-8")))

    assert {path.name for path in folder.glob("[0-9]*.md")} == listed


@pytest.mark.parametrize(
    ("text", "dead"),
    [
        ("[a](other.md)", []),
        ("[a](other.md#a-b)", []),
        ("[`a`](other.md#twice-1)", []),
        ("[a](https://example.org)", []),
        ("`[a](gone.md)`", []),
        ("[a](gone.md)", ["page.md: gone.md"]),
        ("[a](other.md#gone)", ["page.md: other.md#gone"]),
        ("[a](#gone)", ["page.md: #gone"]),
        ("[a](../outside.md)", ["page.md: ../outside.md"]),
    ],
)
def test_dead_links_finds_files_and_headings_that_are_gone(text: str, dead: list[str], tmp_path: Path) -> None:
    """A link to nothing, to a heading that is none, or out of the tree is dead."""
    root = tmp_path / "root"
    root.mkdir()
    (tmp_path / "outside.md").touch()
    (root / "other.md").write_text("# A `b`\n\n## Twice\n\n## Twice\n", "utf-8")
    (root / "page.md").write_text(text, "utf-8")

    assert dead == dead_links([root / "page.md"], root)


def test_unreachable_names_pages_that_nothing_leads_to(tmp_path: Path) -> None:
    """A page that only links away is not found."""
    for name, text in {"a": "[b](b.md)", "b": "[a](a.md)", "c": "[a](a.md)"}.items():
        (tmp_path / f"{name}.md").write_text(text, "utf-8")

    assert [(tmp_path / "c.md").resolve()] == unreachable(tmp_path / "a.md", sorted(tmp_path.glob("*.md")))


def test_anchors_are_those_of_the_web_view() -> None:
    """Lower case, without punctuation, dashes for spaces."""
    assert {"tidemill_register_dexes", "dexbuild_steps", "dexuniswap"} == anchors_of(
        "## `tidemill_register_dexes`\n\n### `Dex.build_steps`\n\n### `[dex.uniswap]`\n"
    )
