"""Each package of the workspace has more than 95 % of its lines run by tests, whatever the others have."""

import json
import sys
from pathlib import Path
from typing import Any, NamedTuple

FLOOR_PERCENT = 95


class Covered(NamedTuple):
    """Lines of one package that the tests ran, of those that can be run."""

    package: str
    run: int
    lines: int

    @property
    def enough(self) -> bool:
        """Tells whether more than the floor was run; a package without a line to run needs no test."""
        return self.lines == 0 or 100 * self.run > FLOOR_PERCENT * self.lines

    def __str__(self) -> str:
        percent = f"{100 * self.run / self.lines:.1f} %" if self.lines else "empty"
        return f"{self.package:32} {percent:>8} of {self.lines} lines"


def by_package(measured: dict[str, Any]) -> list[Covered]:
    """Sums what `coverage json` wrote by the package after each `src/`, in order of name."""
    totals: dict[str, tuple[int, int]] = {}
    for name, file in measured["files"].items():
        parts = Path(name).parts
        if "src" in parts[:-2]:
            package, summary = parts[parts.index("src") + 1], file["summary"]
            run, lines = totals.get(package, (0, 0))
            totals[package] = (run + summary["covered_lines"], lines + summary["num_statements"])
    return [Covered(package, *totals[package]) for package in sorted(totals)]


def main(path: Path) -> int:
    """Prints a line a package; returns 1 where one is not above the floor, or nothing was measured."""
    packages = by_package(json.loads(path.read_text("utf-8")))
    for package in packages:
        print(f"{package}{'' if package.enough else f'  <- must be above {FLOOR_PERCENT} %'}")
    return 0 if packages and all(package.enough for package in packages) else 1


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
