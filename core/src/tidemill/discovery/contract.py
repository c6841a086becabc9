"""Picks the class of a table from what a plugin registered, and checks that it keeps its interface."""

from collections.abc import Sequence
from typing import ClassVar, get_origin, get_type_hints

from tidemill.discovery.metadata import PluginMetadata
from tidemill.errors import PluginContractError
from tidemill.hookspecs.kinds import KIND_BY_NAME
from tidemill.hookspecs.plugin import Plugin


def class_of(plugin: PluginMetadata, classes: Sequence[type[Plugin]]) -> type[Plugin]:
    """Return the registered class whose ``name`` is that of the entry point.

    Raises:
        PluginContractError: none or several have that name, or the class does not keep the interface of its kind.
    """
    kind = KIND_BY_NAME[plugin.kind]
    interface = kind.load_interface()
    for found in classes:
        if not issubclass(found, interface):
            raise contract_error(plugin, f"{kind.hook} gave {_name(found)}, which is not derived from {kind.interface}")
    named = [found for found in dict.fromkeys(classes) if getattr(found, "name", None) == plugin.name]
    if not named:
        given = ", ".join(f"{_name(found)} (name {getattr(found, 'name', None)!r})" for found in classes) or "nothing"
        raise contract_error(plugin, f'{kind.hook} gave no class whose name is "{plugin.name}"; it gave {given}')
    if len(named) > 1:
        raise contract_error(plugin, f'{kind.hook} gave several classes whose name is "{plugin.name}": {", ".join(map(_name, named))}')
    missing = _missing(named[0], interface)
    if missing:
        raise contract_error(plugin, f"{_name(named[0])} lacks {', '.join(missing)}, which {kind.interface} demands")
    return named[0]


def _missing(found: type[Plugin], interface: type[Plugin]) -> list[str]:
    """Return abstract methods that are not implemented and the interface's class attributes that have no value."""
    declared = get_type_hints(interface, include_extras=True)
    bare = [name for name, hint in declared.items() if _is_class_variable(hint) and not hasattr(found, name)]
    return sorted({*getattr(found, "__abstractmethods__", ()), *bare})


def _is_class_variable(hint: object) -> bool:
    return hint is ClassVar or get_origin(hint) is ClassVar


def _name(found: type[Plugin]) -> str:
    return f"{found.__module__}.{found.__qualname__}"


def contract_error(plugin: PluginMetadata, message: str) -> PluginContractError:
    """Return the error that puts a broken promise to a plugin and the distribution that holds it."""
    return PluginContractError(plugin.path, message, distribution=plugin.distribution)
