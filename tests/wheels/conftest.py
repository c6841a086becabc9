"""Fixtures of the tests that install wheels as a user does."""

from pathlib import Path

import pytest

from tests.bare import Bare, bare, build_workspace


@pytest.fixture(scope="session")
def wheels(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the wheels of every member, built once for all workers of a session."""
    base = tmp_path_factory.getbasetemp()
    # Under xdist each worker has a folder of its own below the session's
    shared = base.parent if base.name.startswith("popen-") else base
    return build_workspace(shared / "wheels")


@pytest.fixture(scope="module")
def authors(wheels: Path, tmp_path_factory: pytest.TempPathFactory) -> Bare:
    """The environment of an author: pytest, the suites, and what they stand on; one for all tests of a module."""
    environment = bare(tmp_path_factory.mktemp("authors") / "venv", wheels)
    installed = environment.install("tidemill-testing", "pytest")
    assert 0 == installed.code, installed.err
    return environment
