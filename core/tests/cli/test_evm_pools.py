"""``tape import evm-pools``, then ``tape info``, ``quote``, ``scan`` and ``run --tape`` over what it wrote."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result

Tidemill = Callable[..., Result]
Row = dict[str, Any]
USDC, WETH = "0xa0b86991c6218b36c1d19d4a2e9eb0ce3606eb48", "0xc02aaa39b223fe8d0a0e5c4f27ead9083c756cc2"
PAIR = "0xb4e16d0168e52d35cacd2c6185b44281ec28c9dc"
POOL, BARE = "0x8ad599c3a0ff1de082011efddc58f1908eb6e6d8", "0x88e6a0c2ddd26feeb64f039a2c41296fcb3f5640"
PRICE_AT_197_800 = 1_562_600_000_000_000_000_000_000_000_000_000
"""Sqrt price in that tick: there a WETH costs some 2,577 USDC, at the pair 2,500."""
LIQUIDITY = 10**18


def pool(address: str, **changes: Any) -> Row:
    tokens = {"token0": USDC, "token1": WETH, "symbol0": "USDC", "symbol1": "WETH", "decimals0": 6, "decimals1": 18}
    return {"chain_id": 1, "block": 18_806_136, "address": address, "fee_pips": 3_000, **tokens, **changes}


@pytest.fixture
def pools(tmp_path: Path) -> Path:
    """A pair, a concentrated pool with its ticks that pays three per cent more, and one without ticks."""
    ends = {"192000": [LIQUIDITY, LIQUIDITY], "204000": [LIQUIDITY, -LIQUIDITY]}
    price = {"sqrt_price_x96": PRICE_AT_197_800, "tick": 197_800, "liquidity": LIQUIDITY}
    document = {
        "v2": [pool(PAIR, exchange="uniswap_v2", reserve0=25 * 10**12, reserve1=10**22)],
        "v3": [pool(POOL, tick_spacing=60, ticks=ends, **price), pool(BARE, **{**price, "fee_pips": 500, "block": 18_806_137})],
        "v4": [{}],
    }
    path = tmp_path / "pools.json"
    path.write_text(json.dumps(document))
    return path


@pytest.fixture
def tape(tidemill: Tidemill, pools: Path) -> str:
    """The pools as a tape, by its name in the current folder."""
    result = tidemill("tape", "import", "evm-pools", str(pools), "--out", "t")
    assert 0 == result.exit_code, result.stderr
    return "t"


def test_import_says_what_is_there_and_what_stands_for_what_is_not(tidemill: Tidemill, pools: Path) -> None:
    """Counts first, then entries left out, then what the recording does not say, a line each."""
    lines = tidemill("tape", "import", "evm-pools", str(pools), "--out", "t").stdout.splitlines()
    assert [
        "t: 3 pools, 2 assets, 2 batches of eip155:1",
        "1 entry left out: v4: expected a list named v2 or v3",
        "no time is in the source: 1970-01-01 00:00:00 UTC stands for it",
        "1 pool without ticks in the source: what is known of them is on the tape, and they give no quote",
    ] == lines


def test_import_json_has_the_remarks(tidemill: Tidemill, pools: Path) -> None:
    """The same facts as one object."""
    done = json.loads(tidemill("tape", "import", "evm-pools", str(pools), "--out", "t", "--json").stdout)
    assert ("evm-pools", 3, 2, 2) == (done["kind"], done["pools"], done["assets"], done["records"])
    assert [1, 2] == [len(done["left_out"]), len(done["remarks"])]


def test_info_and_validate_know_the_tape(tidemill: Tidemill, tape: str) -> None:
    """An imported tape is sound, and says its kind and heights."""
    described = json.loads(tidemill("tape", "info", tape, "--json").stdout)
    assert ("evm-pools", "pools.json", 2) == (described["kind"], described["source"], described["records"])
    assert (18_806_136, 18_806_137) == (described["spans"][0]["first"], described["spans"][0]["last"])
    assert 0 == tidemill("tape", "validate", tape).exit_code


def test_scan_finds_the_cycle_through_a_concentrated_pool(tidemill: Tidemill, tape: str) -> None:
    """Buying where a token is cheap and selling where it is dear crosses both kinds of pool; quotes of its legs are those amounts."""
    result = tidemill("scan", tape, "--start", "WETH", "--hops", "2", "--json")
    assert 0 == result.exit_code, result.stderr
    (cycle,) = [json.loads(line) for line in result.stdout.splitlines()]
    assert [POOL, PAIR] == [leg["pool"].rpartition(":")[2] for leg in cycle["legs"]]
    assert int(cycle["profit"]) > 10**17
    for leg in cycle["legs"]:
        quote = tidemill("quote", "--tape", tape, "--pool", leg["pool"], "--sell", leg["sell"], "--amount", leg["amount_in"], "--json")
        assert leg["amount_out"] == json.loads(quote.stdout)["amount_out"]


def test_quote_of_a_pool_without_ticks_names_what_is_missing(tidemill: Tidemill, tape: str) -> None:
    """What the recording does not hold is not quoted: the keys of the bitmap are named, and the exit code is 1."""
    result = tidemill("quote", "--tape", tape, "--pool", BARE, "--sell", "WETH", "--amount", "1000", "--json")
    answer = json.loads(result.stdout)
    assert (1, "missing_state") == (result.exit_code, answer["no_quote"])
    assert {BARE} == {key.partition(":")[0] for key in answer["keys"]}


def test_market_before_a_block_does_not_hold_its_pools(tidemill: Tidemill, tape: str) -> None:
    """A pool that was recorded in a later block is unknown before it."""
    asked = "--pool", BARE, "--sell", "WETH", "--amount", "1000", "--json"
    assert 2 == tidemill("quote", "--tape", tape, "--at", "18806136", *asked).exit_code
    assert 1 == tidemill("quote", "--tape", tape, "--at", "18806137", *asked).exit_code


def test_run_over_the_tape_takes_the_cycle(tidemill: Tidemill, tape: str) -> None:
    """Paper trading fills on both kinds of pool, with the default configuration for the kind."""
    result = tidemill("run", "--tape", tape, "--data", "ledger", "--json")
    assert 0 == result.exit_code, result.stderr
    summary = json.loads(result.stdout.splitlines()[-1])
    assert (2, 0) == (summary["blocks"], summary["reverts"])
    assert summary["fills"] >= 1
    assert int(summary["pnl"][f"eip155:1/erc20:{WETH}"]) > 10**17
