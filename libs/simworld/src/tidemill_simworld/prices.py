"""Reference prices: what tokens are worth outside the pools, as a pure function of seed and height."""

from collections.abc import Sequence
from typing import Final

from tidemill_simworld.streams import Stream
from tidemill_simworld.tokens import Token

PRICE_EXPONENT: Final = -12
"""A reference price is an integer of 10**PRICE_EXPONENT US dollars a whole token."""

_PPB: Final = 1_000_000_000
_PPM: Final = 1_000_000
_MARKET_VOLATILITY_PPB: Final = 150_000
_JUMP_SCALE: Final = 30
_PULL: Final = 40
_LEAST: Final = 1_000_000
_KEPT: Final = 512


class ReferencePrices:
    """A multiplicative random walk per token in integers.

    Each height moves a token by its part of the market's move, by a move of its own and, now and then, by a jump of some thirty times its
    usual size. A stable has no part in the market and is pulled back to its start price by a fortieth of its distance. Products are
    rounded down.

    Prices of a height follow from those below it; the last 512 heights that were asked for are kept, so that going back a few blocks,
    as a reorganisation does, costs nothing.
    """

    def __init__(self, seed: int, tokens: Sequence[Token]) -> None:
        self._seed = seed
        self._tokens = tuple(tokens)
        self._kept: dict[int, tuple[int, ...]] = {}
        self._newest = -1

    def at(self, height: int) -> tuple[int, ...]:
        """Return the prices at ``height`` (>= 0), in the order of the tokens, in 10**PRICE_EXPONENT US dollars a whole token."""
        known = self._kept.get(height)
        if known is not None:
            return known
        if self._newest < 0 or height < self._newest:
            self._kept = {0: tuple(token.start_price for token in self._tokens)}
            self._newest = 0
        while self._newest < height:
            self._newest += 1
            self._kept[self._newest] = self._next(self._newest, self._kept[self._newest - 1])
            self._kept.pop(self._newest - _KEPT, None)
        return self._kept[height]

    def _next(self, height: int, before: tuple[int, ...]) -> tuple[int, ...]:
        stream = Stream(self._seed, "price", height)
        market = stream.bell(_MARKET_VOLATILITY_PPB)
        return tuple(self._moved(token, price, market, stream) for token, price in zip(self._tokens, before, strict=True))

    def _moved(self, token: Token, price: int, market: int, stream: Stream) -> int:
        step = stream.bell(token.volatility_ppb) + market * token.beta_ppm // _PPM
        if token.stable:
            step -= (price - token.start_price) * _PPB // token.start_price // _PULL
        elif stream.chance(token.jump_ppm):
            step += stream.bell(token.volatility_ppb * _JUMP_SCALE)
        return max(_LEAST, price * (_PPB + step) // _PPB)
