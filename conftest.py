"""What holds for every test of this repository.

One profile for every property: the same examples everywhere, no deadline that a busy machine misses.
"""

from collections.abc import Iterator

import pytest
import structlog
from hypothesis import settings

settings.register_profile("repeatable", derandomize=True, deadline=None, print_blob=True)
settings.register_profile("searching", deadline=None, print_blob=True, max_examples=2_000)
settings.load_profile("repeatable")


@pytest.fixture(autouse=True)
def default_logging() -> Iterator[None]:
    """Takes back what a command that ran inside the test configured: what a later test sees logged must not depend on it."""
    yield
    if structlog.is_configured():
        structlog.reset_defaults()
