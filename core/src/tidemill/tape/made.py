"""Blocks that are made and not observed: what a tape of a new pool type is written from."""

import hashlib
from collections.abc import Iterator, Sequence

from tidemill.domain.events import ANSWER_EVENTS, Batch, Event, Found, Head
from tidemill.domain.ids import ChainId
from tidemill.errors import UsageError
from tidemill.units import NS_PER_S

SOURCE = KIND = "made"
"""What such batches name as their source, and such tapes as their kind."""


def made_batches(blocks: Sequence[Sequence[Event]], after: Head, block_s: int) -> Iterator[Batch]:
    """Yield one batch a block: its events, then a head that is made for it.

    Args:
        blocks: the market events of each block, of the chain of ``after``.
        after: the head before the first of them.
        block_s: seconds between two blocks (>= 1).

    Raises:
        UsageError: an event is a head, answers a run's own doing, or is of another chain; the message names the block, from 0.
    """
    for place, events in enumerate(blocks):
        for event in events:
            _check(event, after.chain, place)
        height, unix_time = after.height + 1, after.unix_time + block_s
        head = Head(after.chain, height, made_hash(after.chain, height), after.block_hash, unix_time)
        at_ns = unix_time * NS_PER_S
        yield Batch(SOURCE, 1 + place, head.chain, height, head.block_hash, head.parent_hash, "final", at_ns, at_ns, (*events, head))
        after = head


def made_hash(chain: ChainId, height: int) -> str:
    """Return the hash of a made block: SHA-256 of chain and height, so that equal blocks give equal tapes."""
    return "0x" + hashlib.sha256(f"{chain}:{height}".encode()).hexdigest()


def _check(event: Event, chain: ChainId, place: int) -> None:
    name = type(event).__name__
    if isinstance(event, Head):
        raise UsageError(f"block {place}: leave Head out, each block ends with one that is made for it")
    if isinstance(event, ANSWER_EVENTS):
        raise UsageError(f"block {place}: {name} answers a run's own doing, and a market holds no answers: leave it out")
    pools = event.pools if isinstance(event, Found) else ()
    for found in (getattr(event, "chain", None) or chain, *(pool.chain for pool in pools)):
        if found != chain:
            raise UsageError(f"block {place}: expected {name} of {chain}, found {found}: a tape of blocks has one chain")
