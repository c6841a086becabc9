"""Tidemill: a plugin framework for on-chain trading.

Names are imported when they are first used, so that ``import tidemill`` stays cheap.
"""

from importlib import import_module
from typing import TYPE_CHECKING

__version__ = "0.1.0"

_HOMES = {
    "tidemill.units": ("BaseUnits", "Bps", "Lamports", "Ppm", "Slot", "Wei"),
    "tidemill.errors": ("ConfigError", "DecodeError", "PluginError", "TidemillError", "Unavailable", "UsageError"),
    "tidemill.api.check_plugin": ("check_plugin",),
    "tidemill.api.config": ("check_config", "load_config"),
    "tidemill.api.connect": ("connect",),
    "tidemill.api.doctor": ("doctor",),
    "tidemill.api.explain": ("explain",),
    "tidemill.api.exposure": ("exposure",),
    "tidemill.api.ledger": ("open_ledger",),
    "tidemill.api.plugins": ("list_plugins",),
    "tidemill.api.positions": ("positions",),
    "tidemill.api.reconcile": ("reconcile",),
    "tidemill.api.replay": ("replay",),
    "tidemill.api.run": ("RunOptions", "run"),
    "tidemill.api.scaffold": ("new_plugin",),
    "tidemill.api.signing": ("SigningSetup", "signing_setup"),
    "tidemill.api.tape": ("import_tape", "open_tape", "write_tape"),
    "tidemill.api.why": ("why",),
    "tidemill.config.model": ("ChainPolicy", "SignerConfig", "SpendLimit"),
    "tidemill.config.secret": ("Secret",),
    "tidemill.domain.answers": ("CannotFit", "Needs", "NoCurve", "NoLoan", "NoPrice", "NoQuote", "Rejected"),
    "tidemill.domain.asset": ("Asset", "AssetAmount"),
    "tidemill.domain.book": ("BookState",),
    "tidemill.domain.decision": ("Allowance", "Sized", "Valid"),
    "tidemill.domain.events": ("Batch", "Found", "Log", "Observation"),
    "tidemill.domain.finding": ("Finding",),
    "tidemill.domain.history": ("BarsWanted", "History", "PairPoint", "PastPlan", "PricePoint", "Wants"),
    "tidemill.domain.intent": ("IntentRecord", "IntentState", "IntentStep"),
    "tidemill.domain.ids": ("AssetId", "BookId", "ChainId", "Key", "Pair", "PlanId", "PoolId"),
    "tidemill.domain.lending": ("LoanTerms",),
    "tidemill.domain.note": ("Level", "Note", "RunHeader", "Summary"),
    "tidemill.domain.opportunity": ("Arbitrage", "Leg", "Opportunity", "Signal"),
    "tidemill.domain.plan": ("Flow", "Group", "Loan", "Orders", "Plan", "PlannedSwap"),
    "tidemill.domain.pool": ("Curve", "Decoded", "LogFilter", "Pool", "PoolRef", "Quote", "Segment", "Swapped", "Watch"),
    "tidemill.domain.records": ("EntryRow", "IntentRow", "OpportunityRow", "ResultRow", "Row"),
    "tidemill.domain.search": ("Candidate", "CycleQuery", "Netted"),
    "tidemill.domain.offer": ("Offer",),
    "tidemill.domain.signing": ("Action", "Opened", "Reading", "Unreadable"),
    "tidemill.domain.snapshot": ("Changed", "Snapshot"),
    "tidemill.domain.time": ("ChainTime",),
    "tidemill.domain.transaction": ("Unsigned", "Wallet"),
    "tidemill.hookspecs.chain": ("Chain", "ChainLink", "ChainReader", "ChainRules", "LinkSetup", "Step"),
    "tidemill.hookspecs.codec": ("Codec",),
    "tidemill.hookspecs.command": ("Command",),
    "tidemill.hookspecs.dex": ("Dex", "PoolFilter"),
    "tidemill.hookspecs.lender": ("Lender",),
    "tidemill.hookspecs.markers": ("hookimpl", "hookspec"),
    "tidemill.hookspecs.notifier": ("Notifier",),
    "tidemill.hookspecs.plugin": ("NoSettings", "settings"),
    "tidemill.hookspecs.price": ("PriceSource", "SourceSetup"),
    "tidemill.hookspecs.risk": ("RiskCheck",),
    "tidemill.hookspecs.search": ("Searcher",),
    "tidemill.hookspecs.store": ("RunInfo", "Store"),
    "tidemill.hookspecs.strategy": ("Strategy",),
    "tidemill.planning.desk": ("Desk",),
}
_HOME_BY_NAME = {name: module for module, names in _HOMES.items() for name in names}

__all__ = [
    "Action",
    "Allowance",
    "Arbitrage",
    "Asset",
    "AssetAmount",
    "AssetId",
    "BarsWanted",
    "BaseUnits",
    "Batch",
    "BookId",
    "BookState",
    "Bps",
    "Candidate",
    "CannotFit",
    "Chain",
    "ChainId",
    "ChainLink",
    "ChainPolicy",
    "ChainReader",
    "ChainRules",
    "ChainTime",
    "Changed",
    "Codec",
    "Command",
    "ConfigError",
    "Curve",
    "CycleQuery",
    "DecodeError",
    "Decoded",
    "Desk",
    "Dex",
    "EntryRow",
    "Finding",
    "Flow",
    "Found",
    "Group",
    "History",
    "IntentRecord",
    "IntentRow",
    "IntentState",
    "IntentStep",
    "Key",
    "Lamports",
    "Leg",
    "Lender",
    "Level",
    "LinkSetup",
    "Loan",
    "LoanTerms",
    "Log",
    "LogFilter",
    "Needs",
    "Netted",
    "NoCurve",
    "NoLoan",
    "NoPrice",
    "NoQuote",
    "NoSettings",
    "Note",
    "Notifier",
    "Observation",
    "Offer",
    "Opened",
    "Opportunity",
    "OpportunityRow",
    "Orders",
    "Pair",
    "PairPoint",
    "PastPlan",
    "Plan",
    "PlanId",
    "PlannedSwap",
    "PluginError",
    "Pool",
    "PoolFilter",
    "PoolId",
    "PoolRef",
    "Ppm",
    "PricePoint",
    "PriceSource",
    "Quote",
    "Reading",
    "Rejected",
    "ResultRow",
    "RiskCheck",
    "Row",
    "RunHeader",
    "RunInfo",
    "RunOptions",
    "Searcher",
    "Secret",
    "Segment",
    "Signal",
    "SignerConfig",
    "SigningSetup",
    "Sized",
    "Slot",
    "Snapshot",
    "SourceSetup",
    "SpendLimit",
    "Step",
    "Store",
    "Strategy",
    "Summary",
    "Swapped",
    "TidemillError",
    "Unavailable",
    "Unreadable",
    "Unsigned",
    "UsageError",
    "Valid",
    "Wallet",
    "Wants",
    "Watch",
    "Wei",
    "__version__",
    "check_config",
    "check_plugin",
    "connect",
    "doctor",
    "explain",
    "exposure",
    "hookimpl",
    "hookspec",
    "import_tape",
    "list_plugins",
    "load_config",
    "new_plugin",
    "open_ledger",
    "open_tape",
    "positions",
    "reconcile",
    "replay",
    "run",
    "settings",
    "signing_setup",
    "why",
    "write_tape",
]

if TYPE_CHECKING:
    from tidemill.api.check_plugin import check_plugin
    from tidemill.api.config import check_config, load_config
    from tidemill.api.connect import connect
    from tidemill.api.doctor import doctor
    from tidemill.api.explain import explain
    from tidemill.api.exposure import exposure
    from tidemill.api.ledger import open_ledger
    from tidemill.api.plugins import list_plugins
    from tidemill.api.positions import positions
    from tidemill.api.reconcile import reconcile
    from tidemill.api.replay import replay
    from tidemill.api.run import RunOptions, run
    from tidemill.api.scaffold import new_plugin
    from tidemill.api.signing import SigningSetup, signing_setup
    from tidemill.api.tape import import_tape, open_tape, write_tape
    from tidemill.api.why import why
    from tidemill.config.model import ChainPolicy, SignerConfig, SpendLimit
    from tidemill.config.secret import Secret
    from tidemill.domain.answers import CannotFit, Needs, NoCurve, NoLoan, NoPrice, NoQuote, Rejected
    from tidemill.domain.asset import Asset, AssetAmount
    from tidemill.domain.book import BookState
    from tidemill.domain.decision import Allowance, Sized, Valid
    from tidemill.domain.events import Batch, Found, Log, Observation
    from tidemill.domain.finding import Finding
    from tidemill.domain.history import BarsWanted, History, PairPoint, PastPlan, PricePoint, Wants
    from tidemill.domain.ids import AssetId, BookId, ChainId, Key, Pair, PlanId, PoolId
    from tidemill.domain.intent import IntentRecord, IntentState, IntentStep
    from tidemill.domain.lending import LoanTerms
    from tidemill.domain.note import Level, Note, RunHeader, Summary
    from tidemill.domain.offer import Offer
    from tidemill.domain.opportunity import Arbitrage, Leg, Opportunity, Signal
    from tidemill.domain.plan import Flow, Group, Loan, Orders, Plan, PlannedSwap
    from tidemill.domain.pool import Curve, Decoded, LogFilter, Pool, PoolRef, Quote, Segment, Swapped, Watch
    from tidemill.domain.records import EntryRow, IntentRow, OpportunityRow, ResultRow, Row
    from tidemill.domain.search import Candidate, CycleQuery, Netted
    from tidemill.domain.signing import Action, Opened, Reading, Unreadable
    from tidemill.domain.snapshot import Changed, Snapshot
    from tidemill.domain.time import ChainTime
    from tidemill.domain.transaction import Unsigned, Wallet
    from tidemill.errors import ConfigError, DecodeError, PluginError, TidemillError, Unavailable, UsageError
    from tidemill.hookspecs.chain import Chain, ChainLink, ChainReader, ChainRules, LinkSetup, Step
    from tidemill.hookspecs.codec import Codec
    from tidemill.hookspecs.command import Command
    from tidemill.hookspecs.dex import Dex, PoolFilter
    from tidemill.hookspecs.lender import Lender
    from tidemill.hookspecs.markers import hookimpl, hookspec
    from tidemill.hookspecs.notifier import Notifier
    from tidemill.hookspecs.plugin import NoSettings, settings
    from tidemill.hookspecs.price import PriceSource, SourceSetup
    from tidemill.hookspecs.risk import RiskCheck
    from tidemill.hookspecs.search import Searcher
    from tidemill.hookspecs.store import RunInfo, Store
    from tidemill.hookspecs.strategy import Strategy
    from tidemill.planning.desk import Desk
    from tidemill.units import BaseUnits, Bps, Lamports, Ppm, Slot, Wei


def __getattr__(name: str) -> object:
    module = _HOME_BY_NAME.get(name)
    if module is None:
        raise AttributeError(f"module 'tidemill' has no attribute {name!r}")
    return getattr(import_module(module), name)


def __dir__() -> list[str]:
    return [*__all__, *globals()]
