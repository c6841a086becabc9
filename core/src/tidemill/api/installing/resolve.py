"""What an installation would do, exactly: every package with its version and the sha256 of the wheel that would be taken."""

import json
import re
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path

from attrs import frozen

from tidemill.api.installing.tool import InstallFailed, Tool
from tidemill.api.installing.wheel import Wheel
from tidemill.discovery.versions import normal

_PLANNED = re.compile(r"^ \+ (?P<name>[A-Za-z0-9._-]+)(?:==(?P<version>\S+)| @ (?P<url>\S+))", re.MULTILINE)
UNSOLVED = (
    "what was not found: give its folder, its wheel, or --find-links; without a network: --no-index --find-links FOLDER; what needs another"
    " tidemill: ask for a version that was made for this one, or upgrade tidemill first"
)


@frozen
class PlannedPackage:
    """One package that would be installed.

    ``sha256`` are those of the wheels that may be taken: one, but where several fit this machine equally. ``replaces`` is the version
    that is installed now, or "". ``path`` is a wheel that lies here already, or "".
    """

    name: str
    version: str
    sha256: tuple[str, ...]
    replaces: str = ""
    path: str = ""

    def pinned(self, tool: str) -> str:
        """Return the line of a requirements file that means this package and no other bytes."""
        hashes = " ".join(f"--hash=sha256:{digest}" for digest in self.sha256)
        if not self.path:
            return f"{self.name}=={self.version} {hashes}"
        return f"{f'{self.name} @ {Path(self.path).as_uri()}' if tool == 'uv' else self.path} {hashes}"


def resolve(
    tool: Tool, wanted: Sequence[str], local: Mapping[str, Wheel], installed: Mapping[str, str], constraints: Path, options: Sequence[str]
) -> tuple[PlannedPackage, ...]:
    """Ask the installer what it would do, and for the hashes of what it would take; nothing is installed.

    Args:
        tool: the installer.
        wanted: requirements, or paths of wheels.
        local: wheels that lie here, by name: they are taken also where their version is installed.
        installed: version of each installed distribution, by normal name.
        constraints: a file that holds the host where it is.
        options: of the index, such as ``--find-links``.

    Raises:
        InstallFailed: there is no solution, or the index cannot be reached.
    """
    ask = _with_uv if tool.name == "uv" else _with_pip
    found = ask(tool, wanted, local, constraints, options)
    for name, wheel in local.items():
        found[name] = (wheel.version, (wheel.sha256,))
    packages = []
    for name in sorted(found, key=lambda name: (name not in local, name)):
        version, hashes = found[name]
        if not hashes:
            raise InstallFailed(f"{name} {version}: no wheel with a sha256 fits this machine; nothing was installed")
        path = str(local[name].path) if name in local else ""
        packages.append(PlannedPackage(name, version, hashes, installed.get(name, ""), path))
    return tuple(packages)


Answer = dict[str, tuple[str, tuple[str, ...]]]
"""Version and hashes of each package, by normal name."""


def _with_pip(tool: Tool, wanted: Sequence[str], local: Mapping[str, Wheel], constraints: Path, options: Sequence[str]) -> Answer:
    report = constraints.with_name("report.json")
    call = ["install", "--dry-run", "--report", str(report), "--only-binary", ":all:", "--constraint", str(constraints)]
    tool.run([*call, *options, *wanted], "resolving", UNSOLVED)
    answer: Answer = {}
    for one in json.loads(report.read_text("utf-8"))["install"]:
        digest = one["download_info"].get("archive_info", {}).get("hashes", {}).get("sha256")
        answer[normal(one["metadata"]["name"])] = (one["metadata"]["version"], (digest,) if digest else ())
    return answer


def _with_uv(tool: Tool, wanted: Sequence[str], local: Mapping[str, Wheel], constraints: Path, options: Sequence[str]) -> Answer:
    call = ["pip", "install", "--python", tool.python, "--dry-run", "--only-binary", ":all:", "--constraint", str(constraints)]
    said = tool.run([*call, *options, *wanted], "resolving", UNSOLVED).stderr
    versions = {normal(one["name"]): one["version"] for one in _PLANNED.finditer(said) if one["version"]}
    exact = [f"{name}=={version}" for name, version in versions.items() if name not in local]
    if not exact:
        return {}
    call = [
        "pip",
        "compile",
        "--python",
        tool.python,
        "--no-deps",
        "--only-binary",
        ":all:",
        "--format",
        "pylock.toml",
        "--no-header",
        "-q",
    ]
    locked = tomllib.loads(tool.run([*call, *options, "-"], "reading hashes", UNSOLVED, "\n".join(exact)).stdout)
    wheels = {normal(one["name"]): one.get("wheels", []) for one in locked.get("packages", [])}
    return {
        name: (version, tuple(one["hashes"]["sha256"] for one in wheels.get(name, []) if "sha256" in one.get("hashes", {})))
        for name, version in versions.items()
        if name not in local
    }
