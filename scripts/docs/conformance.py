"""The pages of conformance: every rule of every suite, what it protects, and what to check where it fails."""

from importlib import import_module
from importlib.util import find_spec

from scripts.docs.markdown import code, page, prose, table
from tidemill.api.checks.suites import suite_of
from tidemill.hookspecs.kinds import KINDS
from tidemill_testing.conformance.rule import RuleMethod, rules_of

PACKAGE = "tidemill_testing.conformance"


def suites() -> dict[str, type]:
    """Return the suite of every kind that has one, by the name of the kind."""
    found = {}
    for kind in KINDS:
        if find_spec(f"{PACKAGE}.{kind.name}") is not None:
            found[kind.name] = getattr(import_module(f"{PACKAGE}.{kind.name}.suite"), suite_of(kind))
    return found


def index_page() -> str:
    """Every suite, and every rule by number and title."""
    found = suites()
    rows = [(f"[{kind}](conformance/{kind}.md)", code(suite.__name__), str(len(rules_of(suite)))) for kind, suite in found.items()]
    rules = [
        (f"[{one.rule.number}](conformance/{kind}.md#{one.rule.number.lower()})", one.rule.title)
        for kind, suite in found.items()
        for one in rules_of(suite)
    ]
    return page(
        "Conformance",
        f"`{PACKAGE}`",
        "What a plugin of each kind must keep, as test classes that its author inherits. Rules are numbered and numbers do not change:\n"
        "one of a rule that is gone is given to no other.\n"
        "[Write a test](../how-to/write-a-test.md) shows how to run them.",
        table(("kind", "suite", "rules"), rows),
        "## Every rule",
        table(("rule", "what must hold"), rules),
    )


def conformance_page(kind: str) -> str:
    """One suite: its docstring, then its rules by number."""
    suite = suites()[kind]
    rules = rules_of(suite)
    rows = [(f"[{one.rule.number}](#{one.rule.number.lower()})", one.rule.title, code(one.rule.needs or "")) for one in rules]
    # The title stands in the table: a heading of the number alone gives every rule a short, lasting link
    return page(
        f"Conformance of kind {kind}",
        f"`{suite.__module__}`",
        f"A plugin of kind {kind} passes these rules. Its whole test file can be a class that inherits the suite:",
        f"`class TestMine({suite.__name__}): plugin = Mine`",
        "How to run it, read its report and exempt a rule openly: [write a test](../../how-to/write-a-test.md).",
        "## The suite\n\n" + prose(suite.__doc__ or ""),
        "## Rules\n",
        table(("rule", "what must hold", "needs the capability"), rows),
        *[_rule(one) for one in rules],
    )


def _rule(found: RuleMethod) -> str:
    needs = f"Runs where the capability `{found.rule.needs}` is declared.\n" if found.rule.needs else ""
    parts = [f"### {found.rule.number}\n", f"**{found.rule.title}**\n", prose(found.protects), needs, f"If this fails: {_hint(found)}\n"]
    return "\n".join(part for part in parts if part)


def _hint(found: RuleMethod) -> str:
    return found.hint.replace("``", "`")
