"""A plugin has one name in four spellings: folder, distribution, module, entry point."""

import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from scripts.checks.report import Finding, Report

# The folder of a kind and the kind; a new kind brings its line
KINDS = {
    "chains": "chain",
    "codecs": "codec",
    "commands": "command",
    "dex": "dex",
    "lenders": "lender",
    "notifiers": "notifier",
    "prices": "price",
    "risk": "risk",
    "search": "search",
    "stores": "store",
    "strategies": "strategy",
}


def spellings(folder: str, project: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Gives rule and remedy of what is wrong with one plugin, `plugins/<folder of its kind>/<name>`."""
    _, kinds, name = folder.split("/")
    if kinds not in KINDS:
        yield f"{kinds} is no folder of a kind", "add it to KINDS in scripts/checks/spellings.py"
        return
    kind = KINDS[kinds]
    module, group, dist = f"tidemill_{kind}_{name}", f"tidemill.{kind}.v1", f"tidemill-{kind}-{name}"
    if project["name"] != dist:
        yield f"the distribution is {project['name']}", f"name it {dist}"
    entries = project.get("entry-points", {})
    if set(entries) != {group} or name not in entries[group]:
        yield (
            "its entry point is not its name in its group",
            f"give it {name!r} in {group!r}, and no other group",
        )
    for entry, value in entries.get(group, {}).items():
        if value not in {module, f"{module}.{entry}"}:
            yield f"entry point {entry} is {value}", f"make it {module} or {module}.{entry}"
    if len(project["description"].split()) < 4 or project["description"].endswith("."):
        yield (
            "the description is no sentence",
            "say in one, without full stop, what users see in `tidemill plugins`",
        )


def check(root: Path) -> Report:
    """Reads the pyproject.toml of every plugin."""
    paths = sorted(root.glob("plugins/*/*/pyproject.toml"))
    found = []
    for path in paths:
        folder = path.parent.relative_to(root).as_posix()
        project = tomllib.loads(path.read_text("utf-8"))["project"]
        found += [Finding(folder, *lack) for lack in spellings(folder, project)]
    return Report(len(paths), found)
