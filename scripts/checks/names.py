"""What may stand in the tree: no trace of the machine or the plan, and public names are documented."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from scripts.checks.report import Finding, Report, files, text_of

# Written so that no pattern matches this file
WORDS = {
    "path of a machine": re.compile(r"(?<![\w.-])/(?:work|root|Users|home/\w+)/"),
    "host of a registry": re.compile(r"\b(?:pypi\.org|pythonhosted\.org|npmjs\.(?:org|com)|crates\.io|golang\.org|debian\.org)\b"),
    "number of a task": re.compile(r"(?i)\b(?:part|task|issue|slice) #?\d+\b"),
    "mark of unfinished work": re.compile(r"\b(?:TO[D]O|FIX[M]E|X{3}|HAC[K])\b"),
}
Hit = tuple[int, str, str]


def words(text: str) -> Iterator[Hit]:
    """Gives line, rule and remedy of what no file may say."""
    for number, line in enumerate(text.splitlines(), 1):
        for rule, pattern in WORDS.items():
            if pattern.search(line):
                yield number, rule, "say it in a way that is true on every machine and after today"


def undocumented(tree: ast.Module) -> Iterator[Hit]:
    """Gives the public names of a module without docstring; a method with bases has its contract there."""
    if tree.body and not ast.get_docstring(tree):
        yield 1, "the module has no docstring", "say what it is for"
    for node in tree.body:
        yield from _bare(node, "")
        if isinstance(node, ast.ClassDef) and not node.name.startswith("_") and _begins_a_contract(node):
            for member in node.body:
                yield from _bare(member, f"{node.name}.")


def _begins_a_contract(node: ast.ClassDef) -> bool:
    return {getattr(base, "id", getattr(base, "attr", "")) for base in node.bases} <= {"ABC", "object"}


def _bare(node: ast.stmt, owner: str) -> Iterator[Hit]:
    if not isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) or node.name.startswith("_"):
        return
    repeats = any(re.search(r"overload|setter|override", ast.unparse(by)) for by in node.decorator_list)
    if not repeats and not ast.get_docstring(node):
        rule = f"{owner}{node.name} has no docstring"
        yield node.lineno, rule, "say units, ranges, rounding, errors: not its name again"


def check(root: Path) -> Report:
    """Reads every text file, and the docstrings of what is shipped."""
    found, seen = [], 0
    for path in files(root, "**"):
        text = text_of(path)
        if text is None:
            continue
        seen += 1
        place, hits = path.relative_to(root), list(words(text))
        if path.suffix == ".py" and "src" in place.parts:
            hits += undocumented(ast.parse(text))
        found += [Finding(f"{place.as_posix()}:{line}", rule, remedy) for line, rule, remedy in hits]
    return Report(seen, found)
