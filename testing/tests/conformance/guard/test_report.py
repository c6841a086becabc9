"""What a run says of rules."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tidemill_testing.conformance.entry import Entry, Outcome
from tidemill_testing.conformance.report import Report, as_json, as_markdown, summary

SUITES = Path(__file__).parent / "weakened_suites.py"


def entry(number: str, outcome: Outcome, message: str = "", *, name: str = "TestAcme") -> Entry:
    return Entry("dex", "acme", name, "tests/test_acme.py", number, f"title of {number}", outcome, message)


ENTRIES = (
    entry("DEX-07", "broken", "DEX-07 title of DEX-07: 1 in, reserves (1, 1), got 1"),
    entry("DEX-08", "held"),
    entry("DEX-09", "exempt", "DEX-09 title of DEX-09: exempt, two | three"),
    entry("DEX-10", "not_declared", "DEX-10 title of DEX-10: needs the capability 'logs', which TestAcme does not declare"),
)


def test_summary_is_a_line_a_class_and_one_a_red_rule() -> None:
    """How many of the rules that apply hold, what is exempt with the reason, what is not declared; red rules in full."""
    expected = [
        "conformance dex acme: 1 of 3 rules hold, 1 broken, 1 exempt (DEX-09: two | three), 1 not declared (DEX-10)",
        "  DEX-07 title of DEX-07: 1 in, reserves (1, 1), got 1",
    ]
    assert expected == summary(ENTRIES)


def test_summary_of_two_classes_for_one_plugin_names_them() -> None:
    """Otherwise the two lines could not be told apart; what was not run is counted."""
    others = (entry("DEX-07", "held", name="TestAcmeV3"), entry("DEX-08", "not_run", name="TestAcmeV3"))

    first, second = summary((ENTRIES[1], *others))
    assert "conformance dex acme (TestAcme): 1 of 1 rules hold" == first
    assert "conformance dex acme (TestAcmeV3): 1 of 2 rules hold, 1 of 2 rules run" == second


def test_page_is_a_table_a_class() -> None:
    """Number, title, outcome and what there is to say, with bars escaped."""
    lines = as_markdown(ENTRIES).splitlines()

    assert ["# Conformance", "", "## dex acme"] == lines[:3]
    assert "| DEX-07 | title of DEX-07 | **broken** | 1 in, reserves (1, 1), got 1 |" in lines
    assert "| DEX-09 | title of DEX-09 | exempt | two \\| three |" in lines


def test_json_is_a_list_with_an_object_a_rule() -> None:
    """The keys are fixed: other tools read them."""
    found = json.loads(as_json(ENTRIES))

    assert ["kind", "plugin", "class", "file", "rule", "title", "outcome", "message"] == list(found[0])
    assert ["broken", "held", "exempt", "not_declared"] == [one["outcome"] for one in found]


@pytest.mark.parametrize("suffix", ["md", "json"])
def test_report_is_written_where_asked(outcomes: Callable[..., Any], tmp_path: Path, suffix: str) -> None:
    """Folders on the way are made."""
    page = tmp_path / "new" / f"page.{suffix}"
    outcomes(f"{SUITES}::TestWhole", f"--conformance-report={page}")

    assert "DEX-91" in page.read_text("utf-8")


@pytest.mark.parametrize("option", ["--conformance-report=page.pdf", "--conformance-examples=-1"])
def test_option_that_cannot_be_is_refused(option: str, tmp_path: Path) -> None:
    """Before any test runs, with what was expected."""
    assert pytest.ExitCode.USAGE_ERROR == pytest.main(["-c", "/dev/null", f"--rootdir={tmp_path}", "-p", "no:cacheprovider", option])


def test_report_without_rules_says_nothing() -> None:
    """A run of other tests is not bothered."""
    assert () == Report(None).entries
