"""A plugin's package as it lies in a folder: its pyproject.toml, its modules as syntax trees, its tests; nothing is imported."""

import ast
import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from attrs import frozen

from tidemill.api.checks.rule import Fault
from tidemill.config.locate import locate
from tidemill.errors import UsageError
from tidemill.hookspecs.kinds import KINDS, Kind

PROJECT_FILE = Path("pyproject.toml")
GROUPS = {kind.group: kind for kind in KINDS}
GROUP_NAME = re.compile(r"tidemill\.(?P<kind>[a-z_]+)\.v(?P<version>[0-9]+)")
"""A group like ours, whether or not this kernel knows its kind and version."""

_OURS = re.compile(r"tidemill\b")
_LEAVE_OUT = {"build", "dist", "node_modules", "__pycache__", "venv", "site-packages"}


@frozen(eq=False)
class Module:
    """One Python file: ``name`` as it is imported, ``path`` relative to the plugin's folder."""

    name: str
    path: Path
    tree: ast.Module
    is_package: bool = False

    def fault(self, node: ast.AST | int, message: str, remedy: str) -> Fault:
        """Return a fault at a node of the tree, or at a line."""
        return Fault(self.path, node if isinstance(node, int) else getattr(node, "lineno", 0), message, remedy)


@frozen
class Entry:
    """An entry point in a group of ours or in one that was meant to be: ``kind`` is None where no kind has that group."""

    group: str
    name: str
    target: str
    line: int
    kind: Kind | None

    @property
    def module(self) -> str:
        """The module of the entry point, without the attribute."""
        return self.target.partition(":")[0].strip()


@frozen(eq=False)
class PluginSource:
    """What lies in the folder. ``modules`` are by the name they are imported under; ``unreadable`` tells files that are no Python."""

    folder: Path
    document: Mapping[str, Any]
    lines: Mapping[tuple[str | int, ...], int]
    entries: tuple[Entry, ...]
    modules: Mapping[str, Module]
    tests: tuple[Module, ...]
    unreadable: tuple[Fault, ...]

    @property
    def project(self) -> Mapping[str, Any]:
        """The table ``[project]``."""
        return table(self.document, "project")

    @property
    def distribution(self) -> str:
        """The name of the distribution, as it is written."""
        return str(self.project.get("name", self.folder.name))

    @property
    def kinds(self) -> tuple[Kind, ...]:
        """The kinds that its entry points are of, in the order of the pipeline."""
        return tuple(kind for kind in KINDS if any(entry.kind == kind for entry in self.entries))

    @property
    def packages(self) -> frozenset[str]:
        """The names of its own packages and modules, as they are imported."""
        return frozenset(name.partition(".")[0] for name in self.modules)

    @property
    def roots(self) -> tuple[Path, ...]:
        """The folders that must stand on ``sys.path`` so that its modules can be imported."""
        return (self.folder / "src",) if (self.folder / "src").is_dir() else (self.folder,)

    def fault(self, message: str, remedy: str, *keys: str | int) -> Fault:
        """Return a fault of pyproject.toml at a key, or at the nearest table around it that is written there."""
        line = next((self.lines[keys[:end]] for end in range(len(keys), 0, -1) if keys[:end] in self.lines), 0)
        return Fault(PROJECT_FILE, line, message, remedy)


def table(values: Mapping[str, Any], *keys: str) -> Mapping[str, Any]:
    """Return a table inside a document, empty where there is none of that name."""
    for key in keys:
        inner = values.get(key)
        if not isinstance(inner, Mapping):
            return {}
        values = inner
    return values


def texts(value: object) -> tuple[str, ...]:
    """Return the strings of a list, empty where it is none."""
    return tuple(text for text in value if isinstance(text, str)) if isinstance(value, list) else ()


def read_source(folder: Path) -> PluginSource:
    """Read a plugin's folder.

    Raises:
        UsageError: there is no such folder, or it holds no plugin: no pyproject.toml, or no entry point of any group like ours.
    """
    path = folder / PROJECT_FILE
    if not folder.is_dir():
        raise UsageError(f"{folder}: there is no such folder; name the folder that holds a plugin's {PROJECT_FILE}")
    try:
        text = path.read_text("utf-8")
        document = tomllib.loads(text)
    except FileNotFoundError:
        wanted = "`tidemill new plugin KIND NAME` writes a plugin, or name the folder that holds its pyproject.toml"
        raise UsageError(f"{folder}: is no plugin: it has no {PROJECT_FILE}; {wanted}") from None
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise UsageError(f"{path}: cannot be read as TOML: {error}") from error
    lines = locate(text)
    entries = tuple(_entries(document, lines))
    if not entries:
        known = ", ".join(GROUPS)
        raise UsageError(f'{path}: is no plugin: no [project.entry-points."…"] has a group of Tidemill\'s; the groups are {known}')
    unreadable: list[Fault] = []
    root = folder / "src" if (folder / "src").is_dir() else folder
    modules = {module.name: module for module in _modules(folder, root, unreadable)}
    tests = tuple(_modules(folder, folder / "tests", unreadable))
    return PluginSource(folder, document, lines, entries, modules, tests, tuple(unreadable))


def nearest_group(group: str) -> str | None:
    """Return the group of ours that was probably meant, or None."""
    near = get_close_matches(group, GROUPS, n=1, cutoff=0.6)
    return near[0] if near else None


def _entries(document: Mapping[str, Any], lines: Mapping[tuple[str | int, ...], int]) -> Iterator[Entry]:
    for group, members in table(document, "project", "entry-points").items():
        if not isinstance(members, Mapping) or not (_OURS.match(group) or nearest_group(group)):
            continue
        for name, target in members.items():
            keys = ("project", "entry-points", group, name)
            yield Entry(group, name, str(target), lines.get(keys, 0), GROUPS.get(group))


def _modules(folder: Path, root: Path, unreadable: list[Fault]) -> Iterator[Module]:
    for path in _python_files(root, flat=root == folder):
        parts = path.relative_to(root).with_suffix("").parts
        package = parts[-1] == "__init__"
        place = path.relative_to(folder)
        try:
            tree = ast.parse(path.read_bytes(), str(path))
        except SyntaxError as error:
            unreadable.append(Fault(place, error.lineno or 0, f"is not Python: {error.msg}", "mend the syntax"))
        except (OSError, ValueError) as error:
            unreadable.append(Fault(place, 0, f"cannot be read: {error}", "write it as UTF-8"))
        else:
            yield Module(".".join(parts[:-1] if package else parts), place, tree, package)


def _python_files(root: Path, *, flat: bool) -> Sequence[Path]:
    """Return the Python files below a folder; where sources lie flat beside pyproject.toml, tests and what tools write are left out."""
    left_out = {*_LEAVE_OUT, "tests"} if flat else _LEAVE_OUT
    found = []
    for path in sorted(root.rglob("*.py")):
        parts = path.relative_to(root).parts
        if not any(part in left_out or part.startswith(".") for part in parts[:-1]) and not (flat and _is_test(path.name)):
            found.append(path)
    return found


def _is_test(name: str) -> bool:
    return name.startswith("test_") or name in ("conftest.py", "noxfile.py", "setup.py")
