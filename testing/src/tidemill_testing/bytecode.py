"""The bytecode oracle: the contracts that chains really run, in this process, for tests to compare with.

The compiled contracts come from npm (``tests/npm``), the machine is revm through ``pyrevm``; both are optional. A test
that asks for the fixture ``bytecode`` is skipped, with what to install, where one of them is absent::

    def test_output_pair_contract_agrees(bytecode: Chain) -> None:
        pair = V2Pair(bytecode)
        pair.set_reserves(10**18, 10**18)
        pair.swap(True, 10**6, 996_999)

Deploying takes milliseconds: share contracts by a session fixture and undo with ``Chain.rolled_back``. ``Chain``,
``V2Pair``, ``V3Pool``, ``Token``, ``Log`` and ``Reverted`` are loaded when they are first named, so that importing this
module needs neither package.
"""

from importlib import import_module
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, Final

import pytest

from tidemill_testing.bytecode_npm import VARIABLE, creation_code, find_node_modules

if TYPE_CHECKING:
    from pathlib import Path

    from tidemill_testing.bytecode_chain import OWNER, Chain, Log, Reverted
    from tidemill_testing.bytecode_token import Token
    from tidemill_testing.bytecode_v2 import V2Pair
    from tidemill_testing.bytecode_v3 import V3Pool

__all__ = [
    "INIT_CODE_HASHES",
    "OWNER",
    "Chain",
    "Log",
    "Reverted",
    "Token",
    "V2Pair",
    "V3Pool",
    "bytecode",
    "chain_or_skip",
    "open_chain",
]

INIT_CODE_HASHES: Final = {
    ("@uniswap/v2-core", "UniswapV2Pair"): "96e8ac4277198ff8b6f785478aa9a39f403cb768dd02cbee326c3e7da348845f",
    ("@uniswap/v3-core", "UniswapV3Pool"): "e34f199b19b2b4f47f68442619d555527d244f78a3297ea89325f843f87b8b54",
}
"""keccak-256 of the creation code that the factories on Ethereum deploy: what makes the npm packages an oracle."""

_LAZY: Final = {
    "OWNER": "bytecode_chain",
    "Chain": "bytecode_chain",
    "Log": "bytecode_chain",
    "Reverted": "bytecode_chain",
    "Token": "bytecode_token",
    "V2Pair": "bytecode_v2",
    "V3Pool": "bytecode_v3",
}


def __getattr__(name: str) -> Any:
    if name not in _LAZY:
        raise AttributeError(f"module {__name__} has no attribute {name}")
    return getattr(import_module(f"tidemill_testing.{_LAZY[name]}"), name)


def open_chain(node_modules: "Path") -> "Chain":
    """Return a fresh chain, after checking that the packages hold the bytecode that runs on Ethereum.

    Raises:
        RuntimeError: a contract's init code hash is not the one of Ethereum's factory.
    """
    from tidemill_testing.bytecode_chain import Chain

    chain = Chain(node_modules)
    for (package, contract), expected in INIT_CODE_HASHES.items():
        found = chain.keccak(creation_code(node_modules, package, contract)).hex()
        if found != expected:
            raise RuntimeError(
                f"expected init code hash {expected} of {contract} in {node_modules / package}, found {found}: "
                "install the versions of tests/npm/package.json"
            )
    return chain


def chain_or_skip(root: "Path") -> "Chain":
    """Return a fresh chain, or skip the test with what to install where pyrevm or the npm packages are absent.

    Args:
        root: the folder pytest runs for; the npm packages are looked for there and above.
    """
    for module in ("pyrevm", "eth_abi"):
        if find_spec(module) is None:
            pytest.skip(f"{module} is not installed: install tidemill-testing[bytecode]")
    node_modules = find_node_modules(root)
    if node_modules is None:
        pytest.skip(
            "no compiled contracts in tests/npm/node_modules: "
            f"run `npm ci --ignore-scripts` in tests/npm, or set {VARIABLE} to a node_modules folder"
        )
    return open_chain(node_modules)


@pytest.fixture(scope="session")
def bytecode(pytestconfig: pytest.Config) -> "Chain":
    """Gives one chain for the whole session to deploy on, or skips."""
    return chain_or_skip(pytestconfig.rootpath)
