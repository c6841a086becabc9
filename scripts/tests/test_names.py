"""What may stand in the tree, and how large it may grow."""

import ast
from pathlib import Path

import pytest

from scripts.checks import names, sizes

# Put together here, because no file may say them, this one included
FORBIDDEN = [
    "see /" + "work/main",
    "cd /" + "home/ann/x",
    "get it from pyp" + "i.org",
    "see pa" + "rt 4",
    "# TO" + "DO",
    "# FIX" + "ME: later",
]
ALLOWED = ["the root of the tree", "a part of 4 pools", "https://example.org/work/x", "at home", "Todor wrote it"]


@pytest.mark.parametrize("text", FORBIDDEN)
def test_words_of_the_machine_or_the_plan_are_found(text: str) -> None:
    """Paths, registry hosts, task numbers and marks of unfinished work are found on their line."""
    assert [2] == [line for line, _, _ in names.words(f"fine\n{text}\n")]


@pytest.mark.parametrize("text", ALLOWED)
def test_words_that_only_look_alike_pass(text: str) -> None:
    """Ordinary prose passes."""
    assert list(names.words(text)) == []


def test_public_name_without_docstring_is_found() -> None:
    """Modules, functions, classes and the methods of a class that begins a contract are documented."""
    source = "class A:\n    def m(self) -> None: ...\n    def _p(self) -> None: ...\n\ndef f() -> None: ...\n"

    found = [rule for _, rule, _ in names.undocumented(ast.parse(source))]

    assert ["the module", "A", "A.m", "f"] == [rule.removesuffix(" has no docstring") for rule in found]


def test_method_with_its_contract_elsewhere_passes() -> None:
    """A class with bases, an override, a setter and a private name need no docstring of their own."""
    source = '"""M."""\nclass A(Dex):\n    """D."""\n    def m(self) -> None: ...\n\ndef _f() -> None: ...\n'

    assert list(names.undocumented(ast.parse(source))) == []


def test_tree_of_one_file_gives_place_rule_and_remedy(tmp_path: Path) -> None:
    """The check reads words everywhere and docstrings only in sources; binary files are no text."""
    (tmp_path / "src").mkdir()
    (tmp_path / "src" / "a.py").write_text("x = 1\n", "utf-8")
    (tmp_path / "b.py").write_text("x = 1\n", "utf-8")
    (tmp_path / "c.bin").write_bytes(b"\xff\xfe\x00")

    report = names.check(tmp_path)

    assert report.seen == 2
    assert ["src/a.py:1: the module has no docstring; say what it is for"] == list(map(str, report.findings))


def test_long_file_long_function_and_untyped_argument_are_found() -> None:
    """Sizes and types have limits that are found on the line where they break."""
    long_function = "def f(a: int) -> None:\n" + "    a\n" * sizes.FUNCTION_LINES
    source = long_function + "def g(self, b, *c, d=1): ...\n" + "\n" * sizes.FILE_LINES

    rules = [rule for _, rule, _ in sizes.shape(source)]

    assert ["702 lines, at most 600", "f has 101 lines, at most 100"] == rules[:2]
    assert ["g(b) has no type", "g(d) has no type", "g(c) has no type"] == rules[2:]


def test_small_and_typed_passes(tmp_path: Path) -> None:
    """A small typed file passes and counts as looked at."""
    (tmp_path / "a.py").write_text("def f(self, a: int, *b: int, **c: int) -> None: ...\n", "utf-8")

    assert sizes.check(tmp_path) == (1, [])
