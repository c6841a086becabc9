"""The pages of hooks with their interfaces, and of the values that interfaces take and give."""

from collections.abc import Iterator
from pkgutil import iter_modules

from scripts.docs.markdown import code, member, one_line, page, prose, shape, table, whole
from scripts.docs.source import Shape, Source, read_source
from tidemill import domain
from tidemill.hookspecs.kinds import KINDS, Kind

HOOK_LINES = ("What to return", "When", "Must not", "Raises", "Example")
FIRST = (
    "ids", "asset", "time", "pool", "answers", "snapshot", "opportunity", "decision", "search", "plan", "transaction", "outcome",
    "lending", "book", "history", "note", "records", "valuation",
)  # fmt: skip
"""Modules of values in the order in which an author meets them; others follow."""
NOT_VALUES = {"events", "amount_text", "note_json"}
"""Events have a page of their own; the other two turn values into text."""
PLANNING = ("desk", "sizing", "build", "replay", "rank")


def hooks_page() -> str:
    """Every hook, and the interface that its classes derive from."""
    rows = [(f"[{kind.name}](#{kind.name})", _table(kind), code(kind.group), code(kind.hook), code(kind.interface)) for kind in KINDS]
    plugin = read_source("tidemill.hookspecs.plugin")
    return page(
        "Hooks and interfaces",
        "the docstrings of `tidemill.hookspecs`",
        "A plugin is a package with an entry point. The entry point's group names the kind and the version of its interface; its name is\n"
        "what stands in the configuration; its value is the module that holds the hook. A hook returns classes and does nothing else.\n"
        "The work is in the interface that those classes derive from.",
        table(("kind", "table in the configuration", "entry-point group", "hook", "interface"), rows),
        "## Every plugin",
        *[member(function, "", 3) for function in plugin.functions],
        *[shape(found) for found in plugin.shapes],
        *[_kind(kind) for kind in KINDS],
    )


def _table(kind: Kind) -> str:
    return code(f"[{kind.folder}.NAME]") if kind.configured else "none: it is there once it is installed"


def _kind(kind: Kind) -> str:
    source = read_source(kind.module)
    interface = next(found for found in source.shapes if found.name == kind.interface)
    others = [found for found in source.shapes if found is not interface]
    parts = [f"## {kind.name}\n", prose(source.doc), _hook(kind, source), _interface(interface)]
    parts += [_with_roles(found) for found in others]
    parts += [f"`{name.name}`: {one_line(name.doc)}\n" for name in source.names]
    return "\n".join(part for part in parts if part)


def _hook(kind: Kind, source: Source) -> str:
    hook = next(found for found in source.functions if found.name == kind.hook)
    lines = [line.strip() for line in hook.doc.splitlines()]
    said = {line.partition(": ")[0]: line.partition(": ")[2] for line in lines if line.partition(": ")[0] in HOOK_LINES}
    missing = [line for line in HOOK_LINES if line not in said]
    assert not missing, f"the docstring of {kind.hook} lacks {', '.join(missing)}"
    rows = "\n".join(f"* {line}: {_example(said[line]) if line == 'Example' else said[line]}" for line in HOOK_LINES)
    return f"### `{kind.hook}`\n\n`{hook.signature}`\n\n{lines[0]}\n\n{rows}\n"


def _example(path: str) -> str:
    return f"[{path}](../../{path}) in the repository" if path.endswith(".py") else code(path)


def _interface(found: Shape) -> str:
    written = [one for one in found.members if one.abstract]
    given = [one for one in found.members if not one.abstract]
    must = f"Must be written: {', '.join(_link(found, one.name) for one in written)}." if written else ""
    may = f"Has a default: {', '.join(_link(found, one.name) for one in given)}." if given else ""
    head, _, rest = shape(found).partition("\n\n")
    return "\n\n".join(part for part in (head, must, may, rest) if part)


def _link(found: Shape, name: str) -> str:
    return f"[`{name}`](#{found.name.lower()}{name.lower()})"


def _with_roles(found: Shape) -> str:
    return _interface(found) if any(one.abstract for one in found.members) else shape(found)


def values_page() -> str:
    """The values that plugins take and give."""
    return page(
        "Values",
        "the docstrings of `tidemill.domain`, `tidemill.units` and `tidemill.planning`",
        'All are frozen. Amounts are integers in base units. A normal "no" is a value (`NoQuote`, `Rejected`), not an exception.\n'
        "Events and batches have [a page of their own](events.md). How state is named and steps are made on EVM chains stands with\n"
        "[the EVM library](evm.md#tidemill_evmstorage).",
        "## `tidemill.units`",
        *_module(read_source("tidemill.units")),
        *[part for name in _domain() for part in _section(f"tidemill.domain.{name}")],
        *[part for name in PLANNING for part in _section(f"tidemill.planning.{name}")],
    )


def _domain() -> list[str]:
    found = {module.name for module in iter_modules(domain.__path__)} - NOT_VALUES
    return [*FIRST, *sorted(found - set(FIRST))]


def _section(module: str) -> Iterator[str]:
    source = read_source(module)
    yield f"## `{module}`\n\n{prose(source.doc)}"
    yield from _module(source)


def _module(source: Source) -> Iterator[str]:
    if source.names:
        yield table(("name", "meaning"), [(code(found.name), whole(found.doc)) for found in source.names])
    yield from (shape(found) for found in source.shapes)
    yield from (member(found, "", 3) for found in source.functions)
