"""No member of the workspace is missing from a list, nor does a list hold what is none."""

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from scripts.checks.report import Finding, Report

Table = dict[str, Any]
PARTS = ("README.md", "tests", "src/{module}/__init__.py", "src/{module}/py.typed")


def lists(root: Table, projects: dict[str, Table]) -> Iterator[tuple[str, set[str], set[str]]]:
    """Gives each list of the root's pyproject.toml: its place, what stands in it, what must.

    Args:
        root: The root's pyproject.toml.
        projects: The folder of each member, and the `project` table of its pyproject.toml.
    """
    tool, config = root["tool"], root["tool"]["importlinter"]
    dists = {project["name"] for project in projects.values()}
    plugins = {project["name"] for folder, project in projects.items() if folder.startswith("plugins/")}
    installed = [*projects["core"]["optional-dependencies"]["starter"], *root["dependency-groups"]["dev"]]
    sources = {f"{folder}/src" for folder in projects}
    yield "tool.uv.sources", set(tool["uv"]["sources"]), dists
    yield "extra starter of core, and group dev", {_dist(text) for text in installed} & plugins, plugins
    yield "tool.mypy.mypy_path", set(tool["mypy"]["mypy_path"]), sources
    yield "tool.coverage.run.source", set(tool["coverage"]["run"]["source"]), sources
    tested = set(tool["pytest"]["ini_options"]["testpaths"]) - {"scripts/tests", "tests"}
    yield "tool.pytest.ini_options.testpaths", tested, {f"{folder}/tests" for folder in projects}
    yield "tool.importlinter.root_packages", set(config["root_packages"]), _modules(dists)
    apart = [name for c in config["contracts"] if c["type"] == "independence" for name in c["modules"]]
    yield "contract of independence", set(apart), _modules(plugins)
    limited = [c["source_modules"] for c in config["contracts"] if c["name"].startswith(("Plugins see", "Stores see", "Commands see"))]
    yield "contracts of what plugins see", {name for names in limited for name in names}, _modules(plugins)


def _modules(dists: set[str]) -> set[str]:
    return {dist.replace("-", "_") for dist in dists}


def _dist(requirement: str) -> str:
    return re.split(r"[^A-Za-z0-9_.-]", requirement, maxsplit=1)[0]


def differences(root: Table, projects: dict[str, Table]) -> Iterator[Finding]:
    """Gives a finding for each list that lacks a member, or names what is none."""
    for place, listed, wanted in lists(root, projects):
        for name in sorted(wanted - listed):
            yield Finding(f"pyproject.toml, {place}", f"{name} is missing", "add it")
        for name in sorted(listed - wanted):
            yield Finding(f"pyproject.toml, {place}", f"{name} is no member", "remove it, or create its folder")


def check(root: Path) -> Report:
    """Reads the root's lists and every member's pyproject.toml."""
    top = tomllib.loads((root / "pyproject.toml").read_text("utf-8"))
    patterns = top["tool"]["uv"]["workspace"]["members"]
    paths = sorted(path for pattern in patterns for path in root.glob(f"{pattern}/pyproject.toml"))
    members = {path.parent.relative_to(root).as_posix(): tomllib.loads(path.read_text("utf-8")) for path in paths}
    projects: dict[str, Table] = {folder: member["project"] for folder, member in members.items()}
    found = list(differences(top, projects))
    for folder, project in projects.items():
        for part in PARTS:
            path = Path(folder, part.format(module=project["name"].replace("-", "_")))
            if not (root / path).exists():
                found.append(Finding(path.as_posix(), "every member has one", "create it"))
    return Report(len(projects), found)
