"""The default configurations are valid files of their own, and what they say is what runs."""

import gzip
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from tidemill.config.defaults import DEFAULTS, default_text
from tidemill.config.load import default_config, load_config
from tidemill.config.model import ExecutionConfig
from tidemill.discovery.packages import PACKAGES

Recorded = Callable[[str], Path]


@pytest.mark.parametrize("kind", DEFAULTS)
def test_default_text_as_a_file_equals_the_default(kind: str, tmp_path: Path) -> None:
    """A file with the default's text loads to the default, and every plugin in it is one of ours."""
    path = tmp_path / "tidemill.toml"
    path.write_text(default_text(kind), "utf-8")
    config = load_config(path, {})

    assert default_config(kind, {}) == config
    assert {table.path for table in config.tables} <= set(PACKAGES)
    assert ExecutionConfig() == config.execution


def test_default_sim_enables_the_starter_plugins() -> None:
    """The simulated market runs with the starter set but its longer searches, in paper mode, with paper money in a main book."""
    config = default_config("sim", {})
    not_started = {"chains.recorded", "notifiers.jsonl", "strategies.compound", "strategies.temporal"}

    assert ("paper", "USDC") == (config.mode, config.books[0].base)
    in_tables = {path for path in PACKAGES if not path.startswith(("codecs.", "commands."))}
    assert in_tables - not_started == {table.path for table in config.tables if table.enabled}
    assert {"USDC": "50000", "WETH": "20", "ETH": "10"} == config.books[0].capital


def test_default_uniswap_v2_pairs_is_the_recorded_chain() -> None:
    """Recorded pairs are traded with own paper money on Ethereum's chain, without a lender, from 0.001 WETH on."""
    config = default_config("uniswap-v2-pairs", {})
    settings = {table.path: dict(table.settings) for table in config.tables}

    assert ("WETH", {"WETH": "100", "ETH": "10"}) == (config.books[0].base, config.books[0].capital)
    assert () == config.enabled("lender")
    assert ["0.001 WETH"] * 2 == [settings[f"strategies.{name}"]["min_net_profit"] for name in ("triangular", "spatial")]
    assert ["ETH", "WETH", "USDC", "USDT", "DAI", "WBTC"] == list(config.assets)


def test_default_evm_pools_is_that_of_pairs_with_the_forks_of_its_chain() -> None:
    """Recorded pools are traded as recorded pairs are; on Ethereum they can be of three DEXs."""
    config, pairs = default_config("evm-pools", {}), default_config("uniswap-v2-pairs", {})

    assert (pairs.books, pairs.assets, pairs.execution) == (config.books, config.assets, config.execution)
    assert {"dex.sushiswap", "dex.pancakeswap"} == {table.path for table in config.tables} - {table.path for table in pairs.tables}


def test_default_uniswap_v2_pairs_verified_assets_are_the_real_ones(recorded: Recorded) -> None:
    """Symbols and decimals of the verified assets are those of the recorded contracts with these addresses."""
    pairs = json.loads(gzip.decompress(recorded("dex/uniswap_v2_pairs_reserves_2020-10.json.gz").read_bytes()))
    known = {
        f"eip155:1/erc20:{token['address'].lower()}": (token["symbol"], token["decimal"])
        for pair in pairs
        for token in (pair["token0"], pair["token1"])
    }
    assets = [asset for asset in default_config("uniswap-v2-pairs", {}).assets.values() if "erc20" in asset.id]

    assert 5 == len(assets)
    assert [(asset.symbol, asset.decimals) for asset in assets] == [known[asset.id] for asset in assets]
