"""The compiled contracts that npm packages ship, as the bytecode oracle deploys them."""

import json
import os
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

VARIABLE: Final = "TIDEMILL_NPM"
_PACKAGES: Final = ("@uniswap/v2-core", "@uniswap/v3-core", "@uniswap/v3-periphery")


def find_node_modules(start: Path) -> Path | None:
    """Return the folder with the npm packages, or None where they are not installed.

    Args:
        start: where to look from; ``tests/npm/node_modules`` of this folder or the nearest one above it.

    Returns:
        The folder named by ``TIDEMILL_NPM`` if that is set, else the one found; only if it holds the packages.
    """
    named = os.environ.get(VARIABLE)
    if named:
        candidates = [Path(named).expanduser()]
    else:
        candidates = [folder / "tests" / "npm" / "node_modules" for folder in (start, *start.parents)]
    for folder in candidates:
        if all((folder / package).is_dir() for package in _PACKAGES):
            return folder
    return None


@lru_cache(maxsize=64)
def creation_code(node_modules: Path, package: str, contract: str) -> bytes:
    """Return the creation bytecode of one contract, without constructor arguments.

    Reads the two shapes that Uniswap publishes: truffle's ``build/X.json`` and hardhat's ``artifacts/**/X.json``.

    Raises:
        FileNotFoundError: the package has no such artifact.
    """
    folder = node_modules / package
    paths = sorted(folder.glob(f"build/{contract}.json")) + sorted(folder.glob(f"artifacts/**/{contract}.json"))
    if not paths:
        raise FileNotFoundError(f"expected a compiled {contract} in {folder}/build or /artifacts: run npm ci again")
    artifact: dict[str, Any] = json.loads(paths[0].read_text("utf-8"))
    return bytes.fromhex(artifact["bytecode"].removeprefix("0x"))
