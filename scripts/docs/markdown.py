"""Markdown from docstrings and tables."""

import inspect
import re
from collections.abc import Iterable, Iterator, Sequence

from scripts.docs.source import Member, Shape, Value

_SECTION = re.compile(r"^(Args|Returns|Yields|Raises|Attributes|Note|Example|Capabilities|[A-Z][a-z ]+ give):\s*(.*)$")
_TOLD = ("Returns", "Yields", "Note", "Example")
_ENTRY = re.compile(r"^(\*{0,2}[\w.]+(?:, [\w.]+)*)(?: \([^)]*\))?: ?(.*)$")
_NAMES = {"Args": "Arguments"}


def page(title: str, made_from: str, *parts: str) -> str:
    """Return a whole page: its title, what it is made from, and its parts."""
    head = f"# {title}\n\n> Made from {made_from} by `python -m scripts.docs`. To change this page, change them.\n"
    return "\n".join([head, *(part.rstrip() + "\n" for part in parts if part.strip())])


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a table; a bar or a line break inside a cell is escaped."""
    lines = [" | ".join(head), " | ".join("---" for _ in head)]
    lines += [" | ".join(_cell(cell) for cell in row) for row in rows]
    return "\n".join(f"| {line} |" for line in lines) + "\n"


def _cell(text: str) -> str:
    return re.sub(r"\s*\n\s*", " ", text).replace("|", "\\|").strip()


def code(text: str) -> str:
    """Return inline code, or nothing of nothing."""
    return f"`{text}`" if text else ""


def block(text: str) -> str:
    """Return text that keeps its columns."""
    return f"```text\n{text.rstrip()}\n```\n"


def prose(docstring: str) -> str:
    """Return a docstring as Markdown: double backticks become single ones, Google sections become lists."""
    text = inspect.cleandoc(docstring).replace("``", "`")
    return "\n\n".join(_paragraphs(text)) + "\n" if text else ""


def one_line(docstring: str) -> str:
    """Return a docstring's first paragraph on one line."""
    first = inspect.cleandoc(docstring).replace("``", "`").split("\n\n")[0]
    return re.sub(r"\s*\n\s*", " ", first)


def whole(docstring: str) -> str:
    """Return a whole docstring on one line, for a cell of a table."""
    return re.sub(r"\s+", " ", inspect.cleandoc(docstring).replace("``", "`"))


def _paragraphs(text: str) -> Iterator[str]:
    for paragraph in text.split("\n\n"):
        lines = paragraph.splitlines()
        found = _SECTION.match(lines[0])
        inside = lines[1:]
        if found is not None and found[2]:
            inside = [f"    {found[2]}", *inside]
        if found is None or not all(line.startswith("    ") for line in inside):
            yield _literal(paragraph)
        elif found[2] == ":":
            yield f"{found[1]}:"
        elif found[1] in _TOLD:
            yield f"{found[1]}: {' '.join(line.strip() for line in inside)}"
        else:
            yield f"{_NAMES.get(found[1], found[1])}:\n\n" + "\n".join(_items(inside))


def _literal(paragraph: str) -> str:
    """Keep an indented paragraph as it is drawn; the colons that announce one are one."""
    if paragraph.startswith("    "):
        return block(inspect.cleandoc("\n" + paragraph)).rstrip()
    return re.sub(r"::$", ":", paragraph)


def _items(lines: Sequence[str]) -> list[str]:
    """Return the entries of a section as a list; one that ends with a colon has those below it, further lines of one are joined."""
    items: list[str] = []
    inner = False
    for line in lines:
        text, deep = line.strip(), line.startswith("        ")
        goes_on = not _ENTRY.match(text) if inner else not (items and items[-1].endswith(":"))
        if deep and goes_on:
            items[-1] += f" {text}"
        else:
            inner = deep
            items.append(f"{'  ' if deep else ''}* {_entry(text)}")
    return items


def _entry(text: str) -> str:
    """Set the names before a colon in code."""
    found = _ENTRY.match(text)
    if found is None or "`" in found[1]:
        return text
    return f"{', '.join(f'`{name}`' for name in found[1].split(', '))}: {found[2]}"


def member(found: Member, owner: str = "", level: int = 4) -> str:
    """Return one method or function with a heading of its own, so that it can be linked."""
    heading = f"{'#' * level} `{owner}.{found.name}`" if owner else f"{'#' * level} `{found.name}`"
    return f"{heading}\n\n`{found.signature}`\n\n{prose(found.doc)}"


def fields(values: Sequence[Value]) -> str:
    """Return a table of a class's attributes."""
    named = [value for value in values if value.type != "Any"]
    if not named:
        return ""
    if any(value.doc for value in named):
        rows = [(code(value.name), code(value.type), code(value.default), one_line(value.doc)) for value in named]
        return table(("name", "type", "default", "meaning"), rows)
    return table(("name", "type", "default"), [(code(value.name), code(value.type), code(value.default)) for value in named])


def shape(found: Shape, level: int = 3) -> str:
    """Return a class: its docstring, its attributes, its members."""
    parts = [f"{'#' * level} `{found.name}`\n", prose(found.doc), fields(found.values)]
    parts += [member(one, found.name, level + 1) for one in found.members]
    return "\n".join(part for part in parts if part)
