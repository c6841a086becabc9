"""The workspace: every member is installed, imports, and is found by its entry points."""

import importlib
import importlib.util
import tomllib
from importlib.metadata import distribution, entry_points
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[1]
TOP = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
MEMBERS = sorted(path for pattern in TOP["tool"]["uv"]["workspace"]["members"] for path in ROOT.glob(pattern))
PROJECTS: list[dict[str, Any]] = [tomllib.loads((member / "pyproject.toml").read_text("utf-8"))["project"] for member in MEMBERS]
NAMES = [project["name"] for project in PROJECTS]


@pytest.mark.parametrize("project", PROJECTS, ids=NAMES)
def test_member_is_installed_as_its_folder_says(project: dict[str, Any]) -> None:
    """Version, summary and typing marker of what is installed are those of the folder."""
    installed = distribution(project["name"])
    module = importlib.import_module(project["name"].replace("-", "_"))

    assert project["version"] == installed.version
    assert project["description"] == installed.metadata["Summary"]
    assert module.__file__ is not None
    assert Path(module.__file__).with_name("py.typed").is_file()


@pytest.mark.parametrize("project", PROJECTS, ids=NAMES)
def test_entry_points_name_modules_that_exist(project: dict[str, Any]) -> None:
    """What a configuration can name is there to be imported."""
    for group, entries in project.get("entry-points", {}).items():
        for name, value in entries.items():
            assert [value] == [entry.value for entry in entry_points(group=group, name=name)]
            assert importlib.util.find_spec(value) is not None


def test_versions_of_all_members_are_one() -> None:
    """Kernel, testing, libs and plugins are released together, and plugins accept this minor version alone."""
    assert {TOP["project"]["version"]} == {project["version"] for project in PROJECTS}
    for project in PROJECTS:
        ours = [text for text in project["dependencies"] if text.startswith("tidemill")]
        assert ours == [text for text in ours if text.endswith(">=0.1,<0.2")]


def test_licence_and_python_of_all_members_are_one() -> None:
    """Everything is Apache-2.0 for Python 3.11 and newer."""
    assert {("Apache-2.0", ">=3.11")} == {(project["license"], project["requires-python"]) for project in PROJECTS}


def test_root_project_installs_the_starter_alone() -> None:
    """The first command of the README installs nothing for tests and tapes."""
    assert ["tidemill[starter]"] == TOP["project"]["dependencies"]
