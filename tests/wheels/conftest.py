"""Fixtures of the tests that install wheels as a user does."""

from pathlib import Path

import pytest

from tests.bare import build_workspace


@pytest.fixture(scope="session")
def wheels(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the wheels of every member, built once for all workers of a session."""
    base = tmp_path_factory.getbasetemp()
    # Under xdist each worker has a folder of its own below the session's
    shared = base.parent if base.name.startswith("popen-") else base
    return build_workspace(shared / "wheels")
