"""Market input that is wrong: reserves of nothing, less than nothing and too much, a tape of another chain, names that nobody verified."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.commands import LEAN, Tidemill

Edit = Callable[[list[dict[str, Any]]], None]
FAKE, WETH = "0xff" + "01" * 19, "0xc02aaa39b223fe8d0a0e5c4f27ead9083c756cc2"
DAI = "0x6b175474e89094c44da98b954eedeac495271d0f"

POLYGON = """\
[chains.recorded]
chain = "eip155:137"
native = "eip155:137/slip44:966"
[dex.uniswap]
[search.cycles]
[books.main]
base = "POL"
[assets]
POL = { id = "eip155:137/slip44:966", decimals = 18 }
"""


@pytest.fixture
def tape(tidemill: Tidemill, pair_list: Path, tmp_path: Path) -> str:
    """The five pairs as a tape, by its name in the current folder."""
    assert 0 == tidemill("tape", "import", "uniswap-v2-pairs", str(pair_list), "--out", "pairs.tape").code
    return "pairs.tape"


@pytest.mark.parametrize(
    ("reserve", "words"),
    [
        ("-1", "row 1: reserve0 must be a whole number of base units within 112 bits, found '-1'"),
        (-5, "row 1: reserve0 must be a whole number of base units within 112 bits, found -5"),
        (1 << 112, "row 1: reserve0 must be a whole number of base units within 112 bits"),
        ("9" * 5000, "row 1: reserve0 must be"),
        (1.5, "row 1: reserve0 must be"),
        (None, "row 1: reserve0 must be"),
        ([], "row 1: reserve0 must be"),
        ("0x10", "row 1: reserve0 must be"),
    ],
    ids=["negative text", "negative", "a bit too many", "huge", "fraction", "null", "list", "hexadecimal"],
)
def test_import_of_an_impossible_reserve_names_the_row_and_leaves_nothing(
    reserve: object, words: str, tidemill: Tidemill, pair_list: Path, tmp_path: Path
) -> None:
    """A reserve that no pair can hold stops the import with exit code 1; no tape stands there."""
    rows = json.loads(pair_list.read_text())
    rows[1]["reserve0"] = reserve
    (tmp_path / "pairs.json").write_text(json.dumps(rows))
    done = tidemill("tape", "import", "uniswap-v2-pairs", "pairs.json", "--out", "pairs.tape")

    assert (1, "", 1) == (done.code, done.out, len(done.err.splitlines()))
    assert words in done.err
    assert not (tmp_path / "pairs.tape").exists()


@pytest.mark.parametrize("reserve", [0, 1, (1 << 112) - 1], ids=["nothing", "one unit", "all that fits"])
def test_import_of_a_reserve_at_its_bounds_is_scanned_and_traded(reserve: int, tidemill: Tidemill, pair_list: Path, tmp_path: Path) -> None:
    """Empty pairs are left out and counted; the smallest and the largest reserves neither break a search nor a run."""
    rows = json.loads(pair_list.read_text())
    rows[1]["reserve0"] = rows[3]["reserve1"] = str(reserve)
    (tmp_path / "pairs.json").write_text(json.dumps(rows))
    imported = tidemill("tape", "import", "uniswap-v2-pairs", "pairs.json", "--out", "pairs.tape", "--json").lines[0]
    scanned = tidemill("scan", "pairs.tape", "--start", "WETH", "--hops", "3", "--json")
    ran = tidemill("run", "--tape", "pairs.tape", "--json")

    assert (3 if reserve == 0 else 5, 2 if reserve == 0 else 0) == (imported["pools"], sum(imported["left_out"].values()))
    assert (0, 0, 1) == (scanned.code, ran.code, ran.summary["blocks"])
    assert all(int(row["amount_out"]) - int(row["amount_in"]) == int(row["profit"]) > 0 for row in scanned.lines)


def test_tape_of_another_chain_than_the_configuration_is_refused(tape: str, tidemill: Tidemill, tmp_path: Path) -> None:
    """A configuration for the simulated chain cannot play Ethereum's tape: both chains are named, nothing is traded."""
    assert 0 == tidemill("config", "init", env=LEAN).code
    done = tidemill("run", "--tape", tape, "--config", "tidemill.toml", env=LEAN)

    assert (2, "") == (done.code, done.out)
    assert "the tape is of eip155:1, the configuration is for sim:1" in done.err
    assert not (tmp_path / "tidemill-data").exists()


def test_chain_setting_of_another_chain_is_refused(tape: str, tidemill: Tidemill, tmp_path: Path) -> None:
    """The recorded chain's own setting must name the tape's chain."""
    (tmp_path / "polygon.toml").write_text(POLYGON)
    done = tidemill("run", "--tape", tape, "--config", "polygon.toml")

    assert (2, "") == (done.code, done.out)
    assert "the tape is of eip155:1, the configuration is for eip155:137" in done.err


@pytest.mark.parametrize(
    ("asset", "words"),
    [
        ("SHIB", ["no asset is called 'SHIB'", "WETH"]),
        ("weth", ["no asset is called 'weth'"]),
        ("0x" + "77" * 20, ["no asset is called"]),
        ("eip155:1/erc20:0x" + "77" * 20, ["no pool on the tape trades"]),
        ("", ["no asset is called ''"]),
        ("\x1b[31mUSDC", ["no asset is called"]),
        ("USDT", ["no pool on the tape trades 'USDT' (eip155:1/erc20:0xdac17f958d2ee523a2206206994597c13d831ec7)"]),
    ],
)
def test_scan_and_quote_from_an_asset_that_is_unknown_are_refused(asset: str, words: list[str], tape: str, tidemill: Tidemill) -> None:
    """An asset that is not there is said so, with what may be typed; nothing a terminal obeys is repeated."""
    for command in (
        ("scan", tape, "--start", asset, "--hops", "3"),
        ("quote", "--tape", tape, "--pool", "0x" + "33" * 20, "--sell", asset, "--amount", "1"),
    ):
        done = tidemill(*command)
        assert (2, "", True, False) == (done.code, done.out, all(word in done.err for word in words), "\x1b" in done.err), done


@pytest.fixture
def forged(tidemill: Tidemill, pair_list: Path, tmp_path: Path) -> str:
    """The pairs with two assets that call themselves SHIB."""
    rows = json.loads(pair_list.read_text())
    rows[4]["token1"]["symbol"] = rows[1]["token0"]["symbol"] = rows[0]["token0"]["symbol"] = "SHIB"
    (tmp_path / "forged.json").write_text(json.dumps(rows))
    assert 0 == tidemill("tape", "import", "uniswap-v2-pairs", "forged.json", "--out", "forged.tape").code
    return "forged.tape"


def test_symbol_that_nobody_verified_lists_the_addresses(forged: str, tidemill: Tidemill) -> None:
    """A symbol that only the tape knows is never taken for an asset: the addresses are listed, and each of them works."""
    done = tidemill("scan", forged, "--start", "SHIB", "--hops", "3")

    assert (2, "") == (done.code, done.out)
    assert "'SHIB' is not a verified symbol" in done.err
    assert all(f"eip155:1/erc20:{address}" in done.err for address in (FAKE, DAI))
    assert all(tidemill("scan", forged, "--start", address, "--hops", "3").code == 0 for address in (FAKE, DAI, f"eip155:1/erc20:{DAI}"))


def test_forged_symbol_of_a_verified_asset_means_the_verified_one(tape: str, tidemill: Tidemill) -> None:
    """A token that calls itself USDC gains nothing by it: the name stands for the verified address alone."""
    rows = tidemill("scan", tape, "--start", "USDC", "--hops", "3", "--json").lines

    assert rows
    assert {"eip155:1/erc20:0xa0b86991c6218b36c1d19d4a2e9eb0ce3606eb48"} == {row["legs"][0]["sell"] for row in rows}


@pytest.mark.parametrize(
    "pool", ["0x" + "99" * 20, "eip155:1/uniswap:0x" + "99" * 20, "USDC/WETH", "eip155:1/sushiswap:0x" + "33" * 20, ""]
)
def test_quote_of_a_pool_that_is_unknown_is_refused(pool: str, tape: str, tidemill: Tidemill) -> None:
    """A pool is its id or its address, and must be on the tape."""
    done = tidemill("quote", "--tape", tape, "--pool", pool, "--sell", "WETH", "--amount", "1")

    assert (2, "", True) == (done.code, done.out, "there is no pool" in done.err)
