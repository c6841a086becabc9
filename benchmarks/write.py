"""Runs benchmarks and puts the tables that they print into docs/benchmarks.md: `uv run python -m benchmarks.write search compound`.

A script prints sections, each under a heading of its own. The page holds the same headings with prose that people wrote; between the two
marks below a heading stands what its section printed last, and nothing else is touched. A section that was not measured keeps its figures.
"""

import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from benchmarks.measure import say

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "benchmarks.md"
BEGIN, END = "<!-- measured -->", "<!-- /measured -->"


def known() -> list[str]:
    """Return the names of the scripts."""
    return sorted(path.stem.removeprefix("bench_") for path in Path(__file__).parent.glob("bench_*.py"))


def printed(name: str) -> tuple[list[str], int]:
    """Run a script, show what it prints as it prints it, and return its lines and its status."""
    command = [sys.executable, "-u", "-m", f"benchmarks.bench_{name}"]
    lines: list[str] = []
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:  # noqa: S603 - our own script
        for line in process.stdout or ():
            say(line.rstrip("\n"))
            lines.append(line.rstrip("\n"))
    return lines, process.returncode


def sections(lines: Sequence[str]) -> dict[str, list[str]]:
    """Return what stands below each heading, blank lines at both ends left out, where there is a table."""
    found: dict[str, list[str]] = {}
    here: list[str] = []
    for line in lines:
        if line.startswith("## "):
            here = found.setdefault(line.removeprefix("## "), [])
        elif not line.startswith("not measured:"):
            here.append(line)
    return {heading: _trimmed(body) for heading, body in found.items() if any(line.startswith("|") for line in body)}


def _trimmed(lines: list[str]) -> list[str]:
    filled = [place for place, line in enumerate(lines) if line]
    return lines[filled[0] : filled[-1] + 1] if filled else []


def replaced(page: Sequence[str], measured: dict[str, list[str]]) -> Iterator[str]:
    """Yield the page with measured sections in place of what stood between their marks."""
    heading, skipping = "", False
    for line in page:
        if line.startswith("#"):
            heading = line.lstrip("# ")
        body = measured.get(heading)
        if line == END:
            skipping = False
        if not skipping:
            yield line
        if line == BEGIN and body:
            skipping = True
            yield from ("", *body, "")


def main(names: Sequence[str]) -> int:
    """Run the scripts named, or all, and write the page; return the status of the worst."""
    unknown = sorted(set(names) - set(known()))
    if unknown:
        say(f"no benchmark is named {', '.join(unknown)}; there are {', '.join(known())}")
        return 2
    worst = 0
    for name in names or known():
        lines, status = printed(name)
        page, worst = PAGE.read_text("utf-8").splitlines(), max(worst, status)
        measured = sections(lines)
        absent = [one for one in measured if f"## {one}" not in page]
        if absent:
            say(f"docs/benchmarks.md has no heading for {', '.join(absent)}: add one, with {BEGIN} and {END} below it")
        PAGE.write_text("\n".join(replaced(page, measured)) + "\n", "utf-8")
    return worst


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
