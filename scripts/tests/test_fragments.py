"""Each change tells its users, in a file that the changelog can read."""

from pathlib import Path

import pytest

from scripts.checks import fragments

TYPES, PACKAGES = {"added", "money"}, {"tidemill", "tidemill-amm"}
LINE = "`tidemill-amm`: quotes round down.\n"


@pytest.mark.parametrize(("name", "text"), [("+round.money.md", LINE), ("12.added.md", "`tidemill` runs.\n")])
def test_fragment_as_described_passes(name: str, text: str) -> None:
    """A name with slug or number, a known type and one line that begins with its package."""
    assert fragments.broken(name, text, TYPES, PACKAGES) is None


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("round.money.md", LINE),
        ("+round.feature.md", LINE),
        ("+round.money.txt", LINE),
        ("+round.money.md", ""),
        ("+round.money.md", LINE + LINE),
        ("+round.money.md", "Quotes round down.\n"),
        ("+round.money.md", "`amm`: quotes round down.\n"),
    ],
)
def test_fragment_that_the_changelog_cannot_use_is_found(name: str, text: str) -> None:
    """A wrong name, no line, two lines, no package or an unknown one is found."""
    assert fragments.broken(name, text, TYPES, PACKAGES) is not None


def test_folder_of_fragments_is_read_without_its_readme(tmp_path: Path) -> None:
    """The README of changes/ counts as looked at: an empty folder after a release is no lost subject."""
    root = Path(__file__).parents[2]
    (tmp_path / "pyproject.toml").write_text((root / "pyproject.toml").read_text("utf-8"), "utf-8")
    (tmp_path / "changes").mkdir()
    (tmp_path / "changes" / "README.md").write_text("# One file a change\n", "utf-8")
    assert fragments.check(tmp_path) == (1, [])

    (tmp_path / "changes" / "x.md").write_text(LINE, "utf-8")
    assert ["changes/x.md"] == [finding.place for finding in fragments.check(tmp_path).findings]
