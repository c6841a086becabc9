"""A small simulated market for authors: snapshots of a run, and whole runs of plugin classes that need no entry point.

All of it goes through discovery and the pipeline that ``tidemill run`` uses, with paper fills; nothing is written to disk, no clock is
waited for. Equal arguments give equal markets.
"""

from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache
from pathlib import Path
from typing import ClassVar

import anyio
from attrs import evolve, frozen

from tidemill import __version__
from tidemill.api.tape import chosen_config
from tidemill.config.load import default_config
from tidemill.config.model import Config, PluginTable
from tidemill.discovery.load import load_plugins
from tidemill.discovery.metadata import PluginMetadata
from tidemill.discovery.registry import Loaded, Registry
from tidemill.discovery.scan import find_plugins
from tidemill.domain.history import Wants
from tidemill.domain.note import Note, Summary
from tidemill.domain.opportunity import Opportunity
from tidemill.domain.records import Row
from tidemill.domain.snapshot import Snapshot
from tidemill.errors import PluginError
from tidemill.hookspecs.kinds import KIND_BY_NAME, KINDS, Kind
from tidemill.hookspecs.plugin import Plugin
from tidemill.hookspecs.strategy import Strategy
from tidemill.pipeline.assemble import Pipeline, assemble
from tidemill.tape.reader import TapeReader
from tidemill_testing.driver import play
from tidemill_testing.pinned import standing_alone

BLOCKS = 12
"""How many blocks are played where a test does not say it: 12."""
TOKENS = 12
"""The tokens of the small market: 12."""
POOLS = 40
"""Its pools, over all DEXs: 40."""


@frozen
class Run:
    """What a run came to: its summary, the ledger's rows and the notes that notifiers would have been told, in order.

    Amounts in all three are base units; a row of an opportunity says why it was rejected.
    """

    summary: Summary
    rows: tuple[Row, ...]
    notes: tuple[Note, ...]


def run_strategy(
    strategy: type[Strategy],
    settings: object | None = None,
    *,
    blocks: int = BLOCKS,
    seed: int = 1,
    tape: Path | str | None = None,
    config: Config | None = None,
) -> Run:
    """Run the whole pipeline with one strategy on the small simulated market, or on a tape.

    Example::

        from tidemill_strategy_spatial import Spatial
        from tidemill_testing.sim import run_strategy
        run = run_strategy(Spatial, {"min_profit_bps": 5}, blocks=20, seed=2)
        assert run.summary.plans == run.summary.fills + run.summary.reverts > 0

    Args:
        strategy: the class; it need not be installed.
        settings: an instance of its settings class, or a mapping as it would stand in the configuration; None: the defaults.
        blocks: so many heads; 0: until the tape ends, so only with one.
        seed: which market.
        tape: a file or folder that is played in place of the simulated market, under its own configuration; needs ``tidemill[tape]``.
        config: in place of the default configuration of the market or tape; its strategies, stores and notifiers are left out.

    Raises:
        ConfigError: the settings are refused.
        PluginError: the strategy raised while it was asked.
        UsageError, TapeDamaged: the tape cannot be played.
    """
    return run_plugins({strategy: settings}, blocks=blocks, seed=seed, tape=tape, config=config)


def run_plugins(
    plugins: Mapping[type[Plugin], object | None],
    *,
    blocks: int = BLOCKS,
    seed: int = 1,
    tape: Path | str | None = None,
    config: Config | None = None,
) -> Run:
    """Run the pipeline with these classes and their settings added: strategies, risk checks, a searcher in place of the usual one.

    Example::

        from tidemill_risk_limits import Limits
        from tidemill_strategy_spatial import Spatial
        from tidemill_testing.sim import run_plugins
        run = run_plugins({Spatial: None, Limits: {"max_open_plans": 1}}, blocks=20, seed=2)
        assert run.summary.plans > 0

    Arguments and errors are those of ``run_strategy``. Without a strategy among them nothing is traded.
    """
    reader = TapeReader(tape) if tape is not None else None
    base = chosen_config(reader.header, config) if reader is not None else config or small_market()
    pipeline = _assembled(base, plugins)
    driver = anyio.run(play, pipeline, reader, seed, blocks)
    own = {_path(plugin) for plugin in plugins}
    for fault in driver.faults:
        if fault.plugin in own:
            raise PluginError(fault.plugin, fault.reason)
    summary = pipeline.core.tally.summary(driver.digest.hexdigest(), pipeline.core.market.state.assets, tape=str(tape or ""))
    return Run(summary, tuple(driver.rows), tuple(driver.told))


def sim_market(
    blocks: int = BLOCKS,
    seed: int = 1,
    *,
    needs: Wants | None = None,
    tape: Path | str | None = None,
    shown: Callable[[Snapshot], object] | None = None,
) -> tuple[Snapshot, ...]:
    """Return what ideas are shown in a run of the small simulated market, or of a tape: one snapshot for each time they are asked.

    Each stands alone: its searcher answers over that snapshot, in any order, as it did in the run. Ideas are asked after new reference
    prices as well as after a block, so there are more snapshots than blocks.

    Example::

        from tidemill_testing.sim import sim_market
        snapshots = sim_market(blocks=5)
        assert any(snapshot.changed.prices and not snapshot.changed.pairs for snapshot in snapshots)

    Args:
        blocks: so many heads; 0: until the tape ends, so only with one.
        seed: which market.
        needs: the history that is kept, as a strategy's ``needs``.
        tape: a file or folder that is played in place of the simulated market.
        shown: called with each snapshot in the run itself, while the next does not exist yet.
    """
    place = str(tape) if tape is not None else None
    return _watched(blocks, seed, needs or Wants(), place, shown) if shown is not None else _kept(blocks, seed, needs or Wants(), place)


@lru_cache(maxsize=8)
def _kept(blocks: int, seed: int, needs: Wants, tape: str | None) -> tuple[Snapshot, ...]:
    return _watched(blocks, seed, needs, tape)


def _watched(
    blocks: int, seed: int, needs: Wants, tape: str | None, shown: Callable[[Snapshot], object] | None = None
) -> tuple[Snapshot, ...]:
    seen: list[Snapshot] = []

    class Watcher(Strategy):
        """Finds nothing, and keeps what it is shown: it is the test's eye, not a strategy."""

        name: ClassVar[str] = "watcher"

        def find_opportunities(self, snapshot: Snapshot) -> Iterator[Opportunity]:
            seen.append(standing_alone(snapshot))
            if shown is not None:
                shown(seen[-1])
            return iter(())

    Watcher.needs = needs
    run_plugins({Watcher: None}, blocks=blocks, seed=seed, tape=tape)
    return tuple(seen)


def small_market() -> Config:
    """Return the default configuration for the simulated market, with a dozen tokens and forty pools.

    Example::

        from attrs import evolve
        from tidemill_strategy_spatial import Spatial
        from tidemill_testing.sim import run_strategy, small_market
        slow = evolve(small_market(), execution=evolve(small_market().execution, latency_blocks=3))
        assert run_strategy(Spatial, config=slow, blocks=20, seed=2).summary.plans > 0
    """
    usual = default_config("sim", {})
    sizes = {"chain": {"tokens": TOKENS, "pools": POOLS}, "price": {"tokens": TOKENS}}
    return evolve(usual, tables=tuple(evolve(table, settings=sizes.get(table.kind, table.settings)) for table in usual.tables))


@frozen
class _Given(Loaded):
    """A class under test: its settings may be given as an instance."""

    given: object = None

    def make(self, settings: object) -> Plugin:
        return super().make(settings if self.given is None else self.given)


def _path(plugin: type[Plugin]) -> str:
    return f"{_kind(plugin).folder}.{plugin.name}"


def _kind(plugin: type[Plugin]) -> Kind:
    return next(kind for kind in KINDS if issubclass(plugin, kind.load_interface()))


def _assembled(config: Config, plugins: Mapping[type[Plugin], object | None]) -> Pipeline:
    """Assemble a pipeline of what the configuration enables, less what makes no market, and of the classes given."""
    own = []
    for plugin, settings in plugins.items():
        kind = _kind(plugin)
        mapping = settings if isinstance(settings, Mapping) else {}
        table = PluginTable(kind.name, plugin.name, settings=mapping)
        described = PluginMetadata(kind.name, plugin.name, kind.version, "", __version__, "", plugin.__module__)
        own.append(_Given(table, described, plugin, None if settings is mapping else settings))
    left_out = {"strategy", "store", "notifier", "command"}
    left_out |= {loaded.table.kind for loaded in own if KIND_BY_NAME[loaded.table.kind].single}
    names = {(loaded.table.kind, loaded.table.name) for loaded in own}
    kept = [table for table in config.tables if table.kind not in left_out and (table.kind, table.name) not in names]
    whole = evolve(config, tables=(*kept, *(loaded.table for loaded in own)))
    return assemble(whole, Registry((*load_plugins(kept, find_plugins()), *own)))
