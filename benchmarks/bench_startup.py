"""How soon commands answer, as whole processes: `uv run python -m benchmarks.bench_startup`."""

import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks import processes
from benchmarks.measure import SECONDS, Case, report, say

ROUNDS = 11
PIP, UV, BARE, NO_SITE = "`pip --version`", "`uv --version`", "`python -c pass`", "`python -S -c pass`"


def timed(command: Sequence[str], folder: Path) -> Callable[[], float]:
    """Return a round that runs a command once: seconds on the wall."""
    return lambda: processes.run(command, folder).wall_s


def cases(folder: Path) -> list[Case]:
    """The commands that must feel immediate, beside the interpreter alone and two tools that people run all day."""
    pip, uv = processes.pip(), processes.uv()
    beside = (NO_SITE, *((PIP,) if pip else ()), *((UV,) if uv else ()))
    ours = {
        "--version": (["--version"], 0.15),
        "--help": (["--help"], 0.3),
        "plugins": (["plugins"], None),
        "config check": (["config", "check", "tidemill.toml"], None),
    }
    made = [
        Case(f"`tidemill {name}`", SECONDS, timed(processes.tidemill(*arguments), folder), target, beside)
        for name, (arguments, target) in ours.items()
    ]
    made.append(Case(NO_SITE, SECONDS, timed([sys.executable, "-S", "-c", "pass"], folder)))
    made.append(Case(BARE, SECONDS, timed([sys.executable, "-c", "pass"], folder)))
    if pip:
        made.append(Case(PIP, SECONDS, timed([*pip, "--version"], folder)))
    if uv:
        made.append(Case(UV, SECONDS, timed([*uv, "--version"], folder)))
    return made


def main() -> None:
    """Measure and print; a command that fails is told in place of its figures."""
    with TemporaryDirectory() as name:
        folder = Path(name)
        try:
            processes.run(processes.tidemill("config", "init"), folder)
            remarks = ("Seconds on the wall from start to exit; files are in the page cache after the first round, which is not counted.",)
            report("Start of a command", cases(folder), ROUNDS, remarks)
        except RuntimeError as error:
            say(f"not measured: {error}")


if __name__ == "__main__":
    main()
