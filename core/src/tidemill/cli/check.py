"""``tidemill check``: whether a plugin's package keeps its promises."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from tidemill.api.check_plugin import PluginCheck
    from tidemill.api.checks.suite_run import RuleOutcome


@click.group(name="check")
def command() -> None:
    """Check a plugin's package."""


@command.command()
@click.argument("path", type=click.Path(path_type=Path), default=Path(), required=False)
@click.option("--no-tests", is_flag=True, help="Read the files alone: for where the tests run by themselves.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def plugin(path: Path, no_tests: bool, as_json: bool) -> None:
    """Check the plugin in the folder PATH: rules over its files, then its conformance suite.

    Exit code 1 when a rule is red, 2 when PATH holds no plugin.
    """
    from tidemill.api.check_plugin import check_plugin
    from tidemill.cli.output import print_json

    found = check_plugin(path, run_tests=not no_tests)
    if as_json:
        print_json(found)
    else:
        for line in page(found):
            click.echo(line)
    if not found.green:
        click.get_current_context().exit(1)


def page(found: "PluginCheck") -> Iterator[str]:
    """Yield the report for people, red things first."""
    from tidemill.api.check_plugin import NOT_ASKED
    from tidemill.api.checks.rules import STATIC_RULES

    yield f"{found.distribution} {found.version} · {', '.join(found.plugins)}"
    for breach in found.breaches:
        yield f"  {breach}"
        yield f"      {breach.remedy}"
    broken = {breach.rule for breach in found.breaches}
    yield f"files        {len(STATIC_RULES) - len(broken)} of {len(STATIC_RULES)} rules hold"
    for name, rules in _classes(found).items():
        yield f"conformance  {name}: {_counts(rules)}"
        for rule in rules:
            if rule.outcome in ("broken", "not_run"):
                yield f"  {rule.file}  {_told(rule)}"
    if found.problem:
        yield f"tests        {found.problem}"
        yield from (f"  {line}" for line in found.output)
    yield f"level        {found.level or 'none'}{_next(found)}"
    count = len(found.red)
    tests = "" if found.problem in ("", NOT_ASKED) else ", and the tests"
    yield "green" if found.green else f"red: {count} rule{'s' if count != 1 else ''}{tests}"


def _next(found: "PluginCheck") -> str:
    from tidemill.api.quality import LEVELS

    levels = list(LEVELS)
    following = levels[levels.index(found.level) + 1 :] if found.level else levels
    return f"; {following[0]} wants {', '.join(found.missing)}" if following and found.missing else ""


def _classes(found: "PluginCheck") -> "dict[str, list[RuleOutcome]]":
    classes: dict[str, list[RuleOutcome]] = {}
    for one in found.rules:
        classes.setdefault(f"{one.kind} {one.plugin} ({one.test_class})".strip(), []).append(one)
    return classes


def _counts(rules: "list[RuleOutcome]") -> str:
    numbered = [one for one in rules if one.rule]
    counted = {outcome: [one for one in numbered if one.outcome == outcome] for outcome in ("held", "exempt", "not_declared", "not_run")}
    parts = [f"{len(counted['held'])} of {len(numbered) - len(counted['not_declared'])} rules hold"]
    if counted["exempt"]:
        parts.append("exempt: " + "; ".join(f"{one.rule} ({one.message.partition(': exempt, ')[2]})" for one in counted["exempt"]))
    if counted["not_declared"]:
        parts.append(f"not declared: {', '.join(one.rule for one in counted['not_declared'])}")
    return ", ".join(parts)


def _told(rule: "RuleOutcome") -> str:
    """Return a red rule's message, which begins with its number and title."""
    if rule.outcome == "not_run":
        return f"{rule.rule} {rule.title}: did not run"
    return rule.message or f"{rule.rule} {rule.title}"
