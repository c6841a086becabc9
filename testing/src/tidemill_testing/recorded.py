"""Where recorded market data lies, for tests that compare with it."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

VARIABLE = "TIDEMILL_DATA"
"""The environment variable that names the folder of recorded data: ``TIDEMILL_DATA``."""


def data_folder(root: Path) -> Path:
    """Gives the folder that holds recorded data, whether or not it exists.

    Args:
        root: The folder pytest runs for. Inside a workspace its top counts.

    Returns:
        The folder named by `TIDEMILL_DATA`, else `../shared/data` beside the workspace.
    """
    named = os.environ.get(VARIABLE)
    if named:
        return Path(named).expanduser()
    return _top(root).parent / "shared" / "data"


def _top(start: Path) -> Path:
    for folder in (start, *start.parents):
        pyproject = folder / "pyproject.toml"
        if pyproject.is_file() and "[tool.uv.workspace]" in pyproject.read_text("utf-8"):
            return folder
    return start


def locate(folder: Path, name: str) -> Path:
    """Gives the path of a file or folder of recorded data, or skips the test that asks.

    Args:
        folder: The folder that holds recorded data.
        name: A path inside it, with `/` between folders.

    Raises:
        pytest.skip.Exception: It is not there. The message says where, and what to set.
    """
    path = folder / name
    if not path.exists():
        pytest.skip(f"recorded data not found at {path}: set {VARIABLE} to a folder that holds it")
    return path


@pytest.fixture(scope="session")
def recorded(pytestconfig: pytest.Config) -> Callable[[str], Path]:
    """Gives the path of recorded data: `recorded("evm/golden")` is a folder or a file, else the test is skipped."""
    return lambda name: locate(data_folder(pytestconfig.rootpath), name)
