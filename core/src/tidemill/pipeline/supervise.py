"""Isolates plugin code: what it raises becomes a fault, put to the plugin whose code is innermost in the traceback.

This is the one place that catches every exception. What is not a plugin's fault (an ``InvariantError``, an interrupt) passes through.
"""

from collections.abc import Awaitable, Callable, Mapping
from types import TracebackType
from typing import ParamSpec, TypeVar

from tidemill.domain.events import PluginState
from tidemill.errors import InvariantError, MarketDataError
from tidemill.stages.guard import Fault

P = ParamSpec("P")
T = TypeVar("T")
A = TypeVar("A")


class Supervisor:
    """A guard that knows which module belongs to which plugin, and counts failures in a row.

    ``owners`` maps a plugin's top-level package to its ``<folder>.<name>``; ``max_failures`` in a row disable a plugin.
    """

    def __init__(self, owners: Mapping[str, str], max_failures: int) -> None:
        self._owners = dict(owners)
        self._max_failures = max_failures
        self._failures: dict[str, int] = {}

    def call(self, plugin: str, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T | Fault:
        """Return what ``function`` returns, or the fault put to the plugin whose code raised."""
        try:
            answer = function(*args, **kwargs)
        except MarketDataError as error:
            return Fault(self._blamed(error.__traceback__, plugin), str(error), blamed=False)
        except InvariantError:
            raise
        except (Exception, SystemExit) as error:
            return Fault(self._blamed(error.__traceback__, plugin), f"{type(error).__name__}: {error}")
        if self._failures:
            self._failures.pop(plugin, None)
        return answer

    def answer(self, faults: tuple[Fault, ...]) -> tuple[PluginState, ...]:
        """Count faults and return the events that tell them; a plugin that failed too often in a row is disabled."""
        events = []
        for fault in faults:
            if not fault.blamed:
                events.append(PluginState(fault.plugin, "failed", 0, fault.reason))
                continue
            count = self._failures[fault.plugin] = self._failures.get(fault.plugin, 0) + 1
            events.append(PluginState(fault.plugin, "failed", count, fault.reason))
            if count == self._max_failures:
                events.append(PluginState(fault.plugin, "disabled", count, f"failed {count} times in a row"))
        return tuple(events)

    def _blamed(self, traceback: TracebackType | None, called: str) -> str:
        """Return the innermost plugin in a traceback, or the one that was called."""
        blamed = called
        while traceback is not None:
            package = str(traceback.tb_frame.f_globals.get("__name__", "")).partition(".")[0]
            blamed = self._owners.get(package, blamed)
            traceback = traceback.tb_next
        return blamed


async def isolated(call: Callable[[A], Awaitable[None]], argument: A) -> str:
    """Await a plugin's coroutine; return "" or, where it raised, what."""
    try:
        await call(argument)
    except Exception as error:
        return f"{type(error).__name__}: {error}"
    return ""
