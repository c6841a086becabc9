"""Listens to something that yields batches: for so many, until it ends, or until nothing more comes."""

import asyncio
import os
import threading
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import aclosing
from typing import Any, TypeVar

import anyio
from attrs import frozen

from tidemill.domain.events import Batch, Event

T = TypeVar("T")

PATIENCE_S = 5.0
"""How long a plugin may take for what takes milliseconds: a busy machine must not break a rule."""
QUIET_S = 0.1
"""After so long without a batch, nothing more is expected."""
SETTLING_S = 1.0
"""How long what was closed may take to be gone."""
MOST_BATCHES = 64


@frozen
class Heard:
    """What came: the batches, what was raised (None: nothing), and whether it ended by itself."""

    batches: tuple[Batch, ...]
    error: BaseException | None = None
    ended: bool = False

    @property
    def events(self) -> tuple[Event, ...]:
        """The events of all batches, in order."""
        return tuple(event for batch in self.batches for event in batch.events)


def listen(
    open_batches: Callable[[], AsyncIterator[Batch]], count: int = MOST_BATCHES, *, least: int = 1, quiet_s: float = QUIET_S
) -> Heard:
    """Return what a source yields until it has yielded ``count`` batches, ends, raises, or is quiet for ``quiet_s``.

    Up to ``least`` batches it is given more time: ``PATIENCE_S`` for the first one, ``SETTLING_S`` for each of the others. In the end it is
    closed.
    """
    return anyio.run(_listen, open_batches, count, least, quiet_s)


async def _listen(open_batches: Callable[[], AsyncIterator[Batch]], count: int, least: int, quiet_s: float) -> Heard:
    heard: list[Batch] = []
    more = asyncio.Event()

    async def collect() -> bool:
        async with aclosing(open_batches()) as batches:  # type: ignore[type-var]  # an iterator of a generator function
            async for batch in batches:
                heard.append(batch)
                more.set()
                if len(heard) >= count:
                    return False
        return True

    task = asyncio.ensure_future(collect())
    while not task.done():
        waiting = asyncio.ensure_future(more.wait())
        patience_s = PATIENCE_S if not heard else SETTLING_S if len(heard) < least else quiet_s
        await asyncio.wait({task, waiting}, timeout=patience_s, return_when=asyncio.FIRST_COMPLETED)
        quiet = not waiting.done()
        waiting.cancel()
        more.clear()
        if quiet:
            break
    if not task.done():
        task.cancel()
        await asyncio.wait({task}, timeout=PATIENCE_S)
    error = task.exception() if task.done() and not task.cancelled() else None
    return Heard(tuple(heard), error, ended=task.done() and not task.cancelled() and error is None and task.result())


def answer_of(call: Callable[[], Awaitable[T]]) -> T | BaseException:
    """Return what an asynchronous call returns or raises; a ``TimeoutError`` where it takes longer than ``PATIENCE_S``."""

    async def asked() -> Any:
        return await call()

    async def run() -> T | BaseException:
        task: asyncio.Task[T] = asyncio.ensure_future(asked())
        await asyncio.wait({task}, timeout=PATIENCE_S)
        if not task.done():
            task.cancel()
            await asyncio.wait({task}, timeout=PATIENCE_S)
            return TimeoutError(f"no answer within {PATIENCE_S} s")
        if task.cancelled():
            return asyncio.CancelledError("it cancelled itself")
        error = task.exception()
        return task.result() if error is None else error

    return anyio.run(run)


def left_behind(open_batches: Callable[[], AsyncIterator[Batch]], count: int) -> tuple[str, ...]:
    """Return which tasks, threads and sockets are still there after a source was read for ``count`` batches and closed."""
    return anyio.run(_left_behind, open_batches, count)


async def _left_behind(open_batches: Callable[[], AsyncIterator[Batch]], count: int) -> tuple[str, ...]:
    before = _resources()

    async def read() -> None:
        async with aclosing(open_batches()) as batches:  # type: ignore[type-var]  # an iterator of a generator function
            for _ in range(count):
                await anext(batches, None)

    task = asyncio.ensure_future(read())
    await asyncio.wait({task}, timeout=PATIENCE_S)
    if not task.done():
        task.cancel()
        return (f"itself, {PATIENCE_S} s later",)
    error = task.exception()
    if error is not None:
        return (f"{type(error).__name__}: {error}",)
    return await _rest_of(before)


async def _rest_of(before: set[tuple[str, object]]) -> tuple[str, ...]:
    """Return what was not there before, once it has had time to go: libraries close connections in the background."""
    for _ in range(int(SETTLING_S / QUIET_S * 4)):
        if not _resources() - before:
            return ()
        await asyncio.sleep(QUIET_S / 4)
    return tuple(sorted(what for what, _ in _resources() - before))


def _resources() -> set[tuple[str, object]]:
    mine = asyncio.current_task()
    found: set[tuple[str, object]] = {(f"task {task.get_name()}", id(task)) for task in asyncio.all_tasks() if task is not mine}
    # Threads of a pool wait for the next piece of work: they hold nothing
    found |= {(f"thread {one.name}", one.ident) for one in threading.enumerate() if "worker" not in one.name.lower()}
    return found | _sockets()


def _sockets() -> set[tuple[str, object]]:
    """Return the sockets of this process; where the system does not list them, none."""
    found: set[tuple[str, object]] = set()
    if not os.path.isdir("/proc/self/fd"):  # noqa: PTH112 a plain question
        return found
    for name in os.listdir("/proc/self/fd"):  # noqa: PTH208 entries vanish while they are listed
        try:
            target = os.readlink(f"/proc/self/fd/{name}")  # noqa: PTH115 the same
        except OSError:
            continue
        if target.startswith("socket:"):
            found.add((target, name))
    return found


def after_cancel(open_batches: Callable[[], AsyncIterator[Batch]], before: int, most: int) -> tuple[int, tuple[str, ...]]:
    """Return how many batches a source still yields after it was cancelled, up to ``most``, and what is still there then.

    It is cancelled when it has yielded ``before``, or while it waits for more.
    """
    return anyio.run(_after_cancel, open_batches, before, most)


async def _after_cancel(open_batches: Callable[[], AsyncIterator[Batch]], before: int, most: int) -> tuple[int, tuple[str, ...]]:
    heard = after = 0
    there = _resources()

    async def collect() -> None:
        nonlocal heard, after
        async with aclosing(open_batches()) as batches:  # type: ignore[type-var]  # an iterator of a generator function
            async for _ in batches:
                heard += 1
                after += scope.cancel_called
                if after >= most:
                    return
                if heard == before:
                    scope.cancel()

    with anyio.CancelScope(deadline=anyio.current_time() + QUIET_S) as scope:
        await collect()
    return after, await _rest_of(there)
