"""The most memory that the default run holds: `uv run python -m benchmarks.bench_memory`."""

import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks import processes
from benchmarks.measure import MEGABYTES, Case, machine, say, table

BLOCKS = 100
BARE = "`python -c pass`"


def main() -> None:
    """Run once and print: memory, unlike time, does not depend on who else is at work. A run that fails is told in its place."""
    options = ("run", "--blocks", str(BLOCKS), "--speed", "max", "--json")
    with TemporaryDirectory() as name:
        folder = Path(name)
        try:
            bare = processes.most_memory_mb([sys.executable, "-c", "pass"], folder)
            most = processes.most_memory_mb(processes.tidemill(*options), folder)
        except RuntimeError as error:
            say(f"not measured: {error}")
            return
    cases = [Case(f"`tidemill {' '.join(options)}`", MEGABYTES, lambda: most, 200, (BARE,)), Case(BARE, MEGABYTES, lambda: bare)]
    say("## Memory", "", f"{machine()}; the most that the process held.", "", *table(cases, {case.name: case.once() for case in cases}), "")


if __name__ == "__main__":
    main()
