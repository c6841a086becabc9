"""A plugin that takes the whole process down in C: the last words tell whose code it was."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

Install = Callable[..., Path]
CONFIG = '[chains.sim]\n[dex.uniswap]\n[strategies.crashing]\n[books.main]\nbase = "USDC"\n'


@pytest.mark.parametrize("arguments", [["config", "check", "tidemill.toml"], ["run", "--blocks", "1"]], ids=["check", "run"])
def test_crash_while_a_plugin_is_imported_tells_its_file_and_line(arguments: list[str], install: Install, tmp_path: Path) -> None:
    """The process ends by the signal all the same."""
    site = install("acme-crashing", "acme_crashing", "import ctypes\n\nctypes.string_at(0)\n", names=("crashing",))
    (tmp_path / "tidemill.toml").write_text(CONFIG)
    code = f"import sys; sys.path.insert(0, {str(site)!r}); from tidemill.cli.main import main; main({arguments!r})"
    environ = {name: value for name, value in os.environ.items() if name != "PYTHONFAULTHANDLER"}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=tmp_path, env=environ, check=False)

    assert (True, "") == (done.returncode < 0, done.stdout)
    assert f'File "{site}/acme_crashing.py", line 3 in <module>' in done.stderr
