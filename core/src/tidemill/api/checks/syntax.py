"""A rule before all others: what is to be checked can be read."""

from collections.abc import Iterable

from tidemill.api.checks.rule import Fault, static_rule
from tidemill.api.checks.source import PluginSource


@static_rule("PKG-00", "every file is Python")
def readable(source: PluginSource) -> Iterable[Fault]:
    """What cannot be read was not checked by any other rule."""
    return source.unreadable
