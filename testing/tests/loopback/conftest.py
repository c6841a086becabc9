"""Shared by the tests of the loopback server."""

from collections.abc import Callable
from typing import Any

import anyio
import pytest


@pytest.fixture(params=["asyncio", "trio"])
def anyio_run(request: pytest.FixtureRequest) -> Callable[..., Any]:
    """Run an async function on each event loop."""
    return lambda function, *args: anyio.run(function, *args, backend=request.param)
