"""The page of what `tidemill check plugin` looks at: a package's files, and its `quality.toml`."""

from scripts.docs.markdown import code, page, table
from tidemill.api.checks.rules import STATIC_RULES
from tidemill.api.quality import LEVELS


def quality_page() -> str:
    """Every rule over files, and every rule of every level."""
    levels = [
        f"### {level}\n\n" + table(("rule", "what it says"), [(code(rule), says) for rule, says in rules.items()])
        for level, rules in LEVELS.items()
    ]
    return page(
        "Quality",
        "`tidemill.api.checks` and `tidemill.api.quality`",
        "`tidemill check plugin PATH` reads a package's files, runs its [conformance suite](conformance.md), and verifies its\n"
        "`quality.toml`. [Ship a plugin](../how-to/ship-a-plugin.md) shows it.",
        "## Rules over files",
        table(("rule", "what must hold", "why"), [(one.number, one.title, one.why.replace("``", "`")) for one in STATIC_RULES]),
        '## Levels\n\nEach rule of `[rules]` in `quality.toml` is `"done"`, `"todo"` or `{ exempt = "the reason" }`. A level is\n'
        "reached when its rules and those below it are done or exempt.",
        *levels,
    )
