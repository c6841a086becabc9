"""Installs the strategy of two legs into a folder that a command finds on its path, and says which markets have work for it."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

SPLIT = Path(__file__).with_name("split.py")
DIST = "tidemill_strategy_split-1.0.dist-info"
MARKET: Mapping[str, Any] = {"tokens": 12, "pools": 72, "informed_hub_ppm": 0, "competitor_share_ppm": 200_000}
"""Several pools for a pair of hub tokens, and few who watch them: both legs of a trade can be paid from what an account holds."""
PAPER = """\
seed = {seed}
speed = "max"
data = "data"
[execution]
warm = false
max_exposure = "200_000 USDC"
[chains.sim]
{settings}
[prices.sim]
tokens = {tokens}
[dex.uniswap]
[dex.sushiswap]
[dex.quickswap]
[dex.pancakeswap]
[search.cycles]
[strategies.split]
{split}
[risk.limits]
[stores.sqlite]
[books.main]
base = "USDC"
[books.main.capital]
USDC = 100_000
USDT = 100_000
DAI = 100_000
WETH = 40
WBTC = 2
ETH = 10
"""


def install_split(site: Path) -> None:
    """Put the strategy into a folder as an installed distribution."""
    site.mkdir(exist_ok=True)
    (site / "tidemill_strategy_split.py").write_text(SPLIT.read_text("utf-8"))
    metadata = site / DIST
    metadata.mkdir(exist_ok=True)
    (metadata / "entry_points.txt").write_text("[tidemill.strategy.v1]\nsplit = tidemill_strategy_split\n")
    (metadata / "METADATA").write_text("Metadata-Version: 2.4\nName: tidemill-strategy-split\nVersion: 1.0\nSummary: Two legs.\n")


def paper_config(seed: int, split: str = "min_edge_bps = 5", **settings: Any) -> str:
    """Return a configuration on paper whose only strategy is the one of two legs."""
    chosen = {**MARKET, **settings}
    lines = "\n".join(f"{name} = {value}" for name, value in chosen.items())
    return PAPER.format(seed=seed, settings=lines, tokens=chosen["tokens"], split=split)
