"""The fold, timed: `uv run python -m benchmarks.bench_pipeline`.

A core over the toy chain folds batches that were made before; then pools are moved, by logs and by state; then one pool of sixty thousand
is moved and a snapshot taken. Nothing inside the core is left out: versions, what changed, 64 blocks of checkpoints.
"""

import gc
from collections.abc import Callable, Sequence
from functools import partial
from statistics import median
from time import process_time_ns

from immutables import Map

from benchmarks.measure import MICROSECONDS, RATE, Case, report
from benchmarks.stream_peers import BUFFER, into_dict, through_hook, through_queue, through_stream
from benchmarks.toy_core import LoadedCore, Watcher
from tidemill.domain.events import Batch, OraclePrice
from tidemill.pipeline.core import Core
from tidemill_testing.toy import WETH

ROUNDS = 7
EVENTS = 4_096
"""Events of one round of a case."""
MANY = 60_000
FEW = 300
SINGLES = 300
"""Batches of one pool in one round."""
SELDOM = (50_000, 20, 100)
"""Thresholds at which Python's cyclic collector looks less often at what was made; its own are 700, 10, 10."""


def folded(core: Core, make: Callable[[], Sequence[Batch]], events: int) -> Callable[[], float]:
    """Return a round that folds fresh batches of ``events`` and gives events a second; making them is not timed."""

    def once() -> float:
        batches = make()
        started = process_time_ns()
        for batch in batches:
            core.on_batch(batch, True)
        return len(batches) * events * 1e9 / (process_time_ns() - started)

    return once


def collected(thresholds: tuple[int, int, int], once: Callable[[], float]) -> Callable[[], float]:
    """Return a round under other thresholds of the cyclic collector."""

    def changed() -> float:
        before = gc.get_threshold()
        gc.set_threshold(*thresholds)
        try:
            return once()
        finally:
            gc.set_threshold(*before)

    return changed


def singles(loaded: LoadedCore, *, decide: bool) -> Callable[[], float]:
    """Return a round that moves one pool a batch and takes a snapshot: its median in microseconds.

    With ``decide`` strategies are asked instead, and the snapshot is the one that they are shown.
    """
    core = loaded.core

    def once() -> float:
        first, *batches = loaded.logs(1, SINGLES + 1, heads=False)
        core.on_batch(first, True)
        times = []
        for batch in batches:
            started = process_time_ns()
            core.on_batch(batch, decide)
            if not decide:
                core.snapshot()
            times.append(process_time_ns() - started)
        return median(times) / 1000

    return once


def event_cases() -> list[Case]:
    """Events that move no pool, beside what a framework pays that hands each one over by itself."""
    others: dict[str, Callable[[Sequence[OraclePrice]], float]] = {
        "anyio stream": through_stream,
        f"anyio stream of {BUFFER}": partial(through_stream, buffer=BUFFER),
        "asyncio.Queue": through_queue,
        "pluggy hook": through_hook,
        "dict": into_dict,
    }
    cases = []
    for size, target in ((1, 20_000), (16, 100_000), (256, 250_000)):
        number = EVENTS // size
        for name, heads in (("prices", False), ("a head and prices", True)):
            loaded = LoadedCore()
            make = partial(loaded.prices, size, number, heads=heads)
            # The head is an event as well
            cases.append(Case(f"{name}, {size} a batch", RATE, folded(loaded.core, make, size + heads), target, tuple(others)))
        loaded = LoadedCore()
        cases.append(Case(f"trades, {size} a batch", RATE, folded(loaded.core, partial(loaded.trades, size, number), size), target))
    events = [OraclePrice(WETH, place, -18, 1, place) for place in range(EVENTS)]
    return cases + [Case(name, RATE, partial(peer, events)) for name, peer in others.items()]


def pool_cases(few: LoadedCore, many: LoadedCore) -> list[Case]:
    """Pool updates, 256 a block."""
    cases = []
    for loaded in (few, many):
        for name, make in (("logs", loaded.logs), ("decoded state", loaded.states)):
            once = folded(loaded.core, partial(make, 256, EVENTS // 256), 256)
            title = f"{name}, {len(loaded.pools):,} pools"
            cases.append(Case(title, RATE, once, 100_000 if loaded is few else None))
            if loaded is many:
                cases.append(Case(f"{title}, collected seldom", RATE, collected(SELDOM, once)))
    return cases


def snapshot_cases(few: LoadedCore, many: LoadedCore, watched: LoadedCore) -> list[Case]:
    """One pool of many, with the snapshot that shows it; beside it what a snapshot costs without structural sharing."""
    whole = dict(many.core.market.state.pools)
    shared = Map(whole)
    key = many.pools[0]
    value = whole[key]
    others = (f"copy of a dict of {MANY:,}", f"`set` in an `immutables.Map` of {MANY:,}")
    return [
        Case(f"one update and its snapshot, {FEW:,} pools", MICROSECONDS, singles(few, decide=False), 20),
        Case(f"one update and its snapshot, {MANY:,} pools", MICROSECONDS, singles(many, decide=False), 20, others),
        Case(f"one update, a strategy asked, {FEW:,} pools", MICROSECONDS, singles(watched, decide=True)),
        Case(others[0], MICROSECONDS, _calls(lambda: {**whole, key: value}, 3)),
        Case(others[1], MICROSECONDS, _calls(lambda: shared.set(key, value), 2_000)),
    ]


def _calls(call: Callable[[], object], number: int) -> Callable[[], float]:
    def once() -> float:
        started = process_time_ns()
        for _ in range(number):
            call()
        return (process_time_ns() - started) / number / 1000

    return once


def main() -> None:
    """Measure and print."""
    remark = "A ratio compares events a second; `dict` keeps the last price and nothing else."
    report("Events that move no pool", event_cases(), ROUNDS, (remark,))
    few, many, watched = LoadedCore(FEW), LoadedCore(MANY), LoadedCore(FEW, (Watcher(),))
    remarks = (
        "256 updates a block. A log or a state of the toy chain is two reserves; decoding a real pool comes on top.",
        f"Collected seldom: under `gc.set_threshold{SELDOM}`. Python's own thresholds make it walk the whole market again and again.",
    )
    report("Pool updates", pool_cases(few, many), ROUNDS, remarks)
    report("One pool of many", snapshot_cases(few, many, watched), ROUNDS)


if __name__ == "__main__":
    main()
