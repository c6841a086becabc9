"""A new package of each kind in which one thing was broken as authors break it: the rule, its file and line, and what to do."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tidemill.api.check_plugin import PluginCheck, check_plugin
from tidemill.api.scaffold import new_plugin

PROJECT, INIT = "pyproject.toml", "src/*/__init__.py"
SLIPS = [
    ("chain", INIT, "def tidemill_register_chains", "def tidemill_register_chain", "PKG-03", "write tidemill_register_chains"),
    ("price", PROJECT, "tidemill.price.v1", "tidemill.prices.v1", "PKG-01", '[project.entry-points."tidemill.price.v1"]'),
    ("dex", "src/*/quoting.py", " // ", " / ", "PKG-13", "use //"),
    ("lender", PROJECT, "tidemill>=0.1,<0.2", "tidemill", "PKG-07", 'write "tidemill>=0.1,<0.2"'),
    ("strategy", "src/*/strategy.py", "\nfrom ", "\nimport requests\nfrom ", "PKG-14", "decide from the snapshot"),
    ("risk", INIT, "\nfrom ", "\nimport tidemill_risk_limits\nfrom ", "PKG-09", "move what both need into a package of its own"),
    ("codec", "src/*/payload.py", "\nimport re", "\nimport time\nimport re", "PKG-14", "compute from the bytes that are given"),
    ("search", PROJECT, '"tidemill_search_acme"', '"tidemill_search_acmee"', "PKG-02", "did you mean tidemill_search_acme?"),
    ("store", INIT, "@hookimpl\n", "", "PKG-03", "put @hookimpl above it"),
    ("notifier", "src/*/notifier.py", '= "acme"', '= "acne"', "PKG-05", 'write name = "acme" in it'),
    ("command", PROJECT, "\nacme = ", "\nrun = ", "PKG-06", "choose another name"),
]
"""Kind, file, what was there, what stands there instead, the rule that is red, and what its remedy holds."""


@pytest.mark.parametrize(("kind", "pattern", "before", "after", "rule", "remedy"), SLIPS, ids=[slip[0] for slip in SLIPS])
def test_check_scaffold_with_a_slip_is_told_at_its_line(
    kind: str, pattern: str, before: str, after: str, rule: str, remedy: str, tmp_path: Path
) -> None:
    """One slip is red by one rule at the line where it stands, and nothing else is told beside it."""
    folder = new_plugin(kind, "acme", tmp_path).folder
    file = next(folder.glob(pattern))
    text = file.read_text("utf-8")
    assert before in text
    place = text.index(before)
    file.write_text(text[:place] + after + text[place + len(before) :], "utf-8")

    found = check_plugin(folder, run_tests=False)
    told = [breach for breach in found.breaches if breach.rule == rule]

    assert {rule} == {breach.rule for breach in found.breaches} - ({"PKG-05"} if kind == "command" else set())
    assert remedy in told[0].remedy
    # A wrong group is told at its entry, on the line below
    line = text.count("\n", 0, place) + 1 + (after.startswith("\n") or kind == "price")
    assert [(file.relative_to(folder).as_posix(), line)] == [(breach.file, breach.line) for breach in told]


def test_check_scaffold_without_its_suite_is_told(tmp_path: Path) -> None:
    """A deleted test file is red by number, and what quality.toml says of it is called untrue."""
    folder = new_plugin("search", "acme", tmp_path).folder
    (folder / "tests" / "test_conformance.py").unlink()

    found = check_plugin(folder, run_tests=False)

    assert ("PKG-18", "PKG-19") == tuple(breach.rule for breach in found.breaches)
    assert "write class TestIt(SearchConformance): plugin = YourClass" in found.breaches[1].remedy
    assert "" == found.level


def skipped(folder: Path) -> None:
    file = folder / "tests" / "test_conformance.py"
    file.write_text(file.read_text("utf-8").replace("\nclass Test", "\nimport pytest\n\n\n@pytest.mark.skip\nclass Test", 1), "utf-8")


def ignored(folder: Path) -> None:
    (folder / "tests" / "conftest.py").write_text('collect_ignore = ["test_conformance.py"]\n', "utf-8")


def every_rule_is_marked(found: PluginCheck) -> bool:
    return len(found.red) > 10 and all("is marked skip; mend the plugin, or say it openly" in rule.message for rule in found.rules)


def what_kept_it_is_asked(found: PluginCheck) -> bool:
    return found.problem.startswith("no rule of the conformance suite of kind notifier ran: look at tests/, and at what conftest.py")


@pytest.mark.parametrize(("weaken", "told"), [(skipped, every_rule_is_marked), (ignored, what_kept_it_is_asked)])
def test_check_scaffold_with_a_weakened_suite_is_red(
    weaken: Callable[[Path], None], told: Callable[[PluginCheck], bool], tmp_path: Path
) -> None:
    """A suite that is skipped or kept from being collected is no suite that passed."""
    folder = new_plugin("notifier", "acme", tmp_path).folder
    weaken(folder)

    found = check_plugin(folder)

    assert (False, "", ()) == (found.green, found.level, found.breaches)
    assert told(found)
