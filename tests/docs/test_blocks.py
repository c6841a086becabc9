"""The scheme by which pages are executed finds what nothing would run, and what does not happen as the page says."""

import re
import time
from pathlib import Path

import pytest

from tests.docs.blocks import BadPage, apply, blocks_of, matches, replaced
from tests.docs.folder import Folder
from tests.docs.pages import PAGES


def fenced(language: str, text: str, above: str = "Text.") -> str:
    return f"{above}\n\n```{language}\n{text}\n```\n"


def test_blocks_of_every_language_know_what_is_done_with_them() -> None:
    """Fence and the line above say whether a block is run, written, added, put in the place of another, compared or shown."""
    page = "".join(
        [
            fenced("sh", "false  # exits 1"),
            fenced("text", "… x"),
            fenced("python", "a = 1", "Write `src/a.py`:"),
            fenced("python", "b = 1", "Add to `a.py`:"),
            fenced("python", "b = 2", "In `a.py`, change `b`:"),
            fenced("python", "print(1)"),
            fenced("toml", "a = 1", "The file `a.toml`:"),
            fenced("console", "$ pip install x"),
        ]
    )
    found = [(block.how, block.file, block.exits) for block in blocks_of(page)]

    assert [
        ("run", "", 1),
        ("output", "", 0),
        ("write", "src/a.py", 0),
        ("add", "a.py", 0),
    ] == found[:4]
    assert ["run", "write", "shown"] == [how for how, _, _ in found[5:]]


@pytest.mark.parametrize(
    ("page", "message"),
    [
        (fenced("rust", "x"), "line 3: nothing runs a block of language 'rust'"),
        (fenced("", "x"), "line 3: nothing runs a block of language ''"),
        (fenced("toml", "a = 1"), "line 3: a toml block needs the name of its file"),
        (fenced("text", "x"), "line 3: output of nothing"),
        ("Text.\n\n    x = 1\n", "line 3: an indented block"),
        ("Text.\n\n\tx = 1\n", "line 3: an indented block"),
        ("* Item.\n\n        x = 1\n", "line 3: an indented block"),
        ("* Item.\n\n  ```sh\n  x\n  ```\n", "line 3: a fence is three backticks at the beginning"),
        ("Text.\n\n~~~sh\nx\n~~~\n", "line 3: a fence is three backticks"),
        ("Text.\n\n````sh\nx\n````\n", "line 3: a fence is three backticks"),
        ("Text.\n\n```python title=x\nx\n```\n", "line 3: a fence is three backticks"),
        ("Text.\n\n<pre>x</pre>\n", "line 3: a fence is three backticks"),
        ("Text.\n\n```sh\nx\n", "line 3: the block is not closed"),
        (fenced("sh", "x") + fenced("text", "…\n…"), "line 8: output that any command would print"),
    ],
)
def test_blocks_that_nothing_runs_are_refused(page: str, message: str) -> None:
    """A block of another language, without a file, or of output of nothing is an error with its line."""
    with pytest.raises(BadPage, match=message):
        blocks_of(page)


@pytest.mark.parametrize(
    ("expected", "found", "same"),
    [
        ("a … c\n", "a b c\n", True),
        ("a\n…\nd\n", "a\nb\nc\nd\n", True),
        ("a\n…\n", "a\n", True),
        ("a  \n", "a\n\n", True),
        ("a\n", "a\nb\n", False),
        ("a.c\n", "abc\n", False),
        ("a … c\n", "a b\n c\n", False),
    ],
)
def test_matches_lets_the_ellipsis_stand_for_anything(expected: str, found: str, *, same: bool) -> None:
    """`…` is anything on its line, or any lines; everything else must be equal."""
    assert same == matches(expected, found)


def test_replaced_definitions_take_the_place_of_those_of_the_same_name(tmp_path: Path) -> None:
    """What the new text defines replaces what has its name; its imports stand with the others, what is new at the end."""
    old = '"""Doc."""\n\nimport a\n\nX = 1\n\n\n@mark\ndef f() -> int:\n    return 1\n\n\ndef g() -> int:\n    return 2\n'
    new = "import b\n\n\ndef f() -> int:\n    return 3\n\n\nX = 2\n\n\ndef h() -> int:\n    return 4\n"
    expected = (
        '"""Doc."""\n\nimport a\nimport b\n\nX = 2\n\n\ndef f() -> int:\n    return 3\n\n\n'
        "def g() -> int:\n    return 2\n\n\ndef h() -> int:\n    return 4\n"
    )

    assert expected == replaced(old, new)


def test_replaced_methods_leave_the_rest_of_an_open_class() -> None:
    """A class that begins with `...` gives its methods; what it does not name stays."""
    old = "class A:\n    x: int\n\n    def f(self) -> int:\n        return 1\n\n    def g(self) -> int:\n        return 2\n\n\nB = 1\n"
    new = "class A:\n    ...\n\n    def f(self) -> int:\n        return 3\n\n    def h(self) -> int:\n        return 4\n"
    expected = (
        "class A:\n    x: int\n\n    def f(self) -> int:\n        return 3\n\n    def g(self) -> int:\n        return 2\n\n"
        "    def h(self) -> int:\n        return 4\n\n\nB = 1\n"
    )

    assert expected == replaced(old, new)


def test_apply_writes_adds_and_changes_files(tmp_path: Path) -> None:
    """A file grows along its page."""
    page = "".join(
        [
            fenced("python", "a = 1", "Write `p/a.py`:"),
            fenced("python", "b = 1", "Add to `p/a.py`:"),
            fenced("python", "b = 2", "In `p/a.py`:"),
        ]
    )
    paths = {apply(block, tmp_path) for block in blocks_of(page)}

    assert {tmp_path / "p" / "a.py"} == paths
    assert "a = 1\n\n\nb = 2\n" == paths.pop().read_text("utf-8")


@pytest.mark.parametrize(
    ("page", "message"),
    [
        (fenced("sh", "echo a") + fenced("text", "b"), "the page shows"),
        (fenced("sh", "false"), "ended with 1, and not 0"),
        (fenced("sh", "true  # exits 3"), "ended with 0, and not 3"),
        (fenced("sh", "echo ab") + fenced("text", "a…c"), "the page shows"),
        (fenced("python", "import no_such_module"), "ended with 1"),
        (fenced("python", "1 / 0", "Write `a.py`:") + fenced("sh", "python a.py"), "ended with 1"),
        (fenced("python", "a = 1", "Write `a.py`:"), "line 3: the page says to write a.py, and nothing that follows runs it"),
        (fenced("python", "a = 1", "Write `a.py`:") + fenced("sh", "true"), "nothing that follows runs it"),
        (
            fenced("python", "a = 1", "Write `a.py`:") + fenced("python", "a = 2", "In `a.py`:") + fenced("sh", "python a.py"),
            "line 3: .* runs it",
        ),
        (fenced("toml", "mode = 7", "Write `tidemill.toml`:"), "ended with 2"),
    ],
)
def test_folder_that_finds_a_page_wrong_says_where(page: str, message: str, tmp_path: Path) -> None:
    """Another exit code or output than the page's fails, with the line."""
    folder = Folder(tmp_path)
    with pytest.raises(AssertionError, match=message):
        folder.follow(blocks_of(page))


@pytest.mark.parametrize("page", sorted(PAGES))
def test_commands_of_a_page_stay_where_its_reader_is(page: str) -> None:
    """No command changes the folder or the environment: a reader types all blocks into one shell, the test gives each its own."""
    commands = [line for block in blocks_of(PAGES[page]) if block.language == "sh" for line in block.text.splitlines()]

    assert [] == [line for line in commands if re.match(r"\s*(cd|pushd|export|source|\.|set) ", line)]


def test_folder_takes_an_imported_module_for_run(tmp_path: Path) -> None:
    """A module that a later command imports was run, though no command names it; each of its versions has to be."""
    page = "".join(
        [
            fenced("python", "a = 1", "Write `part.py`:"),
            fenced("python", "import part\nprint(part.a)"),
            fenced("text", "1"),
            fenced("python", "a = 2", "In `part.py`:"),
            fenced("python", "import part\nprint(part.a)"),
            fenced("text", "2"),
        ]
    )
    Folder(tmp_path).follow(blocks_of(page))


@pytest.mark.parametrize(("name", "text"), [("a.json", "{"), ("a.toml", "a ="), ("a.py", "a =")])
def test_folder_refuses_files_that_cannot_be_read(name: str, text: str, tmp_path: Path) -> None:
    """What a page has its reader write is at least of its language."""
    language = {"json": "json", "toml": "toml", "py": "python"}[name.partition(".")[2]]
    with pytest.raises((ValueError, SyntaxError)):
        Folder(tmp_path).follow(blocks_of(fenced(language, text, f"Write `{name}`:")))


def test_folder_installs_what_a_page_writes_without_a_network(tmp_path: Path) -> None:
    """A package of the page's own can be installed beside Tidemill, and commands left running are ended."""
    page = "".join(
        [
            fenced("toml", '[project]\nname = "seen"\nversion = "1.0"\ndependencies = ["tidemill>=0.1,<0.2"]\n\n'
                   '[build-system]\nrequires = ["uv_build>=0.9,<1"]\nbuild-backend = "uv_build"', "Write `pyproject.toml`:"),
            fenced("python", '"""It was seen."""', "Write `src/seen/__init__.py`:"),
            fenced("sh", "uv pip install -q -e .\npython -c 'import seen, tidemill; print(seen.__doc__)'"),
            fenced("text", "It was seen."),
            fenced("sh", "sleep 600 & echo $!"),
        ]
    )  # fmt: skip
    folder = Folder(tmp_path)
    folder.follow(blocks_of(page))
    left = int((tmp_path / "output").read_text("utf-8"))
    folder.close()
    until = time.monotonic() + 10
    while _runs(left) and time.monotonic() < until:
        time.sleep(0.01)

    assert not _runs(left)


def _runs(pid: int) -> bool:
    status = Path(f"/proc/{pid}/status")
    return status.exists() and "State:\tZ" not in status.read_text("utf-8")
