"""The page of what `tidemill check plugin` looks at: a package's files, and its `quality.toml`."""

from collections.abc import Mapping

from scripts.docs.markdown import code, page, table
from tidemill.api.checks.rules import STATIC_RULES
from tidemill.api.quality import LEVELS

LOOKED_AT: Mapping[str, str] = {
    "conformance": "a test derives from the suite of each kind, and the suite is green",
    "settings-documented": "the README names each setting; that it says what they mean is believed",
    "readme": "the README is there and has some lines; what they say is believed",
    "licence": "a licence is stated, and `LICENSE` is there",
    "typed": "`py.typed` is there, and each function of `src` has its types; mypy is not run",
    "recorded-answers": "tests use recorded answers, or have a folder of them; where those come from is believed",
    "coverage": "there are tests; how much they run is believed",
    "changelog": "there is a changelog; that it tells everything is believed",
    "fault-injection": "there are tests; what they try is believed",
    "reconciliation": "there are tests; what they compare is believed",
    "benchmarks": "there is a folder `benchmarks`; what was measured is believed",
    "soak": "there are tests; the days are believed",
}
"""What `tidemill check plugin` looks at before it takes a "done" for done."""


def quality_page() -> str:
    """Every rule over files, and every rule of every level."""
    levels = [
        f"### {level}\n\n"
        + table(("rule", "what it says", "what is looked at"), [(code(rule), says, LOOKED_AT[rule]) for rule, says in rules.items()])
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
        'reached when its rules and those below it are done or exempt. A "done" that files or tests show undone is refused (PKG-18).\n'
        "The rest is the author's word: the package's tests are run, and nothing else, neither mypy nor a measurement of coverage.",
        *levels,
    )
