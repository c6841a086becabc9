"""Prints every call across plugins' interfaces, for whoever writes one: what was asked, what was answered, how long it took.

A run that does not trace pays nothing for it: the methods of a traced plugin's instance are replaced when it is made, and nothing else
differs. What a plugin calls on itself is left out, so is what a plugin with a process of its own does there, and pools are values, whose
quotes are far too many to print.
"""

import inspect
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from functools import wraps
from typing import Any

import pluggy

from tidemill.config.model import PluginTable
from tidemill.discovery.load import load_plugins
from tidemill.discovery.metadata import PluginMetadata
from tidemill.discovery.registry import Loaded, Registry
from tidemill.discovery.scan import find_plugins
from tidemill.errors import said
from tidemill.hookspecs.chain import ChainLink, ChainReader, ChainRules
from tidemill.hookspecs.kinds import KIND_BY_FOLDER
from tidemill.hookspecs.plugin import Plugin
from tidemill.pipeline.short import short
from tidemill.redaction import without_secrets

_HALVES = (ChainRules, ChainLink, ChainReader)
"""What a chain plugin hands out is interface too."""


class Trace:
    """Writes one line a call: ``strategies.spatial.find_opportunities(snapshot …) → 2 × Arbitrage  140 µs``."""

    def __init__(self, write: Callable[[str], object]) -> None:
        self._write = write
        self._began: list[int] = []
        self._inside: set[tuple[int, str]] = set()

    def before_hook(self, name: str, impls: Sequence[pluggy.HookImpl], arguments: Mapping[str, Any]) -> None:
        """Note when a registration hook is called: pluggy's monitoring calls it."""
        self._began.append(time.perf_counter_ns())

    def after_hook(self, outcome: pluggy.Result[Any], name: str, impls: Sequence[pluggy.HookImpl], arguments: Mapping[str, Any]) -> None:
        """Tell what a registration hook answered: pluggy's monitoring calls it."""
        took = time.perf_counter_ns() - self._began.pop()
        plugins = ", ".join(impl.plugin_name for impl in impls)
        error = outcome.exception
        answer = _raised(error) if error is not None else "→ " + short([one for found in outcome.get_result() for one in found])
        self._say(f"hook {name}() of {plugins} {answer}", took)

    def registry(self, registry: Registry) -> Registry:
        """Return the same plugins, whose instances will tell their calls."""
        return Registry(tuple(_Traced(one.table, one.metadata, one.plugin_class, self) for one in registry))

    def watch(self, path: str, instance: object, interface: type) -> None:
        """Let the methods of an interface tell when they are called on this instance."""
        for name in dir(interface):
            declared = inspect.getattr_static(interface, name)
            if not name.startswith("_") and inspect.isfunction(declared) and name not in vars(instance):
                # Beside the class: a frozen instance has a dictionary as well
                vars(instance)[name] = self._told(f"{path}.{name}", path, getattr(instance, name))

    def made(self, path: str, settings: object, took: int) -> None:
        """Tell that a plugin was made with its settings."""
        self._say(f"{path} made with {short(settings)}", took)

    def _told(self, call: str, path: str, method: Callable[..., Any]) -> Callable[..., Any]:
        if inspect.iscoroutinefunction(method):

            @wraps(method)
            async def awaited(*args: Any, **named: Any) -> Any:
                began = time.perf_counter_ns()
                try:
                    answer = await method(*args, **named)
                except BaseException as error:
                    self._line(call, args, named, _raised(error), began)
                    raise
                self._line(call, args, named, f"→ {short(answer)}", began)
                return answer

            return awaited

        @wraps(method)
        def called(*args: Any, **named: Any) -> Any:
            # A plugin may be called from several threads, each with its own calls
            call_of = threading.get_ident(), path
            if call_of in self._inside:
                return method(*args, **named)
            self._inside.add(call_of)
            began = time.perf_counter_ns()
            try:
                answer = method(*args, **named)
                if isinstance(answer, Iterator):
                    # The work of a generator is done while it is read: read here, it is timed, and what it raises is its own
                    answer = list(answer)
            except BaseException as error:
                self._line(call, args, named, _raised(error), began)
                raise
            finally:
                self._inside.discard(call_of)
            self._line(call, args, named, f"→ {'batches' if isinstance(answer, AsyncIterator) else short(answer)}", began)
            return self._handed(path, iter(answer) if isinstance(answer, list) and inspect.isgeneratorfunction(method) else answer)

        return called

    def _handed(self, path: str, answer: Any) -> Any:
        """Watch the halves of a chain as they are handed out."""
        for half in _HALVES:
            if isinstance(answer, half):
                self.watch(path, answer, half)
        if isinstance(answer, ChainLink):
            self.watch(f"{path}.reader", answer.reader, ChainReader)
        return answer

    def _line(self, call: str, args: Sequence[object], named: Mapping[str, object], answer: str, began: int) -> None:
        took = time.perf_counter_ns() - began
        shown = [*map(short, args), *(f"{name}={short(value)}" for name, value in named.items())]
        self._say(f"{call}({', '.join(shown)}) {answer}", took)

    def _say(self, text: str, took_ns: int) -> None:
        line = without_secrets(text).encode("unicode_escape").decode("ascii") if not text.isprintable() else without_secrets(text)
        self._write(f"trace {line}  {took_ns // 1_000} µs\n")


def traced_plugins(tables: Sequence[PluginTable], write: Callable[[str], object]) -> Registry:
    """Load the plugins of the enabled tables, whose hooks and calls are told through ``write``; errors as ``load_plugins``."""
    trace = Trace(write)
    return trace.registry(load_plugins(tables, find_plugins(), (trace.before_hook, trace.after_hook)))


class _Traced(Loaded):
    """A plugin whose instances tell their calls, those too that are made anew after a failure."""

    def __init__(self, table: PluginTable, metadata: PluginMetadata, plugin_class: type[Plugin], trace: Trace) -> None:
        super().__init__(table, metadata, plugin_class)
        object.__setattr__(self, "_trace", trace)

    def make(self, settings: object) -> Plugin:
        trace: Trace = vars(self)["_trace"]
        began = time.perf_counter_ns()
        made = super().make(settings)
        path = self.metadata.path
        trace.made(path, settings, time.perf_counter_ns() - began)
        trace.watch(path, made, KIND_BY_FOLDER[path.partition(".")[0]].load_interface())
        return made


def _raised(error: BaseException) -> str:
    name = type(error).__name__
    message = said(error).removeprefix(name).removeprefix(": ")
    return f"raised {name}: {short(message)}" if message else f"raised {name}"
