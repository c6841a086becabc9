"""The page of what tests use is complete, and its examples are true."""

import ast
import inspect
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import tidemill_testing
from scripts.docs.testing import options
from tests.docs.links import anchors_of
from tidemill_testing import bytecode, conformance, loopback, plugin

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "reference" / "testing.md").read_text("utf-8")
SOURCES = Path(tidemill_testing.__path__[0])
INSIDE = {
    "bytecode_npm": "where npm's packages lie",
    "bytecode_payer": "what the other modules of bytecode deploy to pay with",
    "fake_signer": "what answers in a signer's place where the kernel's own tests want it to lie",
    "driver": "what `sim` drives a pipeline with",
    "pinned": "how `sim_market` keeps its snapshots",
    "plugin": "what pytest calls; its fixtures and options stand on the page",
}
"""Modules that no test of an author imports, each with what it is for."""


def modules() -> Iterator[tuple[str, ast.Module]]:
    """Yield every module beside the packages `conformance` and `loopback`, which say themselves what they export."""
    for path in sorted(SOURCES.glob("*.py")):
        if path.stem not in {"__init__", *INSIDE}:
            yield path.stem, ast.parse(path.read_text("utf-8"))


def defined(tree: ast.Module) -> list[str]:
    found = [node.name for node in tree.body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)]
    return [name for name in found if not name.startswith("_")]


def examples() -> Iterator[tuple[str, str]]:
    """Yield the examples of all docstrings, with the names they stand with."""
    for path in sorted(SOURCES.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.FunctionDef | ast.ClassDef):
                for found in re.findall(r"^Example::\n\n((?: {4}.*\n)+)", f"{ast.get_docstring(node)}\n", re.MULTILINE):
                    yield node.name, inspect.cleandoc(f"\n{found}")


def test_testing_page_holds_every_public_name() -> None:
    """Each function, class and fixture that a test may use has a heading, or a row in the table of the plugin it belongs to."""
    exported = {*bytecode.__all__, *conformance.__all__, *loopback.__all__}
    wanted = (
        {name for _, tree in modules() for name in defined(tree)}
        | exported
        | (set(plugin.__all__) - {"pytest_addoption", "pytest_configure"})
    )
    shown = anchors_of(PAGE) | set(re.findall(r"^\| \[?`(\w+)`", PAGE, re.MULTILINE))

    assert len(wanted) > 80
    assert [] == sorted(name for name in wanted if name not in shown and name.lower() not in shown)


def test_modules_left_out_of_the_testing_page_are_there() -> None:
    """The list of what no test imports holds nothing that is gone."""
    assert [] == [name for name in INSIDE if not (SOURCES / f"{name}.py").is_file()]


def test_testing_page_holds_every_option() -> None:
    """What can be given to pytest stands there with a sentence."""
    assert ["--conformance-report FILE", "--conformance-examples N"] == [name for name, _ in options()]
    assert [] == [name for name, says in options() if f"| `{name}` | {says} |" not in PAGE]


@pytest.mark.parametrize(("name", "program"), list(examples()), ids=lambda value: value.partition("\n")[0])
def test_example_of_a_docstring_runs(name: str, program: str) -> None:
    """Who copies an example gets what it says: its imports are there and its asserts hold."""
    assert "assert " in program
    exec(compile(program, name, "exec"), {"__name__": "__main__"})


@pytest.mark.parametrize("name", ["pair_pool", "snapshot_of", "run_strategy", "sim_market", "desk_of", "Scripted", "Loopback"])
def test_what_authors_meet_first_has_an_example(name: str) -> None:
    """The functions that a first test needs are shown at work, on the page as well."""
    (program,) = [program for found, program in examples() if found == name]

    assert f"Example:\n\n```text\n{program}\n```\n" in PAGE
