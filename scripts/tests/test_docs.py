"""Pages that are made from code are up to date, and the check can tell when they are not."""

import subprocess
import sys
from pathlib import Path
from typing import Literal

import attrs
import pytest

from scripts.docs.__main__ import main
from scripts.docs.markdown import one_line, prose, table
from scripts.docs.pages import pages
from scripts.docs.setting import settings_of
from scripts.docs.source import read_source
from tidemill.units import Bps

ROOT = Path(__file__).parents[2]


def test_docs_pages_are_up_to_date() -> None:
    """What stands in docs/ is what the code says; asked in a process of its own, which no other test has changed."""
    done = subprocess.run([sys.executable, "-m", "scripts.docs", "--check"], cwd=ROOT, capture_output=True, text=True, check=False)

    assert (0, "") == (done.returncode, done.stdout)


def test_docs_check_names_stale_and_left_over_pages(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A page that differs, or that nothing makes, is named with its remedy; writing mends the first."""
    (tmp_path / "docs" / "reference" / "conformance").mkdir(parents=True)
    (tmp_path / "docs" / "flow.md").write_text("old", "utf-8")

    assert 1 == main(["--check"], tmp_path)
    assert "docs/flow.md: out of date: run" in capsys.readouterr().out
    assert 0 == main([], tmp_path)
    assert 0 == main(["--check"], tmp_path)
    (tmp_path / "docs" / "reference" / "conformance" / "gone.md").touch()
    assert 1 == main(["--check"], tmp_path)
    assert "docs/reference/conformance/gone.md: nothing makes it" in capsys.readouterr().out


@pytest.mark.parametrize("name", sorted(pages()))
def test_docs_pages_say_that_they_are_made(name: str) -> None:
    """Whoever opens a made page learns at its top what it is made from."""
    head = pages()[name]().splitlines()[2]

    assert head.startswith("> Made from ")
    assert "`python -m scripts.docs`" in head


def test_prose_turns_docstrings_into_markdown() -> None:
    """Double backticks become single ones; sections become lists, with what belongs below an entry."""
    docstring = """Return ``x``.

    Args:
        one, other: two figures,
            on two lines.
        third (int): see ``y``.

    Returns:
        What is
        left.

    May give:
        names: of these:
            deep: the first
                of two lines.
            low: the second.
    """
    expected = """Return `x`.

Arguments:

* `one`, `other`: two figures, on two lines.
* `third`: see `y`.

Returns: What is left.

May give:

* `names`: of these:
  * `deep`: the first of two lines.
  * `low`: the second.
"""

    assert expected == prose(docstring)


def test_prose_shows_programs_as_text() -> None:
    """An example and a paragraph that announces a block lose one of their two colons, and the block keeps its columns."""
    docstring = "Return it.\n\nExample::\n\n    f(\n        1,\n    )\n\nOr so::\n\n    g()\n"
    expected = "Return it.\n\nExample:\n\n```text\nf(\n    1,\n)\n```\n\nOr so:\n\n```text\ng()\n```\n"

    assert expected == prose(docstring)


def test_prose_keeps_drawings() -> None:
    """An indented paragraph is text that keeps its columns."""
    assert "A tree:\n\n```text\na\n└── b\n```\n" == prose("A tree:\n\n    a\n    └── b\n\nAnd so on.").replace("\nAnd so on.\n", "")


def test_table_escapes_bars_and_line_breaks() -> None:
    """A union type does not end its cell."""
    assert "| a |\n| --- |\n| `int \\| None` of |\n" == table(["a"], [["`int | None`\n  of"]])


def test_one_line_is_the_first_paragraph() -> None:
    """What follows an empty line is left out."""
    assert "One and two." == one_line("One\n    and two.\n\n    Three.")


@attrs.frozen(kw_only=True)
class Sample:
    """Settings of every form."""

    plain: int = 3
    edge: Bps = attrs.field(default=Bps(1_000), validator=attrs.validators.ge(Bps(0)), metadata={"doc": "the edge."})
    wait_s: int | None = attrs.field(default=None, validator=attrs.validators.optional(attrs.validators.in_(range(1, 11))))
    way: Literal["up", "down"] = "up"
    names: tuple[str, ...] = ()
    paths: dict[str, int] = attrs.field(factory=dict)
    needed: str


def test_settings_are_told_with_type_unit_default_and_sentence() -> None:
    """Each part comes from the class; sentences from the attribute, or from what is given."""
    given = dict.fromkeys(("plain", "wait_s", "way", "names", "paths", "needed"), "said")
    found = [(one.key, one.type, one.unit, one.default, one.sentence) for one in settings_of(Sample, given)]

    assert [
        ("plain", "whole number", "", "`3`", "said"),
        ("edge", "whole number, at least 0", "bps (1/10,000)", "`1_000`", "the edge"),
        ("wait_s", "whole number, 1 to 10", "seconds", "not set", "said"),
        ("way", '`"up"` or `"down"`', "", '`"up"`', "said"),
        ("names", "list of text", "", "`[]`", "said"),
        ("paths", "table of whole number", "", "`{}`", "said"),
        ("needed", "text", "", "required", "said"),
    ] == found


def test_settings_without_a_sentence_are_refused() -> None:
    """A key that says nowhere what it means stops the page."""
    with pytest.raises(AssertionError, match="plain says nowhere what it means"):
        settings_of(Sample, {})


def test_source_reads_signatures_as_they_are_written() -> None:
    """Names of aliases stay, `self` goes, what is abstract and what is a property is known."""
    source = read_source("tidemill.hookspecs.dex")
    dex = next(shape for shape in source.shapes if shape.name == "Dex")
    members = {member.name: member for member in dex.members}

    assert "decode(ref: PoolRef, states: States, at: ChainTime, last: Pool | None) -> Decoded | Needs" == members["decode"].signature
    assert (True, False) == (members["decode"].abstract, members["apply"].abstract)
    assert "_pools" not in members
