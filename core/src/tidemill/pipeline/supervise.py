"""Isolates plugin code: what it raises becomes a fault, put to the plugin whose code is innermost in the traceback.

This is the one place that catches every exception. What is not a plugin's fault (an ``InvariantError``, Ctrl-C) passes through.
"""

from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from types import TracebackType
from typing import ParamSpec, TypeVar

import anyio
from attrs import evolve

from tidemill.domain.events import MARKET_EVENTS, Batch, PluginState
from tidemill.errors import InvariantError, MarketDataError, PluginContractError, PluginError, TidemillError, said
from tidemill.pipeline.stop import interrupts_are_received
from tidemill.redaction import without_secrets
from tidemill.stages.guard import Fault, PluginFault, rests

P = ParamSpec("P")
T = TypeVar("T")
A = TypeVar("A")

MAX_REST_HEADS = 1024
"""A plugin that failed rests 1, 2, 4, … heads, and never longer than this."""
FIRST_REST_S = 1
MAX_REST_S = 60
"""What runs beside the fold (price sources, notifiers) rests 1, 2, 4, … seconds, and never longer than this."""


def rest_s(failures: int) -> int:
    """Return how many seconds a price source or a notifier rests after so many failures in a row (>= 1)."""
    return min(FIRST_REST_S << min(failures - 1, 16), MAX_REST_S)


class Supervisor:
    """A guard that knows which module belongs to which plugin, counts failures in a row and says when a plugin is asked again.

    ``owners`` maps a top-level package to the ``<folder>.<name>`` of each plugin in it. A plugin that failed rests (see
    ``tidemill.stages.guard.RESTING``) for 1, 2, 4, … heads; one that failed ``max_failures`` times in a row is disabled. Time plays no
    part: the same batches give the same events.

    ``calls`` grows with every call and ``running`` names the plugin that is called now, "" for none: a watchdog looks at them.
    """

    def __init__(self, owners: Mapping[str, Sequence[str]], max_failures: int) -> None:
        self.calls = 0
        self.running = ""
        self.max_failures = max_failures
        self._owners = dict(owners)
        self._known = frozenset(path for paths in self._owners.values() for path in paths)
        self._failures: dict[str, int] = {}
        self._fine: set[str] = set()
        self._resting: dict[str, int] = {}
        self._disabled: set[str] = set()

    def call(self, plugin: str, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T | Fault:
        """Return what ``function`` returns, or the fault put to the plugin whose code raised."""
        self.calls += 1
        outer, self.running = self.running, plugin
        try:
            answer = function(*args, **kwargs)
        except MarketDataError as error:
            return Fault(self.blamed(error.__traceback__, plugin), said(error).removeprefix(f"{type(error).__name__}: "), blamed=False)
        except InvariantError:
            raise
        except PluginFault as error:
            return error.fault
        except PluginContractError as error:
            named = error.plugin if error.plugin in self._known else self.blamed(error.__traceback__, plugin)
            return Fault(named, said(error))
        except BaseException as error:
            # The fold is synchronous: no cancellation reaches it, whatever a plugin raises is its own
            if isinstance(error, KeyboardInterrupt) and not interrupts_are_received():
                raise
            deliberate = isinstance(error, TidemillError)
            return Fault(self.blamed(error.__traceback__, plugin), said(error), deliberate=deliberate)
        finally:
            self.running = outer
        if self._failures:
            self._fine.add(plugin)
        return answer

    def failures(self, plugin: str) -> int:
        """Return how often in a row a plugin has failed until now; 0: its last call went well, or it is called elsewhere."""
        return self._failures.get(plugin, 0)

    def fine(self, plugin: str) -> None:
        """Note that a plugin that is called elsewhere, in a process of its own, answered."""
        if self._failures:
            self._fine.add(plugin)

    def answer(self, faults: tuple[Fault, ...], heads: int = 0) -> tuple[PluginState, ...]:
        """Count a batch's faults and return the events that tell what follows: failed, restarted, disabled.

        Called after every batch, also without faults: a plugin that was called and did not fail begins anew. Several faults of one plugin
        in a batch are one failure; what is heard of a plugin that rests or is disabled counts no more.

        Args:
            faults: what plugins did wrong while the batch was folded and its effects were carried out.
            heads: how many heads were in the batch; may be left out while no plugin rests.
        """
        if not (faults or self._fine or self._resting):
            return ()
        events = self._rested(heads)
        faults = tuple(one for one in faults if not (one.blamed and (one.plugin in self._resting or one.plugin in self._disabled)))
        blamed = dict.fromkeys(fault.plugin for fault in faults if fault.blamed)
        for plugin in self._fine.difference(blamed):
            self._failures.pop(plugin, None)
        self._fine.clear()
        for plugin in blamed:
            self._failures[plugin] = self._failures.get(plugin, 0) + 1
        for fault in faults:
            events.append(PluginState(fault.plugin, "failed", self._failures[fault.plugin] if fault.blamed else 0, fault.reason))
        for plugin in blamed:
            count = self._failures[plugin]
            if count >= self.max_failures:
                self._disabled.add(plugin)
                events.append(PluginState(plugin, "disabled", count, f"failed {count} times in a row"))
            elif rests(plugin):
                self._resting[plugin] = min(1 << min(count - 1, 16), MAX_REST_HEADS)
        return tuple(events)

    def _rested(self, heads: int) -> list[PluginState]:
        """Let heads pass and return who is asked again."""
        events = []
        for plugin, left in list(self._resting.items()):
            if left > heads:
                self._resting[plugin] = left - heads
            else:
                del self._resting[plugin]
                events.append(PluginState(plugin, "restarted", self._failures.get(plugin, 0), "asked again after its rest"))
        return events

    def owner(self, module: str) -> tuple[str, ...]:
        """Return the plugins in whose package a module is, by ``<folder>.<name>``; none for the kernel's own and for libraries."""
        return tuple(self._owners.get(module.partition(".")[0], ()))

    def blamed(self, traceback: TracebackType | None, called: str) -> str:
        """Return the innermost plugin in a traceback, or the one that was called; of several in one package the one that was called."""
        blamed = called
        while traceback is not None:
            owners = self.owner(str(traceback.tb_frame.f_globals.get("__name__", "")))
            if owners:
                blamed = called if called in owners else owners[0]
            traceback = traceback.tb_next
        return blamed


async def tended(plugin: str, begin: Callable[[], AsyncIterator[Batch]], max_failures: int) -> AsyncGenerator[Batch | None, None]:
    """Yield a source's batches; where it raises, say so, let it rest and begin it anew. None: it rests, ask again later.

    Its name and its numbers go on where they were; what a source begun anew gives from before its last batch is left out. After
    ``max_failures`` without a new batch it is disabled. A source that ends is done.

    Args:
        plugin: ``prices.<name>``.
        begin: makes the source's batches, by a fresh instance after a failure.
        max_failures: >= 1.
    """
    last: Batch | None = None
    failures = told = 0
    while True:
        try:
            async with _closing(begin()) as batches:
                async for batch in batches:
                    check_batch(plugin, batch)
                    if last is not None and batch.local_ns < last.local_ns:
                        continue
                    last = batch if not told or last is None else evolve(batch, source=last.source, seq=last.seq + 1)
                    failures = 0
                    yield last
            return
        except (Exception, SystemExit) as error:
            reason = said(error)
        failures += 1
        events = [PluginState(plugin, "failed", failures, reason)]
        if failures >= max_failures:
            events.append(PluginState(plugin, "disabled", failures, f"failed {failures} times in a row"))
        told += 1
        yield _told(plugin, told, last, events)
        if failures >= max_failures:
            return
        due = anyio.current_time() + rest_s(failures)
        while anyio.current_time() < due:
            yield None
        told += 1
        yield _told(plugin, told, last, [PluginState(plugin, "restarted", failures, "begun anew after its rest")])


def _told(plugin: str, seq: int, last: Batch | None, events: Sequence[PluginState]) -> Batch:
    height, now_ns = (last.height, last.local_ns) if last is not None else (0, 0)
    return Batch(f"supervisor {plugin}", seq, None, height, "", "", "confirmed", now_ns, now_ns, tuple(events))


def check_batch(plugin: str, batch: object) -> None:
    """Check that a source gave a batch of market events whose place and time are whole numbers.

    Raises:
        PluginContractError: it did not.
    """
    if not isinstance(batch, Batch):
        raise PluginContractError(plugin, f"gave {batch!r:.60}: expected a Batch")
    if not (type(batch.local_ns) is type(batch.height) is type(batch.seq) is int and isinstance(batch.events, tuple)):
        raise PluginContractError(
            plugin, f"gave a batch whose seq, height or local_ns is no int, or whose events are no tuple: {batch!r:.120}"
        )
    for event in batch.events:
        if not isinstance(event, MARKET_EVENTS):
            raise PluginContractError(plugin, f"gave {event!r:.60} in a batch: a source gives market events only")


async def needed(plugin: str, begin: Callable[[], AsyncIterator[Batch]]) -> AsyncGenerator[Batch, None]:
    """Yield the batches of a source that a run cannot do without; ``begin`` gives them.

    Raises:
        PluginError: it raised anything that is not one of ours; the cause is kept.
    """
    try:
        async with _closing(begin()) as batches:
            async for batch in batches:
                check_batch(plugin, batch)
                yield batch
    except TidemillError:
        raise
    except (Exception, SystemExit) as error:
        raise PluginError(plugin, f"its batches ended with {said(error)}") from error


async def demanded(plugin: str, member: str, ask: Callable[P, Awaitable[T]], *args: P.args, **kwargs: P.kwargs) -> T:
    """Await an answer that a run cannot do without.

    Raises:
        PluginError: the plugin raised anything that is not one of ours; the cause is kept.
    """
    try:
        return await ask(*args, **kwargs)
    except TidemillError:
        raise
    except (Exception, SystemExit) as error:
        raise PluginError(plugin, f"{member} raised {said(error)}") from error


@asynccontextmanager
async def _closing(batches: AsyncIterator[Batch]) -> AsyncIterator[AsyncIterator[Batch]]:
    """Close a source's generator when nobody reads it any more: what it holds open is its own to close."""
    try:
        yield batches
    finally:
        close = getattr(batches, "aclose", None)
        if close is not None:
            await close()


def attempted(plugin: str, work: Callable[[], T]) -> T | Fault:
    """Return what a plugin's work came to, or what it raised: for work beside the fold, in any thread, that no decision waits for."""
    try:
        return work()
    except BaseException as error:
        return Fault(plugin, said(error))


async def isolated(plugin: str, call: Callable[[A], Awaitable[None]], argument: A) -> Fault | None:
    """Await a plugin's coroutine; return None or, where it raised, what. In a task of its own: it cancels none but that."""
    answers: list[Fault | None] = []

    async def work() -> None:
        answers.append(await _awaited(plugin, call, argument))

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(work)
    return answers[0] if answers else Fault(plugin, "it cancelled itself")


async def _awaited(plugin: str, call: Callable[[A], Awaitable[None]], argument: A) -> Fault | None:
    try:
        await call(argument)
    except PluginFault as error:
        return error.fault
    except (Exception, SystemExit, GeneratorExit) as error:
        return Fault(plugin, _reason(plugin, error), deliberate=isinstance(error, TidemillError))
    except KeyboardInterrupt:
        if not interrupts_are_received():
            raise
        return Fault(plugin, "KeyboardInterrupt")
    return None


def _reason(plugin: str, error: BaseException) -> str:
    """Say what was raised, without the plugin's name where it names itself: whoever tells the fault names it."""
    if isinstance(error, PluginError) and error.plugin in (plugin, plugin.partition(".")[2]):
        return without_secrets(error.message)
    return said(error)
