"""Files and functions stay small enough to read, and every argument says its type."""

import ast
from collections.abc import Iterator
from pathlib import Path

from scripts.checks.report import Finding, Report, files

FILE_LINES, FUNCTION_LINES = 600, 100


def shape(source: str) -> Iterator[tuple[int, str, str]]:
    """Gives line, rule and remedy of what is too long or untyped in a module."""
    lines = source.count("\n")
    if lines > FILE_LINES:
        yield 1, f"{lines} lines, at most {FILE_LINES}", "split the file by noun"
    for node in ast.walk(ast.parse(source)):
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        length = (node.end_lineno or node.lineno) - node.lineno + 1
        if length > FUNCTION_LINES:
            yield (
                node.lineno,
                f"{node.name} has {length} lines, at most {FUNCTION_LINES}",
                "split the function",
            )
        given = [
            *node.args.posonlyargs,
            *node.args.args,
            *node.args.kwonlyargs,
            node.args.vararg,
            node.args.kwarg,
        ]
        for argument in filter(None, given):
            if argument.annotation is None and argument.arg not in {"self", "cls"}:
                yield node.lineno, f"{node.name}({argument.arg}) has no type", "annotate it"


def check(root: Path) -> Report:
    """Reads every Python file, tests too."""
    found, seen = [], 0
    for path in files(root, "**.py"):
        seen += 1
        place = path.relative_to(root).as_posix()
        hits = shape(path.read_text("utf-8"))
        found += [Finding(f"{place}:{line}", rule, remedy) for line, rule, remedy in hits]
    return Report(seen, found)
