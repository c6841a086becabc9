"""Fixtures that open and close what the fakes of this package need."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tidemill_testing.loopback import Loopback


@pytest.fixture
def loopback() -> Iterator[Callable[..., "Loopback"]]:
    """Gives ``loopback(methods, script, feed=…)``: a running ``tidemill_testing.loopback.Loopback`` that ends with the test."""
    from tidemill_testing.loopback import Loopback

    with ExitStack() as servers:

        def serve(*arguments: Any, **options: Any) -> Loopback:
            return servers.enter_context(Loopback(*arguments, **options))

        yield serve
