"""Price sources that each break just the rule which their test class names, and four that break none."""

import asyncio
from collections.abc import AsyncIterator
from decimal import Decimal
from itertools import count
from typing import Any, ClassVar

from attrs import evolve
from websockets.asyncio.client import ClientConnection
from websockets.exceptions import ConnectionClosed

from tidemill import settings
from tidemill.domain.events import Batch as MarketBatch
from tidemill.domain.events import BookSnapshot, Event, Head, OraclePrice, Trade
from tidemill.domain.ids import ChainId
from tidemill.errors import DecodeError, Unavailable
from tidemill.hookspecs.price import SourceSetup
from tidemill_testing.conformance import PriceConformance
from tidemill_testing.plain_prices import MARKET, START_NS, ComesBack, Feed, Made, Polls, batch, price


class TestMade(PriceConformance):
    plugin = Made
    capabilities = frozenset({"seeded", "ends"})


class Skips(Made):
    def one(self, seq: int, setup: SourceSetup) -> MarketBatch:
        return evolve(super().one(seq, setup), seq=2 * seq)


class TestPRC10Skips(PriceConformance):
    plugin = Skips


class GoesBack(Made):
    def one(self, seq: int, setup: SourceSetup) -> MarketBatch:
        return evolve(super().one(seq, setup), local_ns=START_NS + (100 - seq if seq < 8 else 200))


class TestPRC11GoesBack(PriceConformance):
    plugin = GoesBack


class MovesTheChain(Made):
    def one(self, seq: int, setup: SourceSetup) -> MarketBatch:
        return batch(seq, price(seq), Head(ChainId("sim:1"), seq, "0x1", "0x0", 0))


class TestPRC12MovesTheChain(PriceConformance):
    plugin = MovesTheChain


class Below(Made):
    def one(self, seq: int, setup: SourceSetup) -> MarketBatch:
        return batch(seq, price(seq, mantissa=-1))


class TestPRC13Below(PriceConformance):
    plugin = Below


class Milliseconds(Made):
    def one(self, seq: int, setup: SourceSetup) -> MarketBatch:
        return batch(seq, price(seq, publish_ns=1_000 * START_NS + seq))


class TestPRC14Milliseconds(PriceConformance):
    plugin = Milliseconds


class Crossed(Made):
    def one(self, seq: int, setup: SourceSetup) -> MarketBatch:
        return batch(seq, BookSnapshot(MARKET, ((101, 1),), ((100, 1),), seq))


class TestPRC15Crossed(PriceConformance):
    plugin = Crossed


class Floats(Made):
    def one(self, seq: int, setup: SourceSetup) -> MarketBatch:
        return batch(seq, Trade(MARKET, "buy", 100.0, 1))  # type: ignore[arg-type]  # what is wrong with it


class TestPRC16Floats(PriceConformance):
    plugin = Floats


class Repeats(Made):
    def one(self, seq: int, setup: SourceSetup) -> MarketBatch:
        return batch(seq, price(seq, publish_ns=START_NS - seq))


class TestPRC17Repeats(PriceConformance):
    plugin = Repeats


class LeavesATask(Made):
    async def batches(self, setup: SourceSetup) -> AsyncIterator[MarketBatch]:
        if setup.blocks:
            self.task = asyncio.ensure_future(asyncio.sleep(3_600))
        async for one in super().batches(setup):
            yield one


class TestPRC18LeavesATask(PriceConformance):
    plugin = LeavesATask


class NeverWaits(Made):
    async def batches(self, setup: SourceSetup) -> AsyncIterator[MarketBatch]:
        for seq in range(setup.blocks) if setup.blocks else count():
            yield self.one(seq, setup)


class TestPRC19NeverWaits(PriceConformance):
    plugin = NeverWaits


class HasNoSeed(Made):
    runs = 0

    def one(self, seq: int, setup: SourceSetup) -> MarketBatch:
        HasNoSeed.runs += seq == 0
        return batch(seq, price(seq, mantissa=HasNoSeed.runs))


class TestPRC20HasNoSeed(PriceConformance):
    plugin = HasNoSeed
    capabilities = frozenset({"seeded"})


class NeverEnds(Made):
    async def batches(self, setup: SourceSetup) -> AsyncIterator[MarketBatch]:
        async for one in super().batches(SourceSetup(setup.seed)):
            yield one


class TestPRC21NeverEnds(PriceConformance):
    plugin = NeverEnds
    capabilities = frozenset({"ends"})


@settings
class OpenSettings:
    api_token: str = ""


class Open(Made):
    settings: OpenSettings


class TestPRC22Open(PriceConformance):
    plugin = Open


MESSAGES: list[object] = [{"n": number, "price": f"30{number}.25"} for number in range(1, 6)]

# What these messages mean, each a trade and a price in cents
MEANT: list[Event] = [
    event
    for number in range(1, 6)
    for event in (
        Trade(MARKET, "buy", 30_025 + 100 * number, 1, str(number)),
        price(0, mantissa=30_025 + 100 * number, publish_ns=START_NS + number),
    )
]


class FeedCase(PriceConformance):
    capabilities = frozenset({"connects"})
    address_setting = "url"
    messages: ClassVar[list[object]] = MESSAGES
    expected: ClassVar[list[Event]] = MEANT


class TestFeed(FeedCase):
    plugin = Feed
    capabilities = frozenset({"connects", "recorded"})


class TestComesBack(FeedCase):
    plugin = ComesBack
    capabilities = frozenset({"connects", "reconnects"})


class TestPolls(FeedCase):
    plugin = Polls
    transport = "http"


class TellsTheKey(Feed):
    def unreachable(self, place: str, error: OSError) -> Exception:
        return Unavailable(f"{self.settings.url}: {error}")


class TestPRC30TellsTheKey(FeedCase):
    plugin = TellsTheKey


class AsksTooSoon(Feed):
    async def connected(self) -> ClientConnection:
        try:
            return await super().connected()
        except Unavailable as error:
            raise Unavailable(str(error)) from error


class TestPRC31AsksTooSoon(FeedCase):
    plugin = AsksTooSoon


class PassesOver(Feed):
    def events(self, text: str | bytes) -> list[Event]:
        try:
            return super().events(text)
        except DecodeError:
            return []


class TestPRC32PassesOver(FeedCase):
    plugin = PassesOver


class LooksQuiet(Feed):
    def lost(self, error: ConnectionClosed) -> Exception | None:
        return None


class TestPRC33LooksQuiet(FeedCase):
    plugin = LooksQuiet


class CountsAnew(ComesBack):
    async def heard(self, connection: ClientConnection) -> AsyncIterator[MarketBatch]:
        if self.seq > 1:
            self.seq = 0
        async for one in super().heard(connection):
            yield one


class TestPRC34CountsAnew(FeedCase):
    plugin = CountsAnew
    capabilities = frozenset({"connects", "reconnects"})


class CountsTwice(Feed):
    def again(self, number: object, mantissa: int) -> list[Event]:
        super().again(number, mantissa)
        return [Trade(MARKET, "buy", mantissa, 1, str(number))]


class TestPRC35CountsTwice(FeedCase):
    plugin = CountsTwice


class TakesZero(Feed):
    def number(self, text: object) -> Decimal:
        found = Decimal(str(text))
        return found if found.is_finite() and found == 0 else super().number(text)


class TestPRC36TakesZero(FeedCase):
    plugin = TakesZero


class CentsForDollars(Feed):
    def decoded(self, message: Any) -> list[Event]:
        return [evolve(one, exponent=one.exponent - 2) if isinstance(one, OraclePrice) else one for one in super().decoded(message)]


class TestPRC23CentsForDollars(FeedCase):
    plugin = CentsForDollars
    capabilities = frozenset({"connects", "recorded"})
