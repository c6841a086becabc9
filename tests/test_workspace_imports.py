"""R6: the contracts of pyproject.toml find every import that a layer may not make.

They are run on a small tree of empty modules with the real names, so that a planted import is the only one there.
"""

import os
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
import tomlkit

ROOT = Path(__file__).parents[1]
CONFIG: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["importlinter"]
LAYERS = [name.strip(" ()") for layer in CONFIG["contracts"][0]["layers"] for name in layer.split("|")]


def _lint(root: Path, planted: dict[str, str]) -> subprocess.CompletedProcess[str]:
    modules = [*CONFIG["root_packages"], *(f"tidemill.{layer}" for layer in LAYERS), "tidemill_dex_uniswap.quoting"]
    for module in modules:
        path = root.joinpath(*module.split("."), "__init__.py")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(planted.get(module, ""), "utf-8")
    (root / "contracts.toml").write_text(tomlkit.dumps({"tool": {"importlinter": CONFIG}}), "utf-8")
    script = "import sys; sys.path.insert(0, '.'); from importlinter.cli import lint_imports_command as run; run()"
    command = [sys.executable, "-P", "-c", script, "--config", "contracts.toml", "--no-cache"]
    environment = {**os.environ, "COLUMNS": "200", "NO_COLOR": "1"}
    return subprocess.run(command, cwd=root, env=environment, capture_output=True, text=True, check=False)


def test_r6_tree_without_a_wrong_import_keeps_all_contracts(tmp_path: Path) -> None:
    """What the layers allow is kept: plugins see values and libs, stores the ledger, lower layers are seen."""
    allowed = {
        "tidemill.cli": "import tidemill.api\nimport tidemill.units\n",
        "tidemill_dex_uniswap": "import tidemill.domain\nimport tidemill.hookspecs\nimport tidemill_amm\n",
        "tidemill_store_sqlite": "import tidemill.ledger\n",
        "tidemill_command_signer": "import tidemill.signing\n",
    }

    linted = _lint(tmp_path, allowed)

    assert linted.returncode == 0, linted.stdout + linted.stderr
    assert f"Contracts: {len(CONFIG['contracts'])} kept, 0 broken." in linted.stdout


@pytest.mark.parametrize(
    ("importer", "imported", "contract"),
    [
        ("tidemill.domain", "tidemill.planning", "layers"),
        ("tidemill.config", "tidemill.tape", "layers"),
        ("tidemill.stages", "tidemill.pipeline", "layers"),
        ("tidemill.discovery", "tidemill_dex_uniswap", "import no plugin"),
        ("tidemill_amm", "tidemill_testing", "import no plugin"),
        ("tidemill_dex_uniswap.quoting", "tidemill_chain_sim", "No plugin imports a plugin"),
        ("tidemill_dex_uniswap", "tidemill.stages", "Plugins see only"),
        ("tidemill_risk_limits", "tidemill.ledger", "Plugins see only"),
        ("tidemill_store_sqlite", "tidemill.pipeline", "Stores see"),
        ("tidemill_store_sqlite", "tidemill.signing", "Stores see"),
        ("tidemill_command_signer", "tidemill.ledger", "Commands see"),
        ("tidemill_amm", "random", "Pool mathematics"),
        ("tidemill_amm", "tidemill", "Pool mathematics"),
    ],
)
def test_r6_planted_import_breaks_its_contract(tmp_path: Path, importer: str, imported: str, contract: str) -> None:
    """One import that a layer may not make is found, and the report names both ends."""
    linted = _lint(tmp_path, {importer: f"import {imported}\n"})

    broken = [line for line in linted.stdout.splitlines() if line.rstrip().endswith("BROKEN")]
    assert linted.returncode == 1, linted.stdout + linted.stderr
    assert [True] == [contract in line for line in broken]
    assert f"{importer} -> {imported}" in linted.stdout.replace("is not allowed to import", "->")


def test_r6_layer_that_is_in_no_contract_is_found(tmp_path: Path) -> None:
    """A new package of the kernel has no place until the contract gives it one."""
    stray = tmp_path / "tidemill" / "stray"
    stray.mkdir(parents=True)
    (stray / "__init__.py").touch()

    assert "stray" in _lint(tmp_path, {}).stdout


def test_r6_kernel_package_above_planning_is_hidden_from_plugins() -> None:
    """A package that the kernel gets later is not open to plugins because a list forgot it."""
    seen = {"domain", "errors", "hookspecs", "planning", "units"}
    packages = {path.parent.name for path in (ROOT / "core" / "src" / "tidemill").glob("*/__init__.py")} - seen
    seen_by_some = {"Plugins see": set[str](), "Stores see": {"ledger"}, "Commands see": {"signing"}}
    hidden = {
        start: {name.removeprefix("tidemill.") for name in contract["forbidden_modules"]}
        for contract in CONFIG["contracts"]
        for start in seen_by_some
        if contract["name"].startswith(start)
    }

    assert {start: set() for start in seen_by_some} == {start: packages - seen_by_some[start] - hidden[start] for start in seen_by_some}
