"""What can be wrong with the blocks that a link tells."""

from collections.abc import Iterator

from tidemill.domain.events import ANSWER_EVENTS, Batch, Gap, Head, Logs, Rollback, States
from tidemill.domain.ids import ChainId
from tidemill_testing.conformance.chain.case import chain_of_event


def block_faults(batches: list[Batch], chain: ChainId) -> Iterator[str]:
    """Yield where a batch and its events do not speak of the same block and chain."""
    for batch in batches:
        if batch.chain not in (None, chain):
            yield f"batch {batch.seq} is of {batch.chain}, the chain is {chain}"
        for event in batch.events:
            name = type(event).__name__
            if isinstance(event, ANSWER_EVENTS):
                yield f"batch {batch.seq} holds {name}, an answer to our own doing"
            if chain_of_event(event) not in (None, chain):
                yield f"batch {batch.seq} holds {name} of {chain_of_event(event)}, the chain is {chain}"
            if isinstance(event, Head) and (event.height, event.block_hash) != (batch.height, batch.block_hash):
                yield f"batch {batch.seq} is of block {batch.height} {batch.block_hash}, its head is {event.height} {event.block_hash}"
            if isinstance(event, States) and len(dict(event.values)) != len(event.values):
                yield f"batch {batch.seq} holds a key twice"
            if isinstance(event, Logs):
                yield from _log_faults(batch, event)


def head_faults(batches: list[Batch]) -> Iterator[str]:
    """Yield where heads do not follow upon each other, rollbacks taken into account."""
    told: dict[int, Head] = {}
    last: Head | None = None
    for batch in batches:
        for event in batch.events:
            if isinstance(event, Rollback):
                if last is None or event.height >= last.height:
                    yield f"a rollback to {event.height}, the head is {last.height if last else 'not told'}"
                elif event.height in told and told[event.height].block_hash != event.block_hash:
                    yield f"a rollback to {event.height} {event.block_hash}, told was {told[event.height].block_hash}"
                last = told.get(event.height)
                told = {height: head for height, head in told.items() if height <= event.height}
            elif isinstance(event, Gap):
                last = None
            elif isinstance(event, Head):
                if last is not None and (event.height, event.parent_hash) != (last.height + 1, last.block_hash):
                    yield (
                        f"block {event.height} upon {event.parent_hash} follows block {last.height} {last.block_hash}: "
                        "expected the next height upon it, or a rollback or gap before"
                    )
                if last is not None and event.unix_time < last.unix_time:
                    yield f"block {event.height} is of {event.unix_time}, the one before of {last.unix_time}"
                told[event.height] = last = event


def _log_faults(batch: Batch, told: Logs) -> Iterator[str]:
    places = [log.index for log in told.logs]
    if places != sorted(places):
        yield f"batch {batch.seq} tells logs {places}: expected them in the order of the block"
    elif len(set(told.logs)) != len(told.logs):
        yield f"batch {batch.seq} tells a log twice: {places}"
