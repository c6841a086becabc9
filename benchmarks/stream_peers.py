"""What others pay for an event: a hop through a stream or a queue, a hook call, and the dict that no framework is needed for."""

import asyncio
from collections.abc import Sequence
from time import process_time_ns

import anyio
import pluggy

from tidemill.domain.events import Event, OraclePrice

BUFFER = 1024
"""Places of a buffered stream."""
_PROJECT = "benchmark"
_spec, _impl = pluggy.HookspecMarker(_PROJECT), pluggy.HookimplMarker(_PROJECT)


class _Spec:
    @_spec
    def on_event(self, event: Event) -> None:
        """Take an event."""


class _Plugin:
    @_impl
    def on_event(self, event: Event) -> None:
        """Take an event."""


def through_stream(events: Sequence[Event], buffer: float = 0) -> float:
    """Return events a second, each sent through an anyio memory stream to a task that waits for it; so many fit in between."""

    async def hop() -> int:
        send, receive = anyio.create_memory_object_stream[Event](buffer)

        async def produce() -> None:
            async with send:
                for event in events:
                    await send.send(event)

        started = process_time_ns()
        async with anyio.create_task_group() as tasks, receive:
            tasks.start_soon(produce)
            async for _ in receive:
                pass
        return process_time_ns() - started

    return _rate(events, anyio.run(hop))


def through_queue(events: Sequence[Event]) -> float:
    """Return events a second, each put into an `asyncio.Queue` of one place and taken out by a task that waits for it."""

    async def hop() -> int:
        queue: asyncio.Queue[Event | None] = asyncio.Queue(1)

        async def produce() -> None:
            for event in events:
                await queue.put(event)
            await queue.put(None)

        started = process_time_ns()
        task = asyncio.create_task(produce())
        while await queue.get() is not None:
            pass
        await task
        return process_time_ns() - started

    return _rate(events, asyncio.run(hop()))


def through_hook(events: Sequence[Event]) -> float:
    """Return events a second, each given to one plugin by a pluggy hook call."""
    plugins = pluggy.PluginManager(_PROJECT)
    plugins.add_hookspecs(_Spec)
    plugins.register(_Plugin())
    hook = plugins.hook
    started = process_time_ns()
    for event in events:
        hook.on_event(event=event)
    return _rate(events, process_time_ns() - started)


def into_dict(events: Sequence[OraclePrice]) -> float:
    """Return events a second, each written over the one before in a dict: no snapshot, no versions, nothing to roll back to."""
    prices: dict[str, OraclePrice] = {}
    started = process_time_ns()
    for event in events:
        prices[event.asset] = event
    return _rate(events, process_time_ns() - started)


def _rate(events: Sequence[Event], elapsed_ns: int) -> float:
    return len(events) * 1e9 / elapsed_ns
