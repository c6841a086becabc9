"""A rule over how a plugin finds its own files: as an installed package does, not by where its checkout happens to lie."""

import ast
from collections.abc import Iterator

from tidemill.api.checks.code import called, dotted
from tidemill.api.checks.rule import Fault, static_rule
from tidemill.api.checks.source import Module, PluginSource, texts
from tidemill.discovery.versions import parse_requirement

PATH_LISTS = ("sys.path", "sys.meta_path", "sys.path_hooks", "sys.modules")
PACKAGED = "put it into the package, and read it with importlib.resources"


@static_rule("PKG-11", "nothing outside the package is reached by path")
def no_path_tricks(source: PluginSource) -> Iterator[Fault]:
    """What works only beside a checkout fails in a user's environment, or runs code that nobody installed."""
    for place, text in enumerate(texts(source.project.get("dependencies"))):
        bounds = parse_requirement(text)
        if bounds is not None and bounds.url and bounds.name != "tidemill":
            remedy = "name a version that users can install"
            yield source.fault(f'"{text}" names a file or an address', remedy, "project", "dependencies", place)
    for module in source.modules.values():
        for node in ast.walk(module.tree):
            yield from _tricks(module, node)


def _tricks(module: Module, node: ast.AST) -> Iterator[Fault]:
    if isinstance(node, ast.Attribute) and dotted(node) in PATH_LISTS and _is_changed(module, node):
        yield module.fault(node, f"{dotted(node)} is changed", "declare what you import as a dependency")
    elif isinstance(node, ast.Call) and called(node) in ("spec_from_file_location", "SourceFileLoader", "run_path"):
        yield module.fault(node, f"{called(node)} loads code by its path", "declare what you import as a dependency")
    elif isinstance(node, ast.ImportFrom) and node.level > module.name.count(".") + module.is_package:
        yield module.fault(node, f"from {'.' * node.level}{node.module or ''} leaves the package", "import it by its full name")
    elif isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value.startswith(("../", "..\\")):
        yield module.fault(node, f'"{node.value[:40]}" leaves the package', PACKAGED)
    elif isinstance(node, ast.Attribute | ast.Subscript) and _climbs(node) > module.name.count(".") + module.is_package:
        yield module.fault(node, "__file__ is followed out of the package", PACKAGED)


def _is_changed(module: Module, found: ast.Attribute) -> bool:
    """Tell whether a list is assigned to, deleted from, or has one of its changing methods called."""
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.value is found:
            return node.func.attr in ("append", "extend", "insert", "remove", "pop", "clear", "update", "setdefault")
        if isinstance(node, ast.Subscript) and node.value is found:
            return isinstance(node.ctx, ast.Store | ast.Del)
    return isinstance(found.ctx, ast.Store | ast.Del) or any(
        isinstance(node, ast.AugAssign) and node.target is found for node in ast.walk(module.tree)
    )


def _climbs(node: ast.AST) -> int:
    """Return how many folders an expression goes up from ``__file__``, 0 where it does not begin there."""
    climbed = 0
    while True:
        if isinstance(node, ast.Attribute):
            climbed += node.attr == "parent"
            node = node.value
        elif isinstance(node, ast.Subscript) and isinstance(node.value, ast.Attribute) and node.value.attr == "parents":
            climbed += node.slice.value + 1 if isinstance(node.slice, ast.Constant) and isinstance(node.slice.value, int) else 1
            node = node.value.value
        elif isinstance(node, ast.Call):
            if any(isinstance(one, ast.Name) and one.id == "__file__" for one in node.args):
                return climbed
            node = node.func
        else:
            return 0
