"""Tests that try so much that counting lines would take longer: nothing is counted while they run, and everything before and after is."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

from coverage import CoverageData

MODULE = "def counted():\n    return 1\n\n\ndef uncounted():\n    return 2\n\n\ndef after():\n    return 3\n"
TESTS = """\
import pytest
import subject

def test_first():
    assert 1 == subject.counted()

@pytest.mark.uncounted
def test_second():
    assert 2 == subject.uncounted()

def test_third():
    assert 3 == subject.after()
"""
SETTINGS = "[pytest]\nmarkers = uncounted\npythonpath = .\nfilterwarnings = error\n"


def test_lines_of_an_uncounted_test_alone_are_not_counted(tmp_path: Path) -> None:
    """Its lines are left out; those of the tests before and after it, in the same process, are there."""
    shutil.copy(Path(__file__).parents[1] / "conftest.py", tmp_path)
    for name, text in (("subject.py", MODULE), ("test_subject.py", TESTS), ("pytest.ini", SETTINGS)):
        (tmp_path / name).write_text(text, "utf-8")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("COV", "PYTEST_"))}
    command = [sys.executable, "-m", "coverage", "run", "--rcfile=/dev/null", "--source=.", "-m", "pytest", "-q", "-p", "no:cacheprovider"]
    done = subprocess.run(command, cwd=tmp_path, env=kept, capture_output=True, text=True, check=False)
    found = CoverageData(str(tmp_path / ".coverage"))
    found.read()

    assert 0 == done.returncode, done.stdout
    assert [1, 2, 5, 9, 10] == sorted(found.lines(str((tmp_path / "subject.py").resolve())) or [])
