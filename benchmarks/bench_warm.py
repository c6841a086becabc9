"""How soon the compiled search runs, in fresh processes: `uv run python -m benchmarks.bench_warm`."""

import sys
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory, mkdtemp

from benchmarks import processes
from benchmarks.measure import SECONDS, Case, report, say

ROUNDS, COLD_ROUNDS = 5, 3
WARM = "from tidemill_search_cycles import compiled\ncompiled.warm()\nassert compiled.kernels().compiled"
IMPORTED = "from tidemill_search_cycles import compiled"
NUMBA = "import numba"
BARE, ALONE = "`import numba` alone", "importing the search without compiling"
VARIABLE = "NUMBA_CACHE_DIR"


class Process:
    """A Python process that runs a text with a cache folder: its seconds on the wall, then of the processor."""

    def __init__(self, text: str, cache: Callable[[], str]) -> None:
        self._text = text
        self._cache = cache
        self._cost = processes.Cost(0.0, 0.0)

    def wall_s(self) -> float:
        """Run it."""
        self._cost = processes.run([sys.executable, "-c", self._text], environment={VARIABLE: self._cache()})
        return self._cost.wall_s

    def cpu_s(self) -> float:
        """Return the processor time of the run before."""
        return self._cost.cpu_s


def main() -> None:
    """Measure and print."""
    if find_spec("numba") is None:
        say("not measured: numba is not installed, install tidemill-search-cycles[numba]")
        return
    with TemporaryDirectory() as name:
        folder = Path(name, "kept")
        warm, imported, numba = (Process(text, lambda: str(folder)) for text in (WARM, IMPORTED, NUMBA))
        cold = Process(WARM, lambda: mkdtemp(dir=name))
        try:
            colds = [
                Case("kernels compiled into an empty folder, on the wall", SECONDS, cold.wall_s, 20),
                Case("the same runs, processor time", SECONDS, cold.cpu_s, 20),
            ]
            report("Start: the first, which compiles", colds, COLD_ROUNDS, ("Each has a fresh process and a fresh folder.",), warm_up=False)
            warms = [
                Case("kernels loaded from the folder, on the wall", SECONDS, warm.wall_s, 2, (BARE, ALONE)),
                Case("the same runs, processor time", SECONDS, warm.cpu_s, 2),
                Case(BARE, SECONDS, numba.wall_s),
                Case(ALONE, SECONDS, imported.wall_s),
            ]
            remark = "Fresh processes from start to exit; until the kernels are there, a run's plain ones search and find the same."
            report("Start: every later one", warms, ROUNDS, (remark,))
        except RuntimeError as error:
            say(f"not measured: {error}")


if __name__ == "__main__":
    main()
