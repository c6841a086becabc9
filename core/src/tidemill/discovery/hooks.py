"""The only place that talks to pluggy: registers a plugin's module and calls its one hook."""

from collections.abc import Callable, Sequence
from difflib import get_close_matches
from importlib import import_module
from typing import Any

import pluggy

from tidemill.discovery.contract import contract_error
from tidemill.discovery.metadata import PluginMetadata
from tidemill.errors import PluginLoadError, said
from tidemill.hookspecs.kinds import KIND_BY_NAME, KINDS, Kind
from tidemill.hookspecs.markers import PROJECT
from tidemill.hookspecs.plugin import Plugin

Monitor = tuple[Callable[..., Any], Callable[..., Any]]
"""What pluggy calls before and after every hook: see ``PluginManager.add_hookcall_monitoring``."""


class Hooks:
    """A plugin manager that registers one module at a time and says which plugin is at fault."""

    def __init__(self, monitor: Monitor | None = None) -> None:
        self._manager = pluggy.PluginManager(PROJECT)
        if monitor is not None:
            self._manager.add_hookcall_monitoring(*monitor)
        for kind in KINDS:
            self._manager.add_hookspecs(import_module(kind.module))

    def classes_of(self, plugin: PluginMetadata) -> tuple[type[Plugin], ...]:
        """Import a plugin, register it and return the classes that its hook gives, unchecked but for being classes.

        Raises:
            PluginLoadError: it cannot be imported; the cause is kept.
            PluginContractError: a hook is misspelt or has unknown arguments, is missing, raises, or gives something else than classes.
        """
        kind = KIND_BY_NAME[plugin.kind]
        holder = _import(plugin)
        if not self._manager.is_registered(holder):
            self._register(plugin, holder)
        return self._call(plugin, kind, holder)

    def check_pending(self) -> None:
        """Refuse hooks that no interface knows; each plugin was checked when it was registered, so this finds nothing of theirs."""
        self._manager.check_pending()

    def _register(self, plugin: PluginMetadata, holder: object) -> None:
        try:
            self._manager.register(holder, plugin.path)
            callers = self._manager.get_hookcallers(holder) or []
        except pluggy.PluginValidationError as error:
            raise contract_error(plugin, str(error).partition("\n")[2].strip().replace("\n", "; ") or str(error)) from error
        unknown = sorted(
            caller.name
            for caller in callers
            if not caller.has_spec() and not all(impl.optionalhook for impl in caller.get_hookimpls() if impl.plugin is holder)
        )
        if unknown:
            self._manager.unregister(holder)
            raise contract_error(plugin, "; ".join(map(_misspelt, unknown)))

    def _call(self, plugin: PluginMetadata, kind: Kind, holder: object) -> tuple[type[Plugin], ...]:
        others = [other for other in self._manager.get_plugins() if other is not holder]
        caller = self._manager.subset_hook_caller(kind.hook, remove_plugins=others)
        if not any(impl.plugin is holder for impl in caller.get_hookimpls()):
            raise contract_error(plugin, _missing(holder, kind))
        try:
            answers: Sequence[object] = caller()
        except KeyboardInterrupt:
            raise
        except BaseException as error:
            raise contract_error(plugin, f"{kind.hook} raised {said(error)}") from error
        classes: list[type[Plugin]] = []
        for answer in answers:
            wanted = f"expected a list of classes derived from {kind.interface}"
            if not isinstance(answer, Sequence) or isinstance(answer, str):
                raise contract_error(plugin, f"{kind.hook} returned {_short(answer)}: {wanted}")
            for member in answer:
                if not isinstance(member, type):
                    raise contract_error(plugin, f"{kind.hook} gave {_short(member)}: {wanted}, not instances")
                classes.append(member)
        return tuple(classes)


def _import(plugin: PluginMetadata) -> object:
    module, _, attribute = plugin.module.partition(":")
    try:
        holder: object = import_module(module)
        for name in filter(None, attribute.split(".")):
            holder = getattr(holder, name)
    except KeyboardInterrupt:
        raise
    except BaseException as error:
        message = f"cannot import {plugin.module}: {said(error)}"
        raise PluginLoadError(plugin.path, message, distribution=plugin.distribution) from error
    return holder


def _misspelt(hook: str) -> str:
    near = get_close_matches(hook, [kind.hook for kind in KINDS], n=1)
    hint = f"did you mean {near[0]}?" if near else f"the hooks are {', '.join(kind.hook for kind in KINDS)}"
    return f"there is no hook {hook}; {hint}"


def _missing(holder: object, kind: Kind) -> str:
    if hasattr(holder, kind.hook):
        return f"{kind.hook} is not marked: put @hookimpl above it (from tidemill import hookimpl)"
    name = getattr(holder, "__name__", type(holder).__name__)
    return f"{name} does not implement {kind.hook}, which a plugin of kind {kind.name} registers itself with"


def _short(found: object) -> str:
    text = repr(found)
    return text if len(text) <= 60 else f"{text[:57]}..."
