"""Isolates plugin code: what it raises becomes a fault, put to the plugin whose code is innermost in the traceback.

This is the one place that catches every exception. What is not a plugin's fault (an ``InvariantError``, an interrupt) passes through.
"""

from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Mapping, Sequence
from types import TracebackType
from typing import ParamSpec, TypeVar

from tidemill.domain.events import Batch, PluginState
from tidemill.errors import InvariantError, MarketDataError, PluginError, TidemillError
from tidemill.stages.guard import Fault

P = ParamSpec("P")
T = TypeVar("T")
A = TypeVar("A")


class Supervisor:
    """A guard that knows which module belongs to which plugin, and counts failures in a row.

    ``owners`` maps a top-level package to the ``<folder>.<name>`` of each plugin in it; a plugin that failed in ``max_failures`` batches in
    a row is disabled.
    """

    def __init__(self, owners: Mapping[str, Sequence[str]], max_failures: int) -> None:
        self._owners = dict(owners)
        self._max_failures = max_failures
        self._failures: dict[str, int] = {}
        self._fine: set[str] = set()

    def call(self, plugin: str, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T | Fault:
        """Return what ``function`` returns, or the fault put to the plugin whose code raised."""
        try:
            answer = function(*args, **kwargs)
        except MarketDataError as error:
            return Fault(self._blamed(error.__traceback__, plugin), str(error), blamed=False)
        except InvariantError:
            raise
        except (Exception, SystemExit, GeneratorExit) as error:
            return Fault(self._blamed(error.__traceback__, plugin), f"{type(error).__name__}: {error}")
        if self._failures:
            self._fine.add(plugin)
        return answer

    def answer(self, faults: tuple[Fault, ...]) -> tuple[PluginState, ...]:
        """Count a batch's faults and return the events that tell them; a plugin that failed in too many batches in a row is disabled.

        Called after every batch, also without faults: a plugin that was called and did not fail begins anew.
        """
        events = []
        blamed = dict.fromkeys(fault.plugin for fault in faults if fault.blamed)
        for plugin in self._fine.difference(blamed):
            self._failures.pop(plugin, None)
        self._fine.clear()
        for plugin in blamed:
            self._failures[plugin] = self._failures.get(plugin, 0) + 1
        for fault in faults:
            count = self._failures[fault.plugin] if fault.blamed else 0
            events.append(PluginState(fault.plugin, "failed", count, fault.reason))
        most = self._max_failures
        events.extend(
            PluginState(plugin, "disabled", most, f"failed {most} times in a row") for plugin in blamed if self._failures[plugin] == most
        )
        return tuple(events)

    def _blamed(self, traceback: TracebackType | None, called: str) -> str:
        """Return the innermost plugin in a traceback, or the one that was called; of several in one package the one that was called."""
        blamed = called
        while traceback is not None:
            package = str(traceback.tb_frame.f_globals.get("__name__", "")).partition(".")[0]
            owners = self._owners.get(package, ())
            if owners:
                blamed = called if called in owners else owners[0]
            traceback = traceback.tb_next
        return blamed


async def tended(plugin: str, batches: AsyncIterator[Batch]) -> AsyncGenerator[Batch, None]:
    """Yield a source's batches; where it raises, one that says so, and the end: the rest goes on without it."""
    last: Batch | None = None
    try:
        async for batch in batches:
            last = batch
            yield batch
    except Exception as error:
        reason = f"{type(error).__name__}: {error}"
        told = (PluginState(plugin, "failed", 1, reason), PluginState(plugin, "disabled", 1, "its source ended"))
        height, now_ns = (last.height, last.local_ns) if last is not None else (0, 0)
        yield Batch(f"supervisor {plugin}", 1, None, height, "", "", "confirmed", now_ns, now_ns, told)


async def needed(plugin: str, batches: AsyncIterator[Batch]) -> AsyncGenerator[Batch, None]:
    """Yield the batches of a source that a run cannot do without.

    Raises:
        PluginError: it raised anything that is not one of ours; the cause is kept.
    """
    try:
        async for batch in batches:
            yield batch
    except TidemillError:
        raise
    except Exception as error:
        raise PluginError(plugin, f"its batches ended with {type(error).__name__}: {error}") from error


async def isolated(call: Callable[[A], Awaitable[None]], argument: A) -> str:
    """Await a plugin's coroutine; return "" or, where it raised, what."""
    try:
        await call(argument)
    except Exception as error:
        return f"{type(error).__name__}: {error}"
    return ""
