"""``tidemill plugins``: from metadata alone."""

import json
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result

from tidemill.api import plugins as listing
from tidemill.api.plugins import list_plugins
from tidemill.config.load import parse_config

Install = Callable[..., Path]
Tidemill = Callable[..., Result]


def test_plugins_lists_what_is_installed(tidemill: Tidemill, tmp_path: Path) -> None:
    """Every plugin of the workspace is listed with its fields; what the default enables is marked."""
    rows = [json.loads(line) for line in tidemill("plugins", "--json").stdout.splitlines()]
    by_name = {row["name"]: row for row in rows}

    assert ["name", "kind", "version", "distribution", "enabled", "sentence", "interface", "refused"] == list(rows[0])
    assert {
        "name": "dex.sushiswap",
        "kind": "dex",
        "version": "0.1.0",
        "distribution": "tidemill-dex-uniswap",
        "enabled": True,
        "sentence": "Uniswap V2 and V3 pools and their forks SushiSwap, QuickSwap and PancakeSwap, exact to the unit",
        "interface": 1,
        "refused": "",
    } == by_name["dex.sushiswap"]
    assert not by_name["notifiers.jsonl"]["enabled"]
    assert sorted((row["kind"], row["name"]) for row in rows) == [(row["kind"], row["name"]) for row in rows]


def test_r10_listing_imports_no_plugin(tidemill: Tidemill, install: Install) -> None:
    """R10: listing runs no plugin's code, and a plugin of another interface is listed with why it is refused."""
    install("acme-lag", "acme_lag", "raise SystemExit", interface=3)

    output = tidemill("plugins").stdout
    line = next(line for line in output.splitlines() if line.startswith("strategies.lag "))

    assert ["strategies.lag", "strategy", "1.2.3", "acme-lag", "refused"] == line.split()[:5]
    assert "is made for version 3 of the strategy interface" in line
    assert "acme_lag" not in sys.modules


def test_plugins_enabled_is_the_configurations_word(tidemill: Tidemill, tmp_path: Path) -> None:
    """With a configuration its enabled plugins are marked; the table for people says yes and no."""
    (tmp_path / "x.toml").write_text("[dex.uniswap]\n[dex.quickswap]\nenabled = false\n")

    lines = tidemill("plugins", "--config", "x.toml").stdout.splitlines()
    enabled = {line.split()[0]: line.split()[4] for line in lines}

    assert ("enabled", "yes", "no", "no") == (enabled["name"], *(enabled[f"dex.{name}"] for name in ("uniswap", "quickswap", "sushiswap")))


def test_plugins_none_installed_says_so(tidemill: Tidemill, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without any plugin there is a sentence, and no JSON at all."""
    monkeypatch.setattr(listing, "find_plugins", lambda: ())

    assert ("no plugins are installed\n", "") == (tidemill("plugins").stdout, tidemill("plugins", "--json").stdout)


def test_list_plugins_takes_a_configuration() -> None:
    """From Python a loaded configuration may be given."""
    config = parse_config("[dex.uniswap]", "x.toml", {})

    assert ["dex.uniswap"] == [plugin.name for plugin in list_plugins(config) if plugin.enabled and plugin.kind == "dex"]
