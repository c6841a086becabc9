"""The configuration as canonical JSON, for the headers of tapes and runs: equal configurations give equal text."""

import json
from collections.abc import Mapping
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any

from attrs import fields

from tidemill.config.model import BookConfig, Config, ExecutionConfig, PluginTable
from tidemill.config.place import json_path
from tidemill.config.read import leaves
from tidemill.config.secret import INLINE, is_reference, names_a_secret
from tidemill.domain.asset import Asset
from tidemill.domain.ids import AssetId, BookId
from tidemill.domain.snapshot import DexPolicy
from tidemill.errors import ConfigError, Problem


def config_to_json(config: Config) -> str:
    """Return what can influence a run, as one line of JSON with sorted keys.

    Left out: where it came from, the ledger's folder (another machine has another), the settings of disabled tables, and what the signer
    enforces, which it alone reads and tells. Secrets are references, as everywhere.

    Raises:
        ConfigError: a table made in Python holds a secret inline.
    """
    return _dump(
        {
            "assets": {symbol: {"decimals": asset.decimals, "id": asset.id} for symbol, asset in config.assets.items()},
            "books": [_book(book) for book in config.books],
            "execution": {name: getattr(config.execution, name) for name in _names(ExecutionConfig)},
            "mode": config.mode,
            "seed": config.seed,
            "speed": config.speed,
            "strategy_priorities": dict(config.strategy_priorities),
            "tables": [_table(table) for table in config.tables],
        }
    )


def config_from_json(text: str) -> Config:
    """Return the configuration of a tape's or run's header.

    Raises:
        ConfigError: the text is not what ``config_to_json`` writes.
    """
    try:
        found = json.loads(text, parse_float=Decimal)
        return Config(
            mode=found["mode"],
            seed=found["seed"],
            speed=found["speed"],
            tables=tuple(_read_table(table) for table in found["tables"]),
            books=tuple(_read_book(book) for book in found["books"]),
            execution=ExecutionConfig(**found["execution"]),
            assets={symbol: Asset(AssetId(asset["id"]), symbol, asset["decimals"]) for symbol, asset in found["assets"].items()},
            strategy_priorities=found["strategy_priorities"],
            source="a recorded header",
        )
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        message = f"is not a configuration that tidemill wrote: {type(error).__name__}: {error}"
        raise ConfigError([Problem("$", message, "recorded header")]) from error


def _names(kind: type[Any]) -> list[str]:
    return [attribute.name for attribute in fields(kind)]


def _book(book: BookConfig) -> dict[str, Any]:
    return {
        "accounts": dict(book.accounts),
        "base": book.base,
        "capital": dict(book.capital),
        "id": book.id,
        "strategies": None if book.strategies is None else list(book.strategies),
    }


def _read_book(found: Mapping[str, Any]) -> BookConfig:
    strategies = found["strategies"]
    return BookConfig(
        BookId(found["id"]), found["base"], found["capital"], found["accounts"], None if strategies is None else tuple(strategies)
    )


def _table(table: PluginTable) -> dict[str, Any]:
    settings = table.settings if table.enabled else {}
    for keys, value in leaves(settings):
        if names_a_secret(str(keys[-1])) and isinstance(value, str) and not is_reference(value):
            raise ConfigError([Problem(json_path((table.path, *keys)), INLINE)])
    policy = None if table.policy is None else {name: getattr(table.policy, name) for name in _names(DexPolicy)}
    return {
        "enabled": table.enabled,
        "isolation": table.isolation,
        "kind": table.kind,
        "memory_mb": table.memory_mb,
        "name": table.name,
        "policy": policy,
        "priority": table.priority,
        "settings": settings,
    }


def _read_table(found: Mapping[str, Any]) -> PluginTable:
    policy = None if found["policy"] is None else DexPolicy(**found["policy"])
    return PluginTable(
        found["kind"],
        found["name"],
        found["enabled"],
        found["priority"],
        found["settings"],
        policy,
        found.get("isolation", "none"),
        found.get("memory_mb", 0),
    )


def _dump(value: Any) -> str:
    """Return canonical JSON; a ``Decimal`` is written digit by digit, which the json module cannot."""
    if isinstance(value, Mapping):
        return "{" + ",".join(f"{json.dumps(str(key))}:{_dump(value[key])}" for key in sorted(value)) + "}"
    if isinstance(value, list | tuple):
        return "[" + ",".join(map(_dump, value)) + "]"
    if isinstance(value, Decimal):
        return str(value)
    if isinstance(value, datetime | date | time):
        return json.dumps(value.isoformat())
    return json.dumps(value)
