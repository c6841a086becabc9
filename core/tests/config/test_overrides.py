"""Variables set any key, and say their own name when they are wrong."""

import pytest

from tidemill.config.load import default_config, parse_config
from tidemill.errors import ConfigError


def test_override_existing_and_new_keys_are_set() -> None:
    """A variable sets a key of the file or adds one; names are found whatever their case."""
    config = default_config(
        "sim",
        {
            "TIDEMILL__MODE": "live",
            "TIDEMILL__SPEED": '"max"',
            "TIDEMILL__DEX__UNISWAP__FEE_BPS": "30",
            "TIDEMILL__STRATEGIES__TRIANGULAR__MAX_HOPS": "3",
            "TIDEMILL__STRATEGIES__MOMENTUM__ENABLED": "false",
            "TIDEMILL__BOOKS__MAIN__CAPITAL__DAI": "1.5",
            "TIDEMILL__BOOKS__MAIN__CAPITAL__USDC": "1",
            "TIDEMILL__ASSETS__DAI__ID": "eip155:1/erc20:0x" + "01" * 20,
            "TIDEMILL__ASSETS__DAI__DECIMALS": "18",
            "OTHER__MODE": "x",
        },
    )
    tables = {table.path: table for table in config.tables}

    assert ("live", "max") == (config.mode, config.speed)
    assert tables["dex.uniswap"].policy is not None
    assert 30 == tables["dex.uniswap"].policy.fee_bps
    assert {"top": 20, "max_hops": 3} == tables["strategies.triangular"].settings
    assert not tables["strategies.momentum"].enabled
    assert {"USDC": "1", "WETH": "20", "ETH": "10", "DAI": "1.5"} == config.books[0].capital
    assert ["DAI"] == list(config.assets)


def test_override_dex_array_is_entered_by_name() -> None:
    """In ``[[dex]]`` a table is found by its name, or added."""
    config = parse_config(
        '[[dex]]\nname = "uniswap"\n', "x.toml", {"TIDEMILL__DEX__UNISWAP__PRIORITY": "4", "TIDEMILL__DEX__ORCA__PRIORITY": "2"}
    )

    assert [("uniswap", 4), ("orca", 2)] == [(table.name, table.priority) for table in config.tables if table.kind == "dex"]


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("TIDEMILL__SEED", "many", 'TIDEMILL__SEED  $.seed  expected a whole number, found text "many"'),
        ("TIDEMILL__SED", "1", "TIDEMILL__SED  $.sed  unknown key; did you mean seed?"),
        ("TIDEMILL__EXECUTION__LATENCY_BLOCKS", "0", "TIDEMILL__EXECUTION__LATENCY_BLOCKS  $.execution.latency_blocks  must be >= 1"),
        ("TIDEMILL__X", "[1", "TIDEMILL__X  $  expected a TOML value: a number, true, false"),
        ("TIDEMILL__X", "1\ny = 2", "TIDEMILL__X  $  expected one TOML value, found several lines"),
        ("TIDEMILL__X", "nan", "TIDEMILL__X  $  expected a finite number"),
        ("TIDEMILL____X", "1", "TIDEMILL____X  $  expected TIDEMILL__TABLE__KEY"),
        ("TIDEMILL__SEED__X", "1", "TIDEMILL__SEED__X  $  seed is a value, not a table: x cannot be set in it"),
        ("TIDEMILL__STRATEGIES__A__LIST__0", "1", "TIDEMILL__STRATEGIES__A__LIST__0  $  strategies.a.list is a list: set the whole list"),
        ("TIDEMILL__STRATEGIES__A__LIST__0__B", "1", "TIDEMILL__STRATEGIES__A__LIST__0__B  $  strategies.a.list is a list"),
        ("TIDEMILL__DEX__ACME__FEE_BPS", "true", "TIDEMILL__DEX__ACME__FEE_BPS  $.dex.acme.fee_bps  expected a whole number, found true"),
    ],
)
def test_override_wrong_names_the_variable(name: str, value: str, expected: str) -> None:
    """A problem that a variable causes is put to the variable, not to the file."""
    with pytest.raises(ConfigError) as caught:
        parse_config("seed = 1\n[strategies.a]\nlist = [1]", "x.toml", {name: value})

    assert [True] == [str(problem).startswith(expected) for problem in caught.value.problems]


def test_override_secret_is_never_repeated() -> None:
    """A secret in a variable is refused like one in the file, and no message holds it."""
    environ = {"TIDEMILL__STRATEGIES__A__PRIVATE_KEY": "canary", "TIDEMILL__STRATEGIES__A__OTHER": '"canary'}

    with pytest.raises(ConfigError) as caught:
        parse_config("", "x.toml", environ)

    assert (2, False) == (len(caught.value.problems), "canary" in str(caught.value))


def test_override_problem_of_a_table_made_by_variables_names_one() -> None:
    """A table that only variables made is put to the first of them."""
    config = parse_config("", "x.toml", {"TIDEMILL__STRATEGIES__ZZ__B": "1", "TIDEMILL__STRATEGIES__ZZ__A": "1"})

    assert "TIDEMILL__STRATEGIES__ZZ__A  $.strategies.zz  m" == str(config.tables[0].problem("m"))
