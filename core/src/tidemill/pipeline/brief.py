"""What a process of a plugin's own is told first: the part of the configuration that it works with, and its environment."""

import os
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from attrs import evolve, field, frozen

from tidemill.config.model import Config, PluginTable
from tidemill.config.secret import Secret, is_reference

FOLDED = frozenset({"chain", "dex", "lender", "search", "strategy"})
"""Kinds of which a process that folds has plugins of its own."""
_VARIABLE = "env:"


@frozen
class Brief:
    """What a process is told. ``config`` holds the tables that it makes plugins of, and no others.

    ``environ`` is this process's environment without the variables that hold secrets of other tables.
    """

    plugin: str
    kind: str
    config: Config = field(repr=False)
    environ: Mapping[str, str] = field(repr=False)

    @property
    def hello(self) -> Mapping[str, Any]:
        """The first message to it."""
        return {"kind": self.kind, "plugin": self.plugin, "config": self.config}


def brief_of(config: Config, plugin: str, environ: Mapping[str, str] | None = None) -> Brief:
    """Return what the process of a plugin, ``<folder>.<name>``, is told; ``environ`` None: this process's."""
    own = next(table for table in config.tables if table.path == plugin)
    kinds = FOLDED if own.kind == "strategy" else frozenset({"chain"})
    kept = tuple(table for table in config.tables if table is own or table.kind in kinds)
    secret = _variables(table for table in config.tables if table not in kept) - _variables(kept)
    variables = os.environ if environ is None else environ
    public = {name: value for name, value in variables.items() if name not in secret}
    return Brief(plugin, own.kind, evolve(config, tables=kept), public)


def _variables(tables: Iterable[PluginTable]) -> set[str]:
    """Return the environment's variables that these tables name as secrets."""
    return {reference.removeprefix(_VARIABLE) for table in tables for reference in _references(table.settings)}


def _references(value: object) -> Iterator[str]:
    if isinstance(value, Secret):
        value = value.reference
    if is_reference(value) and str(value).startswith(_VARIABLE):
        yield str(value)
    elif isinstance(value, Mapping):
        for one in value.values():
            yield from _references(one)
    elif isinstance(value, list | tuple):
        for one in value:
            yield from _references(one)
