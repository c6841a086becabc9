"""The most memory that runs hold, as processes of their own: `uv run python -m benchmarks.bench_memory`."""

from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks import processes
from benchmarks.measure import MEGABYTES, SECONDS, Case, report, say

BLOCKS = 100


def main() -> None:
    """Measure and print; a command that fails is told in place of its figures."""
    with TemporaryDirectory() as name:
        folder = Path(name)
        command = processes.tidemill("run", "--blocks", str(BLOCKS), "--speed", "max", "--json")
        try:
            most = processes.most_memory_mb(command, folder)
        except RuntimeError as error:
            say(f"not measured: {error}")
            return
