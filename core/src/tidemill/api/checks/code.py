"""What several rules ask of a syntax tree: its imports, its names, the classes that a name leads to."""

import ast
from collections.abc import Iterator
from typing import TYPE_CHECKING

from attrs import frozen

if TYPE_CHECKING:
    from tidemill.api.checks.source import Module, PluginSource


@frozen
class Import:
    """One name that is imported: ``module`` in full, ``name`` what is taken from it, or "", ``asname`` as it is bound."""

    module: str
    name: str
    asname: str
    line: int

    @property
    def top(self) -> str:
        """The package that it is of."""
        return self.module.partition(".")[0]


def imports(module: "Module") -> Iterator[Import]:
    """Yield everything that a module imports, also inside functions and by ``import_module("…")``; relative ones in full."""
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield Import(alias.name, "", alias.asname or alias.name.partition(".")[0], node.lineno)
        elif isinstance(node, ast.ImportFrom):
            base = _base(module, node)
            for alias in node.names:
                yield Import(base, alias.name, alias.asname or alias.name, node.lineno)
        elif isinstance(node, ast.Call) and called(node) in ("import_module", "__import__") and node.args:
            first = node.args[0]
            if isinstance(first, ast.Constant) and isinstance(first.value, str) and not first.value.startswith("."):
                yield Import(first.value, "", "", node.lineno)


def _base(module: "Module", node: ast.ImportFrom) -> str:
    if not node.level:
        return node.module or ""
    parts = module.name.split(".")
    parts = parts[: max(0, len(parts) - node.level + (1 if module.is_package else 0))]
    return ".".join([*parts, *([node.module] if node.module else [])])


def called(node: ast.Call) -> str:
    """Return the last part of the name that a call calls, "" where it has none."""
    return last_name(node.func)


def last_name(node: ast.AST) -> str:
    """Return ``c`` of ``a.b.c``, "" for what is no name."""
    return node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""


def dotted(node: ast.AST) -> str:
    """Return ``a.b.c`` as text, "" for what is no chain of names."""
    if isinstance(node, ast.Name):
        return node.id
    inner = dotted(node.value) if isinstance(node, ast.Attribute) else ""
    return f"{inner}.{node.attr}" if inner and isinstance(node, ast.Attribute) else ""


Definition = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef


def bound_names(module: "Module") -> frozenset[str]:
    """Return the names that a module defines, assigns or imports, wherever in it."""
    found = {one.asname for one in imports(module)}
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            found.add(node.id)
        elif isinstance(node, Definition):
            found.add(node.name)
    return frozenset(found)


def definition(source: "PluginSource", module: "Module", name: str, *, depth: int = 8) -> "tuple[Module, Definition] | None":
    """Return where a name of a module is defined, through the package's own imports, or None where it leads out of the package."""
    for node in module.tree.body:
        if isinstance(node, Definition) and node.name == name:
            return module, node
    if depth:
        for found in imports(module):
            if found.asname == name and found.name and found.module in source.modules:
                return definition(source, source.modules[found.module], found.name, depth=depth - 1)
    return None


def reachable(source: "PluginSource", start: str) -> tuple[str, ...]:
    """Return the package's own modules that importing one of them brings along, itself first; packages around them not counted."""
    found: dict[str, None] = {}
    waiting = [start]
    while waiting:
        name = waiting.pop()
        module = source.modules.get(name)
        if module is None or name in found:
            continue
        found[name] = None
        for one in imports(module):
            waiting += [f"{one.module}.{one.name}" if one.name else one.module, one.module]
    return tuple(found)
