"""What must hold for market events whatever source yields them."""

import pickle
from collections.abc import Iterator, Sequence
from itertools import pairwise

from tidemill.domain.events import ANSWER_EVENTS, Bar, Batch, BookDelta, BookSnapshot, Event, OraclePrice, Trade
from tidemill.errors import DecodeError
from tidemill.tape.codec import decode_event, encode_event

MOST_EXPONENT = 36


def counting_faults(batches: tuple[Batch, ...]) -> Iterator[str]:
    """Yield what is wrong with names and numbers of batches: one constant name, ``seq`` by one."""
    names = sorted({batch.source for batch in batches})
    if len(names) > 1 or "" in names:
        yield f"expected one name that is not empty, found {', '.join(map(repr, names))}"
    for one, other in pairwise(batches):
        if other.seq != one.seq + 1:
            yield f"batch {one.seq} is followed by batch {other.seq}"


def seed_faults(one: Sequence[Batch], again: Sequence[Batch], other: Sequence[Batch]) -> Iterator[str]:
    """Yield where runs with the seeds 1, 1 again, and 2 are not equal, or not different."""
    for first, second in zip(one, again, strict=False):
        if first != second:
            yield f"seed 1 gave {first}, then {second}"
    if one == other:
        yield f"seeds 1 and 2 give the same {len(one)} batches"


def time_faults(batches: tuple[Batch, ...]) -> Iterator[str]:
    """Yield where the time of receipt falls or is no time at all."""
    for batch in batches:
        if type(batch.local_ns) is not int or batch.local_ns < 0:
            yield f"batch {batch.seq} has local_ns {batch.local_ns!r}: expected nanoseconds since 1970"
    for one, other in pairwise(batches):
        if other.local_ns < one.local_ns:
            yield f"local_ns falls from {one.local_ns} in batch {one.seq} to {other.local_ns} in batch {other.seq}"


def price_faults(event: Event) -> Iterator[str]:
    """Yield what is wrong with a price as a number."""
    if not isinstance(event, OraclePrice):
        return
    numbers = {"mantissa": event.mantissa, "exponent": event.exponent, "confidence": event.confidence}
    for name, number in numbers.items():
        if type(number) is not int:
            yield f"{event.asset}: {name} {number!r} is no int"
            return
    if event.mantissa <= 0:
        yield f"{event.asset}: mantissa {event.mantissa}, a price is above 0"
    if not -MOST_EXPONENT <= event.exponent <= MOST_EXPONENT:
        yield f"{event.asset}: exponent {event.exponent}, expected one from -{MOST_EXPONENT} to {MOST_EXPONENT}"
    if event.confidence < 0:
        yield f"{event.asset}: confidence {event.confidence}, expected 0 or more"
    if not _is_caip19(event.asset):
        yield f"{event.asset!r} is no asset id: expected CAIP-19 such as eip155:1/slip44:60"


def _is_caip19(asset: str) -> bool:
    chain, slash, rest = asset.partition("/")
    return bool(slash) and all(":" in part and not part.startswith(":") and not part.endswith(":") for part in (chain, rest))


def book_faults(event: Event) -> Iterator[str]:
    """Yield what is wrong with a trade, a bar or an order book."""
    match event:
        case Trade():
            if event.price_ticks <= 0 or event.lots <= 0:
                yield f"a trade of {event.lots} lots at {event.price_ticks} ticks"
        case Bar():
            if not 0 < event.low <= min(event.open, event.close) <= max(event.open, event.close) <= event.high:
                yield f"a bar with open {event.open}, high {event.high}, low {event.low}, close {event.close}"
            if event.interval_s <= 0 or event.volume < 0:
                yield f"a bar of {event.interval_s} s with a volume of {event.volume}"
        case BookDelta():
            if event.price_ticks <= 0 or event.lots < 0:
                yield f"a level of {event.lots} lots at {event.price_ticks} ticks"
        case BookSnapshot():
            yield from _ladder_faults(event)
        case _:
            return


def _ladder_faults(book: BookSnapshot) -> Iterator[str]:
    bids, asks = [price for price, _ in book.bids], [price for price, _ in book.asks]
    if bids != sorted(set(bids), reverse=True) or asks != sorted(set(asks)):
        yield f"levels of {book.market} are not best first, each once: bids {bids[:4]}, asks {asks[:4]}"
    elif bids and asks and bids[0] >= asks[0]:
        yield f"{book.market} is crossed: bid {bids[0]}, ask {asks[0]}"
    if any(lots <= 0 or price <= 0 for price, lots in (*book.bids, *book.asks)):
        yield f"{book.market} has a level without lots or price"


def recording_faults(event: Event) -> Iterator[str]:
    """Yield why an event does not come back equal from a tape or from another process."""
    if isinstance(event, ANSWER_EVENTS):
        return
    try:
        again = decode_event(encode_event(event))
    except (DecodeError, TypeError, ValueError, AttributeError) as error:
        yield f"{type(event).__name__} cannot be recorded: {type(error).__name__}: {error}"
        return
    if again != event or repr(again) != repr(event):
        yield f"recorded as {again!r}, yielded as {event!r}"
    try:
        carried = pickle.loads(pickle.dumps(event))  # noqa: S301 made one line before
    except (pickle.PicklingError, TypeError, AttributeError) as error:
        yield f"{type(event).__name__} cannot be pickled: {error}"
        return
    if carried != event:
        yield f"pickled as {carried!r}, yielded as {event!r}"
