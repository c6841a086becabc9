"""R8: integers fix every amount."""

import ast
import shutil
from pathlib import Path

from scripts.checks import floats

EXAMPLE = Path(__file__).parent / "examples" / "money_with_floats.py"


def _tree(root: Path, source: str, allowed: str = "") -> Path:
    pool = root / "libs" / "amm" / "src" / "tidemill_amm" / "pool.py"
    pool.parent.mkdir(parents=True)
    pool.write_text(source, "utf-8")
    (root / "scripts" / "checks").mkdir(parents=True)
    (root / floats.ALLOWED).write_text(allowed, "utf-8")
    return root


def test_r8_floats_in_the_example_are_all_found() -> None:
    """Every way to make a float is found on its line, and nothing else is."""
    source = EXAMPLE.read_text("utf-8")
    wrong = [number for number, line in enumerate(source.splitlines(), 1) if line.endswith("# wrong")]

    assert wrong == sorted({line for line, _ in floats.floats(ast.parse(source))})


def test_r8_float_in_a_path_of_money_fails(tmp_path: Path) -> None:
    """A float in a path of money is a finding that names file, line and remedy."""
    report = floats.check(_tree(tmp_path, "x = 1\ny = 0.5\n"))

    assert ["libs/amm/src/tidemill_amm/pool.py:2"] == [finding.place for finding in report.findings]
    assert "use integers" in str(report.findings[0])


def test_integers_in_a_path_of_money_pass(tmp_path: Path) -> None:
    """Integers pass, and the file counts as looked at."""
    assert floats.check(_tree(tmp_path, "x = 7 // 2\n")) == (1, [])


def test_marked_float_passes_only_when_it_is_listed(tmp_path: Path) -> None:
    """A mark alone excuses nothing: the list must have the same number of lines."""
    source = "share = 1 / 3  # float: a screen, no amount\n"
    name = "libs/amm/src/tidemill_amm/pool.py"

    unlisted = floats.check(_tree(tmp_path / "a", source)).findings
    assert ["remove the float"] == [finding.remedy for finding in unlisted]
    assert floats.check(_tree(tmp_path / "b", source, f"{name} 1\n")).findings == []


def test_allowlist_longer_than_the_marks_fails(tmp_path: Path) -> None:
    """The list shrinks with the code: a number that is too high is a finding."""
    report = floats.check(_tree(tmp_path, "x = 1\n", "libs/amm/src/tidemill_amm/pool.py 1\n"))

    assert ["lower the number in the list, which only shrinks"] == [f.remedy for f in report.findings]


def test_r8_mutated_copy_of_the_real_tree_fails(tmp_path: Path) -> None:
    """One float planted in a copy of the kernel's planning is found."""
    root = Path(__file__).parents[2]
    shutil.copytree(root / "core/src/tidemill/planning", tmp_path / "core/src/tidemill/planning")
    (tmp_path / "scripts/checks").mkdir(parents=True)
    shutil.copy(root / floats.ALLOWED, tmp_path / floats.ALLOWED)
    before = len(floats.check(tmp_path).findings)
    (tmp_path / "core/src/tidemill/planning/planted.py").write_text("HALF = 1 / 2\n", "utf-8")

    assert before + 1 == len(floats.check(tmp_path).findings)
