"""What became of one rule, as it travels from the test that ran it to the report."""

from typing import Literal

import pytest
from attrs import asdict, frozen

from tidemill_testing.conformance.rule import RuleMethod, is_suite, rules_of

Outcome = Literal["held", "broken", "exempt", "not_declared", "not_run"]


@frozen
class Entry:
    """One rule of one test class.

    ``file`` is relative to the folder pytest runs for. ``rule`` and ``title`` are empty where a whole class or file is meant.
    """

    kind: str
    plugin: str
    class_name: str
    file: str
    rule: str
    title: str
    outcome: Outcome
    message: str = ""

    def as_json(self) -> dict[str, str]:
        """Return the entry with the keys of the report's JSON."""
        found = asdict(self)
        found["class"] = found.pop("class_name")
        return {key: found[key] for key in ("kind", "plugin", "class", "file", "rule", "title", "outcome", "message")}


def entry_of(suite: type, node: pytest.Item, method: RuleMethod | None, outcome: Outcome, message: str = "") -> Entry:
    """Return the entry of a rule of a test class; ``node`` says in which file it stands."""
    number, title = (method.rule.number, method.rule.title) if method else ("", "")
    name = getattr(getattr(suite, "plugin", None), "name", "")
    file = node.nodeid.partition("::")[0]
    whose = "" if suite is object else suite.__name__  # a file whose classes were never seen
    return Entry(str(getattr(suite, "kind", "")), str(name), whose, file, number, title, outcome, message)


def roster_of(suite: type) -> list[list[str]]:
    """Return number and title of each rule that a suite gives a class, in the form that reports carry."""
    return [[method.rule.number, method.rule.title] for method in suite_rules(suite)]


def suite_rules(found: type) -> tuple[RuleMethod, ...]:
    """Return the rules that a class has from suites; none where it inherits no suite."""
    return tuple(method for method in rules_of(found) if is_suite(method.owner))
