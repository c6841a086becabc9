"""No member is missing from a list, and each plugin has one name in four spellings."""

import tomllib
from pathlib import Path
from typing import Any

import pytest

from scripts.checks import members, spellings

ROOT = Path(__file__).parents[2]
GOOD: dict[str, Any] = {
    "name": "tidemill-dex-orca",
    "description": "Whirlpools of Orca on Solana",
    "entry-points": {"tidemill.dex.v1": {"orca": "tidemill_dex_orca"}},
}


def _workspace() -> tuple[dict[str, Any], dict[str, dict[str, Any]]]:
    top = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    paths = [path for pattern in top["tool"]["uv"]["workspace"]["members"] for path in ROOT.glob(pattern)]
    return top, {
        path.relative_to(ROOT).as_posix(): tomllib.loads((path / "pyproject.toml").read_text("utf-8"))["project"] for path in paths
    }


def test_lists_of_this_workspace_agree() -> None:
    """Every list names every member and nothing else."""
    assert list(members.differences(*_workspace())) == []


def test_new_plugin_is_missing_from_each_list() -> None:
    """A plugin that only has its folder is missed in all eight lists."""
    top, projects = _workspace()

    found = list(members.differences(top, {**projects, "plugins/dex/orca": GOOD}))

    assert len(found) == 8
    assert all("orca is missing" in f.rule or "orca/src" in f.rule or "orca/tests" in f.rule for f in found)


def test_member_that_went_is_found_in_each_list() -> None:
    """A name that stands for no member any more is found."""
    top, projects = _workspace()
    del projects["plugins/dex/uniswap"]

    assert {"pyproject.toml, tool.uv.sources"} <= {f.place for f in members.differences(top, projects)}


def test_member_without_its_parts_is_found(tmp_path: Path) -> None:
    """Each member has a README, tests, a module and its type marker."""
    (tmp_path / "pyproject.toml").write_text((ROOT / "pyproject.toml").read_text("utf-8"), "utf-8")
    (tmp_path / "core").mkdir()
    (tmp_path / "core" / "pyproject.toml").write_text((ROOT / "core" / "pyproject.toml").read_text("utf-8"), "utf-8")

    places = {finding.place for finding in members.check(tmp_path).findings}

    assert {"core/README.md", "core/tests", "core/src/tidemill/py.typed"} <= places


def test_four_spellings_that_agree_pass() -> None:
    """Folder, distribution, module and entry point of one name pass."""
    assert list(spellings.spellings("plugins/dex/orca", GOOD)) == []


@pytest.mark.parametrize(
    ("folder", "change"),
    [
        ("plugins/dexes/orca", {}),
        ("plugins/dex/whale", {}),
        ("plugins/dex/orca", {"name": "orca-dex"}),
        ("plugins/dex/orca", {"entry-points": {}}),
        ("plugins/dex/orca", {"entry-points": {"tidemill.dex.v1": {"orca": "orca"}}}),
        ("plugins/dex/orca", {"entry-points": {"tidemill.dex": {"orca": "tidemill_dex_orca"}}}),
        ("plugins/dex/orca", {"description": "Orca."}),
    ],
)
def test_spelling_that_differs_is_found(folder: str, change: dict[str, Any]) -> None:
    """One spelling that differs is a finding with its remedy."""
    assert list(spellings.spellings(folder, {**GOOD, **change})) != []


def test_plugins_of_this_workspace_are_spelt_alike() -> None:
    """All plugins of this tree pass."""
    report = spellings.check(ROOT)

    assert report.findings == []
    assert len(list(ROOT.glob("plugins/*/*/pyproject.toml"))) == report.seen
