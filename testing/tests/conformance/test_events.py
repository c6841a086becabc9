"""What counts as a fault of a market event or of blocks, one by one."""

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest
from attrs import evolve

from tidemill.domain.events import (
    Balances,
    Bar,
    Batch,
    BookDelta,
    BookSnapshot,
    Event,
    Gap,
    Head,
    OraclePrice,
    Rollback,
    States,
    Trade,
)
from tidemill.domain.ids import MAIN_BOOK, AssetId, ChainId, Key, MarketId
from tidemill_testing.conformance.chain.faults import block_faults, head_faults
from tidemill_testing.conformance.events import book_faults, counting_faults, price_faults, recording_faults, time_faults

CHAIN = ChainId("acme:1")
MARKET = MarketId("venue/ETH-USD")
PRICE = OraclePrice(AssetId("acme:1/slip44:60"), 5, -2, 0, 1)
BOOK = BookSnapshot(MARKET, ((99, 1), (98, 2)), ((100, 1), (101, 2)), 7)
BAR = Bar(MARKET, 60, 0, 10, 12, 9, 11, 3)


def altered(event: OraclePrice, **wrong: Any) -> OraclePrice:
    return evolve(event, **wrong)


def batch(seq: int, *events: Event, **changed: Any) -> Batch:
    return evolve(Batch("a", seq, CHAIN, 1, "0x1", "0x0", "final", 1, 1, events), **changed)


def head(height: int, parent: str = "", **changed: Any) -> Batch:
    made = evolve(Head(CHAIN, height, f"0x{height}", parent or f"0x{height - 1}", 100 + height), **changed)
    return batch(height, made, height=height, block_hash=made.block_hash)


@pytest.mark.parametrize("event", [PRICE, BOOK, BAR, Trade(MARKET, "buy", 1, 1), BookDelta(MARKET, "sell", 1, 0, 8), Gap(CHAIN, 0, 0)])
def test_sound_event_has_no_fault(event: Event) -> None:
    """What is possible is not complained of."""
    assert [] == [*price_faults(event), *book_faults(event), *recording_faults(event)]


@pytest.mark.parametrize(
    ("event", "told"),
    [
        (evolve(PRICE, mantissa=0), "a price is above 0"),
        (altered(PRICE, mantissa=5.0), "mantissa 5.0 is no int"),
        (altered(PRICE, confidence=True), "confidence True is no int"),
        (evolve(PRICE, confidence=-1), "confidence -1"),
        (evolve(PRICE, exponent=37), "exponent 37"),
        (evolve(PRICE, asset=AssetId("ETH")), "'ETH' is no asset id"),
        (evolve(PRICE, asset=AssetId("acme:/x:")), "is no asset id"),
        (Trade(MARKET, "buy", 0, 1), "a trade of 1 lots at 0 ticks"),
        (Trade(MARKET, "buy", 1, 0), "a trade of 0 lots at 1 ticks"),
        (evolve(BAR, low=11, open=10), "a bar with open 10"),
        (evolve(BAR, volume=-1), "a volume of -1"),
        (BookDelta(MARKET, "buy", 0, 1, 1), "a level of 1 lots at 0 ticks"),
        (evolve(BOOK, bids=((98, 1), (99, 1))), "not best first"),
        (evolve(BOOK, asks=((100, 1), (100, 2))), "not best first, each once"),
        (evolve(BOOK, bids=((100, 1),)), "is crossed: bid 100, ask 100"),
        (evolve(BOOK, bids=((99, 0),)), "a level without lots or price"),
    ],
)
def test_event_with_a_fault_is_told(event: Event, told: str) -> None:
    """Each fault is one sentence with the figures."""
    (fault,) = [*price_faults(event), *book_faults(event)]
    assert told in fault


class Changing(str):
    """Text that arrives as another."""

    __slots__ = ()

    def __reduce__(self) -> Any:
        return (str, ("another",))


class Unpicklable(str):
    """Text that cannot be carried to another process."""

    __slots__ = ()

    def __reduce__(self) -> Any:
        raise TypeError("it stays here")


@pytest.mark.parametrize(
    ("event", "told"),
    [
        (altered(PRICE, mantissa=5.0), "recorded as"),
        (altered(PRICE, source=5), "recorded as"),
        (altered(PRICE, mantissa=Decimal(5)), "cannot be recorded"),
        (altered(PRICE, source=Changing("x")), "pickled as"),
        (altered(PRICE, source=Unpicklable("x")), "cannot be pickled: it stays here"),
    ],
)
def test_event_that_does_not_come_back_is_told(event: Event, told: str) -> None:
    """A tape and another process give back what they were given."""
    assert told in next(iter(recording_faults(event)))


def test_answer_is_not_asked_to_be_recorded_here() -> None:
    """Answers are the kernel's own."""
    assert [] == list(recording_faults(Balances(MAIN_BOOK, ())))


@pytest.mark.parametrize(
    ("batches", "told"),
    [
        ((batch(1), batch(1)), "batch 1 is followed by batch 1"),
        ((batch(1), batch(2, source="b")), "found 'a', 'b'"),
        ((batch(1, source=""),), "one name that is not empty"),
        ((batch(1, local_ns=-1),), "local_ns -1"),
        ((batch(1, local_ns=1.5),), "local_ns 1.5"),
        ((batch(1, local_ns=5), batch(2, local_ns=4)), "falls from 5 in batch 1 to 4"),
    ],
)
def test_batches_with_a_fault_are_told(batches: tuple[Batch, ...], told: str) -> None:
    """Names, numbers and times of receipt are checked from batch to batch."""
    (fault,) = [*counting_faults(batches), *time_faults(batches)]
    assert told in fault


@pytest.mark.parametrize(
    ("one", "told"),
    [
        (batch(1, chain=ChainId("b:1")), "batch 1 is of b:1"),
        (batch(1, Balances(MAIN_BOOK, ())), "an answer to our own doing"),
        (batch(1, Gap(ChainId("b:1"), 0, 0)), "holds Gap of b:1"),
        (batch(1, Head(CHAIN, 2, "0x2", "0x1", 0)), "is of block 1 0x1, its head is 2 0x2"),
        (batch(1, States(CHAIN, ((Key("a"), b""), (Key("a"), None)))), "holds a key twice"),
    ],
)
def test_block_with_a_fault_is_told(one: Batch, told: str) -> None:
    """Batch and events speak of the same block of the same chain."""
    (fault,) = block_faults([one], CHAIN)
    assert told in fault


def heads(*batches: Batch) -> Iterator[str]:
    return head_faults(list(batches))


def test_heads_that_follow_have_no_fault() -> None:
    """Blocks upon each other, behind a rollback, and behind a gap."""
    rollback = batch(9, Rollback(CHAIN, 1, "0x1"))
    other = head(2, block_hash="0x2b")
    assert [] == list(heads(head(1), head(2), rollback, other, head(3, "0x2b"), batch(9, Gap(CHAIN, 4, 8)), head(9)))


@pytest.mark.parametrize(
    ("batches", "told"),
    [
        ((head(1), head(3)), "block 3 upon 0x2 follows block 1 0x1"),
        ((head(1), head(1)), "follows block 1"),
        ((head(1), head(2, "0xdead")), "block 2 upon 0xdead"),
        ((head(1), head(2, unix_time=1)), "block 2 is of 1, the one before of 101"),
        ((head(1), batch(2, Rollback(CHAIN, 1, "0x1"))), "a rollback to 1, the head is 1"),
        ((batch(2, Rollback(CHAIN, 1, "0x1")),), "a rollback to 1, the head is not told"),
        ((head(1), head(2), batch(3, Rollback(CHAIN, 1, "0xdead"))), "a rollback to 1 0xdead, told was 0x1"),
    ],
)
def test_heads_with_a_fault_are_told(batches: tuple[Batch, ...], told: str) -> None:
    """A head that does not follow, and a rollback to nowhere, are named with their heights."""
    (fault,) = heads(*batches)
    assert told in fault
