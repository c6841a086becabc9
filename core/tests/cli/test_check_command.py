"""``tidemill check plugin``: a page for people, one object for programs, and exit codes."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from attrs import evolve
from click.testing import Result

from tidemill.api import check_plugin as checking
from tidemill.api.check_plugin import PluginCheck
from tidemill.api.checks.rule import Breach
from tidemill.api.checks.rules import STATIC_RULES
from tidemill.api.checks.suite_run import RuleOutcome
from tidemill.api.quality import LEVELS

Tidemill = Callable[..., Result]


def outcome(rule: str, outcome: str, message: str = "") -> RuleOutcome:
    return RuleOutcome("dex", "acme", "TestAcme", "tests/test_conformance.py", rule, "a title", outcome, message)


GREEN = PluginCheck(
    folder="acme",
    distribution="tidemill-dex-acme",
    version="0.1.0",
    plugins=("dex.acme",),
    green=True,
    red=(),
    level="bronze",
    missing=("changelog",),
    breaches=(),
    rules=(
        outcome("DEX-01", "held"),
        outcome("DEX-02", "held"),
        outcome("DEX-03", "exempt", "DEX-03 a title: exempt, the pool has no fee"),
        outcome("DEX-04", "not_declared"),
    ),
    problem="",
    output=(),
)
RED = evolve(
    GREEN,
    green=False,
    red=("PKG-13 counts in integers", "DEX-07 a title", "DEX-08 a title"),
    level="",
    missing=("conformance",),
    breaches=(
        Breach("PKG-13", "counts in integers", "src/a.py", 3, "/ is true division", "use //"),
        Breach("PKG-13", "counts in integers", "src/a.py", 9, "0.5 is a float", "use //"),
    ),
    rules=(*GREEN.rules, outcome("DEX-07", "broken", "DEX-07 a title: got 1"), outcome("DEX-08", "not_run")),
    problem="tests of the plugin's own fail",
    output=("1 failed",),
)


@pytest.fixture
def found(monkeypatch: pytest.MonkeyPatch) -> Callable[[PluginCheck], None]:
    """Lets the check find what is given."""
    return lambda given: monkeypatch.setattr(checking, "check_plugin", lambda path, *, run_tests: given)


def test_check_green_is_a_page_and_exit_code_0(tidemill: Tidemill, found: Callable[[PluginCheck], None]) -> None:
    """What holds, what is exempt with its reason, the level, and what the next one wants."""
    found(GREEN)
    result = tidemill("check", "plugin", "acme")
    rules = len(STATIC_RULES)

    assert (0, "") == (result.exit_code, result.stderr)
    assert [
        "tidemill-dex-acme 0.1.0 · dex.acme",
        f"files        {rules} of {rules} rules hold",
        "conformance  dex acme (TestAcme): 2 of 3 rules hold, exempt: DEX-03 (the pool has no fee), not declared: DEX-04",
        "level        bronze; silver wants changelog",
        "green",
    ] == result.stdout.splitlines()


def test_check_red_names_every_rule_by_number_and_exits_1(tidemill: Tidemill, found: Callable[[PluginCheck], None]) -> None:
    """Each breach at its place with its remedy, each red rule with its facts, and how many there are."""
    found(RED)
    result = tidemill("check", "plugin", "acme")
    rules = len(STATIC_RULES)

    assert 1 == result.exit_code
    assert [
        "tidemill-dex-acme 0.1.0 · dex.acme",
        "  src/a.py:3  PKG-13 counts in integers: / is true division",
        "      use //",
        "  src/a.py:9  PKG-13 counts in integers: 0.5 is a float",
        "      use //",
        f"files        {rules - 1} of {rules} rules hold",
        "conformance  dex acme (TestAcme): 2 of 5 rules hold, exempt: DEX-03 (the pool has no fee), not declared: DEX-04",
        "  tests/test_conformance.py  DEX-07 a title: got 1",
        "  tests/test_conformance.py  DEX-08 a title: did not run",
        "tests        tests of the plugin's own fail",
        "  1 failed",
        "level        none; bronze wants conformance",
        "red: 3 rules, and the tests",
    ] == result.stdout.splitlines()


def test_check_best_level_wants_nothing_more(tidemill: Tidemill, found: Callable[[PluginCheck], None]) -> None:
    """Above the highest level there is none."""
    found(evolve(GREEN, level=[*LEVELS][-1], missing=()))

    assert f"level        {[*LEVELS][-1]}" in tidemill("check", "plugin", "acme").stdout.splitlines()


def test_check_json_is_one_object(tidemill: Tidemill, found: Callable[[PluginCheck], None]) -> None:
    """The value of the function, and the same exit code."""
    found(RED)
    result = tidemill("check", "plugin", "acme", "--json")
    value = json.loads(result.stdout)

    assert (1, False, "", "PKG-13", 3) == (
        result.exit_code, value["green"], value["level"], value["breaches"][0]["rule"], value["breaches"][0]["line"],
    )  # fmt: skip


def test_check_what_is_no_plugin_exits_2(tidemill: Tidemill, tmp_path: Path) -> None:
    """A folder without a plugin is a usage error."""
    result = tidemill("check", "plugin", str(tmp_path))

    assert (2, True) == (result.exit_code, "is no plugin: it has no pyproject.toml" in result.stderr)


def test_check_without_tests_reads_the_files_alone(tidemill: Tidemill, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the tests run by themselves, they are not run a second time, and the page says so."""
    asked: list[bool] = []

    def check(path: Path, *, run_tests: bool) -> PluginCheck:
        asked.append(run_tests)
        return evolve(GREEN, rules=(), problem="the tests were not asked for")

    monkeypatch.setattr(checking, "check_plugin", check)
    result = tidemill("check", "plugin", "acme", "--no-tests")

    assert (0, [False]) == (result.exit_code, asked)
    assert "tests        the tests were not asked for" in result.stdout
    assert "green" == result.stdout.splitlines()[-1]
