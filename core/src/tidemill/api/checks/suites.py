"""A rule over the tests: they are there, and derive from the conformance suite of the kind."""

import ast
from collections.abc import Iterator
from pathlib import Path

from tidemill.api.checks.code import last_name
from tidemill.api.checks.rule import Fault, static_rule
from tidemill.api.checks.source import PluginSource
from tidemill.hookspecs.kinds import Kind


@static_rule("PKG-19", "the tests derive from the suite of the kind")
def tested(source: PluginSource) -> Iterator[Fault]:
    """The suite holds what harms users of a kind; tests of the author's own never ask all of it."""
    for kind in source.kinds:
        if not derives_from_suite(source, kind):
            name = suite_of(kind)
            remedy = f"write class TestIt({name}): plugin = YourClass (from tidemill_testing.conformance import {name})"
            yield Fault(Path("tests"), 0, f"no test class derives from {name}" if source.tests else "there are no tests", remedy)


def suite_of(kind: Kind) -> str:
    """Return the name of a kind's suite in ``tidemill_testing.conformance``."""
    return f"{kind.name.capitalize()}Conformance"


def derives_from_suite(source: PluginSource, kind: Kind) -> bool:
    """Tell whether a test class that pytest collects has the suite of a kind among its bases, directly or through own classes."""
    classes = {node.name: node for module in source.tests for node in ast.walk(module.tree) if isinstance(node, ast.ClassDef)}
    return any(name.startswith("Test") and _derives(node, suite_of(kind), classes, 8) for name, node in classes.items())


def _derives(node: ast.ClassDef, suite: str, classes: dict[str, ast.ClassDef], depth: int) -> bool:
    for name in map(last_name, node.bases):
        if name == suite or (depth and name in classes and _derives(classes[name], suite, classes, depth - 1)):
            return True
    return False
