"""Whoever reads `rejected by` in a ledger finds each rule explained."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import get_args

import attrs
import pytest

from tidemill.planning.replay import BrokenRule
from tidemill_risk_limits import Limits

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "how-to" / "debug-a-plugin.md").read_text("utf-8")
SOURCES = (
    "core/src/tidemill",
    "plugins/risk/limits/src",
    *(f"plugins/strategies/{name}/src" for name in ("compound", "spatial", "temporal", "triangular")),
)
NO_RULE = {"max_oracle_age_s"}
"""Limits that belong to another: an oracle price that is too old is rejected by `oracle_required`."""


def rules_in(text: str) -> Iterator[str]:
    """Yield the names that a module gives to `Rejected`, as its first argument or as `rule=`."""
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Call) and ast.unparse(node.func).rpartition(".")[2] == "Rejected":
            named = [keyword.value for keyword in node.keywords if keyword.arg == "rule"]
            for given in [*node.args[:1], *named]:
                if isinstance(given, ast.Constant) and isinstance(given.value, str):
                    yield given.value


def rules() -> set[str]:
    texts = [path.read_text("utf-8") for source in SOURCES for path in sorted((ROOT / source).rglob("*.py"))]
    return {rule for text in texts for rule in rules_in(text)}


def test_every_rule_of_the_core_and_of_the_limits_is_explained() -> None:
    """Each name that can stand in the ledger as the rule that rejected an opportunity stands on the page, in a table or its paragraph."""
    limits = {field.alias for field in attrs.fields(Limits.settings_class())} - NO_RULE
    wanted = rules() | set(get_args(BrokenRule)) | limits
    shown = set(re.findall(r"`([a-z_]+)`", PAGE.partition("## Why was nothing traded?")[2].partition("\n## ")[0]))

    assert {"conflict", "funds", "net_profit", "max_open_plans"} <= wanted
    assert [] == sorted(wanted - shown)


def test_every_rule_of_the_table_exists() -> None:
    """The table names no rule that nothing gives."""
    limits = {field.alias for field in attrs.fields(Limits.settings_class())}
    rows = [line.split(" | ")[0] for line in PAGE.splitlines() if line.startswith("| `")]
    named = {rule for row in rows for rule in re.findall(r"`([a-z_]+)`", row)}

    assert set() == named - rules() - set(get_args(BrokenRule)) - limits - {"min_liquidity_usd"}


@pytest.mark.parametrize("text", ['Rejected("late", "why")', 'answers.Rejected(rule="late", reason="why")'])
def test_rules_in_finds_a_name(text: str) -> None:
    """Neither spelling hides a rule."""
    assert ["late"] == list(rules_in(text))
