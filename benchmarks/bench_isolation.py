"""What supervision and a process of one's own cost: `uv run python -m benchmarks.bench_isolation`.

The default simulated market is recorded with one strategy more, which finds nothing, so that only the way to it counts. Then the tape is
folded again, batch by batch, with that strategy inside the run's process and in one of its own, which folds the same batches meanwhile.
Beside it stands the plainest process of one's own: `multiprocessing.Pipe`, one end of which answers every batch with nothing.
"""

import multiprocessing
import sys
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from multiprocessing.connection import Connection
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from time import perf_counter_ns, process_time_ns

import anyio

from benchmarks.measure import MICROSECONDS, Case, report
from tidemill.api.run import RunOptions, run
from tidemill.config.defaults import default_text
from tidemill.config.load import load_config
from tidemill.config.model import Config
from tidemill.pipeline.apart import isolation_of
from tidemill.pipeline.assemble import assemble
from tidemill.pipeline.isolation import Isolation
from tidemill.pipeline.supervise import Supervisor
from tidemill.tape.reader import TapeReader
from tidemill.tape.segment import TapeRecord

BLOCKS = 24
WARM_UP = 8
"""Batches at the beginning, which load pools, are not counted."""
ROUNDS = 3
IDLE = """
from tidemill import Strategy, hookimpl

class Idle(Strategy):
    name = "idle"
    def find_opportunities(self, snapshot):
        return iter(())

@hookimpl
def tidemill_register_strategies():
    return [Idle]
"""
PIPE = "`multiprocessing.Pipe`: a batch there, nothing back"
CALLS = 12
"""Calls of plugins in a batch of the default market, about."""


class Taped:
    """A recorded run of the default market with the strategy `idle`, and its configuration with that strategy inside and apart."""

    def __init__(self, folder: Path) -> None:
        _install(folder)
        text = default_text("sim").replace("[execution]", "[strategies.idle]\n\n[execution]")
        path = folder / "tidemill.toml"
        path.write_text(text, "utf-8")
        self.inside = load_config(path)
        run(self.inside, RunOptions(blocks=BLOCKS, speed="max", record=folder / "run.tape", data=folder / "data"), notifiers=[])
        # A busy machine may make a child late, which is what is measured, and no failure
        late = text.replace("[execution]", "[execution]\nisolation_deadline_ms = 60_000")
        path.write_text(late.replace("[strategies.idle]", '[strategies.idle]\nisolation = "process"'), "utf-8")
        self.apart = load_config(path)
        self.records = list(TapeReader(folder / "run.tape").records())


def _install(folder: Path) -> None:
    metadata = folder / "idle-1.0.dist-info"
    metadata.mkdir()
    (metadata / "entry_points.txt").write_text("[tidemill.strategy.v1]\nidle = bench_idle\n")
    (metadata / "METADATA").write_text("Metadata-Version: 2.4\nName: idle\nVersion: 1.0\nSummary: Finds nothing.\n")
    (folder / "bench_idle.py").write_text(IDLE)
    sys.path.insert(0, str(folder))


async def folded(
    config: Config, records: Sequence[TapeRecord], clock: Callable[[], int] = perf_counter_ns, *, fold_too: bool = True
) -> list[float]:
    """Fold a tape again and return the time of each batch that decides, in microseconds; isolated strategies are asked as in a run.

    Without ``fold_too`` only what is done and waited for around the fold counts, which is there for the process alone.
    """
    pipeline = assemble(config)
    isolation = isolation_of(pipeline)
    if isolation is not None:
        isolation.start()
    times = []
    try:
        for record in records:
            started = clock()
            in_fold = await _fold(record, pipeline.core.on_batch, isolation, clock)
            if record.decide:
                times.append((clock() - started - (0 if fold_too else in_fold)) / 1000)
    finally:
        if isolation is not None:
            isolation.close()
    return times[WARM_UP:]


async def _fold(record: TapeRecord, on_batch: Callable[..., object], isolation: Isolation | None, clock: Callable[[], int]) -> int:
    """Fold one batch, and return how long the fold itself took."""
    if isolation is not None:
        await isolation.send(record.batch, record.decide)
    started = clock()
    effects = on_batch(record.batch, record.decide)
    in_fold = clock() - started
    if isolation is None:
        return in_fold
    isolation.folded(record.batch, effects)  # type: ignore[arg-type]  # what a core returns
    if record.decide:
        await isolation.answers()
    if faults := isolation.take_faults():
        raise RuntimeError(faults[0].reason)
    return in_fold


def cases(taped: Taped) -> Iterator[Case]:
    """Batches with the strategy inside and apart, and the median of their differences."""
    seen: dict[str, list[float]] = {}

    def once(name: str, config: Config) -> Callable[[], float]:
        def timed() -> float:
            seen[name] = anyio.run(folded, config, taped.records)
            return median(seen[name])

        return timed

    def added() -> float:
        return median(apart - inside for apart, inside in zip(seen["apart"], seen["inside"], strict=True))

    def computed() -> float:
        inside, apart = (anyio.run(folded, config, taped.records, process_time_ns) for config in (taped.inside, taped.apart))
        return median(one - other for one, other in zip(apart, inside, strict=True))

    yield Case("a batch that decides, the strategy inside", MICROSECONDS, once("inside", taped.inside))
    yield Case("the same, the strategy in a process of its own", MICROSECONDS, once("apart", taped.apart))

    def around() -> float:
        return median(anyio.run(partial(folded, fold_too=False), taped.apart, taped.records))

    yield Case("what the process adds to a batch: sent, waited for, read", MICROSECONDS, around, 300, (PIPE,))
    yield Case("the difference of the two, in processor time of the run's own process", MICROSECONDS, computed, 300, (PIPE,))
    yield Case("the difference of the two on the wall, the slower fold on a shared core included", MICROSECONDS, added, None, (PIPE,))
    yield Case(PIPE, MICROSECONDS, lambda: piped(taped.records))
    yield Case(f"supervision of a batch of {CALLS} calls", MICROSECONDS, supervised, 5)


def piped(records: Sequence[TapeRecord]) -> float:
    """Return the median time in microseconds, on the wall, in which a process that does nothing takes a batch and answers."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=_echo, args=(theirs,), daemon=True)
    process.start()
    ours.send("begin")
    ours.recv()
    times = []
    for record in records:
        if record.decide:
            started = perf_counter_ns()
            ours.send(record.batch)
            ours.recv()
            times.append((perf_counter_ns() - started) / 1000)
    ours.send(None)
    process.join()
    return median(times)


def _echo(connection: Connection) -> None:
    while connection.recv() is not None:
        connection.send(())


def supervised() -> float:
    """Return what a batch of calls costs more through the supervisor, with the count at its end."""
    guard, number = Supervisor({}, 5), 2_000
    started = process_time_ns()
    for _ in range(number):
        for _ in range(CALLS):
            guard.call("strategies.a", _nothing)
        guard.answer((), 0)
    through = process_time_ns() - started
    started = process_time_ns()
    for _ in range(number):
        for _ in range(CALLS):
            _nothing()
    return (through - (process_time_ns() - started)) / number / 1000


def _nothing() -> None:
    return


def main() -> None:
    """Measure and print."""
    with TemporaryDirectory() as name:
        remark = "A child needs a core of its own: where others hold it, what they take is counted here as well."
        report("Plugins: supervision and a process of one's own", list(cases(Taped(Path(name)))), ROUNDS, (remark,))


if __name__ == "__main__":
    main()
