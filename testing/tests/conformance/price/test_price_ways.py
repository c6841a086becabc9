"""Rules of price sources that can be broken in more than one way: each way is told in its own words."""

import json
from collections.abc import AsyncIterator
from itertools import count
from types import ModuleType
from typing import Any

import pytest
from attrs import evolve

from tidemill.domain.events import Batch, Event
from tidemill.errors import DecodeError, Unavailable
from tidemill_testing.conformance.rule import Broken


def told(case: type, rule: str) -> str:
    """Return what the rule says of a class."""
    with pytest.raises(Broken) as caught:
        getattr(case(), rule)()
    return str(caught.value)


def made_with(wrong: ModuleType, **changed: Any) -> type:
    capabilities = frozenset({"seeded", "ends"})
    return type("TestWrong", (wrong.PriceConformance,), {"plugin": type("Wrong", (wrong.Made,), changed), "capabilities": capabilities})


def feed_with(wrong: ModuleType, base: str = "Feed", **changed: Any) -> type:
    capabilities = frozenset({"connects"} if base == "Feed" else {"connects", "reconnects"})
    return type("TestWrong", (wrong.FeedCase,), {"plugin": type("Wrong", (getattr(wrong, base),), changed), "capabilities": capabilities})


def test_seed_that_changes_nothing_is_told(wrong: ModuleType) -> None:
    """Two seeds that give one market are no seeds."""
    case = made_with(wrong, one=lambda self, seq, setup: wrong.batch(seq, wrong.price(seq)))
    assert "seeds 1 and 2 give the same 16 batches" in told(case, "test_equal_seeds_give_equal_batches")


def test_source_that_raises_is_told(wrong: ModuleType) -> None:
    """A failure breaks the rule that listened."""

    def one(self: Any, seq: int, setup: Any) -> Batch:
        raise ZeroDivisionError("no price")

    assert "it raised ZeroDivisionError: no price" in told(made_with(wrong, one=one), "test_batches_are_counted")
    assert "ZeroDivisionError: no price" in told(made_with(wrong, one=one), "test_closing_leaves_nothing_behind")


def test_source_that_is_silent_is_told(wrong: ModuleType) -> None:
    """A source without a batch keeps no rule."""

    async def batches(self: Any, setup: Any) -> AsyncIterator[Batch]:
        for batch in tuple[Batch, ...]():
            yield batch

    assert "it yielded no batch" in told(made_with(wrong, batches=batches), "test_batches_are_counted")


def test_batch_without_events_is_told(wrong: ModuleType) -> None:
    """An empty batch says nothing and costs a turn."""
    case = made_with(wrong, one=lambda self, seq, setup: wrong.batch(seq))
    assert "batch 0 holds no event" in told(case, "test_batches_hold_market_data")


def test_secret_kept_as_text_is_told(wrong: ModuleType) -> None:
    """An instance is printed in tracebacks."""

    def init(self: Any, settings: object | None = None) -> None:
        wrong.Made.__init__(self, settings)
        self.api_key = "secret"

    assert "keeps api_key as text on its instance" in told(made_with(wrong, __init__=init), "test_secrets_are_references")


@pytest.mark.parametrize(
    ("error", "expected"),
    [(OSError("nobody"), "expected Unavailable, found OSError"), (Unavailable("nobody"), "does not stand in: nobody")],
)
def test_unreachable_server_told_otherwise_is_told(wrong: ModuleType, error: Exception, expected: str) -> None:
    """The class of the error says what to do, its text where."""
    case = feed_with(wrong, unreachable=lambda self, place, cause: error)
    assert expected in told(case, "test_unreachable_server_is_unavailable")


def test_server_in_maintenance_that_looks_like_no_feed_is_told(wrong: ModuleType) -> None:
    """503 is Unavailable, as 429 is."""

    async def connected(self: Any) -> Any:
        try:
            return await wrong.Feed.connected(self)
        except Unavailable as error:
            if error.retry_after_s == 1:
                raise DecodeError("not a feed") from error
            raise

    assert "503: expected Unavailable, found DecodeError" in told(
        feed_with(wrong, connected=connected), "test_refusing_server_is_unavailable"
    )


def taking(wrong: ModuleType, price: int) -> Any:
    """Return an ``events`` that makes a price of what is broken."""

    def events(self: Any, text: str) -> list[Event]:
        try:
            found: list[Event] = wrong.Feed.events(self, text)
        except DecodeError:
            return [wrong.price(price)]
        return found

    return events


def test_broken_message_taken_for_a_price_is_told(wrong: ModuleType) -> None:
    """Half a message is no price."""
    assert " gave OraclePrice(" in told(feed_with(wrong, events=taking(wrong, 1)), "test_broken_message_becomes_no_price")


def test_broken_message_that_raises_anything_is_told(wrong: ModuleType) -> None:
    """What the decoder raises is not for the kernel to know."""

    def events(self: Any, text: str) -> list[Event]:
        found: list[Event] = self.decoded(json.loads(text))
        return found

    assert "raised JSONDecodeError" in told(feed_with(wrong, events=events), "test_broken_message_becomes_no_price")
    assert "expected DecodeError, or a Gap" in told(feed_with(wrong, events=events), "test_hostile_numbers_become_no_price")


def silently(wrong: ModuleType) -> Any:
    """Return a ``batches`` that connects again and says no gap."""

    async def batches(self: Any, setup: Any) -> AsyncIterator[Batch]:
        self.newest, self.trades, self.seq = 0, set(), 0
        for _ in count():
            async with await self.connected() as connection:
                async for one in self.heard(connection):
                    yield one

    return batches


def test_silent_reconnection_is_told(wrong: ModuleType) -> None:
    """Nobody knows what was missed."""
    case = feed_with(wrong, "ComesBack", batches=silently(wrong))
    assert "and no Gap followed" in told(case, "test_lost_connection_is_said")
    assert "after the drop it yielded 0 gaps" in told(case, "test_it_goes_on_after_a_lost_connection")


def test_old_price_behind_a_newer_one_is_told(wrong: ModuleType) -> None:
    """Feeds reorder messages, sources put them right."""

    def decoded(self: Any, message: Any) -> list[Event]:
        self.newest = 0
        found: list[Event] = wrong.Feed.decoded(self, message)
        return found

    assert "behind one published at" in told(feed_with(wrong, decoded=decoded), "test_prices_do_not_go_back")


@pytest.mark.parametrize(
    ("given", "expected"), [({"address_setting": ""}, 'address_setting = "url"'), ({"messages": ()}, "give at least three messages")]
)
def test_class_that_gives_too_little_is_told(wrong: ModuleType, given: dict[str, Any], expected: str) -> None:
    """An author reads what to give."""
    case = feed_with(wrong)
    for name, value in given.items():
        setattr(case, name, value)
    assert expected in told(case, "test_batches_are_counted")


def test_venue_whose_clock_is_ahead_may_say_so(wrong: ModuleType) -> None:
    """A stated skew is allowed, and no more."""
    ahead = made_with(wrong, one=lambda self, seq, setup: wrong.batch(seq, evolve(wrong.price(seq), publish_ns=wrong.START_NS + seq + 5)))
    assert "published at" in told(ahead, "test_nothing_is_published_in_the_future")
    allowed = made_with(wrong, one=vars(ahead.plugin)["one"])  # type: ignore[attr-defined]  # set above
    allowed.clock_skew_ns = 5  # type: ignore[attr-defined]  # an attribute of the suite
    allowed().test_nothing_is_published_in_the_future()


def test_recorded_messages_that_mean_less_or_nothing_are_told(wrong: ModuleType) -> None:
    """A price that is left out, and a class that declares and gives none."""

    def decoded(self: Any, message: Any) -> list[Event]:
        told: list[Event] = wrong.Feed.decoded(self, message)
        return told if message["n"] < 5 else []

    rule = "test_recorded_messages_mean_what_the_venue_means"
    said = told(feed_with(wrong, decoded=decoded), rule)
    assert "expected Trade(" in said
    assert said.endswith("found no further event")
    assert "give expected = [event, …]" in told(type("TestWrong", (feed_with(wrong),), {"expected": ()}), rule)
