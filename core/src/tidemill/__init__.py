"""Tidemill: a plugin framework for on-chain trading.

Names are imported when they are first used, so that ``import tidemill`` stays cheap.
"""

from importlib import import_module
from typing import TYPE_CHECKING

__version__ = "0.1.0"

_HOMES = {
    "tidemill.units": ("BaseUnits", "Bps", "Lamports", "Ppm", "Slot", "Wei"),
    "tidemill.errors": ("ConfigError", "TidemillError", "UsageError"),
    "tidemill.api.config": ("check_config", "load_config"),
    "tidemill.api.check_plugin": ("check_plugin",),
    "tidemill.api.doctor": ("doctor",),
    "tidemill.api.connect": ("connect",),
    "tidemill.api.explain": ("explain",),
    "tidemill.api.ledger": ("open_ledger",),
    "tidemill.api.plugins": ("list_plugins",),
    "tidemill.api.replay": ("replay",),
    "tidemill.api.run": ("RunOptions", "run"),
    "tidemill.api.scaffold": ("new_plugin",),
    "tidemill.api.tape": ("import_tape", "open_tape"),
    "tidemill.config.secret": ("Secret",),
    "tidemill.domain.asset": ("Asset", "AssetAmount"),
    "tidemill.domain.finding": ("Finding",),
    "tidemill.domain.ids": ("AssetId", "BookId", "ChainId", "PoolId"),
    "tidemill.domain.opportunity": ("Arbitrage", "Leg", "Opportunity", "Signal"),
    "tidemill.domain.search": ("Candidate", "CycleQuery"),
    "tidemill.domain.snapshot": ("Offer", "Snapshot"),
    "tidemill.hookspecs.chain": ("Chain", "ChainLink", "ChainReader", "ChainRules", "Step"),
    "tidemill.hookspecs.command": ("Command",),
    "tidemill.hookspecs.dex": ("Dex",),
    "tidemill.hookspecs.lender": ("Lender",),
    "tidemill.hookspecs.markers": ("hookimpl", "hookspec"),
    "tidemill.hookspecs.notifier": ("Notifier",),
    "tidemill.hookspecs.plugin": ("NoSettings", "settings"),
    "tidemill.hookspecs.price": ("PriceSource",),
    "tidemill.hookspecs.risk": ("RiskCheck",),
    "tidemill.hookspecs.search": ("Searcher",),
    "tidemill.hookspecs.store": ("Store",),
    "tidemill.hookspecs.strategy": ("Strategy",),
}
_HOME_BY_NAME = {name: module for module, names in _HOMES.items() for name in names}

__all__ = [
    "Arbitrage",
    "Asset",
    "AssetAmount",
    "AssetId",
    "BaseUnits",
    "BookId",
    "Bps",
    "Candidate",
    "Chain",
    "ChainId",
    "ChainLink",
    "ChainReader",
    "ChainRules",
    "Command",
    "ConfigError",
    "CycleQuery",
    "Dex",
    "Finding",
    "Lamports",
    "Leg",
    "Lender",
    "NoSettings",
    "Notifier",
    "Offer",
    "Opportunity",
    "PoolId",
    "Ppm",
    "PriceSource",
    "RiskCheck",
    "RunOptions",
    "Searcher",
    "Secret",
    "Signal",
    "Slot",
    "Snapshot",
    "Step",
    "Store",
    "Strategy",
    "TidemillError",
    "UsageError",
    "Wei",
    "__version__",
    "check_config",
    "check_plugin",
    "connect",
    "doctor",
    "explain",
    "hookimpl",
    "hookspec",
    "import_tape",
    "list_plugins",
    "load_config",
    "new_plugin",
    "open_ledger",
    "open_tape",
    "replay",
    "run",
    "settings",
]

if TYPE_CHECKING:
    from tidemill.api.check_plugin import check_plugin
    from tidemill.api.config import check_config, load_config
    from tidemill.api.connect import connect
    from tidemill.api.doctor import doctor
    from tidemill.api.explain import explain
    from tidemill.api.ledger import open_ledger
    from tidemill.api.plugins import list_plugins
    from tidemill.api.replay import replay
    from tidemill.api.run import RunOptions, run
    from tidemill.api.scaffold import new_plugin
    from tidemill.api.tape import import_tape, open_tape
    from tidemill.config.secret import Secret
    from tidemill.domain.asset import Asset, AssetAmount
    from tidemill.domain.finding import Finding
    from tidemill.domain.ids import AssetId, BookId, ChainId, PoolId
    from tidemill.domain.opportunity import Arbitrage, Leg, Opportunity, Signal
    from tidemill.domain.search import Candidate, CycleQuery
    from tidemill.domain.snapshot import Offer, Snapshot
    from tidemill.errors import ConfigError, TidemillError, UsageError
    from tidemill.hookspecs.chain import Chain, ChainLink, ChainReader, ChainRules, Step
    from tidemill.hookspecs.command import Command
    from tidemill.hookspecs.dex import Dex
    from tidemill.hookspecs.lender import Lender
    from tidemill.hookspecs.markers import hookimpl, hookspec
    from tidemill.hookspecs.notifier import Notifier
    from tidemill.hookspecs.plugin import NoSettings, settings
    from tidemill.hookspecs.price import PriceSource
    from tidemill.hookspecs.risk import RiskCheck
    from tidemill.hookspecs.search import Searcher
    from tidemill.hookspecs.store import Store
    from tidemill.hookspecs.strategy import Strategy
    from tidemill.units import BaseUnits, Bps, Lamports, Ppm, Slot, Wei


def __getattr__(name: str) -> object:
    module = _HOME_BY_NAME.get(name)
    if module is None:
        raise AttributeError(f"module 'tidemill' has no attribute {name!r}")
    return getattr(import_module(module), name)


def __dir__() -> list[str]:
    return [*__all__, *globals()]
