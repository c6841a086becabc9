"""Fixtures of the command line's tests."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from tidemill.cli.main import main

Tidemill = Callable[..., Result]


@pytest.fixture
def tidemill(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Tidemill:
    """Runs a command line in an empty folder, without variables of this process that set configurations."""
    monkeypatch.chdir(tmp_path)
    for name in [name for name in os.environ if name.startswith("TIDEMILL__")]:
        monkeypatch.delenv(name)
    runner = CliRunner()

    def call(*arguments: str) -> Result:
        return runner.invoke(main, list(arguments), prog_name="tidemill")

    return call
