"""Makes a pipeline from a configuration: plugins loaded and set up, the core put together, nothing opened yet."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import TypeVar

from attrs import evolve, field, frozen

from tidemill.config.books import ResolvedBook
from tidemill.config.model import Config
from tidemill.config.plugins import Assembled, make_plugins
from tidemill.discovery.load import load_plugins
from tidemill.discovery.registry import Registry
from tidemill.discovery.scan import find_plugins
from tidemill.domain.asset import Asset
from tidemill.domain.ids import ChainId
from tidemill.domain.snapshot import DexPolicy
from tidemill.errors import PluginError
from tidemill.hookspecs.chain import Chain, ChainRules
from tidemill.hookspecs.dex import Dex
from tidemill.hookspecs.kinds import KIND_BY_NAME
from tidemill.hookspecs.lender import Lender
from tidemill.hookspecs.notifier import Notifier
from tidemill.hookspecs.plugin import Plugin
from tidemill.hookspecs.price import PriceSource
from tidemill.hookspecs.risk import RiskCheck
from tidemill.hookspecs.search import Searcher
from tidemill.hookspecs.store import Store
from tidemill.hookspecs.strategy import Strategy
from tidemill.pipeline.core import Core
from tidemill.pipeline.parts import BookPlan, Parts
from tidemill.pipeline.supervise import Supervisor
from tidemill.stages.chain_rules import GuardedRules
from tidemill.stages.guard import Fault
from tidemill.stages.ideas import Asked
from tidemill.stages.market import Market
from tidemill.stages.planner import Tools

T = TypeVar("T", bound=Plugin)


@frozen
class Pipeline:
    """A run's parts, assembled; nothing is opened. ``makers`` make another instance of each plugin, with the same settings."""

    config: Config
    registry: Registry
    core: Core
    parts: Parts
    supervisor: Supervisor
    chains: Mapping[ChainId, Chain]
    prices: tuple[PriceSource, ...]
    notifiers: tuple[Notifier, ...]
    store: Store | None
    books: tuple[ResolvedBook, ...]
    assets: tuple[Asset, ...]
    makers: Mapping[str, Callable[[], Plugin]] = field(factory=dict)

    @property
    def plugins(self) -> tuple[tuple[str, str], ...]:
        """(``<folder>.<name>``, version) of every enabled plugin, in the configuration's order."""
        return tuple((loaded.metadata.path, loaded.metadata.version) for loaded in self.registry)


def assemble(
    config: Config, registry: Registry | None = None, guard: type[Supervisor] = Supervisor, *, live: bool | None = None
) -> Pipeline:
    """Load the plugins that a configuration enables and put the core together; ``guard`` is the class of who calls them.

    ``live``: plans go out with real money, so that what they do is seen on the chain and not laid over it; None: as the configuration's
    mode says, which is how a recorded run is folded again.

    Raises:
        ConfigError: all that is wrong with the configuration, plugins' settings included.
        PluginError: a plugin that cannot be used, named with its distribution.
    """
    registry = load_plugins(config.tables, find_plugins()) if registry is None else registry
    made = make_plugins(config, tuple(registry))
    supervisor = guard(_owners(registry), config.execution.max_failures)
    of_chains = _of_kind(made, "chain", Chain).values()  # type: ignore[type-abstract]
    chains = {rules.id: chain for rules, chain in zip(made.rules, of_chains, strict=True)}
    searchers = list(_of_kind(made, "search", Searcher).values())  # type: ignore[type-abstract]
    stores = list(_of_kind(made, "store", Store).values())  # type: ignore[type-abstract]
    is_live = config.mode == "live" if live is None else live
    parts = evolve(_parts(config, made, chains, supervisor, searchers[0] if searchers else None), paper=not is_live)
    return Pipeline(
        config=config,
        registry=registry,
        core=Core(parts),
        parts=parts,
        supervisor=supervisor,
        chains=chains,
        prices=tuple(_of_kind(made, "price", PriceSource).values()),  # type: ignore[type-abstract]
        notifiers=tuple(_of_kind(made, "notifier", Notifier).values()),  # type: ignore[type-abstract]
        store=stores[0] if stores else None,
        books=made.books,
        assets=tuple(asset for _, asset in sorted(made.assets.by_id.items())),
        makers=made.makers,
    )


def guarded_rules(chain: Chain, ask: Callable[[], ChainRules], supervisor: Supervisor) -> GuardedRules:
    """Return a chain's rules behind a guard, so that whatever they raise names the chain's plugin.

    Raises:
        PluginError: ``ask`` or an attribute of the rules raised.
    """
    path = f"chains.{chain.name}"
    made = supervisor.call(path, lambda: GuardedRules(ask(), path, supervisor))
    if isinstance(made, Fault):
        raise PluginError(made.plugin, made.reason)
    return made


def _same(rules: ChainRules) -> ChainRules:
    return rules


def _parts(config: Config, made: Assembled, chains: Mapping[ChainId, Chain], supervisor: Supervisor, searcher: Searcher | None) -> Parts:
    rules = {rule.id: guarded_rules(chains[rule.id], partial(_same, rule), supervisor) for rule in made.rules}
    dexes = _of_kind(made, "dex", Dex)  # type: ignore[type-abstract]
    lenders = tuple(_of_kind(made, "lender", Lender).values())  # type: ignore[type-abstract]
    strategies = _of_kind(made, "strategy", Strategy)  # type: ignore[type-abstract]
    risks = tuple(_of_kind(made, "risk", RiskCheck).values())  # type: ignore[type-abstract]
    wants = [
        *(strategy.needs for strategy in strategies.values()),
        *(risk.needs for risk in risks),
        *(rule.needs for rule in made.rules),
    ]
    wallets = {
        (book.id, identifier): chain.wallet(book.id, book.accounts.get(identifier, ""))
        for book in made.books
        for identifier, chain in chains.items()
    }
    return Parts(
        market=Market(
            dexes=dexes,
            rules=rules,
            guard=supervisor,
            policies=_policies(config),
            wants=wants,
            lenders=lenders,
            wallets=tuple(wallets.values()),
        ),
        asked=_asked(config, strategies),
        searcher=searcher,
        tools=Tools(dexes, lenders, rules, risks, wallets, config.execution.patience_blocks, made.max_exposure),
        books=tuple(BookPlan(book.id, book.base, book.strategies) for book in made.books),
        guard=supervisor,
        overlay_blocks=config.execution.overlay_blocks,
        stacking=config.execution.stacking,
        unwind_loss_bps=config.execution.unwind_loss_bps,
        fresh=made.makers,
    )


def _of_kind(made: Assembled, kind: str, interface: type[T]) -> dict[str, T]:
    """Return the plugins of a kind by name, in the configuration's order."""
    folder = KIND_BY_NAME[kind].folder
    return {
        path.removeprefix(f"{folder}."): plugin
        for path, plugin in made.plugins.items()
        if path.startswith(f"{folder}.") and isinstance(plugin, interface)
    }


def _asked(config: Config, strategies: Mapping[str, Strategy]) -> tuple[Asked, ...]:
    """Return the strategies in the order they are asked: higher priority first, then the configuration's order."""
    tables = {table.name: table for table in config.enabled("strategy")}
    asked = [
        Asked(f"strategies.{name}", strategy, tables[name].priority, tables[name].isolation == "process")
        for name, strategy in strategies.items()
    ]
    return tuple(sorted(asked, key=lambda one: -one.priority))


def _policies(config: Config) -> dict[str, DexPolicy]:
    return {table.name: evolve(table.policy or DexPolicy(), priority=table.priority) for table in config.enabled("dex")}


def _owners(registry: Registry) -> dict[str, tuple[str, ...]]:
    """Return the plugins in each top-level package."""
    owners: dict[str, tuple[str, ...]] = {}
    for loaded in registry:
        package = loaded.plugin_class.__module__.partition(".")[0]
        owners[package] = (*owners.get(package, ()), loaded.metadata.path)
    return owners
