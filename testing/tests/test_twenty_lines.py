"""A strategy of twenty lines, as the introduction shows it, runs as it stands."""

import importlib
from pathlib import Path
from types import ModuleType

import pytest

import tidemill
from tidemill.config.load import parse_config
from tidemill_testing.sim import run_strategy

LAG = '''
"""Buy on the venue that lags, sell on the one that leads, in one transaction."""
from collections.abc import Iterator

from tidemill import Bps, Opportunity, Snapshot, Strategy, hookimpl, settings


@settings
class LagSettings:
    min_edge_bps: Bps = Bps(10)  # after fees, before gas


class Lag(Strategy):
    name = "lag"
    settings: LagSettings

    def find_opportunities(self, snapshot: Snapshot) -> Iterator[Opportunity]:
        for pair in snapshot.changed.pairs:
            cheap, dear = snapshot.cheapest(pair), snapshot.dearest(pair)
            if cheap.edge_bps(dear) >= self.settings.min_edge_bps:
                yield self.opportunity(buy=cheap, sell=dear)


@hookimpl
def tidemill_register_strategies():
    return [Lag]
'''
CONFIG = """
mode = "paper"
seed = 1

[chains.sim]
[prices.sim]
[lenders.sim]
[dex.uniswap]
[dex.sushiswap]
[dex.quickswap]
[dex.pancakeswap]
[strategies.lag]
min_edge_bps = 20
[risk.limits]

[books.main]
base = "USDC"
capital = { USDC = 50_000, WETH = 20, ETH = 10 }
"""


@pytest.fixture
def lag(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The twenty lines as an installed plugin: a module, and an entry point beside it."""
    (tmp_path / "lag_of_twenty_lines.py").write_text(LAG.lstrip(), "utf-8")
    described = tmp_path / "tidemill_strategy_lag-0.1.0.dist-info"
    described.mkdir()
    (described / "METADATA").write_text("Metadata-Version: 2.1\nName: tidemill-strategy-lag\nVersion: 0.1.0\n", "utf-8")
    (described / "entry_points.txt").write_text("[tidemill.strategy.v1]\nlag = lag_of_twenty_lines\n", "utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    return importlib.import_module("lag_of_twenty_lines")


def test_twenty_lines_on_the_simulated_market_trade(lag: ModuleType) -> None:
    """Its test is five lines: plans are made, and fill in paper."""
    run = run_strategy(lag.Lag, blocks=12, seed=2)

    assert run.summary.fills > 0
    assert run.summary.plans >= run.summary.fills
    assert any(amount > 0 for amount in run.summary.pnl.values())


def test_twenty_lines_take_settings_from_the_author(lag: ModuleType) -> None:
    """A greater edge asks for more, and finds less."""
    usual, choosy = (run_strategy(lag.Lag, {"min_edge_bps": edge}, blocks=12, seed=2).summary.opportunities for edge in (10, 200))

    assert usual > choosy


def test_twenty_lines_installed_are_found_enabled_and_run(lag: ModuleType, tmp_path: Path) -> None:
    """With an entry point and a table of its own the same lines trade in ``tidemill run``."""
    options = tidemill.RunOptions(blocks=40, speed="max", data=tmp_path / "data")
    summary = tidemill.run(parse_config(CONFIG, "the test", {}), options, notifiers=())

    assert summary.fills > 0
