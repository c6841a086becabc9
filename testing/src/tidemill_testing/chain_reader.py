"""A reader of a chain that is a dict: what stood under each key at each height, with counting and with failures."""

from bisect import bisect_right
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from typing import Literal

from attrs import frozen

from tidemill.domain.events import Log, States
from tidemill.domain.ids import ChainId, Key
from tidemill.domain.pool import LogFilter
from tidemill.errors import Unavailable, UsageError
from tidemill.hookspecs.chain import AccountFilter, ChainReader
from tidemill_testing.market import SIM

Question = Literal["read", "logs", "accounts"]


@frozen
class Asked:
    """One question: the keys, or the contract or program, and the heights it was about; None is the head."""

    question: Question
    about: tuple[str, ...]
    from_height: int | None = None
    to_height: int | None = None


class MemoryReader(ChainReader):
    """Answers from values, logs and accounts that a test gives.

    Args:
        states: by height, the values that changed there; None says that a key became absent. A value holds until it changes, and a key
            that never had one is absent. Heights between the first and ``head`` are known, whether or not anything changed there.
        logs: by height, in chain order.
        accounts: by program, each account's bytes without the owner that a ``States`` value begins with.
        chain: whose answers they are.
        head: the newest height; None: the highest that is given.
        fails: which questions are answered with ``Unavailable``, counted from 1 over all, or per kind as in
            ``{"logs": {1}}``.

    Attributes:
        asked: every question, in order, those that failed too.
    """

    def __init__(
        self,
        states: Mapping[int, Mapping[Key, bytes | None]] | None = None,
        logs: Mapping[int, Sequence[Log]] | None = None,
        accounts: Mapping[str, Mapping[Key, bytes]] | None = None,
        *,
        chain: ChainId = SIM,
        head: int | None = None,
        fails: Collection[int] | Mapping[str, Collection[int]] = (),
    ) -> None:
        self.asked: list[Asked] = []
        self._chain = chain
        self._history: dict[Key, list[tuple[int, bytes | None]]] = {}
        for height, values in sorted((states or {}).items()):
            for key, value in values.items():
                self._history.setdefault(key, []).append((height, value))
        self._logs = {height: tuple(found) for height, found in sorted((logs or {}).items())}
        self._accounts = {program: dict(sorted(found.items())) for program, found in (accounts or {}).items()}
        known = [*(states or {}), *self._logs]
        self._first = min(known, default=0)
        self.head = max(known, default=0) if head is None else head
        if self.head < max(known, default=0):
            raise UsageError(f"the head is {self.head}, and something is given at {max(known)}")
        self._fails = fails

    @property
    def counts(self) -> Mapping[str, int]:
        """How many questions of each kind there were."""
        return Counter(one.question for one in self.asked)

    async def read(self, keys: Sequence[Key], height: int | None = None) -> States:
        """Return the values at a height; None for a key that is absent there.

        Raises:
            Unavailable: the height is above the head or before the first, or the test wants it.
        """
        self._ask(Asked("read", tuple(keys), height, height))
        at = self.head if height is None else height
        self._check(at)
        return States(self._chain, tuple((key, self._value(key, at)) for key in keys))

    async def logs(self, wanted: LogFilter, from_height: int, to_height: int) -> Sequence[Log]:
        """Return a contract's logs of a span, both ends included, in chain order.

        Raises:
            Unavailable: the span ends above the head or begins before the first height, or the test wants it.
        """
        self._ask(Asked("logs", (wanted.address,), from_height, to_height))
        self._check(from_height)
        self._check(to_height)
        span = (log for height, logs in self._logs.items() if from_height <= height <= to_height for log in logs)
        return tuple(log for log in span if log.matches(wanted))

    async def accounts(self, wanted: AccountFilter) -> Sequence[tuple[Key, bytes]]:
        """Return a program's accounts that match, by key.

        Raises:
            Unavailable: the test wants it.
        """
        self._ask(Asked("accounts", (wanted.program,)))
        found = self._accounts.get(wanted.program, {})
        return tuple((key, held) for key, held in found.items() if _matches(held, wanted))

    def _ask(self, asked: Asked) -> None:
        self.asked.append(asked)
        number, of_kind = len(self.asked), self.counts[asked.question]
        fails = self._fails
        due = of_kind in fails.get(asked.question, ()) if isinstance(fails, Mapping) else number in fails
        if due:
            raise Unavailable(f"question {number}, {asked.question} of {', '.join(asked.about)}: the test lets it fail")

    def _check(self, height: int) -> None:
        if not self._first <= height <= self.head:
            raise Unavailable(f"height {height} is not known: heights {self._first} to {self.head} are")

    def _value(self, key: Key, at: int) -> bytes | None:
        history = self._history.get(key, [])
        place = bisect_right(history, at, key=lambda entry: entry[0])
        return history[place - 1][1] if place else None


def _matches(held: bytes, wanted: AccountFilter) -> bool:
    if wanted.size is not None and len(held) != wanted.size:
        return False
    return all(held[offset : offset + len(value)] == value for offset, value in wanted.matches)
