"""No float reaches an amount: integers in base units on every path of money."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from scripts.checks.report import Finding, Report, files

PATHS = (
    "libs/amm/src/**.py",
    *(f"core/src/tidemill/{folder}/**.py" for folder in ("domain", "ledger", "planning", "stages")),
    *(f"plugins/{folder}/*/src/**.py" for folder in ("chains", "dex", "lenders", "risk")),
)
ALLOWED = "scripts/checks/allow_floats.txt"
MARK = re.compile(r"#\s*float: \S")
INTEGER_MATH = frozenset({"comb", "factorial", "gcd", "isqrt", "lcm", "perm", "prod"})
REMEDY = "use integers (// with the rounding stated), or mark the line `# float: <reason>` and list it"


def floats(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Gives line and rule of everything in a module that makes a float."""
    for node in ast.walk(tree):
        match node:
            case ast.Constant(value=float() | complex()):
                yield node.lineno, "float literal"
            case ast.BinOp(op=ast.Div()) if not _joins_paths(node):
                yield node.lineno, "true division"
            case ast.AugAssign(op=ast.Div()) if not isinstance(node.value, ast.Constant | ast.JoinedStr):
                yield node.lineno, "true division"
            case ast.BinOp(op=ast.Pow(), right=ast.UnaryOp(op=ast.USub(), operand=ast.Constant())):
                yield node.lineno, "negative power"
            case ast.Call(func=ast.Name(id="float")):
                yield node.lineno, "float()"
            case ast.Attribute(value=ast.Name(id="math"), attr=name) if name not in INTEGER_MATH:
                yield node.lineno, f"math.{name}"
            case ast.ImportFrom(module="math", names=imported):
                yield from ((node.lineno, f"math.{a.name}") for a in imported if a.name not in INTEGER_MATH)


def _joins_paths(node: ast.BinOp) -> bool:
    """Tells `folder / "ledger.db"` from a division: text cannot be divided."""
    sides = (node.left, node.right)
    if any(isinstance(s, ast.JoinedStr) or (isinstance(s, ast.Constant) and isinstance(s.value, str)) for s in sides):
        return True
    return any(isinstance(s, ast.BinOp) and isinstance(s.op, ast.Div) and _joins_paths(s) for s in sides)


def check(root: Path) -> Report:
    """Compares what is marked with the list of what may be, which can only shrink."""
    lines = (root / ALLOWED).read_text("utf-8").splitlines()
    allowed = dict(line.rsplit(maxsplit=1) for line in lines if line and not line.startswith("#"))
    found, seen, marked = [], 0, dict.fromkeys(allowed, 0)
    for path in files(root, *PATHS):
        seen += 1
        name, source = path.relative_to(root).as_posix(), path.read_text("utf-8")
        rows = source.splitlines()
        excused = set()
        for line, rule in sorted(floats(ast.parse(source))):
            if MARK.search(rows[line - 1]):
                excused.add(line)
            else:
                found.append(Finding(f"{name}:{line}", f"{rule} in a path of money", REMEDY))
        if excused:
            marked[name] = len(excused)
    for name, count in marked.items():
        limit = int(allowed.get(name, 0))
        if count != limit:
            remedy = "remove the float" if count > limit else "lower the number in the list, which only shrinks"
            found.append(Finding(ALLOWED, f"{name} has {count} marked lines, the list says {limit}", remedy))
    return Report(seen, found)
