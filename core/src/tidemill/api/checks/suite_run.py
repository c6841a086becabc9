"""Runs a plugin's own tests in a process of their own, with the plugin found by its entry point, and reads what became of the rules."""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from attrs import frozen

from tidemill.api.checks.source import PluginSource, table

LAST_LINES = 25
TIMEOUT_S = 1_800
NO_TESTS = 5
"""pytest's exit code where it collected nothing."""
FAILED = 1


@frozen
class RuleOutcome:
    """What became of one rule of a suite: held, broken, exempt, not_declared or not_run; ``rule`` is "" where a whole class is meant."""

    kind: str
    plugin: str
    test_class: str
    file: str
    rule: str
    title: str
    outcome: str
    message: str


@frozen
class SuiteRun:
    """What running the tests came to.

    ``problem`` says why they did not run, or what failed beside the rules, and is "" where all is well; ``output`` are pytest's last
    lines where it is not.
    """

    rules: tuple[RuleOutcome, ...]
    problem: str = ""
    output: tuple[str, ...] = ()

    @property
    def broken(self) -> tuple[RuleOutcome, ...]:
        """The rules that are red."""
        return tuple(one for one in self.rules if one.outcome in ("broken", "not_run"))

    @property
    def green(self) -> bool:
        """Whether everything ran and nothing is red."""
        return not self.problem and not self.broken


def run_suite(source: PluginSource, *, python: str = sys.executable, timeout_s: int = TIMEOUT_S) -> SuiteRun:
    """Run the tests with pytest.

    Args:
        source: the plugin; it need not be installed: its metadata is made from its pyproject.toml and put before everything else.
        python: the interpreter, whose environment holds pytest and tidemill-testing.
        timeout_s: tests that are not done by then are ended.
    """
    missing = _missing(python)
    if missing:
        return SuiteRun((), f"the tests cannot run here: {missing} is not installed: pip install tidemill-testing")
    with tempfile.TemporaryDirectory(prefix="tidemill-check-") as folder:
        site, page = Path(folder) / "site", Path(folder) / "report.json"
        write_metadata(source, site)
        call = [python, "-m", "pytest", "-q", "--no-header", "-p", "no:cacheprovider", "--conformance-report", str(page)]
        try:
            done = subprocess.run(  # noqa: S603 our own arguments, no shell
                call, cwd=source.folder, env=_environment(source, site), capture_output=True, text=True, check=False, timeout=timeout_s,
                stdin=subprocess.DEVNULL,
            )  # fmt: skip
        except subprocess.TimeoutExpired:
            return SuiteRun((), f"the tests were not done after {timeout_s} s and were ended: look for what waits, or loops")
        rules = tuple(_outcomes(page))
        lines = tuple([*done.stdout.splitlines(), *done.stderr.splitlines()][-LAST_LINES:])
    problem = _problem(done.returncode, rules, [kind.name for kind in source.kinds])
    return SuiteRun(rules, problem, lines if problem else ())


def _problem(code: int, rules: Sequence[RuleOutcome], kinds: Sequence[str]) -> str:
    red = any(rule.outcome == "broken" for rule in rules)
    if code == NO_TESTS:
        return "pytest found no tests"
    if code == FAILED:
        return "" if red else "tests of the plugin's own fail"
    if code:
        return f"pytest could not run the tests (exit code {code})"
    missing = [kind for kind in kinds if kind not in {rule.kind for rule in rules}]
    remedy = "look at tests/, and at what conftest.py and pytest's options keep from being collected"
    return f"no rule of the conformance suite of kind {', '.join(missing)} ran: {remedy}" if missing else ""


def write_metadata(source: PluginSource, site: Path) -> None:
    """Write what an installer would write of a distribution: enough for its entry points to be found on a path."""
    name = source.distribution.replace("-", "_").replace(".", "_")
    version = str(source.project.get("version", "0"))
    folder = site / f"{name}-{version}.dist-info"
    folder.mkdir(parents=True)
    summary = " ".join(str(source.project.get("description", "")).split())
    header = f"Metadata-Version: 2.1\nName: {source.distribution}\nVersion: {version}\nSummary: {summary}\n"
    (folder / "METADATA").write_text(header, "utf-8")
    groups = table(source.project, "entry-points")
    lines = [line for group, members in groups.items() if isinstance(members, Mapping) for line in _group(group, members)]
    (folder / "entry_points.txt").write_text("\n".join(lines) + "\n", "utf-8")


def _group(group: str, members: Mapping[str, Any]) -> Iterator[str]:
    yield f"[{group}]"
    yield from (f"{name} = {target}" for name, target in members.items())


def _environment(source: PluginSource, site: Path) -> dict[str, str]:
    paths = [str(site), *(str(root.absolute()) for root in source.roots)]
    before = os.environ.get("PYTHONPATH")
    return {
        **{name: value for name, value in os.environ.items() if not name.startswith(("TIDEMILL__", "PYTEST_"))},
        "PYTHONPATH": os.pathsep.join([*paths, *([before] if before else [])]),
        # Reading a plugin's folder leaves nothing in it
        "PYTHONDONTWRITEBYTECODE": "1",
        "HYPOTHESIS_STORAGE_DIRECTORY": str(site / ".hypothesis"),
    }


def _missing(python: str) -> str:
    """Return which of what the tests need is not in the environment, or ""."""
    if python == sys.executable:
        return next((name for name, module in _NEEDED if find_spec(module) is None), "")
    for name, module in _NEEDED:
        code = f"import importlib.util, sys; sys.exit(importlib.util.find_spec({module!r}) is None)"
        if subprocess.run([python, "-P", "-c", code], capture_output=True, check=False).returncode:  # noqa: S603 our own code
            return name
    return ""


_NEEDED = (("tidemill-testing", "tidemill_testing"), ("pytest", "pytest"))


def _outcomes(page: Path) -> Iterator[RuleOutcome]:
    try:
        found = json.loads(page.read_text("utf-8"))
    except (OSError, json.JSONDecodeError):  # pytest ended before it wrote the page, and says why
        return
    for one in found:
        texts = {key: str(one.get(key, "")) for key in ("kind", "plugin", "file", "rule", "title", "outcome", "message")}
        yield RuleOutcome(test_class=str(one.get("class", "")), **texts)
