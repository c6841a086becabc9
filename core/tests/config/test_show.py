"""The effective configuration: everything written out, loads again to the same, secrets as references."""

import tomllib
from decimal import Decimal
from enum import Enum
from pathlib import Path
from typing import Any

import attrs
import pytest

from tidemill import AssetAmount, AssetId, settings
from tidemill.config.assets import KnownAssets
from tidemill.config.load import parse_config
from tidemill.config.secret import Secret
from tidemill.config.settings import make_settings
from tidemill.config.show import config_to_toml
from tidemill.domain.asset import Asset
from tidemill.hookspecs.plugin import NoSettings, Plugin

USD = Asset(AssetId("acme:1/erc20:0x01"), "USD", 6)
FORGED = Asset(AssetId("acme:1/erc20:0x02"), "USD", 2)
ASSETS = KnownAssets({"USD": USD, "USD2": FORGED})


class Urgency(Enum):
    LOW = "low"
    HIGH = "high"


class Order(Enum):
    FIRST = (1, 2)


@settings
class Inner:
    weight: Decimal = Decimal("0.10")
    nothing: int | None = None


@settings
class Shown:
    most: AssetAmount | None = None
    least: AssetAmount | None = None
    absent: int | None = None
    key: Secret | None = None
    urgency: Urgency = Urgency.HIGH
    order: Order = Order.FIRST
    inner: Inner = Inner()
    weights: dict[str, Inner] = attrs.field(factory=dict)
    names: tuple[str, ...] = ()
    chosen: frozenset[int] = frozenset()
    ratio: float = 0.5
    folder: Path = Path("a/b")
    on: bool = True


class Showing(Plugin):
    name = "showing"
    settings: Shown


TEXT = """
mode = "paper"
[strategies.showing]
most = "2_000.50 USD"
least = "1 acme:1/erc20:0x02"
key = "env:CANARY"
names = ["b", "a"]
chosen = [3, 1]
weights = { x = { weight = 1 } }
[dex.acme]
fee_bps = 30
priority = 4
[dex.off]
enabled = false
api_key = "env:OTHER"
[strategy_priorities]
showing = 7
[assets]
USD = { id = "acme:1/erc20:0x01", decimals = 6 }
[books.main]
base = "USD"
strategies = ["showing"]
capital = { USD = 3 }
"""


def shown(text: str, monkeypatch: pytest.MonkeyPatch) -> tuple[str, Any]:
    monkeypatch.setenv("CANARY", "canary-value")
    config = parse_config(text, "x.toml", {})
    made = make_settings(config.tables[0], Showing, ASSETS)
    others = {table.path: NoSettings() for table in config.tables if table.enabled}
    return config_to_toml(config, {**others, "strategies.showing": made}, ASSETS), made


def test_config_to_toml_writes_everything_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """Defaults, priorities and policies are written out; of a disabled table only that it is."""
    text, _ = shown(TEXT, monkeypatch)
    found = tomllib.loads(text)

    assert {
        "enabled": True,
        "priority": 7,
        "isolation": "none",
        "memory_mb": 0,
        "most": "2000.5 USD",
        "least": "1 acme:1/erc20:0x02",
        "key": "env:CANARY",
        "urgency": "high",
        "order": "FIRST",
        "inner": {"weight": "0.10"},
        "weights": {"x": {"weight": "1"}},
        "names": ["b", "a"],
        "chosen": [1, 3],
        "ratio": 0.5,
        "folder": "a/b",
        "on": True,
    } == found["strategies"]["showing"]
    assert {"acme": {"enabled": True, "priority": 4, "fee_bps": 30, "oracle_required": False}, "off": {"enabled": False}} == found["dex"]
    assert {"main": {"base": "USD", "capital": {"USD": "3"}, "strategies": ["showing"]}} == found["books"]
    assert "canary-value" not in text


def test_config_to_toml_loads_again_to_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    """The text loads to the same settings, and shows the same again."""
    text, made = shown(TEXT, monkeypatch)

    assert (text, made) == shown(text, monkeypatch)
