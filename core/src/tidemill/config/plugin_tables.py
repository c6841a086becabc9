"""Reads the plugins' tables: ``[<folder>.<name>]``, and ``[[dex]]`` with a name."""

from collections.abc import Iterator, Mapping
from typing import Any

from attrs import field, frozen
from attrs.validators import ge, le, optional
from cattrs import Converter

from tidemill.config.misfit import Misfit
from tidemill.config.model import ISOLABLE, Isolation, PluginTable
from tidemill.config.place import Places
from tidemill.config.tables import read_class
from tidemill.domain.plan import FLATTEN
from tidemill.domain.snapshot import DexPolicy
from tidemill.errors import Problem
from tidemill.hookspecs.kinds import KIND_BY_FOLDER, Kind
from tidemill.units import BPS_SCALE

IMPLIED = (("search", "cycles"), ("risk", "limits"), ("store", "sqlite"), ("notifier", "console"))
"""Kinds that a run cannot do without, and who serves one of which a file says nothing at all."""

RESERVED = {FLATTEN: "what `tidemill stop --now --flatten` sells leaves under it, while everything else is held back"}
"""Names that no strategy may have, and why."""

BIGGEST_PRIORITY = 1_000_000


@frozen
class Head:
    """The keys that every plugin's table may have."""

    enabled: bool = True
    priority: int | None = field(default=None, validator=optional([ge(-BIGGEST_PRIORITY), le(BIGGEST_PRIORITY)]))


@frozen
class IsolableHead(Head):
    """The keys that the table of a strategy or a notifier may have besides: whether it runs in a process of its own."""

    isolation: Isolation = "none"
    memory_mb: int = field(default=0, validator=ge(0))


@frozen
class DexHead(Head):
    """The keys that the table of a DEX may have besides: what the kernel asks of its pools."""

    min_liquidity_usd: int | None = field(default=None, validator=optional(ge(0)))
    max_slippage_bps: int | None = field(default=None, validator=optional([ge(0), le(BPS_SCALE)]))
    fee_bps: int | None = field(default=None, validator=optional([ge(0), le(BPS_SCALE)]))
    oracle_required: bool = False


HEAD_KEYS = ("enabled", "priority")
ISOLABLE_KEYS = (*HEAD_KEYS, "isolation", "memory_mb")
DEX_KEYS = (*HEAD_KEYS, "min_liquidity_usd", "max_slippage_bps", "fee_bps", "oracle_required")


class PluginTables:
    """Reads every plugin's table in the file's order and notes what is wrong."""

    def __init__(self, values: Mapping[str, Any], places: Places, converter: Converter) -> None:
        self._values = values
        self._places = places
        self._converter = converter
        self.problems: list[Problem] = []

    def read(self, priorities: Mapping[str, int]) -> tuple[PluginTable, ...]:
        """Return the tables, ``strategy_priorities`` put into those of strategies, and those that a file without them implies."""
        tables: list[PluginTable] = []
        for folder, body in self._values.items():
            kind = KIND_BY_FOLDER.get(folder)
            if kind is not None and not kind.configured:
                self._say(f"a {kind.name} has no table: it is there once its package is installed; take this out", folder)
            elif kind is not None:
                tables += [self._table(kind, name, table, places, priorities) for name, table, places in self._bodies(kind, body)]
        present = {table.kind for table in tables}
        tables += [PluginTable(kind, name) for kind, name in IMPLIED if kind not in present]
        return tuple(tables)

    def _bodies(self, kind: Kind, body: Any) -> Iterator[tuple[str, Mapping[str, Any], Places]]:
        if isinstance(body, list) and kind.name == "dex":
            yield from self._array(kind, body)
        elif not isinstance(body, Mapping):
            self._say(f"expected tables [{kind.folder}.NAME], one a plugin", kind.folder)
        else:
            for name, table in body.items():
                if isinstance(table, Mapping):
                    yield name, table, self._places.below(kind.folder, name)
                else:
                    self._say(f"expected a table [{kind.folder}.NAME]: {name} stands in no plugin's table", kind.folder, name)

    def _array(self, kind: Kind, body: list[Any]) -> Iterator[tuple[str, Mapping[str, Any], Places]]:
        seen: set[str] = set()
        for index, table in enumerate(body):
            name = table.get("name") if isinstance(table, Mapping) else None
            if not isinstance(name, str) or not name:
                self._say('expected a table with name = "…", the name of an installed DEX plugin', kind.folder, index)
            elif name in seen:
                self._say(f"there is already a [[dex]] named {name}", kind.folder, index, "name")
            else:
                seen.add(name)
                yield name, {key: value for key, value in table.items() if key != "name"}, self._places.below(kind.folder, index)

    def _table(self, kind: Kind, name: str, body: Mapping[str, Any], places: Places, priorities: Mapping[str, int]) -> PluginTable:
        if kind.name == "strategy" and name in RESERVED:
            self.problems.append(places.problem(f"{name} is no strategy's name: {RESERVED[name]}; give the plugin another name"))
        keys, head_class = head_keys(kind.name), DexHead if kind.name == "dex" else IsolableHead if kind.name in ISOLABLE else Head
        if "isolation" in body and kind.name not in ISOLABLE:
            problem = "only strategies and notifiers can run in a process of their own: take this key out"
            self.problems.append(places.problem(problem, "isolation"))
            body = {key: value for key, value in body.items() if key != "isolation"}
        try:
            head = read_class(head_class, {key: body[key] for key in keys if key in body}, self._converter)
        except Misfit as misfit:
            self.problems += [places.problem(fault.message, *fault.keys) for fault in misfit.faults]
            head = head_class()
        priority = head.priority or 0
        if kind.name == "strategy" and name in priorities:
            if head.priority is not None and head.priority != priorities[name]:
                self._say(f"differs from priority = {head.priority} in [{kind.folder}.{name}]: keep one", "strategy_priorities", name)
            priority = priorities[name]
        settings = {key: value for key, value in body.items() if key not in keys}
        apart = (head.isolation, head.memory_mb) if isinstance(head, IsolableHead) else ("none", 0)
        return PluginTable(kind.name, name, head.enabled, priority, settings, _policy(head, priority), *apart, places)

    def _say(self, message: str, *keys: str | int) -> None:
        self.problems.append(self._places.problem(message, *keys))


def head_keys(kind: str) -> tuple[str, ...]:
    """Return the keys of a kind's tables that are the kernel's own."""
    return DEX_KEYS if kind == "dex" else ISOLABLE_KEYS if kind in ISOLABLE else HEAD_KEYS


def _policy(head: Head, priority: int) -> DexPolicy | None:
    if not isinstance(head, DexHead):
        return None
    return DexPolicy(priority, head.min_liquidity_usd, head.max_slippage_bps, head.fee_bps, head.oracle_required)
