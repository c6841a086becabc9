"""Tells what in a module has no order of its own: sets, immutables.Map, and the names that hold them."""

import ast
from collections.abc import Iterator

TYPES = frozenset({"set", "frozenset", "AbstractSet", "MutableSet", "Map"})
VIEWS = frozenset({"items", "keys", "values"})
Scope = ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda


def is_unordered(node: ast.AST, names: set[str]) -> bool:
    """Tells whether an expression has no order; `names` are variables that hold such, `.name` for fields."""
    match node:
        case ast.Set() | ast.SetComp():
            return True
        case ast.Call(func=ast.Name(id="set" | "frozenset" | "Map")):
            return True
        case ast.Call(func=ast.Attribute(value=owner, attr=attr)) if attr in VIEWS:
            return is_unordered(owner, names)
        case ast.BinOp(op=ast.BitOr() | ast.BitAnd() | ast.Sub() | ast.BitXor()):
            return is_unordered(node.left, names) or is_unordered(node.right, names)
        case ast.Name(id=name):
            return name in names
        case ast.Attribute(attr=name):
            return f".{name}" in names
    return False


def own_nodes(scope: ast.AST) -> Iterator[ast.AST]:
    """Gives the nodes of a scope without those of the functions in it, which are scopes themselves."""
    for child in ast.iter_child_nodes(scope):
        yield child
        if not isinstance(child, Scope):
            yield from own_nodes(child)


def fields(tree: ast.Module) -> set[str]:
    """Gives the fields without order of the classes in a module, each as `.name`."""
    bodies = (node for scope in ast.walk(tree) if isinstance(scope, ast.ClassDef) for node in scope.body)
    return {
        f".{node.target.id}"
        for node in bodies
        if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name) and _is_type(node.annotation)
    }


def variables(scope: ast.AST, known: set[str]) -> set[str]:
    """Gives `known`, and the variables of a scope that hold something without order all the time."""
    held: dict[str, list[bool]] = {}
    for node in own_nodes(scope):
        match node:
            case ast.arg(arg=name) | ast.AnnAssign(target=ast.Name(id=name)):
                held.setdefault(name, []).append(_is_type(node.annotation))
            case ast.Assign(targets=[ast.Name(id=name)], value=value):
                held.setdefault(name, []).append(is_unordered(value, known))
    return known | {name for name, votes in held.items() if all(votes)}


def _is_type(node: ast.expr | None) -> bool:
    """Tells whether an annotation names a type without order; `set[X] | None` does."""
    if isinstance(node, ast.BinOp):
        return _is_type(node.left) or _is_type(node.right)
    base = node.value if isinstance(node, ast.Subscript) else node
    return (getattr(base, "id", None) or getattr(base, "attr", "")) in TYPES
