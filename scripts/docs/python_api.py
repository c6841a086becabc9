"""The page of what `import tidemill` gives."""

from scripts.docs.markdown import code, member, page, prose, shape, table, whole
from scripts.docs.source import Source, read_source
from tidemill import _HOMES

BESIDE = ("tidemill.api.market", "tidemill.api.status", "tidemill.pipeline.protocol")
"""Modules whose values the functions return, and what a running instance speaks, though no name of theirs stands in `tidemill`."""


def python_page() -> str:
    """Every public name and its home, then what the functions are and what they return."""
    api = sorted({*(home for home in _HOMES if home.startswith("tidemill.api.")), *BESIDE})
    rows = [(code(name), code(home)) for home, names in _HOMES.items() for name in names]
    return page(
        "Python",
        "`tidemill` and the docstrings of `tidemill.api`",
        "Every command is a thin skin over one of these functions. A name is imported when it is first used, so that `import tidemill`\n"
        "stays cheap. Values are on [a page of their own](values.md), interfaces on [that of the hooks](hooks.md).\n\n"
        "Of a running instance, [`connect`](#connect) gives an [`Instance`](#instance), whose [`status`](#instancestatus) is a\n"
        "[`Status`](#status); other languages speak [the same over a socket](#tidemillpipelineprotocol). [Watch a\n"
        "run](../how-to/watch-a-run.md) shows both.",
        *[_module(read_source(home)) for home in api],
        "## Every name",
        table(("name of `tidemill`", "defined in"), sorted(rows)),
    )


def _module(source: Source) -> str:
    parts = [f"## `{source.module}`\n", prose(source.doc)]
    if source.names:
        parts.append(table(("name", "meaning"), [(code(found.name), whole(found.doc)) for found in source.names]))
    parts += [member(one, "", 3) for one in source.functions]
    parts += [shape(one) for one in source.shapes]
    return "\n".join(parts)
