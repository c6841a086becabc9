"""A terminal that is stopped, or a pipe that nobody reads: who writes to it waits, and the run does not."""

import io
import threading
from collections.abc import Callable, Sequence
from typing import Any

import anyio
import pytest

from tidemill.api.json_lines import JsonLines
from tidemill.domain.note import Note, RunHeader
from tidemill.hookspecs.notifier import Notifier
from tidemill_notifier_console import ConsoleNotifier
from tidemill_notifier_jsonl import JsonLinesNotifier

pytestmark = pytest.mark.anyio
HEADER = RunHeader("0.1.0", "paper", "sim:1", 1, (), 240, 48, 5)
NOTE = Note("fill", "info", 7, 1_700_000_000, "filled", ())
LOST_S = 20


class Full(io.StringIO):
    """Takes nothing until somebody reads."""

    def __init__(self) -> None:
        super().__init__()
        self.taking = threading.Event()

    def write(self, text: str) -> int:
        assert self.taking.wait(LOST_S), "the run stood still: nobody could read"
        return super().write(text)


@pytest.mark.parametrize("make", [JsonLines, lambda stream: ConsoleNotifier(None, stream), lambda stream: JsonLinesNotifier(None, stream)])
async def test_stream_that_takes_nothing_holds_nobody_up(make: Callable[[Any], Notifier]) -> None:
    """While a notifier waits for its stream other tasks go on; once it is read, everything is there in order."""
    stream = Full()
    notifier = make(stream)
    stream.taking.set()
    await notifier.start(HEADER)
    stream.taking.clear()
    order: list[str] = []

    async def telling(notes: Sequence[Note]) -> None:
        await notifier.tell(notes)
        order.append("told")

    with anyio.fail_after(LOST_S):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(telling, (NOTE,))
            await anyio.wait_all_tasks_blocked()
            order.append("went on")
            stream.taking.set()

    assert ["went on", "told"] == order
    assert "filled" in stream.getvalue()


async def test_stream_that_is_waited_for_too_long_is_left() -> None:
    """A cancelled notifier does not keep the run: what it waits for is left to itself."""
    stream = Full()
    with anyio.move_on_after(0.05) as scope:
        await JsonLines(stream).start(HEADER)
    stream.taking.set()

    assert scope.cancelled_caught
