"""Every version stands in the root's pyproject.toml, and nothing else of it changes."""

import subprocess
import tomllib
from pathlib import Path
from typing import Any

import pytest

from scripts import pins

ROOT = Path(__file__).parents[2]
LOCK: dict[str, Any] = {
    "package": [
        {"name": "zeta", "version": "2", "source": {"registry": "somewhere"}},
        {"name": "tidemill", "version": "0.1.0", "source": {"editable": "core"}},
        {
            "name": "alpha",
            "version": "1",
            "source": {"registry": "somewhere"},
            "resolution-markers": ["python_full_version < '3.12'"],
        },
        {
            "name": "alpha",
            "version": "3",
            "source": {"registry": "somewhere"},
            "resolution-markers": ["python_full_version >= '3.15'", "python_full_version == '3.12.*'"],
        },
    ]
}
PINNED = [
    "alpha==1 ; (python_full_version < '3.12')",
    "alpha==3 ; (python_full_version >= '3.15') or (python_full_version == '3.12.*')",
    "zeta==2",
]


def _project(written: list[str]) -> dict[str, Any]:
    return {"tool": {"uv": {pins.PINS: written, pins.BUILD_PINS: ["uv-build==1"], "sources": {"tidemill": {}}}}}


def test_pins_leave_out_members_and_tell_versions_apart() -> None:
    """Only what comes from outside has a pin; where versions part, each has its marker."""
    assert pins.pins(LOCK) == PINNED


def test_rewritten_changes_the_two_lists_alone() -> None:
    """Comments, order and every other table stay as they were."""
    text = '# top\n[tool.uv]\npackage = false  # virtual\nconstraint-dependencies = ["old==1"]\n\n[tool.x]\ny = 1\n'

    new = pins.rewritten(text, constraint_dependencies=["a==1", "b==2"])

    assert text.replace('["old==1"]', '[\n    "a==1",\n    "b==2",\n]') == new


def test_pins_that_agree_have_no_difference() -> None:
    """Lock, pins and installation agree."""
    assert pins.differences(_project(PINNED), LOCK, {"zeta": "2"}) == []


@pytest.mark.parametrize(
    ("written", "installed", "said"),
    [
        (PINNED[:2], {}, "zeta==2 is resolved and has no pin"),
        ([*PINNED, "gone==1"], {}, "gone==1 is pinned and nothing resolves to it"),
        (PINNED, {"zeta": "3"}, "zeta 3 is installed, its pin is 2"),
        (PINNED, {"stray": "1"}, "stray 1 is installed, its pin is missing"),
    ],
)
def test_pins_that_differ_are_named(written: list[str], installed: dict[str, str], said: str) -> None:
    """A missing, a stale and a different pin are each said."""
    assert said in pins.differences(_project(written), LOCK, installed)


def test_pins_without_lock_are_compared_with_the_installation() -> None:
    """A fresh clone has no lock: what is installed is compared all the same."""
    assert pins.differences(_project(PINNED), None, {"zeta": "2"}) == []
    assert pins.differences(_project(PINNED), None, {"zeta": "9"}) == ["zeta 9 is installed, its pin is 2"]


def test_pins_of_the_build_backend_are_needed() -> None:
    """What builds the packages is pinned like the rest."""
    project = _project(PINNED)
    project["tool"]["uv"][pins.BUILD_PINS] = []

    assert pins.differences(project, None, {}) == ["the build backend has no pin"]


def test_every_installed_distribution_of_this_environment_has_its_pin() -> None:
    """What the tests run on is what pyproject.toml says."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))

    assert pins.differences(project, None, pins.installed_versions(project)) == []


def test_failed_resolution_leaves_the_file_as_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An upgrade that uv refuses changes nothing."""
    text = '[tool.uv]\nconstraint-dependencies = ["a==1"]\n'
    (tmp_path / "pyproject.toml").write_text(text, "utf-8")
    (tmp_path / "core").mkdir()
    (tmp_path / "core" / "pyproject.toml").write_text('[build-system]\nrequires = ["uv_build"]\n', "utf-8")

    def refuse(root: Path, *command: str, stdin: str = "") -> str:
        raise subprocess.CalledProcessError(1, command, f"{root} {stdin}")

    monkeypatch.setattr(pins, "_run", refuse)
    with pytest.raises(subprocess.CalledProcessError):
        pins.write(tmp_path, upgrade=True)

    assert text == (tmp_path / "pyproject.toml").read_text("utf-8")


def test_unknown_option_is_a_wrong_usage(tmp_path: Path) -> None:
    """What is not understood is refused before anything is written."""
    assert pins.main(["--chekc"], tmp_path) == 2
