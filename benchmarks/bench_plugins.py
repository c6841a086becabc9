"""What plugins cost that are installed and not enabled: `uv run python -m benchmarks.bench_plugins`.

Forty distributions of one plugin each are laid out as an installer leaves them. Each of their modules refuses to be imported, so that a
figure here is one of a start that imported none of them.
"""

from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks import processes
from benchmarks.measure import SECONDS, Case, report, say

ROUNDS = 9
INSTALLED = 40
START = ("run", "--blocks", "1", "--speed", "max", "--json")
ALONE = "`tidemill run --blocks 1`, only what it needs installed"
SMALL = """
[chains.sim]
tokens = 8
pools = 16
warmup_blocks = 1
[dex.uniswap]
[strategies.triangular]
[risk.limits]
[search.cycles]
[books.main]
base = "USDC"
capital = { USDC = "10_000", ETH = "1" }
"""


def lay_out(folder: Path) -> Path:
    """Write forty installed distributions into a folder and return it."""
    folder.mkdir()
    for number in range(INSTALLED):
        name = f"idle_{number}"
        (folder / f"{name}.py").write_text('raise RuntimeError("it is not enabled: nothing may import it")\n', "utf-8")
        facts = folder / f"tidemill_strategy_{name}-0.1.0.dist-info"
        facts.mkdir()
        head = f"Metadata-Version: 2.4\nName: tidemill-strategy-{name}\nVersion: 0.1.0\nSummary: Idles\n"
        (facts / "METADATA").write_text(head, "utf-8")
        (facts / "entry_points.txt").write_text(f"[tidemill.strategy.v1]\n{name} = {name}\n", "utf-8")
    return folder


def cases(folder: Path, crowd: Path) -> Iterator[Case]:
    """A start with and without the crowd, and the list of what is installed."""
    crowded = {"PYTHONPATH": str(crowd)}
    yield Case(f"`tidemill run --blocks 1`, {INSTALLED} more installed", SECONDS, _start(folder, crowded), None, (ALONE,))
    yield Case(ALONE, SECONDS, _start(folder, {}))
    listing = processes.Command(processes.tidemill("plugins"), folder, crowded)
    yield Case(f"`tidemill plugins`, {INSTALLED} more installed", SECONDS, listing.wall_s, 0.4)
    yield Case(f"`tidemill plugins`, {INSTALLED} more installed, processor time", SECONDS, listing.cpu_s, 0.4)


def _start(folder: Path, environment: dict[str, str]) -> "processes.Wall":
    return processes.Command(processes.tidemill(*START, "--config", "tidemill.toml"), folder, environment).wall_s


def main() -> None:
    """Measure and print; a command that fails is told in place of its figures."""
    with TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "tidemill.toml").write_text(SMALL, "utf-8")
        try:
            remarks = (f"The start with {INSTALLED} idle plugins may take 1.3 times that without them: a ratio of 0.77 or more.",)
            report("Plugins that are installed and not enabled", list(cases(folder, lay_out(folder / "site"))), ROUNDS, remarks)
        except RuntimeError as error:
            say(f"not measured: {error}")


if __name__ == "__main__":
    main()
