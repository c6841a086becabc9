"""Writes the run as JSON lines."""

from collections.abc import Sequence

from tidemill import Notifier, hookimpl
from tidemill_notifier_jsonl.notifier import JsonLinesNotifier, JsonLinesSettings

__all__ = ["JsonLinesNotifier", "JsonLinesSettings", "tidemill_register_notifiers"]


@hookimpl
def tidemill_register_notifiers() -> Sequence[type[Notifier]]:
    """Register the notifier."""
    return (JsonLinesNotifier,)
