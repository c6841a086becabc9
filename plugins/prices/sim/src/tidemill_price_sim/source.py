"""The reference prices that informed traders of the simulated chain know, as an oracle publishes them."""

from collections.abc import AsyncIterator
from itertools import count
from typing import ClassVar

from anyio.lowlevel import checkpoint

from tidemill import settings
from tidemill.domain.events import Batch, OraclePrice
from tidemill.errors import DecodeError, OutcomeUnknown
from tidemill.hookspecs.price import PriceSource, SourceSetup
from tidemill_simworld import (
    BLOCK_TIME_S,
    CHAIN,
    DEFAULT_TOKENS,
    MAX_TOKENS,
    MIN_TOKENS,
    PRICE_EXPONENT,
    ReferencePrices,
    price_time_ns,
    text,
    token_universe,
    whole,
)
from tidemill_simworld.wire import ask_node

SOURCE = "prices.sim"
_ATTEMPTS = 10
_TIMEOUT_S = 2


@settings
class SimPriceSettings:
    """Settings of the simulated prices: what chain and prices must agree on has the same defaults in both."""

    tokens: int = whole(DEFAULT_TOKENS, MIN_TOKENS, MAX_TOKENS, "how many tokens have a price, the five hubs among them")
    block_time_s: int = whole(BLOCK_TIME_S, 1, 3_600, "seconds between two blocks of the simulated chain")
    seed_offset: int = whole(0, 0, 1 << 32, "added to the run's seed; chains.sim needs the same")
    confidence_ppm: int = whole(500, 0, 1_000_000, "stated confidence, part of the price")
    node: str = text("", "socket of the node that chains.sim asks, so that prices begin at its head; empty: at block 0")


class SimPrices(PriceSource):
    """Publishes the reference price of every token once a block, halfway to the next one, from the head of a node if there is one."""

    name: ClassVar[str] = "sim"
    settings: SimPriceSettings

    async def batches(self, setup: SourceSetup) -> AsyncIterator[Batch]:
        chosen = self.settings
        tokens = token_universe(chosen.tokens)
        prices = ReferencePrices(setup.seed + chosen.seed_offset, tokens)
        first = await self._first()
        for height in range(first, first + setup.blocks) if setup.blocks else count(first):
            # A run at full speed must still hear a signal
            await checkpoint()
            time = price_time_ns(height, chosen.block_time_s)
            events = tuple(
                OraclePrice(token.id, price, PRICE_EXPONENT, price * chosen.confidence_ppm // 1_000_000, time, SOURCE)
                for token, price in zip(tokens, prices.at(height), strict=True)
            )
            yield Batch(SOURCE, height - first, CHAIN, height, "", "", "confirmed", time, time, events)

    async def _first(self) -> int:
        """Return the height whose prices come first."""
        for attempt in range(_ATTEMPTS if self.settings.node else 0):
            try:
                hello = await ask_node(self.settings.node, "hello", {}, _TIMEOUT_S)
            # A node may lose an answer, by its settings
            except OutcomeUnknown:
                if attempt + 1 == _ATTEMPTS:
                    raise
                continue
            try:
                return int(hello["head"]["height"])
            except (TypeError, KeyError, ValueError) as error:
                raise DecodeError(f"the node at {self.settings.node} answered {hello!r:.60}: expected a head with its height") from error
        return 0
