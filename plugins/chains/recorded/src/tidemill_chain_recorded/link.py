"""The I/O half of a recorded chain: it plays a tape, and knows nothing that the tape has not yielded."""

from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from functools import cached_property
from typing import NoReturn

from tidemill import ChainLink, ChainReader, ChainRules
from tidemill.domain.events import Batch, Log, Logs, Rollback, States
from tidemill.domain.ids import ChainId, Key
from tidemill.domain.outcome import Outcome
from tidemill.domain.pool import LogFilter, Watch
from tidemill.domain.transaction import Signed, Simulated, Unsigned
from tidemill.errors import RefusedByVenue, Unavailable


class RecordedReader(ChainReader):
    """Answers from the values that the tape has yielded so far, while they are still those of the head."""

    def __init__(self, chain: ChainId) -> None:
        self._chain = chain
        self._values: dict[Key, tuple[int, bytes | None]] = {}

    def take(self, batch: Batch) -> None:
        """Remember a batch's values.

        A contract that logs may have changed: what was known of it is forgotten, and so is what a rollback undoes.
        """
        for event in batch.events:
            match event:
                case States() if event.chain == self._chain and batch.status != "pending":
                    self._values.update((key, (batch.height, value)) for key, value in event.values)
                case Logs() if event.chain == self._chain and batch.status != "pending":
                    self._forget_contracts({log.address for log in event.logs})
                case Rollback() if event.chain == self._chain:
                    self._values = {key: held for key, held in self._values.items() if held[0] <= event.height}

    def _forget_contracts(self, addresses: set[str]) -> None:
        for key in [key for key in self._values if key.partition(":")[0] in addresses]:
            del self._values[key]

    async def read(self, keys: Sequence[Key], height: int | None = None) -> States:
        unknown = [key for key in keys if key not in self._values]
        if unknown:
            more = f" and {len(unknown) - 1} more" if len(unknown) > 1 else ""
            raise Unavailable(f"the tape has not shown {unknown[0]}{more}: a recording answers only what it has played")
        return States(self._chain, tuple((key, self._values[key][1]) for key in keys))

    async def logs(self, wanted: LogFilter, from_height: int, to_height: int) -> Sequence[Log]:
        raise Unavailable(f"a recording is played forward: it cannot be asked for the logs of {wanted.address}")


class RecordedLink(ChainLink):
    """Plays the batches of a tape; nothing can be sent to it.

    ``make_rules`` is called when ``rules`` is first asked for: a tape of any chain can be played, also where its rules are another
    plugin's and nothing is known of them here.
    """

    def __init__(self, chain: ChainId, tape: Iterable[Batch], make_rules: Callable[[], ChainRules]) -> None:
        self.reader: RecordedReader = RecordedReader(chain)
        self._chain = chain
        self._tape = tape
        self._make_rules = make_rules

    @cached_property
    def rules(self) -> ChainRules:  # type: ignore[override]  # made when it is asked for
        """The rules that the plugin's settings give.

        Raises:
            UsageError: they do not say enough of this chain.
        """
        return self._make_rules()

    async def batches(self) -> AsyncIterator[Batch]:
        for batch in self._tape:
            self.reader.take(batch)
            yield batch

    async def watch(self, add: Sequence[Watch], remove: Sequence[Watch]) -> None:
        """Change nothing: a tape reports what was recorded."""

    async def simulate(self, unsigned: Unsigned) -> Simulated:
        self._refuse("simulate on")

    async def broadcast(self, signed: Signed) -> None:
        self._refuse("send to")

    async def outcome(self, signed: Signed) -> Outcome:
        self._refuse("ask for outcomes of")

    def _refuse(self, what: str) -> NoReturn:
        raise RefusedByVenue(f"{self._chain} is a recording: there is no chain to {what}; recorded markets are traded in paper mode")
