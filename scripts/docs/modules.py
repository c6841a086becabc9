"""The page that says of every package and every module in a line what it holds."""

import ast
import textwrap
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from scripts.docs.markdown import block, code, one_line, page, table

ROOT = Path(__file__).parents[2]
KERNEL = ROOT / "core" / "src" / "tidemill"
WIDTH = 126


def modules_page() -> str:
    """The layers of the kernel, its modules by folder, and every package beside it."""
    return page(
        "Every module in a line",
        "the first lines of the modules' docstrings, and the layers that `pyproject.toml` demands of their imports,",
        "To find the room of a line: [a map of the code](map.md) says which folder answers which question, this page what stands in it.\n"
        "A box may import those below it, never those above.",
        block("\n".join(_layers())),
        "## Packages",
        table(("package", "folder", "what it is"), _packages()),
        *[part for folder in [KERNEL, *_folders()] for part in _section(folder)],
        "## What authors test with",
        *[part for folder in _packages_of(ROOT / "testing" / "src" / "tidemill_testing") for part in _section(folder, 3)],
    )


def _layers() -> Iterator[str]:
    """Draw the layers of the kernel, the highest first; what stands side by side shares a box."""
    contracts: list[dict[str, Any]] = _toml(ROOT / "pyproject.toml")["tool"]["importlinter"]["contracts"]
    (layers,) = (found["layers"] for found in contracts if found["type"] == "layers" and found["containers"] == ["tidemill"])
    there = [layer for layer in layers if not layer.startswith("(") or (KERNEL / layer.strip("()")).exists()]
    for place, layer in enumerate(there):
        yield f"{'├' if place else '┌'}{'─' * WIDTH}{'┤' if place else '┐'}"
        for name in layer.split("|"):
            yield f"│ {name.strip():<11}{_purpose(name.strip())}".ljust(WIDTH + 1) + "│"
    yield f"└{'─' * WIDTH}┘"


def _purpose(layer: str) -> str:
    """Return what a folder or module of the kernel is for, as far as a box has room."""
    path = KERNEL / layer.strip("()")
    text = _first(path / "__init__.py" if path.is_dir() else path.with_suffix(".py")).replace("`", "")
    return textwrap.shorten(text, WIDTH - 14, placeholder=" …")


def _packages() -> Iterator[tuple[str, str, str]]:
    for path in sorted([*ROOT.glob("core/pyproject.toml"), *ROOT.glob("testing/pyproject.toml"), *ROOT.glob("libs/*/pyproject.toml"),
                        *ROOT.glob("plugins/*/*/pyproject.toml")]):  # fmt: skip
        project = _toml(path)["project"]
        folder = path.parent.relative_to(ROOT).as_posix()
        yield code(project["name"]), f"[{folder}](../{folder})", project["description"]


def _folders() -> list[Path]:
    return _packages_of(KERNEL)[1:]


def _packages_of(top: Path) -> list[Path]:
    """Return a package and the packages inside it, by path."""
    found = {path.parent for path in top.rglob("__init__.py") if "templates" not in path.relative_to(top).parts}
    return sorted(found)


def _section(folder: Path, level: int = 2) -> Iterator[str]:
    name = ".".join(folder.relative_to(next(up for up in folder.parents if up.name == "src")).parts)
    yield f"{'#' * level} `{name}`\n\n{_first(folder / '__init__.py')}"
    rows = [
        (f"[{path.name}](../{path.relative_to(ROOT).as_posix()})", _first(path))
        for path in sorted(folder.glob("*.py"))
        if path.name != "__init__.py"
    ]
    if rows:
        yield table(("module", "what it holds"), rows)


def _first(path: Path) -> str:
    doc = ast.get_docstring(ast.parse(path.read_text("utf-8")))
    assert doc, f"{path} has no docstring"
    return one_line(doc)


def _toml(path: Path) -> dict[str, Any]:
    return tomllib.loads(path.read_text("utf-8"))
