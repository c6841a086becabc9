"""How soon commands answer, as whole processes: `uv run python -m benchmarks.bench_startup`."""

import sys
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks import processes
from benchmarks.measure import SECONDS, Case, report, say

ROUNDS = 9
OURS = ((("--version",), 0.15), (("--help",), 0.3), (("plugins",), None), (("config", "check"), None))
PIP, UV, BARE, NO_SITE = "`pip --version`", "`uv --version`", "`python -c pass`", "`python -S -c pass`"


def cases(folder: Path) -> Iterator[Case]:
    """The commands that must feel immediate, beside the interpreter alone and two tools that people run all day."""
    pip, uv = processes.pip(), processes.uv()
    others = {NO_SITE: [sys.executable, "-S", "-c", "pass"], BARE: [sys.executable, "-c", "pass"]}
    others |= {PIP: [*pip, "--version"]} if pip else {}
    others |= {UV: [*uv, "--version"]} if uv else {}
    for arguments, target in OURS:
        command = processes.Command(processes.tidemill(*arguments), folder)
        name = f"`tidemill {' '.join(arguments)}`"
        yield Case(name, SECONDS, command.wall_s, target, tuple(others))
        yield Case(f"{name}, processor time", SECONDS, command.cpu_s, target)
    for name, other in others.items():
        yield Case(name, SECONDS, processes.Command(other, folder).wall_s)


def main() -> None:
    """Measure and print; a command that fails is told in place of its figures."""
    with TemporaryDirectory() as name:
        folder = Path(name)
        try:
            processes.run(processes.tidemill("config", "init"), folder)
            remarks = ("Seconds on the wall from start to exit; the first round, which finds nothing compiled, is not counted.",)
            report("Start of a command", list(cases(folder)), ROUNDS, remarks)
        except RuntimeError as error:
            say(f"not measured: {error}")


if __name__ == "__main__":
    main()
