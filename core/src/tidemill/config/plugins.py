"""From loaded classes to instances with checked settings: chains first, since they say what symbols mean."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Protocol, TypeVar

from attrs import field, frozen

from tidemill.config.assets import KnownAssets, known_assets
from tidemill.config.books import ResolvedBook, resolve_books
from tidemill.config.misfit import Misfit
from tidemill.config.model import Config, PluginTable
from tidemill.config.settings import make_settings
from tidemill.domain.asset import Asset, AssetAmount
from tidemill.errors import ConfigError, PluginError, Problem
from tidemill.hookspecs.chain import Chain, ChainRules
from tidemill.hookspecs.plugin import Plugin
from tidemill.hookspecs.strategy import Strategy

T = TypeVar("T")


class LoadedPlugin(Protocol):
    """What discovery gives for an enabled table."""

    @property
    def table(self) -> PluginTable:
        """The table in the configuration."""

    @property
    def plugin_class(self) -> type[Plugin]:
        """The class that was registered under the table's name."""

    def call(self, what: str, function: Callable[[], T]) -> T:
        """Call the plugin's code; what it raises names the plugin."""

    def make(self, settings: object) -> Plugin:
        """Return an instance."""


@frozen
class Assembled:
    """The plugins as instances, by ``<folder>.<name>`` in the configuration's order, and what the configuration means with them.

    ``rules`` are the enabled chains' in the same order, ``assets`` what symbols mean, ``books`` with capital in base units, ``makers`` make
    another instance of each plugin with the same settings. ``max_exposure`` is the most that
    legs without their counterpart may be worth, None: there may be none.
    """

    plugins: Mapping[str, Plugin]
    rules: tuple[ChainRules, ...]
    assets: KnownAssets
    books: tuple[ResolvedBook, ...]
    makers: Mapping[str, Callable[[], Plugin]] = field(factory=dict)
    max_exposure: AssetAmount | None = None


@frozen
class Assembling:
    """What making the plugins came to; ``assembled`` is None where anything is wrong."""

    assembled: Assembled | None
    problems: tuple[Problem, ...] = ()
    faults: tuple[tuple[PluginTable, PluginError], ...] = ()

    @property
    def everything(self) -> tuple[Problem, ...]:
        """All that is wrong, plugins' faults at their tables."""
        return (*self.problems, *(table.fault(error) for table, error in self.faults))


def make_plugins(config: Config, loaded: Sequence[LoadedPlugin]) -> Assembled:
    """Make an instance of every loaded plugin and resolve the books.

    Args:
        config: the configuration whose tables were loaded.
        loaded: what discovery loaded, in the configuration's order.

    Raises:
        ConfigError: everything that is wrong with settings and books, or no chain is enabled.
        PluginError: a plugin's own code is at fault, and nothing else is wrong.
    """
    made = try_make_plugins(config, loaded)
    if made.assembled is not None:
        return made.assembled
    first = made.faults[0][1] if made.faults else None
    if first is not None and len(made.everything) == 1:
        raise first
    raise ConfigError(made.everything) from first


def try_make_plugins(config: Config, loaded: Sequence[LoadedPlugin], *, all_loaded: bool = True) -> Assembling:
    """Make what can be made and say what is wrong with the rest.

    Args:
        config: the configuration.
        loaded: what was loaded of it.
        all_loaded: False where some enabled plugin is missing in ``loaded``: then no asset is called unknown, and books are not looked at.
    """
    made = _Maker(config)
    made.chains([plugin for plugin in loaded if plugin.table.kind == "chain"])
    if not config.enabled("chain"):
        made.problems.append(config.places.problem("no chain is enabled: add a table such as [chains.sim]", "chains"))
    whole = all_loaded and made.sound
    assets = known_assets(config.assets, made.verified, complete=whole)
    for plugin in loaded:
        if plugin.table.kind != "chain":
            made.make(plugin, assets)
    made.searches(loaded)
    books: tuple[ResolvedBook, ...] = ()
    if whole and made.rules:
        try:
            books = resolve_books(config, assets, made.rules)
        except ConfigError as error:
            made.problems.extend(error.problems)
    exposure = made.exposure(assets)
    if not made.sound:
        return Assembling(None, tuple(made.problems), tuple(made.faults))
    ordered = {plugin.table.path: made.plugins[plugin.table.path] for plugin in loaded}
    return Assembling(Assembled(ordered, tuple(made.rules), assets, books, made.makers, exposure))


@frozen
class _Maker:
    config: Config
    plugins: dict[str, Plugin] = field(factory=dict)
    makers: dict[str, Callable[[], Plugin]] = field(factory=dict)
    rules: list[ChainRules] = field(factory=list)
    verified: list[Mapping[str, Asset]] = field(factory=list)
    problems: list[Problem] = field(factory=list)
    faults: list[tuple[PluginTable, PluginError]] = field(factory=list)

    @property
    def sound(self) -> bool:
        return not self.problems and not self.faults

    def chains(self, loaded: Sequence[LoadedPlugin]) -> None:
        own = KnownAssets(self.config.assets)
        for plugin in loaded:
            chain = self.make(plugin, own)
            if isinstance(chain, Chain):
                rules = self._try(plugin, partial(plugin.call, "rules()", chain.rules))
                if rules is not None:
                    self.rules.append(rules)
                    verified = self._try(plugin, partial(plugin.call, "verified_assets()", rules.verified_assets))
                    self.verified.append(verified or {})

    def searches(self, loaded: Sequence[LoadedPlugin]) -> None:
        """Note strategies that would wait for cycles which nobody looks for, at the line that disables who does."""
        strategies = ((plugin.table.path, plugin.plugin_class) for plugin in loaded)
        waiting = [path for path, kind in strategies if issubclass(kind, Strategy) and kind.searches]
        if not waiting or self.config.enabled("search"):
            return
        names = " and ".join(filter(None, (", ".join(waiting[:-1]), waiting[-1])))
        message = f"no searcher is enabled, and without one {names} can find nothing: enable one, or set enabled = false there too"
        written = next((table for table in self.config.tables if table.kind == "search"), None)
        self.problems.append(written.problem(message, "enabled") if written else self.config.places.problem(message, "search"))

    def exposure(self, assets: KnownAssets) -> AssetAmount | None:
        """Return what legs without their counterpart may be worth; None where nothing is set."""
        text = self.config.execution.max_exposure
        try:
            limit = assets.amount(text) if text not in ("", "0") else None
        except Misfit as misfit:
            self.problems.extend(self.config.places.problem(fault.message, "execution", "max_exposure") for fault in misfit.faults)
            return None
        return limit if limit is not None and limit.amount else None

    def make(self, plugin: LoadedPlugin, assets: KnownAssets) -> Plugin | None:
        read = partial(make_settings, plugin.table, plugin.plugin_class, assets)
        settings = self._try(plugin, partial(plugin.call, "reading its settings", read))
        if settings is None:
            return None
        maker = partial(plugin.make, settings)
        made = self._try(plugin, maker)
        if made is not None:
            self.makers[plugin.table.path] = maker
            self.plugins[plugin.table.path] = made
        return made

    def _try(self, plugin: LoadedPlugin, make: Callable[[], T]) -> T | None:
        try:
            return make()
        except ConfigError as error:
            self.problems.extend(error.problems)
        except PluginError as error:
            self.faults.append((plugin.table, error))
        return None
