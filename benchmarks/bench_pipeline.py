"""The fold, timed: `uv run python -m benchmarks.bench_pipeline`.

A core without strategies over the toy chain folds batches that were made before; then pools are moved, by logs and by state; then one pool
of sixty thousand is moved and a snapshot taken. Nothing inside the core is left out: versions, what changed, 64 blocks of checkpoints.
"""

from collections.abc import Callable, Sequence
from functools import partial
from time import perf_counter_ns

from immutables import Map

from benchmarks.measure import MICROSECONDS, RATE, Case, report
from benchmarks.stream_peers import into_dict, through_hook, through_queue, through_stream
from benchmarks.toy_core import LoadedCore, Watcher
from tidemill.domain.events import Batch, OraclePrice
from tidemill.pipeline.core import Core
from tidemill_testing.toy import WETH

ROUNDS = 9
EVENTS = 8_192
"""Events of one round of a case."""
MANY = 60_000
FEW = 300
SINGLES = 400
"""Batches of one pool in one round."""


def folded(core: Core, make: Callable[[], Sequence[Batch]], events: int, *, decide: bool = True) -> Callable[[], float]:
    """Return a round that folds fresh batches of ``events`` and gives events a second; making them is not timed."""

    def once() -> float:
        batches = make()
        started = perf_counter_ns()
        for batch in batches:
            core.on_batch(batch, decide)
        return len(batches) * events * 1e9 / (perf_counter_ns() - started)

    return once


def singles(loaded: LoadedCore, *, decide: bool, snapshot: bool) -> Callable[[], float]:
    """Return a round that moves one pool a batch and gives microseconds a batch."""
    core = loaded.core

    def once() -> float:
        batches = loaded.logs(1, SINGLES, heads=False)
        started = perf_counter_ns()
        for batch in batches:
            core.on_batch(batch, decide)
            if snapshot:
                core.snapshot()
        return (perf_counter_ns() - started) / SINGLES / 1000

    return once


def event_cases() -> list[Case]:
    """Events that move no pool, beside what a framework pays that hands each one over by itself."""
    others = {"anyio stream": through_stream, "asyncio.Queue": through_queue, "pluggy hook": through_hook, "dict": into_dict}
    cases = []
    for size, target in ((1, 20_000), (16, 100_000), (256, 250_000)):
        number = EVENTS // size
        for name, heads in (("prices", False), ("a head and prices", True)):
            loaded = LoadedCore()
            make = partial(loaded.prices, size, number, heads=heads)
            # The head is an event as well
            counted = size + heads
            cases.append(Case(f"{name}, {size} a batch", RATE, folded(loaded.core, make, counted), target, tuple(others)))
        loaded = LoadedCore()
        cases.append(Case(f"trades, {size} a batch", RATE, folded(loaded.core, partial(loaded.trades, size, number), size), target))
    events = [OraclePrice(WETH, place, -18, 1, place) for place in range(EVENTS)]
    return cases + [Case(name, RATE, partial(peer, events)) for name, peer in others.items()]


def pool_cases() -> list[Case]:
    """Pool updates, 256 a block."""
    cases = []
    for pools in (FEW, MANY):
        loaded = LoadedCore(pools)
        for name, make in (("logs", loaded.logs), ("state, decoded", loaded.states)):
            case = folded(loaded.core, partial(make, 256, EVENTS // 256), 256)
            cases.append(Case(f"pool updates by {name}, 256 a block, {pools:,} pools", RATE, case, 100_000))
    return cases


def snapshot_cases() -> list[Case]:
    """One pool of many, with the snapshot that shows it; beside it what a snapshot costs without structural sharing."""
    many, watched, few = LoadedCore(MANY), LoadedCore(MANY, (Watcher(),)), LoadedCore(FEW, (Watcher(),))
    whole = dict(many.core.market.state.pools)
    shared = Map(whole)
    key = many.pools[0]
    value = whole[key]
    others = (f"copy of a dict of {MANY:,}", f"set in an immutables.Map of {MANY:,}")
    return [
        Case(f"one update and snapshot, {MANY:,} pools", MICROSECONDS, singles(many, decide=True, snapshot=True), 20, others),
        Case(f"one update, one strategy asked, {FEW:,} pools", MICROSECONDS, singles(few, decide=True, snapshot=False)),
        Case(f"one update, one strategy asked, {MANY:,} pools", MICROSECONDS, singles(watched, decide=True, snapshot=False)),
        Case(others[0], MICROSECONDS, _calls(lambda: {**whole, key: value}, 5)),
        Case(others[1], MICROSECONDS, _calls(lambda: shared.set(key, value), 2_000)),
    ]


def _calls(call: Callable[[], object], number: int) -> Callable[[], float]:
    def once() -> float:
        started = perf_counter_ns()
        for _ in range(number):
            call()
        return (perf_counter_ns() - started) / number / 1000

    return once


def main() -> None:
    """Measure and print."""
    report("Events that move no pool", event_cases(), ROUNDS, ("A ratio compares events a second; `dict` keeps the last price and nothing else.",))
    report("Pool updates", pool_cases(), ROUNDS, ("A log or a state of the toy chain is two reserves; decoding a real pool comes on top.",))
    report("One pool of many", snapshot_cases(), ROUNDS)


if __name__ == "__main__":
    main()
