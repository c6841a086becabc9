"""The console notifier keeps the rules of its kind."""

from collections.abc import Mapping
from typing import ClassVar

from tidemill_notifier_console import ConsoleNotifier
from tidemill_testing.conformance import NotifierConformance


class TestConsoleNotifier(NotifierConformance):
    """Without a terminal: plain lines, of which the less important are left out."""

    plugin = ConsoleNotifier


class TestVerboseConsoleNotifier(NotifierConformance):
    """Everything is shown."""

    plugin = ConsoleNotifier
    settings: ClassVar[Mapping[str, object]] = {"verbosity": "verbose"}
    capabilities = frozenset({"every_note"})
