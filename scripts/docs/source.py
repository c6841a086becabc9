"""Reads a module's public classes and functions from its source: names, signatures as written, docstrings."""

import ast
import inspect
import re
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

from attrs import frozen

Function = ast.FunctionDef | ast.AsyncFunctionDef


@frozen
class Member:
    """A method, property or function: its signature on one line, and its docstring ("" where a base class has it)."""

    name: str
    signature: str
    doc: str
    abstract: bool = False


@frozen
class Value:
    """An attribute of a class, or a member of an enumeration, as it is declared; ``doc`` is the string below it."""

    name: str
    type: str
    default: str
    doc: str = ""


@frozen
class Shape:
    """A class as its source declares it."""

    name: str
    bases: tuple[str, ...]
    doc: str
    values: tuple[Value, ...]
    members: tuple[Member, ...]


@frozen
class Source:
    """The public names of a module in order; ``names`` are its assignments, such as type aliases, with the string below each."""

    module: str
    doc: str
    shapes: tuple[Shape, ...]
    functions: tuple[Member, ...]
    names: tuple[Value, ...]


def read_source(module: str) -> Source:
    """Return what a module declares; nothing of it is imported but its packages."""
    spec = find_spec(module)
    assert spec is not None, f"{module} is not installed"
    assert spec.origin is not None, f"{module} is a folder without __init__.py"
    tree = ast.parse(Path(spec.origin).read_text("utf-8"))
    public = [node for node in tree.body if not getattr(node, "name", "").startswith("_")]
    return Source(
        module,
        ast.get_docstring(tree) or "",
        tuple(_shape(node) for node in public if isinstance(node, ast.ClassDef)),
        tuple(_member(node, bound=False) for node in public if isinstance(node, Function)),
        tuple(value for value in _values(tree.body) if not value.name.startswith("_") and value.doc),
    )


def _shape(node: ast.ClassDef) -> Shape:
    members = [_member(child, bound=True) for child in node.body if isinstance(child, Function) and not child.name.startswith("_")]
    bases = tuple(ast.unparse(base) for base in node.bases)
    values = tuple(value for value in _values(node.body) if not value.name.startswith("_"))
    return Shape(node.name, bases, ast.get_docstring(node) or "", values, tuple(members))


def _member(node: Function, *, bound: bool) -> Member:
    marks = {ast.unparse(mark).rpartition(".")[2] for mark in node.decorator_list}
    arguments = ast.unparse(node.args)
    if bound:
        arguments = re.sub(r"^(self|cls)(, |$)", "", arguments)
    gives = f" -> {ast.unparse(node.returns)}" if node.returns is not None else ""
    call = "" if marks & {"property", "cached_property"} else f"({arguments})"
    waits = "async " if isinstance(node, ast.AsyncFunctionDef) else ""
    signature = f"{waits}{node.name}{call}{gives}".replace("'", '"')
    return Member(node.name, signature, ast.get_docstring(node) or "", "abstractmethod" in marks)


def _values(body: list[ast.stmt]) -> Iterator[Value]:
    for place, node in enumerate(body):
        below = body[place + 1] if place + 1 < len(body) else None
        doc = ""
        if isinstance(below, ast.Expr) and isinstance(below.value, ast.Constant) and isinstance(below.value.value, str):
            doc = inspect.cleandoc(below.value.value)
        if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            yield Value(node.target.id, ast.unparse(node.annotation).strip("'\""), _default(node.value), doc)
        elif isinstance(node, ast.Assign) and len(node.targets) == 1 and isinstance(node.targets[0], ast.Name):
            yield Value(node.targets[0].id, "", _default(node.value), doc)


def _default(node: ast.expr | None) -> str:
    """Return a default as people write it: ``field(factory=dict)`` is ``{}``."""
    if node is None:
        return ""
    if isinstance(node, ast.Call) and ast.unparse(node.func) in {"field", "attrs.field"}:
        given = {keyword.arg: keyword.value for keyword in node.keywords}
        if "factory" in given:
            factory = ast.unparse(given["factory"])
            return {"dict": "{}", "list": "[]", "Map": "{}"}.get(factory, f"{factory}()")
        return ast.unparse(given["default"]) if "default" in given else ""
    return ast.unparse(node).replace("'", '"')
