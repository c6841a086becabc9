"""Writes a new plugin package from the templates that are shipped inside ``tidemill``.

A kind's templates stand in ``templates/<kind>/``, what all kinds share in ``templates/common/``; of two files of one path the kind's is
taken. A file ``a/b.py.tmpl`` becomes ``a/b.py``, filled by ``string.Template`` (a dollar sign is written ``$$``), and a path part
``package`` becomes the name of the package. ``templates/<kind>/kind.toml`` says what is particular to the kind: ``sentence``, ``about``
(the README's middle), further ``dependencies`` and ``dev`` dependencies, and the states of ``[rules]`` in ``quality.toml``.
"""

import ast
import builtins
import os
import shutil
import tomllib
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, suppress
from datetime import UTC, datetime
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from string import Template
from typing import Any

from attrs import frozen

from tidemill import __version__
from tidemill.api.quality import LEVELS
from tidemill.api.scaffold_names import PluginNames, names_of
from tidemill.errors import UsageError

SUFFIX = ".tmpl"


@frozen
class NewPlugin:
    """A package that was written: ``folder`` holds it, ``files`` are its paths inside that folder, sorted."""

    names: PluginNames
    folder: Path
    files: tuple[str, ...]


def new_plugin(kind: str, name: str, folder: Path | str = ".") -> NewPlugin:
    """Write a plugin package that passes its conformance suite at once.

    Either the whole package is there afterwards or nothing is.

    Args:
        kind: a kind of ``tidemill.hookspecs.kinds``, such as ``dex``.
        name: what stands in the configuration: lower case letters, digits and single underscores, a letter first.
        folder: where ``<distribution>/`` is written; made where it is missing.

    Raises:
        UsageError: there is no such kind, the name cannot be used or is taken, or the package cannot be written there.
    """
    names = names_of(kind, name)
    texts = render(names)
    target = Path(folder) / names.distribution
    if os.path.lexists(target):
        raise UsageError(f"{target} is there already: choose another name, give another folder with --dir, or move it away")
    _write(texts, target)
    return NewPlugin(names, target, tuple(texts))


def render(names: PluginNames) -> dict[str, str]:
    """Return the files of a package, by path in order; nothing is written.

    Raises:
        UsageError: this installation has no templates of the kind, or the class's name means something else in them.
    """
    root = files("tidemill") / "templates"
    if not (root / names.kind / "kind.toml").is_file():
        raise UsageError(f"there are no templates of kind {names.kind} in this installation: install tidemill anew")
    particular = tomllib.loads((root / names.kind / "kind.toml").read_text("utf-8"))
    values = _values(names, particular)
    found = {**_templates(root / "common"), **_templates(root / names.kind)}
    texts: dict[str, str] = {}
    for path in sorted(found):
        parts = [names.package if part == "package" else part for part in path.removesuffix(SUFFIX).split("/")]
        texts["/".join(parts)] = Template(found[path]).substitute(values)
    _check_collisions(names, texts)
    return dict(sorted(texts.items()))


def _templates(folder: Traversable, prefix: str = "") -> dict[str, str]:
    """Return the templates below a folder, by path."""
    found: dict[str, str] = {}
    for member in folder.iterdir():
        if member.is_dir():
            found |= _templates(member, f"{prefix}{member.name}/")
        elif member.name.endswith(SUFFIX):
            found[f"{prefix}{member.name}"] = member.read_text("utf-8")
    return found


def _values(names: PluginNames, particular: Mapping[str, Any]) -> dict[str, str]:
    """Return what stands for each placeholder."""
    major, minor = __version__.split(".")[:2]
    values = {
        "name": names.name,
        "title": names.title,
        "package": names.package,
        "distribution": names.distribution,
        "kind": names.kind,
        "folder": names.folder,
        "group": names.group,
        "hook": names.hook,
        "interface": names.interface,
        "command": names.command,
        "version_bound": f">={major}.{minor},<{major}.{int(minor) + 1}",
        "year": str(datetime.now(UTC).year),
    }
    filled = {key: Template(particular[key]).substitute(values) for key in ("sentence", "about")}
    lines = {key: "".join(_line(each, values) for each in particular.get(key, ())) for key in ("dependencies", "dev")}
    return {**values, **filled, **lines, "rules": "\n".join(_rules(particular["rules"]))}


def _line(requirement: str, values: Mapping[str, str]) -> str:
    return f'    "{Template(requirement).substitute(values)}",\n'


def _rules(states: Mapping[str, str | Mapping[str, str]]) -> Iterator[str]:
    """Yield the lines of ``[rules]``: the state of each rule and what it says."""
    for level, rules in LEVELS.items():
        yield f"\n# {level}"
        for rule, says in rules.items():
            state = states[rule]
            value = f'"{state}"' if isinstance(state, str) else f'{{ exempt = "{state["exempt"]}" }}'
            yield f"{rule} = {value}  # {says}"


def _check_collisions(names: PluginNames, texts: Mapping[str, str]) -> None:
    """Refuse a name that gives a class which Python or a template's import means already: ``Pool``, ``Exception``.

    Raises:
        UsageError: it does.
    """
    if hasattr(builtins, names.title):
        raise _taken(names, "Python itself")
    for path, text in texts.items():
        if not path.endswith(".py"):
            continue
        seen: set[str] = set()
        for bound in _bound(ast.parse(text, path)):
            if bound in seen:
                raise _taken(names, path)
            seen.add(bound)


def _bound(module: ast.Module) -> Iterator[str]:
    """Yield the names that a module's imports, classes and functions bind."""
    for statement in module.body:
        if isinstance(statement, ast.Import | ast.ImportFrom):
            yield from (alias.asname or alias.name for alias in statement.names)
        elif isinstance(statement, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            yield statement.name


def _taken(names: PluginNames, where: str) -> UsageError:
    return UsageError(f"{names.name!r} makes a class {names.title}, which is something else in {where}: choose another name")


def _write(texts: Mapping[str, str], target: Path) -> None:
    """Write files beside the target and rename, so that a package is there as a whole or not at all.

    Raises:
        UsageError: the folder cannot be written.
    """
    draft = target.with_name(f".{target.name}.{os.getpid()}")
    try:
        with ExitStack() as undo:
            for folder in [*reversed(target.parent.absolute().parents), target.parent]:
                if not folder.exists():
                    folder.mkdir()
                    undo.callback(_remove, folder)
            draft.mkdir()
            undo.callback(shutil.rmtree, draft, ignore_errors=True)
            for path, text in texts.items():
                place = draft / path
                place.parent.mkdir(parents=True, exist_ok=True)
                place.write_text(text, "utf-8", newline="\n")
            draft.rename(target)
            undo.pop_all()
    except OSError as error:
        where = error.filename or target
        raise UsageError(f"{where}: {error.strerror}: nothing was written; give a folder that can be written with --dir") from error


def _remove(folder: Path) -> None:
    """Take an empty folder away; one that somebody else uses by now stays."""
    with suppress(OSError):
        folder.rmdir()
