"""Shows the run in the terminal: a live table, or plain lines where there is no terminal."""

from collections.abc import Sequence

from tidemill import Notifier, hookimpl
from tidemill_notifier_console.notifier import ConsoleNotifier, ConsoleSettings

__all__ = ["ConsoleNotifier", "ConsoleSettings", "tidemill_register_notifiers"]


@hookimpl
def tidemill_register_notifiers() -> Sequence[type[Notifier]]:
    """Register the notifier."""
    return (ConsoleNotifier,)
