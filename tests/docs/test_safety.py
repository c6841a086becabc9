"""The page of promises names tests that are there."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "safety.md").read_text("utf-8")
NAMED = ROOT / "tests" / "faults" / "named"
_PATH = re.compile(r"`([\w./*-]+\.py)`")
_TEST = re.compile(r"`(test_\w+)`")


def test_every_file_that_holds_a_promise_is_there() -> None:
    """A promise whose test was moved or removed is held by nobody."""
    files = set(_PATH.findall(PAGE))
    missing = [file for file in sorted(files) if not (list(ROOT.glob(file)) or list(NAMED.glob(file)))]

    assert len(files) > 30
    assert [] == missing


def test_every_test_that_is_named_is_there() -> None:
    """Also where the page names the test itself."""
    names = set(_TEST.findall(PAGE))
    written = "\n".join(path.read_text("utf-8") for path in ROOT.glob("**/tests/**/test_*.py") if ".venv" not in path.parts)
    missing = [name for name in sorted(names) if f"def {name}(" not in written]

    assert names
    assert [] == missing
