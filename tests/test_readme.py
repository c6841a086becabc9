"""The README says what is true: its picture, its commands and its strategy are the real ones."""

import re
from pathlib import Path
from typing import Any

import pytest

from tidemill.cli.main import COMMANDS
from tidemill.domain.opportunity import Arbitrage
from tidemill.stages.flow import draw_flow
from tidemill_testing.market import pair_pool, snapshot_of, token

README = (Path(__file__).parents[1] / "README.md").read_text("utf-8")
BLOCKS = re.findall(r"^```(\w+)\n(.*?)^```", README, re.MULTILINE | re.DOTALL)


def test_readme_picture_is_made_from_flow() -> None:
    """The picture of the pipeline is what FLOW draws."""
    assert draw_flow() in README


def test_readme_first_two_shell_blocks_hold_one_command_each() -> None:
    """The first shell block runs the main job, the second the tests; each is one line."""
    shell = [text.strip() for language, text in BLOCKS if language == "sh"]

    assert ["pip install uv && uv run --no-dev tidemill run", "pip install uv && uv run nox"] == shell


def test_readme_names_commands_that_exist() -> None:
    """Every `tidemill …` command that the README names is one."""
    named = set(re.findall(r"`tidemill ([a-z]+)", README))

    assert named
    assert named <= set(COMMANDS)


@pytest.mark.parametrize("edge_bps", [300, 0])
def test_readme_strategy_finds_the_lag_between_two_pools(edge_bps: int) -> None:
    """The strategy of the README runs as it stands: it sees a lag beyond its minimum, and none where there is none."""
    source = next(text for language, text in BLOCKS if language == "python")
    found: dict[str, Any] = {}
    exec(source, found)
    one, other = token("WETH"), token("USD")
    deep = 10**21
    pools = [pair_pool("a", {one: deep, other: deep}), pair_pool("b", {one: deep, other: deep * (10_000 + edge_bps) // 10_000})]
    strategy = found["tidemill_register_strategies"]()[0]()
    proposals = list(strategy.find_opportunities(snapshot_of(pools)))

    assert (1 if edge_bps else 0) == len(proposals)
    assert all(isinstance(proposal, Arbitrage) and len(proposal.legs) == 2 for proposal in proposals)
