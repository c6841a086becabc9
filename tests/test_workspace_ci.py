"""CI runs the README's test command and nothing else, after installing what lanes need."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
FOUND = ("git", "node", "npm", "pip", "python3", "uv")
README = "# T\n\n```sh\nexit 9\n```\n\n```toml\nx = 1\n```\n\n```sh\n{command}\n```\n\n```sh\nexit 8\n```\n"


def _tree(root: Path, readme: str, *, absent: tuple[str, ...] = ()) -> dict[str, str]:
    """Lays a tree with `.ci/run` and a PATH on which every tool only says its name and arguments."""
    (root / ".ci").mkdir()
    shutil.copy(ROOT / ".ci" / "run", root / ".ci" / "run")
    (root / "README.md").write_text(readme, "utf-8")
    path = root / "bin"
    path.mkdir()
    for tool in ("awk", "bash", "dirname"):
        (path / tool).symlink_to(shutil.which(tool) or f"/usr/bin/{tool}")
    for tool in {*FOUND, "apt-get"} - set(absent):
        (path / tool).write_text(f'#!/bin/sh\necho "ran {tool} $*"\n', "utf-8")
        (path / tool).chmod(0o755)
    return {"PATH": str(path)}


def _run(root: Path, environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    command = ["bash", str(root / ".ci" / "run")]
    return subprocess.run(command, env=environment, cwd="/", capture_output=True, text=True, check=False)


def test_ci_runs_the_second_sh_block_of_the_readme(tmp_path: Path) -> None:
    """Neither the first block, nor one of another language, nor a later one is run."""
    ran = _run(tmp_path, _tree(tmp_path, README.format(command="echo 3 passed")))

    assert ran.returncode == 0, ran.stderr
    assert ["+ echo 3 passed", "3 passed"] == ran.stdout.splitlines()


@pytest.mark.parametrize("readme", ["# T\n", "```sh\nexit 0\n```\n", README.format(command="")])
def test_ci_without_test_command_fails(tmp_path: Path, readme: str) -> None:
    """A README that names no test command proves nothing."""
    ran = _run(tmp_path, _tree(tmp_path, readme))

    assert ran.returncode != 0
    assert "there is no test command to run" in ran.stderr


def test_ci_fails_where_the_test_command_fails(tmp_path: Path) -> None:
    """A failure anywhere in the command is CI's failure."""
    assert _run(tmp_path, _tree(tmp_path, README.format(command="false | echo x\necho more"))).returncode != 0


def test_ci_installs_only_what_is_absent(tmp_path: Path) -> None:
    """Absent tools come from Debian, after one update; npm installs the contracts where there are any."""
    environment = _tree(tmp_path, README.format(command="true"), absent=("node", "git"))
    (tmp_path / "tests" / "npm").mkdir(parents=True)
    (tmp_path / "tests" / "npm" / "package.json").write_text("{}", "utf-8")

    ran = [line for line in _run(tmp_path, environment).stdout.splitlines() if line.startswith("ran ")]

    assert [
        "ran apt-get update -qq",
        "ran apt-get install -y -qq --no-install-recommends nodejs git",
        "ran npm ci --ignore-scripts --no-audit --no-fund",
    ] == ran


def test_sessions_say_in_one_line_what_they_are_for() -> None:
    """`nox -l` explains itself, and what needs more than Python is not run unless asked for."""
    command = [sys.executable, "-m", "nox", "--list", "--json"]
    environment = {**os.environ, "NO_COLOR": "1"}
    listed = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=True).stdout

    sessions = {session["name"]: session["description"] for session in json.loads(listed)}

    assert {"format", "lint", "types", "imports", "checks", "tests", "changelog"} <= set(sessions)
    assert set() == {"bytecode", "isolated", "pins"} & set(sessions)
    assert [] == [name for name, said in sessions.items() if not said.endswith((".", "?"))]
