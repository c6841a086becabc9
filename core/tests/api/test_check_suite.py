"""Running a plugin's own tests: in a process of their own, with the plugin found by its entry point."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tidemill.api.check_plugin import check_plugin
from tidemill.api.checks import suite_run
from tidemill.api.checks.source import read_source
from tidemill.api.checks.suite_run import run_suite, write_metadata
from tidemill.api.quality import RULES
from tidemill.discovery.scan import find_plugins

Write = Callable[..., Path]


def test_suite_finds_the_plugin_by_its_entry_point_without_installing_it(notifier: Write) -> None:
    """Its tests see the plugin as an installed one; without a suite among them, that is what is red."""
    folder = notifier()
    before = sorted(folder.rglob("*"))

    found = run_suite(read_source(folder))

    assert () == found.rules
    assert found.problem.startswith("no rule of the conformance suite of kind notifier ran: look at tests/")
    assert any("1 passed" in line for line in found.output)
    assert before == sorted(folder.rglob("*"))


@pytest.mark.parametrize(
    ("changed", "problem", "line"),
    [
        ({"tests/test_own.py": "def test_it() -> None:\n    assert 1 == 2\n"}, "tests of the plugin's own fail", "1 failed"),
        ({"tests/test_own.py": None}, "pytest found no tests", "no tests ran"),
        ({"tests/conftest.py": "raise RuntimeError('boom')"}, "pytest could not run the tests (exit code 4)", "boom"),
    ],
)
def test_suite_that_fails_says_how(changed: dict[str, str | None], problem: str, line: str, notifier: Write) -> None:
    """Failing tests, none at all, and tests that cannot be read are told apart, with pytest's last lines."""
    found = run_suite(read_source(notifier(**changed)))

    assert (problem, True, False) == (found.problem, line in "\n".join(found.output), found.green)


def test_suite_that_does_not_end_is_ended(notifier: Write) -> None:
    """A test that hangs does not hang the check."""
    found = run_suite(read_source(notifier(**{"tests/test_own.py": "import time\ntime.sleep(60)\n"})), timeout_s=1)

    assert "the tests were not done after 1 s and were ended: look for what waits, or loops" == found.problem


def test_suite_without_tidemill_testing_says_what_to_install(notifier: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is run where the suites are not installed, here or in another environment."""
    monkeypatch.delenv("PYTHONPATH")
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", tmp_path / "bare"], check=True)
    source = read_source(notifier())

    found = run_suite(source, python=str(tmp_path / "bare" / "bin" / "python"))
    monkeypatch.setattr(suite_run, "find_spec", lambda name: None if name == "pytest" else name)
    here = run_suite(source)

    assert "the tests cannot run here: tidemill-testing is not installed: pip install tidemill-testing" == found.problem
    assert here.problem.startswith("the tests cannot run here: pytest is not installed")


def test_metadata_of_a_package_is_what_discovery_reads(notifier: Write, tmp_path: Path) -> None:
    """The distribution that is made up for the tests has name, version, sentence and entry points of the real one."""
    write_metadata(read_source(notifier()), tmp_path / "site")
    (found,) = find_plugins([str(tmp_path / "site")])

    assert ("acme-file", "0.1.0", "Writes a file.", "notifiers.acme", "acme_file") == (
        found.distribution,
        found.version,
        found.summary,
        found.path,
        found.module,
    )


def test_check_takes_over_what_became_of_the_rules(notifier: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    """The check is red by number and title, and a red suite reaches no level."""
    page = [
        {
            "kind": "notifier",
            "plugin": "acme",
            "class": "TestAcme",
            "file": "t.py",
            "rule": f"NOT-0{number}",
            "title": "holds",
            "outcome": outcome,
        }
        for number, outcome in enumerate(("held", "broken", "exempt", "not_declared", "not_run"))
    ]

    def run(call: list[str], **_: object) -> subprocess.CompletedProcess[str]:
        Path(call[-1]).write_text(json.dumps(page))
        return subprocess.CompletedProcess(call, 1, "", "")

    monkeypatch.setattr(subprocess, "run", run)
    everything = "[rules]\n" + "".join(f'{rule} = "done"\n' for rule in RULES)
    found = check_plugin(notifier(**{"quality.toml": everything}))

    assert not found.green
    assert ("NOT-01 holds", "NOT-04 holds") == found.red[-2:]
    assert ("", "") == (found.problem, found.level)
    assert "conformance" in found.missing
