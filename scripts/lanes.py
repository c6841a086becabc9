"""The last lines of a run of nox: what did not run and why, and how many tests did."""

import sys
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple
from xml.etree import ElementTree as ET


class Results(NamedTuple):
    """How many tests passed and failed (errors too), and the reason of each that was skipped."""

    passed: int
    failed: int
    skipped: list[str]


def results(path: Path) -> Results:
    """Reads what pytest wrote with `--junit-xml`."""
    passed, failed, skipped = 0, 0, []
    for case in ET.parse(path).iter("testcase"):
        skip = case.find("skipped")
        if case.find("failure") is not None or case.find("error") is not None:
            failed += 1
        elif skip is not None:
            skipped.append(skip.get("message", "no reason given"))
        else:
            passed += 1
    return Results(passed, failed, skipped)


def grouped(reasons: Iterable[str]) -> list[str]:
    """Gives a line for each kind of reason, which ends where a place is named: `... not found at <path>`."""
    kinds: dict[str, list[str]] = {}
    for reason in sorted(reasons):
        kinds.setdefault(reason.split(" at ")[0], []).append(reason)
    return [f"not run: {len(same)} {'test' if len(same) == 1 else 'tests'}: {same[0]}" for same in kinds.values()]


def main(left_out: list[str], path: Path | None) -> None:
    """Prints a line for each lane left out (`lane: reason`), and the tests of a run that had any."""
    for lane in left_out:
        print(f"not run: {lane}")
    if path is not None and path.exists():
        found = results(path)
        print(*grouped(found.skipped), sep="\n", end="\n" if found.skipped else "")
        print(f"tests: {found.passed} passed, {found.failed} failed, {len(found.skipped)} skipped")


if __name__ == "__main__":
    main(sys.argv[2:], Path(sys.argv[1]) if sys.argv[1] else None)
