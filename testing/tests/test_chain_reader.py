"""The reader over a dict."""

import anyio
import pytest

from tidemill.domain.events import Log, States
from tidemill.domain.ids import Key
from tidemill.domain.pool import LogFilter
from tidemill.errors import Unavailable, UsageError
from tidemill.hookspecs.chain import AccountFilter
from tidemill_testing.chain_reader import Asked, MemoryReader
from tidemill_testing.market import SIM

A, B = Key("0xa:0x0"), Key("0xb:0x0")
CREATED, MOVED = b"\x01" * 32, b"\x02" * 32


def test_read_gives_the_value_that_held_at_a_height() -> None:
    """A value holds from the height of its change on; before its first one, and after it is taken away, a key is absent."""
    reader = MemoryReader({5: {A: b"1"}, 7: {A: b"2", B: b"x"}, 9: {B: None}})
    held = [anyio.run(reader.read, [A, B], height).values for height in (5, 6, 7, 8, 9)]
    assert [((A, b"1"), (B, None))] * 2 + [((A, b"2"), (B, b"x"))] * 2 + [((A, b"2"), (B, None))] == held
    assert States(SIM, ((A, b"2"),)) == anyio.run(reader.read, [A])


def test_read_at_a_height_that_is_not_known_is_unavailable() -> None:
    """Neither the future nor what was before is guessed."""
    reader = MemoryReader({5: {A: b"1"}}, head=8)
    for height in (4, 9):
        with pytest.raises(Unavailable, match=f"height {height} is not known: heights 5 to 8 are"):
            anyio.run(reader.read, [A], height)


def test_logs_are_of_the_contract_the_span_and_the_topics() -> None:
    """Both ends of the span count, and no topics means all."""
    logs = [Log("0xa", (CREATED,), b"", 0), Log("0xb", (CREATED,), b"", 1), Log("0xa", (), b"", 2), Log("0xa", (MOVED,), b"", 3)]
    reader = MemoryReader(logs={1: logs[:2], 2: logs[2:3], 4: logs[3:]})
    assert (logs[0], logs[2]) == anyio.run(reader.logs, LogFilter("0xa"), 1, 2)
    assert (logs[3],) == anyio.run(reader.logs, LogFilter("0xa", (MOVED,)), 1, 4)
    with pytest.raises(Unavailable):
        anyio.run(reader.logs, LogFilter("0xa"), 1, 5)


def test_accounts_match_by_size_and_bytes() -> None:
    """Filters are those of a chain that lists accounts, and accounts come by key."""
    reader = MemoryReader(accounts={"program": {B: b"\x01pool", A: b"\x01pair", Key("c"): b"\x02"}})
    assert ((A, b"\x01pair"), (B, b"\x01pool")) == anyio.run(reader.accounts, AccountFilter("program", 5))
    assert ((B, b"\x01pool"),) == anyio.run(reader.accounts, AccountFilter("program", None, ((0, b"\x01"), (1, b"pool"))))
    assert () == anyio.run(reader.accounts, AccountFilter("another"))


def test_questions_are_recorded_and_counted() -> None:
    """What was asked stands in order, with the heights."""
    reader = MemoryReader({1: {A: b"1"}})
    anyio.run(reader.read, [A, B], 1)
    anyio.run(reader.logs, LogFilter("0xa"), 1, 1)
    assert [Asked("read", (A, B), 1, 1), Asked("logs", ("0xa",), 1, 1)] == reader.asked
    assert {"read": 1, "logs": 1} == reader.counts


def test_questions_fail_by_their_number() -> None:
    """The second question of all fails, and is recorded all the same."""
    reader = MemoryReader({1: {A: b"1"}}, fails={2})
    anyio.run(reader.read, [A])
    with pytest.raises(Unavailable, match="question 2, read of 0xa:0x0: the test lets it fail"):
        anyio.run(reader.read, [A])
    anyio.run(reader.read, [A])
    assert 3 == reader.counts["read"]


def test_questions_fail_by_their_kind() -> None:
    """The first question for logs fails, whatever was asked before."""
    reader = MemoryReader({1: {A: b"1"}}, fails={"logs": {1}})
    anyio.run(reader.read, [A])
    with pytest.raises(Unavailable, match="question 2, logs"):
        anyio.run(reader.logs, LogFilter("0xa"), 1, 1)
    assert () == anyio.run(reader.logs, LogFilter("0xa"), 1, 1)


def test_head_below_what_is_given_is_refused() -> None:
    """A value in the future of the head could never be read."""
    with pytest.raises(UsageError, match="the head is 3, and something is given at 5"):
        MemoryReader({5: {A: b"1"}}, head=3)
