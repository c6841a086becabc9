"""Makes packages from the templates and runs their tests, as their authors would."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from attrs import frozen

from tidemill.api.scaffold import new_plugin


@frozen
class Made:
    """A package that was made; ``ran`` is what its own tests came to, ``told`` what pytest printed."""

    folder: Path
    ran: int
    told: str


@pytest.fixture
def make_and_test(tmp_path: Path) -> Callable[[str], Made]:
    """Gives ``make_and_test(kind)``: a package called acme, and what became of its tests in a process of their own."""

    def call(kind: str) -> Made:
        folder = new_plugin(kind, "acme", tmp_path).folder
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST_", "COV_", "COVERAGE_", "TIDEMILL"))}
        command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-W", "error"]
        ended = subprocess.run(
            command, cwd=folder, env={**kept, "PYTHONPATH": "src"}, capture_output=True, text=True, timeout=120, check=False
        )
        return Made(folder, ended.returncode, ended.stdout + ended.stderr)

    return call
