"""The code blocks of a page, and what is done with each.

What stands in the fence and on the last line above it says it, so that a page reads well without knowing this:

* ``sh``: commands, run in order in the page's folder. ``# exits 2`` on a line says that the block ends with that code.
* ``text``: what the last commands printed. ``…`` stands for anything on its line, and on a line of its own for any lines.
* ``python``, ``toml``, ``json``: below a line that ends with the name of a file in backticks and a colon, the content of that file.
  After "add to" it is the end of the file, after "in" the functions and classes that replace those of the file that have the same names;
  of a class that begins with ``...``, its methods do. Without a name it is a program that is run.
* ``console``: commands that cannot be run here; each is on a list with its reason.

A fence stands at the beginning of its line and has three backticks; what a reader would see as code in any other way is refused, because
nothing would run it.
"""

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

from attrs import frozen

How = Literal["run", "write", "add", "replace", "output", "shown"]
_FENCE = re.compile(r"^```(?P<language>[^`\s]*)\s*$")
_NAMED = re.compile(r"(?:\b(?P<verb>[Ii]n|[Aa]dd to) )?`(?P<file>[\w./-]+\.\w+)`[^`]*:$")
_EXITS = re.compile(r"# exits (\d+)")
_WRITTEN = ("python", "toml", "json")
_OTHER_CODE = re.compile(r"^\s*(?:```|~~~|<(?:pre|code)\b)")
_ITEM = re.compile(r"(?:[*+-]|\d+\.) ")


class BadPage(AssertionError):
    """A page has a block that nothing could run."""


@frozen
class Block:
    """A fenced block: its language and text, the line of its fence, what is done with it, and the file that it belongs to."""

    language: str
    text: str
    line: int
    how: How
    file: str = ""
    exits: int = 0


def blocks_of(page: str) -> tuple[Block, ...]:
    """Return the blocks of a page in order.

    Raises:
        BadPage: a block is indented or not closed, is of a language that nothing runs, or is output of nothing.
    """
    found: list[Block] = []
    for language, text, line, above in _fenced(page):
        block = _block(language, text, line, above)
        if block.how == "output" and not any(one.how in ("run", "shown") for one in found):
            raise BadPage(f"line {line}: output of nothing: a text block follows commands")
        if block.how == "output" and not text.replace("…", "").strip():
            raise BadPage(f"line {line}: output that any command would print: say something of it")
        found.append(block)
    return tuple(found)


def _fenced(page: str) -> Iterator[tuple[str, str, int, str]]:
    """Yield language, text, line and the last line above of every fenced block."""
    inside: list[str] | None = None
    language, start, above, blank = "", 0, "", True
    for number, line in enumerate(page.splitlines(), 1):
        fence = _FENCE.match(line)
        if inside is not None:
            if fence is not None and not fence["language"]:
                yield language, "\n".join(inside) + "\n", start, above
                inside = None
            else:
                inside.append(line)
        elif fence is not None:
            inside, language, start = [], fence["language"], number
        elif _OTHER_CODE.match(line):
            raise BadPage(f"line {number}: a fence is three backticks at the beginning of a line, and one word: found {line.strip()!r}")
        elif line.expandtabs(4).startswith(" " * (7 if _ITEM.match(above) else 4)) and blank:
            raise BadPage(f"line {number}: an indented block says no language: put it into a fence")
        elif line.strip():
            above = line.strip()
        blank = not line.strip()
    if inside is not None:
        raise BadPage(f"line {start}: the block is not closed")


def _block(language: str, text: str, line: int, above: str) -> Block:
    named = _NAMED.search(above)
    if language == "sh":
        exits = _EXITS.search(text)
        return Block(language, text, line, "run", exits=int(exits[1]) if exits else 0)
    if language == "console":
        return Block(language, text, line, "shown")
    if language == "text":
        return Block(language, text, line, "output")
    if language not in _WRITTEN:
        raise BadPage(f"line {line}: nothing runs a block of language {language!r}; there are sh, text, console, {', '.join(_WRITTEN)}")
    if named is None:
        if language != "python":
            raise BadPage(f"line {line}: a {language} block needs the name of its file above it, in backticks and before a colon")
        return Block(language, text, line, "run")
    verb = (named["verb"] or "").lower()
    how: How = "add" if verb == "add to" else "replace" if verb == "in" else "write"
    return Block(language, text, line, how, named["file"])


def apply(block: Block, folder: Path) -> Path:
    """Write, lengthen or change the file of a block, and return its path."""
    path = folder / block.file
    path.parent.mkdir(parents=True, exist_ok=True)
    if block.how == "write":
        path.write_text(block.text, "utf-8")
    elif block.how == "add":
        path.write_text(f"{path.read_text('utf-8').rstrip()}\n\n\n{block.text}", "utf-8")
    else:
        path.write_text(replaced(path.read_text("utf-8"), block.text), "utf-8")
    return path


def replaced(old: str, new: str) -> str:
    """Return a module's text with the functions, classes and assignments of another in the place of its own of the same names.

    Imports of the new text are put before the first line that is no import; what else is new stands at the end.
    """
    for piece in ast.parse(new).body:
        text = _lines(new, piece)
        tree = ast.parse(old)
        if isinstance(piece, ast.Import | ast.ImportFrom):
            imports = [node for node in tree.body if isinstance(node, ast.Import | ast.ImportFrom)]
            after = imports[-1].end_lineno if imports else 0
            old = _spliced(old, (after or 0) + 1, after or 0, text)
            continue
        same = [node for node in tree.body if _name(node) is not None and _name(node) == _name(piece)]
        if same and isinstance(piece, ast.ClassDef) and _is_open(piece.body):
            old = _with_members(old, piece, new)
        elif same:
            old = _spliced(old, _first(same[0]), same[0].end_lineno or 0, text)
        else:
            old = f"{old.rstrip()}\n\n\n{text}\n"
    return old


def _is_open(body: list[ast.stmt]) -> bool:
    """Tell whether a class begins with ``...``: the rest of it stays."""
    return isinstance(body[0], ast.Expr) and isinstance(body[0].value, ast.Constant) and body[0].value.value is ...


def _with_members(old: str, piece: ast.ClassDef, new: str) -> str:
    """Return a module's text with the members of one class replaced, or added at the end of the class."""
    for member in piece.body[1:]:
        owner = next(node for node in ast.parse(old).body if isinstance(node, ast.ClassDef) and node.name == piece.name)
        same = [node for node in owner.body if _name(node) == _name(member)]
        if same:
            old = _spliced(old, _first(same[0]), same[0].end_lineno or 0, _lines(new, member))
        else:
            old = _spliced(old, (owner.end_lineno or 0) + 1, owner.end_lineno or 0, "\n" + _lines(new, member))
    return old


def _name(node: ast.stmt) -> str | None:
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        return node.name
    if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
        return node.targets[0].id
    return node.target.id if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name) else None


def _first(node: ast.stmt) -> int:
    """Return the first line of a definition, its decorators included."""
    marks: list[ast.expr] = getattr(node, "decorator_list", [])
    return min([node.lineno, *(mark.lineno for mark in marks)])


def _lines(text: str, node: ast.stmt) -> str:
    return "\n".join(text.splitlines()[_first(node) - 1 : node.end_lineno])


def _spliced(text: str, first: int, last: int, middle: str) -> str:
    lines = text.splitlines()
    return "\n".join([*lines[: first - 1], middle, *lines[last:]]) + "\n"


def matches(expected: str, found: str) -> bool:
    """Tell whether an output is the one that a page shows; spaces at the ends of lines do not count."""
    pattern = ""
    for line in expected.rstrip().splitlines():
        if line.strip() == "…":
            pattern += r"(?:[^\n]*\n)*"
        else:
            pattern += r"[^\n]*".join(re.escape(part) for part in line.rstrip().split("…")) + r"[ \t]*\n"
    return re.fullmatch(pattern, "\n".join(line.rstrip() for line in found.strip("\n").splitlines()) + "\n") is not None
