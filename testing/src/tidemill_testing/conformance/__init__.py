"""Conformance: numbered rules for every kind of plugin, as classes that an author's tests inherit.

Names are imported when they are first used: a suite needs no more than its own kind.
"""

from importlib import import_module
from typing import TYPE_CHECKING

_HOMES = {
    "tidemill_testing.conformance.chain.suite": ("ChainConformance",),
    "tidemill_testing.conformance.codec.case": ("CodecCase",),
    "tidemill_testing.conformance.codec.suite": ("CodecConformance",),
    "tidemill_testing.conformance.command.suite": ("CommandConformance",),
    "tidemill_testing.conformance.dex.suite": ("DexConformance",),
    "tidemill_testing.conformance.lender.suite": ("LenderConformance",),
    "tidemill_testing.conformance.notifier.suite": ("NotifierConformance",),
    "tidemill_testing.conformance.dex.pool_case": ("PoolCase", "RecordedAnswer", "recorded_answers"),
    "tidemill_testing.conformance.price.suite": ("PriceConformance",),
    "tidemill_testing.conformance.risk.suite": ("RiskConformance",),
    "tidemill_testing.conformance.rule": ("Broken", "Rule"),
    "tidemill_testing.conformance.search.suite": ("SearchConformance",),
    "tidemill_testing.conformance.store.suite": ("StoreConformance",),
    "tidemill_testing.conformance.strategy.suite": ("StrategyConformance",),
    "tidemill_testing.conformance.suite": ("Conformance",),
}
_HOME_BY_NAME = {name: module for module, names in _HOMES.items() for name in names}

__all__ = [
    "Broken",
    "ChainConformance",
    "CodecCase",
    "CodecConformance",
    "CommandConformance",
    "Conformance",
    "DexConformance",
    "LenderConformance",
    "NotifierConformance",
    "PoolCase",
    "PriceConformance",
    "RecordedAnswer",
    "RiskConformance",
    "Rule",
    "SearchConformance",
    "StoreConformance",
    "StrategyConformance",
    "recorded_answers",
]

if TYPE_CHECKING:
    from tidemill_testing.conformance.chain.suite import ChainConformance
    from tidemill_testing.conformance.codec.case import CodecCase
    from tidemill_testing.conformance.codec.suite import CodecConformance
    from tidemill_testing.conformance.command.suite import CommandConformance
    from tidemill_testing.conformance.dex.pool_case import PoolCase, RecordedAnswer, recorded_answers
    from tidemill_testing.conformance.dex.suite import DexConformance
    from tidemill_testing.conformance.lender.suite import LenderConformance
    from tidemill_testing.conformance.notifier.suite import NotifierConformance
    from tidemill_testing.conformance.price.suite import PriceConformance
    from tidemill_testing.conformance.risk.suite import RiskConformance
    from tidemill_testing.conformance.rule import Broken, Rule
    from tidemill_testing.conformance.search.suite import SearchConformance
    from tidemill_testing.conformance.store.suite import StoreConformance
    from tidemill_testing.conformance.strategy.suite import StrategyConformance
    from tidemill_testing.conformance.suite import Conformance


def __getattr__(name: str) -> object:
    module = _HOME_BY_NAME.get(name)
    if module is None:
        raise AttributeError(f"module 'tidemill_testing.conformance' has no attribute {name!r}")
    return getattr(import_module(module), name)


def __dir__() -> list[str]:
    return [*__all__, *globals()]
