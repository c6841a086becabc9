"""What slow listeners cost a run: `uv run python -m benchmarks.bench_slow_consumer`.

The default simulated market is run in this process through the driver of every run, once with nobody listening and once with a notifier
that takes 50 ms for whatever it is told and a console that writes everything into a pipe which is read at 20 kB a second, so that it is
full most of the time. The clock on the wall runs from a block's arrival until each plan that comes of it is handed over for signing. A
round plays the same blocks both ways.
"""

import os
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from io import TextIOWrapper
from time import perf_counter_ns, sleep
from typing import Any

import anyio

from benchmarks.measure import MILLISECONDS, Case, Unit, report
from benchmarks.samples import Sampled, p99
from tidemill.api.links import charging_rules, open_links
from tidemill.api.opening import opening_batch
from tidemill.api.run_facts import run_header
from tidemill.config.load import default_config
from tidemill.domain.events import Batch, Event
from tidemill.domain.note import Note, RunHeader, Summary
from tidemill.hookspecs.notifier import Notifier
from tidemill.hookspecs.price import SourceSetup
from tidemill.pipeline.assemble import assemble
from tidemill.pipeline.execution import PaperExecution
from tidemill.pipeline.lockstep import Lockstep
from tidemill.pipeline.notices import Notices
from tidemill.pipeline.pace import Pace
from tidemill.pipeline.paper import PaperDesk
from tidemill.pipeline.sources import in_order
from tidemill.stages.effects import Intent
from tidemill_notifier_console import ConsoleNotifier, ConsoleSettings

ROUNDS = 5
SEED, BLOCKS = 7, 400
TELL_S = 0.05
READ_BYTES, READ_EVERY_S = 400, 0.02
ALONE, HEARD = "nobody listens", "a slow notifier and a slow console"
SHARE = Unit("×", digits=2)
TARGET = 1.1


class Slow(Notifier):
    """Takes its time over everything."""

    name = "slow"

    async def start(self, header: RunHeader) -> None:
        """Take its time."""
        await anyio.sleep(TELL_S)

    async def tell(self, notes: Sequence[Note]) -> None:
        """Take its time."""
        await anyio.sleep(TELL_S)

    async def finish(self, summary: Summary) -> None:
        """End at once: nobody waits for it here."""


class Timed(PaperExecution):
    """Says how long after a block's arrival each plan is handed over, in milliseconds."""

    def __init__(self, desk: PaperDesk) -> None:
        super().__init__(desk)
        self.arrived = 0
        self.taken: list[float] = []

    async def take(self, intent: Intent, height: int) -> Sequence[Event]:
        """Note the time, and take the plan."""
        self.taken.append((perf_counter_ns() - self.arrived) / 1_000_000)
        return await super().take(intent, height)


class Arriving(Lockstep):
    """Notes when a block arrives."""

    clock: Timed

    async def step(self, batch: Batch, *, decide: bool = True) -> None:
        """Note the time, and fold the batch."""
        self.clock.arrived = perf_counter_ns()
        await super().step(batch, decide=decide)


@contextmanager
def slow_listeners() -> Iterator[list[Notifier]]:
    """Give the notifiers, one of them with a reader who takes little at a time; at the end he reads what is left."""
    reader, writer = os.pipe()
    leaving = threading.Event()

    def read() -> None:
        while os.read(reader, READ_BYTES if not leaving.is_set() else 1 << 20):
            if not leaving.is_set():
                sleep(READ_EVERY_S)

    reading = threading.Thread(target=read)
    reading.start()
    stream = TextIOWrapper(os.fdopen(writer, "wb", buffering=0), "utf-8", write_through=True)
    try:
        yield [Slow(), ConsoleNotifier(ConsoleSettings(verbosity="verbose"), stream)]
    finally:
        leaving.set()
        stream.close()
        reading.join()
        os.close(reader)


async def _played(notifiers: Sequence[Notifier]) -> list[float]:
    """Run the blocks; return how long each plan took."""
    pipeline = assemble(default_config("sim"))
    links = open_links(pipeline, None, SEED, BLOCKS)
    execution = Timed(
        PaperDesk(pipeline.config.execution.latency_blocks, charging_rules(pipeline, links, played=False), pipeline.supervisor)
    )
    notices = Notices(notifiers)
    parts: dict[str, Any] = {"core": pipeline.core, "links": links, "execution": execution, "supervisor": pipeline.supervisor}
    driver = Arriving(**parts, notices=notices, pace=Pace.parse("max"))
    driver.clock = execution
    chains, prices = [link.batches() for link in links.values()], [source.batches(SourceSetup(SEED, BLOCKS)) for source in pipeline.prices]
    async with anyio.create_task_group() as telling:
        telling.start_soon(notices.run)
        await driver.feed(opening_batch(pipeline.books, {}), decide=False)
        await driver.run(in_order(chains, prices), lambda: False, lambda: notices.start(run_header(pipeline, "sim", SEED, None)))
        telling.cancel_scope.cancel()
    return execution.taken


def measure() -> dict[str, list[float]]:
    """Play the blocks both ways."""
    alone = anyio.run(_played, ())
    with slow_listeners() as notifiers:
        heard = anyio.run(_played, notifiers)
    return {ALONE: alone, HEARD: heard}


def main() -> None:
    """Measure both, and the ratio of their 99th percentiles round by round."""
    some = Sampled(measure)
    alone, heard = some.then(ALONE, p99), some.then(HEARD, p99)
    cases = [
        Case(f"{ALONE}, median", MILLISECONDS, some.first(ALONE)),
        Case(f"{ALONE}, 99 in 100", MILLISECONDS, alone),
        Case(f"{HEARD}, median", MILLISECONDS, some.then(HEARD)),
        Case(f"{HEARD}, 99 in 100", MILLISECONDS, heard),
        Case("99 in 100 with slow listeners, of those without", SHARE, lambda: heard() / alone(), TARGET),
    ]
    report("Slow listeners: a block's arrival to its plans", cases, ROUNDS, [f"{BLOCKS} blocks a round each way, seed {SEED}."])


if __name__ == "__main__":
    main()
