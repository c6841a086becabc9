"""Every version this workspace resolves to, written in the root's pyproject.toml instead of a lock file.

A lock file would name the hosts it was resolved from. `python -m scripts.pins` writes the versions, with
`--upgrade` the newest; `--check` compares them, without network, with what is installed, and with
uv.lock if there is one.
"""

import subprocess
import sys
import tomllib
from importlib.metadata import distributions
from pathlib import Path
from typing import Any

import tomlkit
from packaging.markers import Marker
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

Table = dict[str, Any]
PINS, BUILD_PINS = "constraint-dependencies", "build-constraint-dependencies"


def pins(lock: Table) -> list[str]:
    """Gives `name==version` of every package that comes from outside, with a marker where versions part."""
    outside = [package for package in lock["package"] if "registry" in package["source"]]
    names = [package["name"] for package in outside]
    found = []
    for package in outside:
        pin = f"{package['name']}=={package['version']}"
        if names.count(package["name"]) > 1:
            pin += " ; " + " or ".join(f"({marker})" for marker in package["resolution-markers"])
        found.append(pin)
    return sorted(found)


def rewritten(text: str, **blocks: list[str]) -> str:
    """Gives a pyproject.toml with the arrays of `[tool.uv]` put in, every other character as it was."""
    document = tomlkit.parse(text)
    table: Any = document["tool"]
    for key, values in blocks.items():
        array = tomlkit.array()
        array.extend(values)
        table["uv"][key.replace("_", "-")] = array.multiline(True)
    return tomlkit.dumps(document)


def differences(project: Table, lock: Table | None, installed: dict[str, str]) -> list[str]:
    """Gives what does not agree: pins and lock in both directions, and what is installed with its pin.

    Args:
        project: The root's pyproject.toml.
        lock: What uv resolved, None where it has not been asked yet.
        installed: Version of each installed distribution from outside, by normalised name.
    """
    written = project["tool"]["uv"].get(PINS, [])
    found = []
    if lock is not None:
        resolved = pins(lock)
        found += [f"{pin} is resolved and has no pin" for pin in resolved if pin not in written]
        found += [f"{pin} is pinned and nothing resolves to it" for pin in written if pin not in resolved]
    pinned = {}
    for requirement in map(Requirement, written):
        if requirement.marker is None or Marker(str(requirement.marker)).evaluate():
            pinned[requirement.name] = str(requirement.specifier).removeprefix("==")
    for name, version in sorted(installed.items()):
        if pinned.get(name) != version:
            found.append(f"{name} {version} is installed, its pin is {pinned.get(name, 'missing')}")
    if not project["tool"]["uv"].get(BUILD_PINS):
        found.append("the build backend has no pin")
    return found


def installed_versions(project: Table) -> dict[str, str]:
    """Gives what is installed beside this interpreter, the workspace's own members apart."""
    named = ((canonicalize_name(dist.metadata["Name"]), dist.version) for dist in distributions())
    return {name: version for name, version in named if name not in project["tool"]["uv"]["sources"]}


def _run(root: Path, *command: str, stdin: str = "") -> str:
    return subprocess.run(command, cwd=root, input=stdin, stdout=subprocess.PIPE, check=True, text=True).stdout


def write(root: Path, *, upgrade: bool) -> None:
    """Resolves the workspace with uv and writes the versions; where that fails all is as before.

    Raises:
        subprocess.CalledProcessError: uv found no versions that agree. It has said which.
    """
    path, text = root / "pyproject.toml", (root / "pyproject.toml").read_text("utf-8")
    lock, core = root / "uv.lock", tomllib.loads((root / "core/pyproject.toml").read_text("utf-8"))
    backend = "\n".join(core["build-system"]["requires"])
    if upgrade:
        path.write_text(rewritten(text, constraint_dependencies=[], build_constraint_dependencies=[]), "utf-8")
    try:
        _run(root, "uv", "lock", "--quiet", *(["--upgrade"] if upgrade else []))
        resolved = pins(tomllib.loads(lock.read_text("utf-8")))
        compiled = _run(root, "uv", "pip", "compile", "--quiet", "--no-header", "--no-annotate", "-", stdin=backend)
        new = rewritten(text, constraint_dependencies=resolved, build_constraint_dependencies=compiled.split())
        path.write_text(new, "utf-8")
        _run(root, "uv", "lock", "--quiet")
    except BaseException:
        path.write_text(text, "utf-8")
        raise


def main(arguments: list[str], root: Path) -> int:
    """Writes or checks; returns 0 for agreement, 1 for a difference, 2 for an unknown option."""
    if set(arguments) - {"--check", "--upgrade"}:
        print("usage: python -m scripts.pins [--check | --upgrade]")
        return 2
    if "--check" not in arguments:
        write(root, upgrade="--upgrade" in arguments)
        return 0
    project = tomllib.loads((root / "pyproject.toml").read_text("utf-8"))
    path = root / "uv.lock"
    lock = tomllib.loads(path.read_text("utf-8")) if path.exists() else None
    found = differences(project, lock, installed_versions(project))
    for line in found:
        print(f"pyproject.toml: {line}; run `uv run nox -s pins`, then `uv sync`")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], Path(__file__).parents[1]))
