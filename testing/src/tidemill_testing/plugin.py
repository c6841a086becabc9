"""The pytest plugin: fixtures that the tests of any Tidemill plugin may use, and what keeps and reports conformance rules."""

from pathlib import Path

import pytest

from tidemill_testing.bytecode import bytecode
from tidemill_testing.conformance.guard import Guard
from tidemill_testing.conformance.report import Report
from tidemill_testing.fixtures import loopback
from tidemill_testing.recorded import recorded

__all__ = ["bytecode", "loopback", "pytest_addoption", "pytest_configure", "recorded"]

_SUFFIXES = (".md", ".json")


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options of conformance."""
    group = parser.getgroup("conformance", "conformance of Tidemill plugins")
    group.addoption("--conformance-report", metavar="FILE", help="write what became of each rule to a page, .md or .json")
    group.addoption(
        "--conformance-examples", metavar="N", type=int, default=0, help="examples for each property, instead of each rule's own"
    )


def pytest_configure(config: pytest.Config) -> None:
    """Register the guard in every process, the report in the one that prints.

    Raises:
        pytest.UsageError: an option has a value that cannot be used.
    """
    examples: int = config.getoption("--conformance-examples")
    if examples < 0:
        raise pytest.UsageError(f"--conformance-examples: expected 1 or more, found {examples}")
    named: str | None = config.getoption("--conformance-report")
    page = config.invocation_params.dir / Path(named) if named else None
    if page is not None and page.suffix not in _SUFFIXES:
        raise pytest.UsageError(f"--conformance-report: expected a file that ends in .md or .json, found {named}")
    config.pluginmanager.register(Guard(config.invocation_params.args, examples), "tidemill-conformance-guard")
    if not hasattr(config, "workerinput"):
        config.pluginmanager.register(Report(page), "tidemill-conformance-report")
