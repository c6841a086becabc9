"""Fixtures of the tests that cross packages: the command line, and runs that many tests look at."""

import json
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from tests.commands import LEAN, Forks, Tidemill, run_fresh


@pytest.fixture(scope="session")
def forks() -> Iterator[Forks]:
    """Starts commands as forks of a warm process."""
    server = Forks()
    yield server
    server.close()


@pytest.fixture
def tidemill(forks: Forks, tmp_path: Path) -> Tidemill:
    """Runs a command line to its end in an empty folder."""
    return partial(forks.run, cwd=tmp_path)


@pytest.fixture(scope="session")
def simulated_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a recorded run of 24 blocks of a small simulated market, by the installed command.

    In it: the tape ``run.tape``, the ledger's folder ``data``, and ``run.jsonl``, what the run printed.
    """
    folder = tmp_path_factory.mktemp("simulated")
    command = ("run", "--blocks", "24", "--seed", "7", "--speed", "max", "--json", "--record", "run.tape", "--data", "data")
    done = run_fresh(*command, cwd=folder, env={**LEAN, "PYTHONHASHSEED": "1"})
    assert (0, "") == (done.code, done.err)
    (folder / "run.jsonl").write_text(done.out, "utf-8")
    return folder


DAI, USDC = "0x6b175474e89094c44da98b954eedeac495271d0f", "0xa0b86991c6218b36c1d19d4a2e9eb0ce3606eb48"
WETH, FAKE = "0xc02aaa39b223fe8d0a0e5c4f27ead9083c756cc2", "0xff" + "01" * 19
TOKENS = {DAI: ("DAI", 18), USDC: ("USDC", 6), WETH: ("WETH", 18), FAKE: ("USDC", 18)}
PAIRS = (
    ("0x" + "11" * 20, (DAI, 1_900_000 * 10**18), (USDC, 2_000_000 * 10**6)),
    ("0x" + "22" * 20, (DAI, 4_200_000 * 10**18), (WETH, 10_000 * 10**18)),
    ("0x" + "33" * 20, (USDC, 4_000_000 * 10**6), (WETH, 10_300 * 10**18)),
    ("0x" + "44" * 20, (USDC, 3_000_000 * 10**6), (WETH, 7_500 * 10**18)),
    ("0x" + "55" * 20, (WETH, 10**18), (FAKE, 10**24)),
)


@pytest.fixture(scope="session")
def pair_list(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A list of five Uniswap V2 pairs with a few cycles that gain; one token forges a symbol."""

    def side(number: int, held: tuple[str, int]) -> dict[str, object]:
        address, reserve = held
        symbol, decimals = TOKENS[address]
        return {f"token{number}": {"address": address, "symbol": symbol, "decimal": decimals}, f"reserve{number}": str(reserve)}

    path = tmp_path_factory.mktemp("pairs") / "pairs.json"
    path.write_text(json.dumps([{"address": address, **side(0, one), **side(1, other)} for address, one, other in PAIRS]))
    return path
