"""Price sources that keep every rule of their kind: what broken sources in tests are made from."""

import asyncio
import json
from collections.abc import AsyncIterator
from decimal import Decimal, InvalidOperation
from http.client import HTTPException
from itertools import count
from typing import Any
from urllib.error import HTTPError
from urllib.request import urlopen

from anyio import to_thread
from anyio.lowlevel import checkpoint
from attrs import evolve
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from tidemill import PriceSource, settings
from tidemill.domain.events import Batch as MarketBatch
from tidemill.domain.events import Event, Gap, OraclePrice, Trade
from tidemill.domain.ids import AssetId, ChainId, MarketId
from tidemill.errors import DecodeError, Unavailable
from tidemill.hookspecs.price import SourceSetup

ETHER = AssetId("sim:1/slip44:60")
MARKET = MarketId("venue/ETH-USD")
START_NS = 1_700_000_000_000_000_000


def batch(seq: int, *events: Event, local_ns: int = 0) -> MarketBatch:
    """Return events as a batch of the source ``acme``."""
    now = local_ns or START_NS + seq
    return MarketBatch("acme", seq, None, 0, "", "", "confirmed", now, now, events)


def price(seq: int, **changed: Any) -> OraclePrice:
    """Return a price of ether, with something changed."""
    return evolve(OraclePrice(ETHER, 3_000_00 + seq, -2, 10, START_NS + seq, "acme"), **changed)


class Made(PriceSource):
    """Makes its prices by itself and breaks nothing."""

    name = "made"

    async def batches(self, setup: SourceSetup) -> AsyncIterator[MarketBatch]:
        for seq in range(setup.blocks) if setup.blocks else count():
            await checkpoint()
            yield self.one(seq, setup)

    def one(self, seq: int, setup: SourceSetup) -> MarketBatch:
        """Return the batch with that number."""
        return batch(seq, price(seq + 100 * setup.seed, publish_ns=START_NS + seq))


@settings
class FeedSettings:
    """Where the feed is."""

    url: str = "ws://127.0.0.1:1"


class Feed(PriceSource):
    """Reads a WebSocket and breaks nothing."""

    name = "feed"
    settings: FeedSettings

    async def batches(self, setup: SourceSetup) -> AsyncIterator[MarketBatch]:
        self.newest = 0
        self.trades: set[int] = set()
        self.seq = 0
        async with await self.connected() as connection:
            async for one in self.heard(connection):
                yield one

    async def connected(self) -> ClientConnection:
        """Return an open connection.

        Raises:
            Unavailable: there is none.
        """
        place = self.settings.url.partition("//")[2].partition("/")[0]
        try:
            return await connect(self.settings.url, ping_interval=None)
        except InvalidStatus as error:
            after = int(error.response.headers.get("Retry-After", "1"))
            raise Unavailable(f"{place} refuses", retry_after_s=after) from error
        except OSError as error:
            raise self.unreachable(place, error) from error

    def unreachable(self, place: str, error: OSError) -> Exception:
        """Return what to raise where nobody answers."""
        return Unavailable(f"{place}: {error}")

    async def heard(self, connection: ClientConnection) -> AsyncIterator[MarketBatch]:
        """Yield the batches of one connection."""
        try:
            async for text in connection:
                for event in self.events(text):
                    self.seq += 1
                    yield batch(self.seq, event, local_ns=START_NS + 100 + self.seq)
        except ConnectionClosed as error:
            lost = self.lost(error)
            if lost is not None:
                raise lost from error

    def lost(self, error: ConnectionClosed) -> Exception | None:
        """Return what to raise when the connection was lost; None to go on."""
        return Unavailable("the feed was lost")

    def events(self, text: str | bytes) -> list[Event]:
        """Return what a message says.

        Raises:
            DecodeError: nothing that can be understood.
        """
        try:
            return self.decoded(json.loads(text))
        except (ValueError, KeyError, TypeError, AttributeError, InvalidOperation) as error:
            raise DecodeError(f"not a price: {error}") from error

    def decoded(self, message: Any) -> list[Event]:
        """Return the trade and the price in a message."""
        _, digits, exponent = self.number(message["price"]).as_tuple()
        mantissa = int("".join(map(str, digits)))
        number = message["n"]
        if type(number) is not int or number <= 0 or number in self.trades:
            return self.again(number, mantissa)
        self.trades.add(number)
        told: list[Event] = [Trade(MARKET, "buy", mantissa, 1, str(number))]
        if number >= self.newest:
            self.newest = number
            told.append(price(0, mantissa=mantissa, exponent=int(exponent), publish_ns=START_NS + number))
        return told

    def number(self, text: object) -> Decimal:
        """Return a price as a number above 0."""
        found = Decimal(str(text))
        if not found.is_finite() or found <= 0 or found > 10**30:
            raise ValueError(f"expected a price above 0, found {text}")
        return found

    def again(self, number: object, mantissa: int) -> list[Event]:
        """Return what a message says that was heard before."""
        if type(number) is not int or number <= 0:
            raise ValueError(f"expected a number, found {number}")
        return []


class ComesBack(Feed):
    """Connects again by itself and breaks nothing."""

    async def batches(self, setup: SourceSetup) -> AsyncIterator[MarketBatch]:
        self.newest, self.trades, self.seq = 0, set(), 0
        for attempt in count():
            async with await self.connected() as connection:
                if attempt:
                    self.seq += 1
                    yield batch(self.seq, Gap(ChainId("venue:acme"), 0, 0), local_ns=START_NS + 100 + self.seq)
                async for one in self.heard(connection):
                    yield one

    def lost(self, error: ConnectionClosed) -> Exception | None:
        return None


class Polls(Feed):
    """Asks a page again and again, and breaks nothing."""

    async def batches(self, setup: SourceSetup) -> AsyncIterator[MarketBatch]:
        self.newest, self.trades, self.seq = 0, set(), 0
        while True:
            for event in self.events(await to_thread.run_sync(self.asked)):
                self.seq += 1
                yield batch(self.seq, event, local_ns=START_NS + 100 + self.seq)
            await asyncio.sleep(0.001)

    def asked(self) -> bytes:
        """Return the page as it is now.

        Raises:
            Unavailable: there is none.
        """
        place = self.settings.url.partition("//")[2].partition("/")[0]
        try:
            # The address is that of a server in the same process
            with urlopen(self.settings.url, timeout=5) as page:  # noqa: S310
                text: bytes = page.read()
                return text
        except HTTPError as error:
            after = int(error.headers.get("Retry-After", "1"))
            error.close()
            raise Unavailable(f"{place} refuses", retry_after_s=after) from error
        except (OSError, HTTPException) as error:
            raise Unavailable(f"{place}: {error}") from error
