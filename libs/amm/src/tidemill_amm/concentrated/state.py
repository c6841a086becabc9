"""The state of one concentrated liquidity pool, as far as it is loaded."""

from collections.abc import Iterable, Mapping
from typing import Final, Self

from attrs import field, frozen
from immutables import Map

from tidemill_amm.concentrated.tick_math import (
    MAX_SQRT_RATIO,
    MAX_TICK,
    MIN_SQRT_RATIO,
    MIN_TICK,
    sqrt_ratio_at_tick,
)
from tidemill_amm.errors import InvalidFee, InvalidPrice, InvalidTick, LiquidityOverflow

MAX_LIQUIDITY: Final = (1 << 128) - 1
MAX_TICK_SPACING: Final = 16_383
_WORD_LIMIT: Final = 1 << 256


@frozen
class MissingState:
    """What must be loaded before the question can be answered; a value, not an error.

    Attributes:
        words: bitmap word positions that are not loaded, ascending.
        ticks: initialized ticks whose liquidity is not loaded, ascending.
    """

    words: tuple[int, ...] = ()
    ticks: tuple[int, ...] = ()


def _as_map(values: Mapping[int, int]) -> Map[int, int]:
    return values if isinstance(values, Map) else Map(values)


@frozen
class ConcentratedState:
    """A pool with the semantics of Uniswap V3 (v3-core 1.0.1); PancakeSwap V3 has the same with other fees.

    Absent is not zero: a word that is known to be empty is present as 0, a word that is absent has not been loaded. The
    mappings are immutable maps, shared between a state and those made from it, so that a swap copies no tick.

    Attributes:
        sqrt_price_x96: sqrt of token1 per token0 in base units, Q64.96; MIN_SQRT_RATIO <= price < MAX_SQRT_RATIO.
        tick: the pool's tick. One below the tick of the price where a falling price stopped right on a tick.
        liquidity: liquidity in range, uint128.
        fee_ppm: fee taken from the input; 0 <= fee_ppm < 1_000_000.
        tick_spacing: 1 .. 16_383.
        words: bitmap word position -> word of 256 bits.
        liquidity_net: initialized tick -> liquidity added when the price rises through it, int128.
        liquidity_gross: initialized tick -> liquidity that refers to it, uint128. Only ``with_liquidity`` needs it.

    Raises:
        InvalidPrice: the price is out of range.
        InvalidTick: the tick is out of range, is not that of the price, or the spacing is out of range.
        LiquidityOverflow: liquidity is negative or above uint128.
        InvalidFee: the fee is out of range.
    """

    sqrt_price_x96: int
    tick: int
    liquidity: int
    fee_ppm: int
    tick_spacing: int
    words: Map[int, int] = field(converter=_as_map, repr=False)
    liquidity_net: Map[int, int] = field(converter=_as_map, repr=False)
    liquidity_gross: Map[int, int] = field(converter=_as_map, repr=False, factory=Map)

    def __attrs_post_init__(self) -> None:
        if not 0 <= self.fee_ppm < 1_000_000:
            raise InvalidFee(f"expected 0 <= fee_ppm < 1_000_000, found {self.fee_ppm}")
        if not 1 <= self.tick_spacing <= MAX_TICK_SPACING:
            raise InvalidTick(f"expected a tick spacing in 1 .. {MAX_TICK_SPACING}, found {self.tick_spacing}")
        if not 0 <= self.liquidity <= MAX_LIQUIDITY:
            raise LiquidityOverflow(f"expected 0 <= liquidity < 2**128, found {self.liquidity}")
        if not MIN_SQRT_RATIO <= self.sqrt_price_x96 < MAX_SQRT_RATIO:
            raise InvalidPrice(f"expected {MIN_SQRT_RATIO} <= sqrt_price_x96 < {MAX_SQRT_RATIO}, found {self.sqrt_price_x96}")
        self._check_tick()

    def _check_tick(self) -> None:
        # A price that fell exactly onto MIN_TICK would store the tick below it; the price limit keeps swaps away.
        if not MIN_TICK <= self.tick < MAX_TICK:
            raise InvalidTick(f"expected a tick in {MIN_TICK} .. {MAX_TICK - 1}, found {self.tick}")
        if not sqrt_ratio_at_tick(self.tick) <= self.sqrt_price_x96 <= sqrt_ratio_at_tick(self.tick + 1):
            raise InvalidTick(
                f"expected the tick of sqrt_price_x96 {self.sqrt_price_x96}, found {self.tick}: "
                "price and tick must be read from the same slot0"
            )

    @classmethod
    def from_ticks(
        cls,
        *,
        sqrt_price_x96: int,
        tick: int,
        liquidity: int,
        fee_ppm: int,
        tick_spacing: int,
        ticks: Mapping[int, tuple[int, int]],
    ) -> Self:
        """Return the state of a pool all of whose initialized ticks are known.

        Every word that the pool can have is present, those without a tick as 0.

        Args:
            sqrt_price_x96: as the attribute.
            tick: as the attribute.
            liquidity: as the attribute.
            fee_ppm: as the attribute.
            tick_spacing: as the attribute.
            ticks: every initialized tick -> (gross, net).

        Raises:
            InvalidTick: a tick is no multiple of the spacing, or out of range; and as the constructor.
            InvalidPrice: as the constructor.
            LiquidityOverflow: as the constructor.
            InvalidFee: as the constructor.
        """
        return cls(
            sqrt_price_x96,
            tick,
            liquidity,
            fee_ppm,
            tick_spacing,
            complete_words(ticks, tick_spacing),
            Map({at: net for at, (_, net) in ticks.items()}),
            Map({at: gross for at, (gross, _) in ticks.items()}),
        )

    def moved(self, sqrt_price_x96: int, tick: int, liquidity: int) -> "ConcentratedState":
        """Return this pool at another price, with the same ticks.

        For values that come out of the pool's own arithmetic: they are not checked again.
        """
        return _assemble(self, sqrt_price_x96, tick, liquidity, self.words, self.liquidity_net, self.liquidity_gross)

    def reticked(self, liquidity: int, words: Map[int, int], net: Map[int, int], gross: Map[int, int]) -> "ConcentratedState":
        """Return this pool at the same price, with other ticks; not checked again."""
        return _assemble(self, self.sqrt_price_x96, self.tick, liquidity, words, net, gross)


def _assemble(
    state: ConcentratedState,
    sqrt_price_x96: int,
    tick: int,
    liquidity: int,
    words: Map[int, int],
    net: Map[int, int],
    gross: Map[int, int],
) -> ConcentratedState:
    # Past __init__: checking the price again would cost more than the swap that computed it.
    made: ConcentratedState = object.__new__(type(state))
    put = object.__setattr__
    put(made, "sqrt_price_x96", sqrt_price_x96)
    put(made, "tick", tick)
    put(made, "liquidity", liquidity)
    put(made, "fee_ppm", state.fee_ppm)
    put(made, "tick_spacing", state.tick_spacing)
    put(made, "words", words)
    put(made, "liquidity_net", net)
    put(made, "liquidity_gross", gross)
    return made


def complete_words(ticks: Iterable[int], tick_spacing: int) -> Map[int, int]:
    """Return the whole bitmap of a pool from its initialized ticks, empty words included.

    Raises:
        InvalidTick: a tick is out of range or no multiple of the spacing, or the spacing is not positive.
    """
    if tick_spacing < 1:
        raise InvalidTick(f"expected a tick spacing above 0, found {tick_spacing}")
    first, last = MIN_TICK // tick_spacing >> 8, MAX_TICK // tick_spacing >> 8
    words = dict.fromkeys(range(first, last + 1), 0)
    for tick in ticks:
        compressed, rest = divmod(tick, tick_spacing)
        if rest or not MIN_TICK <= tick <= MAX_TICK:
            raise InvalidTick(f"expected initialized ticks to be multiples of {tick_spacing} in {MIN_TICK} .. {MAX_TICK}, found {tick}")
        words[compressed >> 8] |= 1 << (compressed & 255)
    return Map(words)
