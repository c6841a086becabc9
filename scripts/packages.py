"""Writes which of our distributions holds which plugin into the kernel; `--check` says whether it is out of date."""

import sys
import tomllib
from collections.abc import Iterator, Sequence
from pathlib import Path

from tidemill.hookspecs.kinds import KINDS

ROOT = Path(__file__).parents[1]
FILE = Path("core/src/tidemill/discovery/packages.py")
BEGIN, END = "# <written by scripts/packages.py>", "# </written by scripts/packages.py>"
GROUPS = {kind.group: kind.folder for kind in KINDS}


def plugins(root: Path) -> Iterator[tuple[str, str, str]]:
    """Gives each entry point of the workspace: `<folder>.<name>`, its distribution, the folder that holds it."""
    for path in sorted(root.glob("plugins/*/*/pyproject.toml")):
        project = tomllib.loads(path.read_text("utf-8"))["project"]
        for group, members in project.get("entry-points", {}).items():
            for name in members if group in GROUPS else ():
                yield f"{GROUPS[group]}.{name}", project["name"], path.parent.relative_to(root).as_posix()


def libs(root: Path) -> dict[str, str]:
    """Gives the libraries that plugins may share: their distributions, and the folders that hold them."""
    paths = sorted(root.glob("libs/*/pyproject.toml"))
    return {tomllib.loads(path.read_text("utf-8"))["project"]["name"]: path.parent.relative_to(root).as_posix() for path in paths}


def block(root: Path) -> str:
    """Gives the lines between the marks."""
    found = sorted(plugins(root))
    shared = libs(root)
    folders = {**{package: folder for _, package, folder in found}, **shared}
    lines = ["PACKAGES = {", *(f'    "{path}": "{package}",' for path, package, _ in found), "}"]
    lines += ['"""Plugins by ``<folder>.<name>``."""', "", "CHECKOUT = {"]
    lines += [f'    "{package}": "{folder}",' for package, folder in sorted(folders.items())]
    lines += ["}", '"""Where each distribution lies in a checkout of this repository."""', ""]
    modules = ", ".join(f'"{name.replace("-", "_")}"' for name in sorted(shared))
    lines += [f"LIBS = frozenset({{{modules}}})"]
    lines += ['"""The libraries that plugins may share, as they are imported."""']
    return "\n".join(lines)


def rewritten(text: str, root: Path) -> str:
    """Gives the module with the block between its marks put in anew."""
    before, _, rest = text.partition(f"{BEGIN}\n")
    _, _, after = rest.partition(f"\n{END}")
    return f"{before}{BEGIN}\n{block(root)}\n{END}{after}"


def main(arguments: Sequence[str], root: Path = ROOT) -> int:
    """Write the module, or with `--check` tell whether it differs; returns the exit code."""
    path = root / FILE
    old = path.read_text("utf-8")
    new = rewritten(old, root)
    if "--check" not in arguments:
        path.write_text(new, "utf-8")
    elif old != new:
        print(f"{FILE}: out of date: run `python -m scripts.packages`")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
