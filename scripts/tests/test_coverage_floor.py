"""Each package stands above the floor by itself."""

import json
from pathlib import Path
from typing import Any

import pytest

from scripts import coverage_floor


def _measured(**lines: tuple[int, int]) -> dict[str, Any]:
    return {
        "files": {
            f"libs/x/src/{package}/a.py": {"summary": {"covered_lines": run, "num_statements": count}}
            for package, (run, count) in lines.items()
        }
    }


@pytest.mark.parametrize(
    ("lines", "code"),
    [
        ({"good": (96, 100), "empty": (0, 0)}, 0),
        ({"good": (100, 100), "edge": (95, 100)}, 1),
        ({}, 1),
    ],
)
def test_one_package_at_the_floor_fails(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], lines: dict[str, tuple[int, int]], code: int
) -> None:
    """95 % is not above 95 %, a good neighbour does not help, and no measurement is no proof."""
    path = tmp_path / "coverage.json"
    path.write_text(json.dumps(_measured(**lines)), "utf-8")

    assert code == coverage_floor.main(path)
    assert ("edge" in lines) == ("must be above 95 %" in capsys.readouterr().out)


def test_files_of_one_package_are_summed() -> None:
    """The floor is one for the package, wherever its files lie; tests are no package."""
    measured = _measured(p=(1, 2))
    measured["files"]["libs/x/src/p/deep/b.py"] = {"summary": {"covered_lines": 3, "num_statements": 4}}
    measured["files"]["libs/x/tests/t.py"] = {"summary": {"covered_lines": 0, "num_statements": 9}}

    assert coverage_floor.by_package(measured) == [("p", 4, 6)]
