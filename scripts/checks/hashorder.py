"""No order from a hash: what walks a set or an immutables.Map sorts it, or says why it need not."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from scripts.checks.report import Finding, Report, files
from scripts.checks.unordered import Scope, fields, is_unordered, own_nodes, variables

PATHS = ("core/src/**.py", "libs/*/src/**.py", "plugins/*/*/src/**.py")
MARK = re.compile(r"#\s*order: \S")
ORDERING = frozenset({"list", "tuple", "iter", "enumerate", "zip", "map", "filter", "dict", "join", "extend", "fromkeys"})
INDIFFERENT = frozenset({"sorted", "set", "frozenset", "len", "any", "all", "sum", "min", "max"})
REMEDY = "wrap it in sorted(), or mark the line `# order: <why it reaches no result>`"


def unordered(tree: ast.Module) -> Iterator[int]:
    """Gives the line of every place that turns a set or a map into an order."""
    known = fields(tree)
    for scope in ast.walk(tree):
        if not isinstance(scope, ast.Module | Scope):
            continue
        nodes, names = list(own_nodes(scope)), variables(scope, known)
        calls = [node for node in nodes if isinstance(node, ast.Call) and _called(node) in INDIFFERENT]
        calm = {id(argument) for call in calls for argument in call.args}
        for node in nodes:
            if id(node) not in calm:
                yield from (walked.lineno for walked in _walked(node) if is_unordered(walked, names))


def _walked(node: ast.AST) -> list[ast.expr]:
    """Gives the expressions that a node goes through in their order."""
    match node:
        case ast.For():
            return [node.iter]
        case ast.Call() if _called(node) in ORDERING:
            return node.args
        case ast.Call(func=ast.Attribute(value=owner, attr="pop"), args=[]):
            return [owner]
        case ast.Starred():
            return [node.value]
        case ast.ListComp() | ast.GeneratorExp() | ast.DictComp():
            return [generator.iter for generator in node.generators]
    return []


def _called(call: ast.Call) -> str:
    return call.func.id if isinstance(call.func, ast.Name) else getattr(call.func, "attr", "")


def check(root: Path) -> Report:
    """Reads the kernel, the libs and the plugins."""
    found, seen, rule = [], 0, "the order of a set or Map is that of a hash"
    for path in files(root, *PATHS):
        seen += 1
        source = path.read_text("utf-8")
        rows, place = source.splitlines(), path.relative_to(root).as_posix()
        lines = sorted(set(unordered(ast.parse(source))))
        found += [Finding(f"{place}:{n}", rule, REMEDY) for n in lines if not MARK.search(rows[n - 1])]
    return Report(seen, found)
