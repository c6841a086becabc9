"""What holds for every test of this repository.

One profile for every property: the same examples everywhere, no deadline that a busy machine misses. No run compiles kernels on the side: a
test that wants that says so.
"""

import fcntl
import gc
import importlib.util
import os
import subprocess
import sys
import warnings
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import structlog
from hypothesis import settings

settings.register_profile("repeatable", derandomize=True, deadline=None, print_blob=True)
settings.register_profile("searching", deadline=None, print_blob=True, max_examples=2_000)
settings.load_profile("repeatable")
os.environ.setdefault("TIDEMILL__EXECUTION__WARM", "false")
# Collecting thousands of tests makes what stays: looking for garbage in it was a quarter of the time that it took
gc.set_threshold(100_000, 20, 20)


def pytest_collection_finish() -> None:
    """Leave what was collected, and what it imported, out of every later search for garbage."""
    gc.collect()
    gc.freeze()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Iterator[None]:
    """Count no lines while a test runs that is marked so: counting them can take longer than what they do."""
    coverage = sys.modules.get("coverage")
    counting = coverage.Coverage.current() if coverage is not None and item.get_closest_marker("uncounted") is not None else None
    if counting is not None:
        counting.stop()
    try:
        return (yield)
    finally:
        if counting is not None:
            with warnings.catch_warnings():
                # It says that what is imported was not counted from its first line on: it was, before
                warnings.simplefilter("ignore")
                counting.start()


@pytest.fixture(scope="session", autouse=True)
def kernel_cache(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Keeps what tests compile in one folder for all of them, apart from the user's own."""
    base = tmp_path_factory.getbasetemp()
    os.environ.setdefault("NUMBA_CACHE_DIR", str((base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "kernels"))


@pytest.fixture(scope="session")
def unmeasured() -> Mapping[str, str]:
    """This process's variables, for a process of which nobody counts lines: where that is not what is proven it takes twice as long."""
    return {name: value for name, value in os.environ.items() if not name.startswith("COV")}


@pytest.fixture(scope="session")
def kept_kernels(kernel_cache: None, unmeasured: Mapping[str, str]) -> Any:
    """The search kernels, compiled once for all workers of a run; None where there is nothing to compile them with."""
    if any(importlib.util.find_spec(name) is None for name in ("numba", "tidemill_search_cycles")):
        return None
    compiled = importlib.import_module("tidemill_search_cycles.compiled")
    folder = Path(os.environ["NUMBA_CACHE_DIR"])
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("w") as lock:
        # Several workers that compile at once take as long as all of them in turn; and the compiler is not ours to measure
        fcntl.flock(lock, fcntl.LOCK_EX)
        program = "from tidemill_search_cycles import compiled; compiled.warm()"
        subprocess.run([sys.executable, "-c", program], env=unmeasured, check=True)
    compiled.warm()
    kernels = compiled.kernels()
    compiled.cool()
    return kernels


@pytest.fixture
def compiled_kernels(kept_kernels: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Runs a test over compiled kernels, where it is slow over plain ones and is not about them."""
    if kept_kernels is not None:
        monkeypatch.setattr("tidemill_search_cycles.compiled._current", kept_kernels)


@pytest.fixture(autouse=True)
def plain_kernels() -> Iterator[None]:
    """Has the search run its plain kernels again: a test that warmed them decides nothing for those after it, nor hides their lines."""
    yield
    compiled = sys.modules.get("tidemill_search_cycles.compiled")
    if compiled is not None:
        compiled.cool()


@pytest.fixture(autouse=True)
def recursion_limit() -> None:
    """Sets Python's own limit again: eth-account's py_ecc raises it where it is imported, and deep JSON then ends the process."""
    sys.setrecursionlimit(1_000)


@pytest.fixture(autouse=True)
def default_logging() -> Iterator[None]:
    """Takes back what a command that ran inside the test configured: what a later test sees logged must not depend on it."""
    yield
    if structlog.is_configured():
        structlog.reset_defaults()
