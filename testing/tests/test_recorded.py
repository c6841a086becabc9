"""Recorded data is found by one rule, and its absence says what to do."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tidemill_testing.recorded import VARIABLE, data_folder, locate


def test_data_folder_named_by_the_environment_wins(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The variable names the folder, wherever the tests run."""
    monkeypatch.setenv(VARIABLE, str(tmp_path))

    assert tmp_path == data_folder(Path.cwd())


def test_data_folder_without_environment_lies_beside_the_workspace(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """From any member the folder is that of the workspace; outside one it is beside where pytest runs."""
    monkeypatch.delenv(VARIABLE, raising=False)
    top = tmp_path / "top"
    member = top / "plugins" / "dex" / "x"
    member.mkdir(parents=True)
    (member / "pyproject.toml").write_text("[project]\n", "utf-8")
    assert member.parent / "shared" / "data" == data_folder(member)

    (top / "pyproject.toml").write_text("[tool.uv.workspace]\n", "utf-8")
    assert tmp_path / "shared" / "data" == data_folder(member)


def test_locate_gives_files_and_folders(tmp_path: Path) -> None:
    """A name may be that of a folder or of a file in it."""
    (tmp_path / "evm").mkdir()
    (tmp_path / "evm" / "golden.json").touch()

    assert tmp_path / "evm" == locate(tmp_path, "evm")
    assert tmp_path / "evm" / "golden.json" == locate(tmp_path, "evm/golden.json")


def test_locate_absent_data_skips_with_place_and_remedy(tmp_path: Path) -> None:
    """What is absent skips the test, and says where it was looked for and what to set."""
    with pytest.raises(pytest.skip.Exception) as skipped:
        locate(tmp_path, "evm/golden")

    assert f"recorded data not found at {tmp_path / 'evm/golden'}: set {VARIABLE} to a folder that holds it" == str(skipped.value)


def test_recorded_fixture_finds_what_the_variable_names(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, recorded: Callable[[str], Path]
) -> None:
    """The fixture is there without an import, and asks the environment at each call."""
    monkeypatch.setenv(VARIABLE, str(tmp_path))
    (tmp_path / "x.json").touch()

    assert tmp_path / "x.json" == recorded("x.json")
