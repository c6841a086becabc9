"""A check that looks at nothing fails, and every check is run."""

from pathlib import Path

import pytest

from scripts.checks import __main__ as command
from scripts.checks.report import Finding, Report, files, verdict


def test_check_that_sees_nothing_fails(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """No finding among no files proves nothing."""
    assert not verdict("names", lambda _: Report(0, []), tmp_path)
    assert "looked at nothing" in capsys.readouterr().out


def test_check_with_a_finding_fails_and_prints_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A finding is printed as place, rule and remedy."""
    assert not verdict("names", lambda _: Report(1, [Finding("a.py:1", "too long", "split it")]), tmp_path)
    assert "names: a.py:1: too long; split it" in capsys.readouterr().out


def test_check_without_finding_passes(tmp_path: Path) -> None:
    """Something was seen and nothing found."""
    assert verdict("names", lambda _: Report(3, []), tmp_path)


def test_every_module_with_a_check_is_run() -> None:
    """A check that nobody runs is no rule."""
    folder = Path(command.__file__).parent
    modules = {path.stem for path in folder.glob("*.py") if "\ndef check(" in path.read_text("utf-8")}

    assert modules == set(command.CHECKS)


def test_unknown_check_is_named_with_the_known(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A misspelt name is a wrong usage."""
    assert command.main(["flotas"], tmp_path) == 2
    assert "flotas; there are floats" in capsys.readouterr().out


def test_checks_chosen_by_name_decide_the_exit_code(tmp_path: Path) -> None:
    """In an empty folder sizes sees nothing; with a small file it passes."""
    assert command.main(["sizes"], tmp_path) == 1
    (tmp_path / "a.py").write_text("x = 1\n", "utf-8")
    assert command.main(["sizes"], tmp_path) == 0


def test_patterns_match_one_folder_or_any_depth(tmp_path: Path) -> None:
    """`*` is one folder, `**.py` any depth below, and folders of other names are left alone."""
    for name in ("a/x/src/m.py", "a/x/src/deep/n.py", "a/x/tests/t.py", "b/src/o.py"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()

    def found(pattern: str) -> list[str]:
        return [path.relative_to(tmp_path).as_posix() for path in files(tmp_path, pattern)]

    assert found("a/*/src/**.py") == ["a/x/src/deep/n.py", "a/x/src/m.py"]
    assert found("b/src/*.py") == ["b/src/o.py"]
    assert len(found("**")) == 4
