"""What a loopback server was asked."""

import threading
from collections import Counter
from collections.abc import Callable, Mapping
from typing import Literal

from attrs import field, frozen

Transport = Literal["http", "websocket"]


@frozen
class Call:
    """One request as it arrived: ``number`` counts all from 1; ``message`` is the JSON it held, None for a page.

    ``headers`` are those of the HTTP request or of the handshake, with names in lower case; ``connection`` counts connections from 1.
    """

    number: int
    transport: Transport
    name: str
    params: object
    message: object
    connection: int
    headers: Mapping[str, str] = field(repr=False)


class Record:
    """Every request of a server's life, in order; filled by the server's thread and read by the test's."""

    def __init__(self) -> None:
        self._calls: list[Call] = []
        self._counts: Counter[str] = Counter()
        self._changed = threading.Condition()

    def count(self, name: str) -> int:
        """Count one more of a name that is no request, and return how many there were."""
        with self._changed:
            self._counts[name] += 1
            self._changed.notify_all()
            return self._counts[name]

    def add(self, make: Callable[[int], Call]) -> tuple[Call, int]:
        """Add the request that ``make`` returns for its number; return it and how many of its name there were."""
        with self._changed:
            call = make(len(self._calls) + 1)
            self._calls.append(call)
            self._counts[call.name] += 1
            self._changed.notify_all()
            return call, self._counts[call.name]

    @property
    def calls(self) -> tuple[Call, ...]:
        """All requests so far."""
        with self._changed:
            return tuple(self._calls)

    def counted(self, name: str) -> int:
        """Return how many there were of a name."""
        with self._changed:
            return self._counts[name]

    def wait(self, name: str, count: int, within_s: float) -> bool:
        """Wait until there were ``count`` of a name; False where ``within_s`` seconds were not enough."""
        with self._changed:
            return self._changed.wait_for(lambda: self._counts[name] >= count, within_s)
