"""The JSON lines notifier keeps the rules of its kind."""

from collections.abc import Mapping
from typing import ClassVar

from tidemill_notifier_jsonl import JsonLinesNotifier
from tidemill_testing.conformance import NotifierConformance


class TestJsonLinesNotifier(NotifierConformance):
    """To a file, with nothing left out."""

    plugin = JsonLinesNotifier
    settings: ClassVar[Mapping[str, object]] = {"path": "notes.jsonl", "skip": []}
    capabilities = frozenset({"every_note", "failing_target"})
    unreachable: ClassVar[Mapping[str, object]] = {"path": "missing/notes.jsonl"}


class TestJsonLinesOnStandardOutput(NotifierConformance):
    """As it comes: to standard output."""

    plugin = JsonLinesNotifier
