"""The configuration in headers: canonical JSON that reads back to an equal configuration, without secrets."""

import json
import os
import subprocess
import sys
from datetime import date
from pathlib import Path

import pytest

from tidemill.config.load import default_config, load_config, parse_config
from tidemill.config.model import Config, PluginTable
from tidemill.config.text import config_from_json, config_to_json
from tidemill.errors import ConfigError

FIELD = Path(__file__).parent / "files" / "field.toml"


@pytest.mark.parametrize("kind", ["sim", "uniswap-v2-pairs", "evm-pools"])
def test_config_json_reads_back_equal(kind: str) -> None:
    """What was written reads back to an equal configuration, and writing that gives the same text."""
    config = default_config(kind, {})
    text = config_to_json(config)

    assert config == config_from_json(text)
    assert text == config_to_json(config_from_json(text))


def test_config_json_keeps_numbers_as_written() -> None:
    """Numbers with a point, dates, books and lists survive; numbers digit by digit."""
    text = '[strategies.a]\nz = 2.00\nn = [1, 0.1]\nd = 2020-10-03\nt = { u = "é" }\n[books.x]\nbase = "A"\nstrategies = ["a"]'
    config = parse_config(text, "x.toml", {})
    read = config_from_json(config_to_json(config))

    assert '"z":2.00' in config_to_json(config)
    assert {**config.tables[0].settings, "d": date(2020, 10, 3).isoformat()} == read.tables[0].settings
    assert config.books == read.books


def test_config_json_is_the_same_text_whatever_the_order() -> None:
    """Keys are sorted; the order of tables and books counts and stays."""
    one = parse_config("[strategies.a]\nx = 1\ny = 2\n[chains.c]\n", "one.toml", {})
    other = parse_config('data = "elsewhere"\n[strategies.a]\ny = 2\nx = 1\n[chains.c]\n', "other.toml", {})
    turned = parse_config("[chains.c]\n[strategies.a]\nx = 1\ny = 2\n", "turned.toml", {})

    assert config_to_json(one) == config_to_json(other) != config_to_json(turned)


def test_config_json_disabled_settings_are_left_out() -> None:
    """What a disabled table says cannot influence a run."""
    found = json.loads(config_to_json(load_config(FIELD, {})))
    raydium = next(table for table in found["tables"] if table["name"] == "raydium")

    assert (False, {}) == (raydium["enabled"], raydium["settings"])


def test_config_json_holds_references_and_refuses_inline_secrets() -> None:
    """A reference is written; a secret that Python code put in is refused, unseen."""
    by_reference = Config(tables=(PluginTable("notifier", "n", settings={"bot_token": "env:TOKEN"}),))
    inline = Config(tables=(PluginTable("notifier", "n", settings={"deep": {"bot_token": "canary"}}),))

    assert '"bot_token":"env:TOKEN"' in config_to_json(by_reference)
    with pytest.raises(ConfigError) as caught:
        config_to_json(inline)
    assert "canary" not in str(caught.value)


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"mode":"paper"}', config_to_json(Config()).replace('"latency_blocks"', '"lag"')])
def test_config_from_json_other_text_is_refused(text: str) -> None:
    """A header that is not ours is a configuration error."""
    with pytest.raises(ConfigError, match="recorded header"):
        config_from_json(text)


def test_r4_config_json_does_not_depend_on_the_hash_seed() -> None:
    """The same configuration gives the same text under any hash seed."""
    code = (
        "from tidemill.config.load import default_config as d; from tidemill.config.text import config_to_json as j; print(j(d('sim', {})))"
    )
    texts = {
        subprocess.run([sys.executable, "-c", code], env={**os.environ, "PYTHONHASHSEED": seed}, capture_output=True, check=True).stdout
        for seed in ("1", "2")
    }

    assert 1 == len(texts)
