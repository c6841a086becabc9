"""A pipeline that could trade with real money, with texts of its configuration replaced."""

from collections.abc import Callable
from types import SimpleNamespace

import pytest

from tidemill.config.load import parse_config
from tidemill.pipeline.assemble import Pipeline, assemble

ACCOUNT = "0x00000000000000000000000000000000000000aa"
EXECUTOR = "0x51b0000000000000000000000000000000000ec5"
USDC = "sim:1/erc20:0x1cf38e97d09b700d5ec0c2879a4b2c2b1a5da5b4"
CONFIG = f"""
mode = "live"
[chains.sim]
[dex.uniswap]
[strategies.triangular]
[risk.limits]
max_trade = "1_000 USDC"
[stores.sqlite]
[codecs.sim]
[books.main]
base = "USDC"
[books.main.accounts]
"sim:1" = "{ACCOUNT}"
[signer]
keystore = "keys"
live = true
[signer.chains."sim:1"]
keys = ["main"]
decimals = 18
max_fee = "0.05"
max_fee_per_day = "2"
[signer.chains."sim:1".targets]
{EXECUTOR} = ["*"]
[signer.chains."sim:1".spends."{USDC}"]
decimals = 6
per_transaction = "1_000"
per_day = "10_000"
"""

Made = Callable[..., Pipeline]


@pytest.fixture
def made() -> Made:
    """Assemble the pipeline with texts of the configuration replaced."""

    def make(*changes: tuple[str, str]) -> Pipeline:
        text = CONFIG
        for old, new in changes:
            assert old in text
            text = text.replace(old, new)
        return assemble(parse_config(text, "tidemill.toml", {}), live=True)

    return make


@pytest.fixture
def named() -> SimpleNamespace:
    """What the configuration names."""
    return SimpleNamespace(account=ACCOUNT, executor=EXECUTOR, usdc=USDC, config=CONFIG)
