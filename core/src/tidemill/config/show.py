"""The effective configuration as TOML: defaults filled in, variables applied, secrets as references."""

from collections.abc import Mapping
from datetime import date, time
from decimal import Decimal
from enum import Enum
from typing import Any

import attrs
import tomlkit

from tidemill.config.assets import KnownAssets, whole_tokens
from tidemill.config.model import ISOLABLE, BookConfig, Config, PluginTable
from tidemill.config.secret import Secret
from tidemill.config.signer import signer_table
from tidemill.domain.asset import AssetAmount
from tidemill.domain.snapshot import DexPolicy
from tidemill.hookspecs.kinds import KIND_BY_NAME


def config_to_toml(config: Config, settings: Mapping[str, Any], assets: KnownAssets) -> str:
    """Return a text that loads to an equal configuration, with every default written out.

    Args:
        config: what was loaded.
        settings: the checked settings of each enabled plugin by ``<folder>.<name>``; a disabled plugin's table shows ``enabled`` only.
        assets: the decimals of amounts.
    """
    return tomlkit.dumps(config_to_tables(config, settings, assets))


def config_to_tables(config: Config, settings: Mapping[str, Any], assets: KnownAssets) -> dict[str, Any]:
    """Return the same as plain tables of TOML values."""
    tables: dict[str, Any] = {"mode": config.mode, "seed": config.seed, "speed": config.speed, "data": config.data}
    for table in config.tables:
        folder = tables.setdefault(KIND_BY_NAME[table.kind].folder, {})
        folder[table.name] = _table(table, settings, assets)
    tables["execution"] = plain(config.execution, assets)
    tables["books"] = {book.id: _book(book) for book in config.books}
    if config.assets:
        tables["assets"] = {symbol: {"id": asset.id, "decimals": asset.decimals} for symbol, asset in config.assets.items()}
    tables["live"] = plain(config.live, assets)
    if config.signer is not None:
        tables["signer"] = signer_table(config.signer)
    return tables


def plain(value: Any, assets: KnownAssets) -> Any:
    """Return a setting as a TOML value that reads back to it; what is None is left out of tables and lists."""
    if isinstance(value, Secret):
        return value.reference
    if isinstance(value, AssetAmount):
        asset = assets.by_id[value.asset]
        name = asset.symbol if assets.by_symbol.get(asset.symbol) == asset else asset.id
        return f"{whole_tokens(value.amount, asset)} {name}"
    if attrs.has(type(value)):
        named = {attribute.alias: getattr(value, attribute.name) for attribute in attrs.fields(type(value)) if attribute.init}
        return {str(key): plain(inner, assets) for key, inner in named.items() if inner is not None}
    if isinstance(value, Enum):
        return value.value if isinstance(value.value, str | int) else value.name
    if isinstance(value, Mapping):
        return {str(key): plain(inner, assets) for key, inner in value.items() if inner is not None}
    if isinstance(value, set | frozenset):
        return sorted((plain(inner, assets) for inner in value), key=str)
    if isinstance(value, list | tuple):
        return [plain(inner, assets) for inner in value if inner is not None]
    if isinstance(value, bool | int | float | str | date | time):
        return value
    return str(value) if isinstance(value, Decimal) else f"{value}"


def _table(table: PluginTable, settings: Mapping[str, Any], assets: KnownAssets) -> dict[str, Any]:
    if not table.enabled:
        return {"enabled": False}
    found: dict[str, Any] = {"enabled": True, "priority": table.priority}
    if table.policy is not None:
        policy = {attribute.name: getattr(table.policy, attribute.name) for attribute in attrs.fields(DexPolicy)}
        found |= {key: value for key, value in policy.items() if value is not None and key != "priority"}
    if table.kind in ISOLABLE:
        found |= {"isolation": table.isolation, "memory_mb": table.memory_mb}
    found.update(plain(settings[table.path], assets))
    return found


def _book(book: BookConfig) -> dict[str, Any]:
    found: dict[str, Any] = {"base": book.base, "capital": dict(book.capital), "accounts": dict(book.accounts)}
    if book.strategies is not None:
        found["strategies"] = list(book.strategies)
    return {key: value for key, value in found.items() if value}
