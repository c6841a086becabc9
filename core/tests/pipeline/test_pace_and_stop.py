"""How fast simulated time passes, and how a run is asked to end."""

import os
import signal
from typing import Any

import anyio
import pytest

from tidemill.domain.events import Batch, Head
from tidemill.errors import UsageError
from tidemill.pipeline.pace import Pace
from tidemill.pipeline.stop import Stop
from tidemill_testing.market import SIM

pytestmark = pytest.mark.anyio


def due(milliseconds: int, *, head: bool = True) -> Batch:
    events = (Head(SIM, 1, "0x1", "0x0", 1),) if head else ()
    return Batch("s", 1, None, 0, "", "", "confirmed", 0, 10**9 + milliseconds * 10**6, events)


@pytest.mark.parametrize("text", ["", "fast", "x", "0x", "-1x", "1.5x", "10", "٣x", "x10", "10X", "²x"])
def test_pace_that_is_no_speed_is_a_usage_error(text: str) -> None:
    """The message names what was given and what is expected."""
    with pytest.raises(UsageError, match=r"^speed .*: expected real, max or a factor such as 10x$"):
        Pace.parse(text)


async def timed(speed: str, *milliseconds: int) -> float:
    pace, began = Pace.parse(speed), anyio.current_time()
    for one in milliseconds:
        await pace.wait(due(one))
    return anyio.current_time() - began


async def test_pace_does_not_wait_for_what_was_before_the_first_block() -> None:
    """A chain in a node of its own may have come far: hours of prices before it take no time, its blocks take theirs."""
    pace, began = Pace.parse("real"), anyio.current_time()
    for hours in range(5):
        await pace.wait(due(hours * 3_600_000, head=False))
    await pace.wait(due(20 * 3_600_000))
    before = anyio.current_time() - began
    await pace.wait(due(20 * 3_600_000 + 300, head=False))

    assert before < 0.25
    assert anyio.current_time() - began - before > 0.25


async def test_pace_max_never_waits_but_lets_others_run() -> None:
    """At full speed a century takes no time, and another task gets its turn."""
    turns: list[int] = []

    async def other() -> None:
        turns.append(1)

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(other)
        assert await timed("max", *(10**9 * number for number in range(50))) < 1
    assert [1] == turns


async def test_pace_waits_the_simulated_time_divided_by_the_factor() -> None:
    """100 ms take 100 ms at real speed and a tenth of it at 10x; the first batch is due at once."""
    assert await timed("real", 500) < 0.05
    assert 0.1 <= await timed("real", 0, 100) < 0.5
    assert 0.03 <= await timed("10x", 0, 100, 300) < 0.1 + 0.2


async def test_pace_does_not_wait_for_what_is_overdue() -> None:
    """A run that lags behind catches up."""
    pace = Pace.parse("real")
    await pace.wait(due(0))
    await anyio.sleep(0.05)
    began = anyio.current_time()
    await pace.wait(due(10))

    assert anyio.current_time() - began < 0.03


async def test_stop_keeps_the_first_reason() -> None:
    """Whoever asks first says why."""
    stop = Stop()
    assert not stop()
    stop.ask("SIGINT")
    stop.ask("later")

    assert stop()
    assert "SIGINT" == stop.reason


async def test_stop_after_a_time_limit() -> None:
    """The limit is wall time."""
    stop = Stop()
    await stop.after(0)

    assert "0 s are over" == stop.reason


async def test_stop_counts_a_second_signal_as_the_first(anyio_backend_name: str) -> None:
    """Runners forward their own interrupt: hearing it twice is hearing it once, and nothing is raised."""
    stop = Stop()
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(stop.on_signals)
        await anyio.wait_all_tasks_blocked()
        for number in (signal.SIGINT, signal.SIGINT, signal.SIGTERM):
            os.kill(os.getpid(), number)
            await anyio.sleep(0.02)
        tasks.cancel_scope.cancel()

    assert "SIGINT" == stop.reason


@pytest.mark.parametrize(
    ("sent", "before", "reason"),
    [
        (signal.SIGHUP, signal.SIG_DFL, "SIGHUP"),
        (signal.SIGHUP, signal.SIG_IGN, ""),
        (signal.SIGINT, signal.SIG_IGN, "SIGINT"),
        (signal.SIGTERM, signal.SIG_IGN, "SIGTERM"),
    ],
)
def test_stop_at_a_signal_that_was_ignored(sent: signal.Signals, before: signal.Handlers, reason: str, anyio_backend_name: str) -> None:
    """A closed terminal ends a run as Ctrl-C does, unless it was started to outlive it (nohup); a shell's background ignores SIGINT."""
    stop, held = Stop(), signal.signal(sent, before)

    async def hang_up() -> None:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(stop.on_signals)
            await anyio.sleep(0.05)
            os.kill(os.getpid(), sent)
            await anyio.sleep(0.05)
            tasks.cancel_scope.cancel()

    try:
        anyio.run(hang_up, backend=anyio_backend_name)
    finally:
        signal.signal(sent, held)

    assert reason == stop.reason


def test_stop_outside_the_main_thread_hears_no_signals(anyio_backend_name: str) -> None:
    """There signals cannot be received: the wait ends quietly, limits still work."""
    import threading

    stop, seen = Stop(), list[Any]()

    def elsewhere() -> None:
        try:
            anyio.run(stop.on_signals, backend=anyio_backend_name)
            seen.append("quiet")
        except BaseException as error:  # noqa: BLE001 whatever it is, the test must say so
            seen.append(error)

    thread = threading.Thread(target=elsewhere)
    thread.start()
    thread.join(5)

    assert ["quiet"] == seen
