"""Checks a plugin's package: numbered rules over its files, its conformance suite, and the level that its quality.toml reaches."""

from pathlib import Path

from attrs import frozen

from tidemill.api.checks.quality import level_of
from tidemill.api.checks.rule import Breach
from tidemill.api.checks.rules import STATIC_RULES
from tidemill.api.checks.source import PluginSource, read_source
from tidemill.api.checks.suite_run import RuleOutcome, SuiteRun, run_suite
from tidemill.hookspecs.kinds import KIND_BY_FOLDER

NOT_ASKED = "the tests were not asked for"
"""What ``PluginCheck.problem`` says where the files alone were read."""


@frozen
class PluginCheck:
    """What a check found.

    ``plugins`` are the entry points as ``<folder>.<name>``, ``red`` every rule that is red by number and title, each once. ``breaches`` are
    what the files show, ``rules`` what became of each rule of the suite, ``problem`` why the tests did not run or what failed beside the
    rules ("" where nothing did), ``output`` pytest's last lines then. ``level`` is the highest that is reached, "" for none, ``missing``
    what keeps the plugin from the next.
    """

    folder: str
    distribution: str
    version: str
    plugins: tuple[str, ...]
    green: bool
    red: tuple[str, ...]
    level: str
    missing: tuple[str, ...]
    breaches: tuple[Breach, ...]
    rules: tuple[RuleOutcome, ...]
    problem: str
    output: tuple[str, ...]


def check_plugin(folder: Path | str, *, run_tests: bool = True) -> PluginCheck:
    """Check the package in a folder.

    Args:
        folder: what holds its pyproject.toml.
        run_tests: False reads the files alone, for where the tests run by themselves: ``green`` and ``level`` then rest on the files,
            and on what quality.toml says of the suite.

    Raises:
        UsageError: the folder holds no plugin.
    """
    source = read_source(Path(folder))
    breaches = tuple(breach for rule in STATIC_RULES for breach in rule.breaches(source))
    suite = run_suite(source) if run_tests else SuiteRun((), NOT_ASKED)
    sound = not breaches and (suite.green or not run_tests)
    level, missing = level_of(source, frozenset() if sound else frozenset({"conformance"}))
    return PluginCheck(
        folder=str(folder),
        distribution=source.distribution,
        version=str(source.project.get("version", "")),
        plugins=tuple(_spelled(source)),
        green=sound,
        red=tuple(dict.fromkeys([*(f"{breach.rule} {breach.title}" for breach in breaches), *map(_named, suite.broken)])),
        level=level,
        missing=missing,
        breaches=breaches,
        rules=suite.rules,
        problem=suite.problem,
        output=suite.output,
    )


def _spelled(source: PluginSource) -> list[str]:
    folders = {kind.group: folder for folder, kind in KIND_BY_FOLDER.items()}
    return [f"{folders.get(entry.group, entry.group)}.{entry.name}" for entry in source.entries]


def _named(rule: RuleOutcome) -> str:
    return f"{rule.rule} {rule.title}".strip() or rule.test_class
