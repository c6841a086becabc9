"""An operator's commands in the lock-step driver: their turn, their place on the tape, and the end they bring. On asyncio and on trio."""

from collections.abc import Callable
from typing import Any

import anyio
import pytest
from attrs import evolve

from tidemill.domain import events as ev
from tidemill.errors import ControlError
from tidemill.pipeline.sources import in_order

pytestmark = pytest.mark.anyio
Benches = Callable[..., Any]
Rigs = Callable[..., Any]


async def test_driver_folds_a_command_between_two_batches_and_records_where_it_stands(bench: Benches, rig: Rigs) -> None:
    """A command that comes while a batch is folded waits for its turn; it stands beside the last batch of its chain."""
    made = rig(bench())
    made.script_of(4, {3: 105})
    async with anyio.create_task_group() as tasks:
        asked: list[str] = []

        def make() -> ev.Control | None:
            asked.append("made")
            return ev.Control("pause", (), "now")

        tasks.start_soon(made.driver.command, make)
        await made.play()
    order = [batch.source for batch, _ in made.fed]
    place = order.index("control")
    batch, decide = made.fed[place]

    assert ["made"] == asked
    assert (False, 1, "now") == (decide, batch.seq, batch.events[0].cause)
    assert (batch.chain, batch.height) == ((made.fed[place - 1][0].chain, made.fed[place - 1][0].height) if place else (None, 0))
    assert {"lagging": "now"} == made.run.core.unasked.paused


async def test_driver_command_without_an_event_feeds_nothing(bench: Benches, rig: Rigs) -> None:
    """What has nothing to change leaves no trace on the tape."""
    made = rig(bench())
    await made.driver.command(lambda: None)

    assert [] == made.fed


async def test_driver_stop_leaves_the_wait_for_the_next_block(bench: Benches, rig: Rigs) -> None:
    """A node that gives no block any more does not keep a run from ending: what is in flight settles, and the source is closed."""
    made = rig(bench(latency=5))
    made.script_of(3, {2: 105})
    closed = []

    async def hanging() -> Any:
        try:
            for batch in made.link.script:
                yield batch
            await anyio.sleep_forever()
        finally:
            closed.append(True)

    async def stopping() -> None:
        await anyio.wait_all_tasks_blocked()
        await made.driver.command(lambda: ev.Control("stop"))

    with anyio.fail_after(10):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(stopping)
            await made.driver.run(in_order([hanging()], []), lambda: False, lambda: None)

    assert [True] == closed
    assert ("an operator ended the run", "") == (made.driver.stopped, made.driver.halted)
    assert (1, 1) == (made.run.summary().plans, made.run.summary().fills)


async def test_driver_refuses_commands_once_it_is_over(bench: Benches, rig: Rigs) -> None:
    """Nothing is added to a tape whose last batch has been settled."""
    made = rig(bench())
    made.script_of(2)
    await made.play()
    with pytest.raises(ControlError, match="the run is ending"):
        await made.driver.command(lambda: ev.Control("pause"))


async def test_stop_on_a_tape_ends_the_run_where_it_stood(bench: Benches, rig: Rigs) -> None:
    """A tape's own stop is followed by ``run --tape``: what stands behind it is not folded."""
    made = rig(bench())
    made.script_of(6)
    stop = evolve(made.link.script[2], source="control", events=(ev.Control("stop"),))
    made.link.script.insert(3, stop)
    await made.play()

    assert 3 == made.run.summary().blocks


async def test_command_from_before_the_first_block_holds_nobody_up(bench: Benches, rig: Rigs) -> None:
    """It has no time: played at real speed, the first block is not waited for since 1970."""
    made = rig(bench(), speed="real")
    made.script_of(1)
    late = evolve(made.link.script[0], local_ns=1_700_000_000 * 10**9)
    early = ev.Batch("control", 1, None, 0, "", "", "confirmed", 0, 0, (ev.Control("pause"),))
    made.link.script = [early, late]
    with anyio.fail_after(5):
        await made.play()

    assert 1 == made.run.summary().blocks
