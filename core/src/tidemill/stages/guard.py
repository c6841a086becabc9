"""How stages call plugin code: through a guard that turns what it raises into a value."""

from collections.abc import Callable
from typing import ParamSpec, Protocol, TypeVar

from attrs import frozen

from tidemill.errors import PluginError

P = ParamSpec("P")
T = TypeVar("T")

RESTING = frozenset({"strategies", "risk", "search", "lenders"})
"""Folders of plugins that are not asked for some heads after a failure. A DEX is: its failure costs the one pool, which is read anew."""


def rests(plugin: str) -> bool:
    """Whether a plugin, ``<folder>.<name>``, is left alone for a while after it failed."""
    return plugin.partition(".")[0] in RESTING


@frozen
class Fault:
    """Plugin code that raised: ``plugin`` is ``<folder>.<name>`` of the innermost plugin in the traceback.

    ``blamed`` is false where the input was at fault (a ``MarketDataError``): it is told, but does not count towards disabling.
    ``deliberate``: it raised an error of Tidemill's tree, and so meant to refuse what it was given.
    """

    plugin: str
    reason: str
    blamed: bool = True
    deliberate: bool = False


class PluginFault(PluginError):
    """Carries a fault through the code of another plugin that asked for what failed; a guard around it gives the fault as it is."""

    def __init__(self, fault: Fault) -> None:
        super().__init__(fault.plugin, fault.reason)
        self.fault = fault


class Guard(Protocol):
    """Calls plugin code."""

    def call(self, plugin: str, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T | Fault:
        """Return what ``function`` returns, or the fault put to the plugin whose code raised."""
