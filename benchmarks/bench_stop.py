"""How soon an emergency stop holds: `uv run python -m benchmarks.bench_stop`.

A run with real money on the simulated chain has a hundred transactions out, which the chain never takes, and sends them again and again.
It is stopped from another process in each way there is, and every broadcast is written down with the system's monotonic clock as it
begins. A sample is the time from the beginning of the command, for `tidemill stop --now` that of its process, until the run's brake is
pulled and the last broadcast has begun, whichever is later. A file is not waited for: it counts from the moment it is there, so that only
broadcasts after it count. Between two samples the brake is released, and the run sends again.
"""

import signal
import sys
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from benchmarks.measure import MILLISECONDS, Case, report, say
from tests.faults.stop_stand import OUT, Busy, busy_stand
from tidemill.api.connect import Instance

ROUNDS = 5
STOPS = 4
TARGET_MS = 100
SETTLED_S = 0.5
"""So long after a stop nothing has left any more."""
VERSION = "`tidemill --version`, all of it"


class Stops:
    """One run that is stopped and released over and over: milliseconds from each stop to the last broadcast."""

    def __init__(self, busy: Busy) -> None:
        self.busy = busy
        self.taken: dict[str, list[float]] = {}

    def version(self) -> list[Case]:
        """How long the shortest command takes by itself, beside the same run."""

        def once() -> float:
            taken = []
            for _ in range(STOPS):
                started = time.monotonic_ns()
                self.busy.stand.command("--version")
                taken.append((time.monotonic_ns() - started) / 1_000_000)
            return median(taken)

        return [Case(VERSION, MILLISECONDS, once)]

    def case(self, name: str, pull: Callable[[], object], *, heard: bool = True, beside: tuple[str, ...] = ()) -> list[Case]:
        """The median and the longest of one way; ``heard``: until the run has heard of it."""
        found = self.taken.setdefault(name, [])

        def once() -> float:
            found[:] = [*found, *(self._stop(pull, heard) for _ in range(STOPS))]
            return median(found)

        return [
            Case(f"{name}, median", MILLISECONDS, once, None, beside),
            Case(f"{name}, longest", MILLISECONDS, lambda: max(found), TARGET_MS),
        ]

    def _stop(self, pull: Callable[[], object], heard: bool) -> float:
        before = len(self.busy.sent())
        self.busy.wait_for(lambda: len(self.busy.sent()) > before)
        started = time.monotonic_ns()
        pull()
        time.sleep(SETTLED_S)
        late = [at for at in (*self.busy.sent(), *(self.busy.pulled() if heard else ())) if at > started]
        self._release()
        return (max(late) - started) / 1_000_000 if late else 0.0

    def _release(self) -> None:
        (self.busy.data / "STOP").unlink(missing_ok=True)
        Instance(self.busy.data).resume("", "the next sample")


def main() -> None:
    """Measure the four ways side by side."""
    with ExitStack() as closing:
        busy = closing.enter_context(busy_stand(Path(closing.enter_context(TemporaryDirectory()))))
        busy.start()
        stops = Stops(busy)
        # Compiled beforehand, as after any installation
        busy.stand.command("status")
        cases = [
            *stops.case("`tidemill stop --now`", lambda: busy.stand.command("stop", "--now"), beside=(VERSION,)),
            *stops.version(),
            *stops.case("the socket, from a program", lambda: Instance(busy.data).stop_now("a sample")),
            *stops.case("SIGUSR1", lambda: busy.signal(signal.SIGUSR1)),
            *stops.case("a file `STOP`", (busy.data / "STOP").touch, heard=False),
        ]
        report(
            "An emergency stop",
            cases,
            ROUNDS,
            lambda: [
                f"{OUT} transactions in flight; {(ROUNDS + 1) * STOPS} stops a way, timed on the wall from the beginning of the command."
            ],
        )


if __name__ == "__main__":
    try:
        main()
    except AssertionError as error:
        say(f"not measured: {error}")
        sys.exit(1)
