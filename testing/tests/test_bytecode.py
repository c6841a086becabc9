"""Opening the oracle: where the contracts are, that they are the right ones, and what a skip says."""

import json
from pathlib import Path

import pytest

from tidemill_testing import bytecode as oracle
from tidemill_testing.bytecode_npm import VARIABLE, creation_code, find_node_modules


@pytest.fixture
def packages(tmp_path: Path) -> Path:
    """Packages in the two shapes that are published, with contracts that do nothing."""
    folder = tmp_path / "tests" / "npm" / "node_modules"
    for path in ("@uniswap/v2-core/build", "@uniswap/v3-core/artifacts/contracts/UniswapV3Pool.sol", "@uniswap/v3-periphery"):
        (folder / path).mkdir(parents=True)
    (folder / "@uniswap/v2-core/build/UniswapV2Pair.json").write_text(json.dumps({"bytecode": "6000"}))
    pool = folder / "@uniswap/v3-core/artifacts/contracts/UniswapV3Pool.sol/UniswapV3Pool.json"
    pool.write_text(json.dumps({"bytecode": "0x6001"}))
    return folder


def test_node_modules_above_the_start_are_found(packages: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A workspace member finds the folder of its workspace; the variable goes before it."""
    member = tmp_path / "libs" / "amm"
    monkeypatch.delenv(VARIABLE, raising=False)

    assert packages == find_node_modules(member)
    monkeypatch.setenv(VARIABLE, str(tmp_path))
    assert find_node_modules(member) is None
    monkeypatch.setenv(VARIABLE, str(packages))
    assert packages == find_node_modules(Path("nowhere"))


def test_creation_code_reads_both_shapes(packages: Path) -> None:
    """Bytes with and without the 0x in front."""
    assert bytes.fromhex("6000") == creation_code(packages, "@uniswap/v2-core", "UniswapV2Pair")
    assert bytes.fromhex("6001") == creation_code(packages, "@uniswap/v3-core", "UniswapV3Pool")


def test_creation_code_absent_contract_raises(packages: Path) -> None:
    """The message says where it was looked for."""
    with pytest.raises(FileNotFoundError, match=r"compiled UniswapV2Router in .*v2-core"):
        creation_code(packages, "@uniswap/v2-core", "UniswapV2Router")


@pytest.mark.bytecode
def test_open_chain_other_bytecode_raises(bytecode: object, packages: Path) -> None:
    """Contracts that are not those of Ethereum are no oracle."""
    with pytest.raises(RuntimeError, match=r"expected init code hash .*845f of UniswapV2Pair"):
        oracle.open_chain(packages)


@pytest.mark.bytecode
def test_open_chain_installed_contracts_are_those_of_ethereum(bytecode: "oracle.Chain") -> None:
    """The hashes by which every factory, router and SDK computes the addresses of pools."""
    hashes = {
        contract: bytecode.keccak(creation_code(bytecode.node_modules, package, contract)).hex()
        for package, contract in oracle.INIT_CODE_HASHES
    }

    assert ("845f", "8b54") == (hashes["UniswapV2Pair"][-4:], hashes["UniswapV3Pool"][-4:])


def test_chain_absent_packages_skips_with_remedy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without npm packages a test is skipped and says what to run."""
    monkeypatch.setenv(VARIABLE, str(tmp_path))
    with pytest.raises(pytest.skip.Exception, match="npm ci --ignore-scripts"):
        oracle.chain_or_skip(tmp_path)


def test_chain_absent_machine_skips_with_remedy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without pyrevm a test is skipped and says what to install."""
    monkeypatch.setattr(oracle, "find_spec", lambda name: None)
    with pytest.raises(pytest.skip.Exception, match=r"install tidemill-testing\[bytecode\]"):
        oracle.chain_or_skip(tmp_path)


def test_unknown_name_raises() -> None:
    """The lazy names are a closed list."""
    with pytest.raises(AttributeError, match="V5Pool"):
        oracle.V5Pool  # noqa: B018 - the access itself is under test
