"""Each change tells its users: the files in changes/ are named and begun as the changelog needs them."""

import re
import tomllib
from pathlib import Path

from scripts.checks.report import Finding, Report, files

NAME = re.compile(r"(?:\+[a-z0-9][a-z0-9-]*|\d+)\.(?P<type>[a-z]+)\.md")
LINE = re.compile(r"`(?P<package>[a-z0-9-]+)`\S* \S")


def broken(name: str, text: str, types: set[str], packages: set[str]) -> str | None:
    """Gives what is wrong with one fragment, or None."""
    named = NAME.fullmatch(name)
    if named is None or named["type"] not in types:
        return f"the name is not +<slug>.<type>.md with a type of {', '.join(sorted(types))}"
    if text.count("\n") > 1 or not text.strip():
        return "a fragment is one line"
    begun = LINE.match(text)
    if begun is None or begun["package"] not in packages:
        return "the line does not begin with a distribution of this workspace in backticks"
    return None


def check(root: Path) -> Report:
    """Looks at everything in changes/ (its README says what belongs there)."""
    project = tomllib.loads((root / "pyproject.toml").read_text("utf-8"))
    types = {kind["directory"] for kind in project["tool"]["towncrier"]["type"]}
    packages = set(project["tool"]["uv"]["sources"])
    found, seen = [], 0
    for path in files(root, "changes/**"):
        seen += 1
        if path.name == "README.md":
            continue
        wrong = broken(path.name, path.read_text("utf-8"), types, packages)
        if wrong:
            place = path.relative_to(root).as_posix()
            found.append(Finding(place, wrong, "see changes/README.md"))
    return Report(seen, found)
