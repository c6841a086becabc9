"""What holds for every test of this repository.

One profile for every property: the same examples everywhere, no deadline that a busy machine misses. No run compiles kernels on the side: a
test that wants that says so.
"""

import os
import sys
from collections.abc import Iterator

import pytest
import structlog
from hypothesis import settings

settings.register_profile("repeatable", derandomize=True, deadline=None, print_blob=True)
settings.register_profile("searching", deadline=None, print_blob=True, max_examples=2_000)
settings.load_profile("repeatable")
os.environ.setdefault("TIDEMILL__EXECUTION__WARM", "false")


@pytest.fixture(scope="session", autouse=True)
def kernel_cache(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Keeps what tests compile in one folder for all of them, apart from the user's own."""
    base = tmp_path_factory.getbasetemp()
    os.environ.setdefault("NUMBA_CACHE_DIR", str((base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "kernels"))


@pytest.fixture(autouse=True)
def plain_kernels() -> Iterator[None]:
    """Has the search run its plain kernels again: a test that warmed them decides nothing for those after it, nor hides their lines."""
    yield
    compiled = sys.modules.get("tidemill_search_cycles.compiled")
    if compiled is not None:
        compiled.cool()


@pytest.fixture(autouse=True)
def default_logging() -> Iterator[None]:
    """Takes back what a command that ran inside the test configured: what a later test sees logged must not depend on it."""
    yield
    if structlog.is_configured():
        structlog.reset_defaults()
