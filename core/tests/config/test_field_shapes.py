"""The field's shapes of a configuration load unchanged."""

from decimal import Decimal
from pathlib import Path

import pytest

from tidemill.config.load import load_config, parse_config
from tidemill.config.model import Config
from tidemill.domain.snapshot import DexPolicy
from tidemill.errors import ConfigError

FIELD = Path(__file__).parent / "files" / "field.toml"


@pytest.fixture
def field() -> Config:
    return load_config(FIELD, {})


def test_dex_array_gives_tables_in_order_with_policies(field: Config) -> None:
    """Every ``[[dex]]`` is the table of the DEX that its name says, disabled ones too."""
    dexes = [table for table in field.tables if table.kind == "dex"]

    assert [("uniswap", True, 10), ("raydium", False, 5)] == [(one.name, one.enabled, one.priority) for one in dexes]
    assert DexPolicy(10, 50_000, 100, 30, False) == dexes[0].policy
    assert DexPolicy(5, 100_000, 50, 25, True) == dexes[1].policy
    assert [{}, {}] == [one.settings for one in dexes]


def test_strategies_keep_their_settings(field: Config) -> None:
    """What is not the kernel's stands in ``settings`` as it was written; a table without ``enabled`` is on."""
    settings = {table.name: (table.enabled, dict(table.settings)) for table in field.tables if table.kind == "strategy"}

    assert {
        "triangular": (True, {"min_profit_bps": 50, "max_hops": 4, "prefer_high_liquidity": True}),
        "statistical": (
            True,
            {
                "lookback_hours": 24,
                "z_score_threshold": Decimal("2.0"),
                "correlation_threshold": Decimal("0.8"),
                "min_profit_bps": 30,
                "rebalance_interval_hours": 6,
            },
        ),
        "latency": (True, {"max_age_ms": 100, "min_price_deviation_bps": 20, "execution_urgency": "critical"}),
    } == settings


def test_strategy_priorities_go_into_the_tables(field: Config) -> None:
    """``[strategy_priorities]`` is the priority of the strategies that have a table; others may be listed."""
    assert {"triangular": 50, "statistical": 25, "latency": 100} == {
        table.name: table.priority for table in field.tables if table.kind == "strategy"
    }
    assert 10 == field.strategy_priorities["compound"]


def test_kinds_without_a_table_are_served_by_ours(field: Config) -> None:
    """A file that says nothing of search, risk, store and notifier has ours."""
    assert ["search.cycles", "risk.limits", "stores.sqlite", "notifiers.console"] == [table.path for table in field.tables[-4:]]


def test_disabled_kind_is_not_implied() -> None:
    """A file that turns a kind's only table off means it."""
    config = parse_config("[notifiers.console]\nenabled = false", "x.toml", {})

    assert () == config.enabled("notifier")


@pytest.mark.parametrize(
    "text",
    [
        '[[dex]]\nname = "uniswap"\n[dex.sushiswap]\nenabled = true\n',
        '[dex.sushiswap]\nenabled = true\n[[dex]]\nname = "uniswap"\n',
    ],
)
def test_dex_in_both_shapes_says_so(text: str) -> None:
    """``[[dex]]`` and ``[dex.NAME]`` in one file is an error that says so, whichever comes first."""
    with pytest.raises(ConfigError) as caught:
        parse_config(text, "x.toml", {})

    assert ["x.toml:3  $.dex  [[dex]] and [dex.NAME] stand in one file: write every DEX in the same way"] == [
        str(problem) for problem in caught.value.problems
    ]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ('[[dex]]\nname = "a"\n[[dex]]\nname = "a"', "x.toml:4  $.dex[1].name  there is already a [[dex]] named a"),
        ("[[dex]]\npriority = 1", 'x.toml:1  $.dex[0]  expected a table with name = "…", the name of an installed DEX plugin'),
        ("dex = [3]", 'x.toml:1  $.dex[0]  expected a table with name = "…", the name of an installed DEX plugin'),
    ],
)
def test_dex_array_without_distinct_names_is_refused(text: str, problem: str) -> None:
    """Every ``[[dex]]`` has a name of its own."""
    with pytest.raises(ConfigError) as caught:
        parse_config(text, "x.toml", {})

    assert [problem] == [str(one) for one in caught.value.problems]
