"""Loads what the configuration enables: one by one, wrapped, in its order, and nothing else."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from attrs import frozen

from tidemill.discovery.contract import class_of
from tidemill.discovery.hooks import Hooks, Monitor
from tidemill.discovery.host_bounds import host_refusal
from tidemill.discovery.metadata import PluginMetadata
from tidemill.discovery.packages import where_to_get
from tidemill.discovery.registry import Loaded, Registry
from tidemill.errors import ConfigError, PluginError, PluginLoadError, Problem
from tidemill.hookspecs.kinds import KIND_BY_NAME, KINDS

if TYPE_CHECKING:
    from tidemill.config.model import PluginTable


@frozen
class Loading:
    """What loading came to: the plugins that loaded, problems of tables, and plugins at fault with the tables that enable them."""

    registry: Registry
    problems: tuple[Problem, ...] = ()
    faults: tuple[tuple["PluginTable", PluginError], ...] = ()

    @property
    def everything(self) -> tuple[Problem, ...]:
        """All that is wrong, plugins' faults at their tables."""
        return (*self.problems, *(table.fault(error) for table, error in self.faults))

    def raise_if_any(self) -> None:
        """Raise what went wrong.

        Raises:
            PluginError: one plugin is at fault and nothing else is wrong.
            ConfigError: otherwise, all of it; its cause is the first plugin's error.
        """
        first = self.faults[0][1] if self.faults else None
        if first is not None and len(self.everything) == 1:
            raise first
        if self.everything:
            raise ConfigError(self.everything) from first


def load_plugins(tables: Sequence["PluginTable"], found: Sequence[PluginMetadata], monitor: Monitor | None = None) -> Registry:
    """Import the plugins of the enabled tables and return them.

    Args:
        tables: the configuration's tables, in its order; disabled ones are passed over, whatever they name.
        found: what ``find_plugins`` gave.
        monitor: is told of every hook that is called.

    Raises:
        ConfigError: a table names a plugin that is not installed, a kind has more than one where one is allowed, or several things are
            wrong; all of them in ``problems``.
        PluginLoadError: a plugin cannot be imported, has two owners, or is made for another version of its interface.
        PluginContractError: a plugin breaks what its interface promises.
    """
    loading = try_plugins(tables, found, monitor)
    loading.raise_if_any()
    return loading.registry


def try_plugins(tables: Sequence["PluginTable"], found: Sequence[PluginMetadata], monitor: Monitor | None = None) -> Loading:
    """Import what can be imported and say what is wrong with the rest, in the order of the tables."""
    enabled = [table for table in tables if table.enabled]
    hooks = Hooks(monitor)
    plugins: list[Loaded] = []
    problems: list[Problem] = []
    faults: list[tuple[PluginTable, PluginError]] = []
    for table in enabled:
        chosen = choose(table, found)
        if isinstance(chosen, Problem):
            problems.append(chosen)
        elif isinstance(chosen, PluginError):
            faults.append((table, chosen))
        else:
            try:
                plugins.append(Loaded(table, chosen, class_of(chosen, hooks.classes_of(chosen))))
            except PluginError as error:
                faults.append((table, error))
    hooks.check_pending()
    return Loading(Registry(tuple(plugins)), (*problems, *_too_many(enabled)), tuple(faults))


def choose(table: "PluginTable", found: Sequence[PluginMetadata]) -> PluginMetadata | Problem | PluginError:
    """Return which installed plugin a table means, or why none can be taken; imports nothing."""
    kind = KIND_BY_NAME[table.kind]
    # A group that carries the folder's name is a slip worth telling: the plugin is there, and refused
    same = [plugin for plugin in found if plugin.kind in (kind.name, kind.folder) and plugin.name == table.name]
    fit = [plugin for plugin in same if plugin.refusal is None]
    if len(fit) > 1:
        owners = " and ".join(f"{plugin.distribution} {plugin.version}" for plugin in fit)
        return PluginLoadError(table.path, f"has two owners, {owners}: uninstall one", distribution=fit[0].distribution)
    if fit:
        refusal = host_refusal(fit[0].distribution)
        return fit[0] if refusal is None else PluginLoadError(table.path, refusal, distribution=fit[0].distribution)
    if same:
        return PluginLoadError(table.path, same[0].refusal or "", distribution=same[0].distribution)
    installed = tuple(plugin.name for plugin in found if plugin.kind == table.kind)
    return table.problem(f"no such {_noun(kind.name)} is installed; {where_to_get(kind.folder, table.name, installed)}")


def _too_many(enabled: Sequence["PluginTable"]) -> list[Problem]:
    problems = []
    for kind in KINDS:
        tables = [table for table in enabled if table.kind == kind.name]
        if kind.single and len(tables) > 1:
            message = f"only one {_noun(kind.name)} can be enabled at a time, {tables[0].path} is already: set enabled = false in one"
            problems += [table.problem(message) for table in tables[1:]]
    return problems


def _noun(kind: str) -> str:
    return {"price": "price source", "risk": "risk check", "search": "searcher"}.get(kind, kind)
