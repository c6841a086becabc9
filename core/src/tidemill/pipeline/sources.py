"""Joins sources in lock-step: one batch at a time, in order of the time they were received."""

from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import aclosing

from attrs import define

from tidemill.domain.events import Batch


@define
class _Waiting:
    """A source and the batch of it that comes next; None once it has ended, or while it ``rests`` after a failure."""

    place: int
    leads: bool
    batches: AsyncIterator[Batch | None]
    batch: Batch | None = None
    rests: bool = False

    async def ask(self) -> None:
        """Ask for the next batch."""
        try:
            self.batch = await anext(self.batches)
            self.rests = self.batch is None
        except StopAsyncIteration:
            self.batch, self.rests = None, False


async def in_order(chains: Sequence[AsyncIterator[Batch]], prices: Sequence[AsyncIterator[Batch | None]]) -> AsyncGenerator[Batch, None]:
    """Yield the batches of all sources by ``local_ns``; at equal times prices come first, so that a head finds them.

    Ends when every chain has ended: a price source alone keeps no run alive. The next batch of a source is asked for only after the
    one before has been dealt with. A price source that gives None has nothing now and holds nobody up: it is asked again after the next
    batch.
    """
    sources = [_Waiting(place, False, batches) for place, batches in enumerate(prices)]
    sources += [_Waiting(len(prices) + place, True, batches) for place, batches in enumerate(chains)]
    try:
        for source in sources:
            await source.ask()
        while any(source.leads and source.batch is not None for source in sources):
            first = min((one for one in sources if one.batch is not None), key=_order)
            if first.batch is not None:
                yield first.batch
            await first.ask()
            for source in sources:
                if source.rests:
                    await source.ask()
    finally:
        for source in sources:
            close = getattr(source.batches, "aclose", None)
            if close is not None:
                async with aclosing(source.batches):  # type: ignore[type-var]
                    pass


def _order(source: _Waiting) -> tuple[int, int]:
    return (source.batch.local_ns if source.batch is not None else 0), source.place
