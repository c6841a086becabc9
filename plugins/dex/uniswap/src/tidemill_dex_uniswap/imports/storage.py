"""The storage of a recorded pool: the very words that its contract keeps, as far as the recording knows them."""

from collections.abc import Iterator
from typing import Final

from tidemill.domain.ids import Key
from tidemill.errors import DecodeError
from tidemill_amm import AmmError
from tidemill_amm.concentrated import ConcentratedState
from tidemill_amm.concentrated.state import complete_words
from tidemill_dex_uniswap.imports.identity import Identity
from tidemill_dex_uniswap.imports.pools import Concentrated, RecordedPool, Ticks
from tidemill_evm.storage import word_bytes
from tidemill_evm.uniswap_v2 import Reserves, encode_reserves, reserves_key
from tidemill_evm.uniswap_v3 import Slot0, encode_liquidity, encode_tick

States = Iterator[tuple[Key, bytes | None]]
_LEAST_OF_ZERO: Final = 2
"""The least gross liquidity of an initialized tick whose net is zero: one unit in, one out."""


def pair_storage(address: str, reserves: Reserves) -> States:
    """Yield the one word of a pair; the time of its last change, which only its price oracle reads, is zero."""
    yield reserves_key(address), encode_reserves(reserves)


def adds_up(state: Concentrated) -> bool:
    """Tell whether ticks that are said to be all can be: their net liquidity sums up to zero, and below the price to what is in range."""
    if state.ticks is None or state.ticks.words is not None:
        return True
    nets = state.ticks.liquidity
    in_range = sum(net for tick, (_, net) in nets.items() if tick <= state.tick)
    return in_range == state.liquidity and not sum(net for _, net in nets.values())


def pool_storage(pool: RecordedPool, state: Concentrated, identity: Identity, spacing: int) -> States:
    """Yield slot0 and liquidity of a concentrated pool, and the bitmap words and ticks that are known; a word without ticks is None.

    Fields that no quote reads are as after ``initialize``: the price oracle's, and the protocol's share of the fee. Gross liquidity that
    the recording does not say is the least that a tick with that net can have.

    Raises:
        DecodeError: price and tick do not belong together, or words and ticks do not.
    """
    address, layout, ticks = identity.address, identity.layout, state.ticks or Ticks({}, {})
    words = _words(pool, ticks, spacing)
    nets = {tick: net for tick, (_, net) in ticks.liquidity.items()}
    try:
        ConcentratedState(state.sqrt_price_x96, state.tick, state.liquidity, identity.fee_ppm, spacing, words, nets)
    except AmmError as error:
        raise DecodeError(f"{pool.where}: {error}") from error
    yield from zip(layout.slot0_keys(address), layout.encode_slot0(Slot0(state.sqrt_price_x96, state.tick)), strict=True)
    yield layout.liquidity_key(address), encode_liquidity(state.liquidity)
    for position, word in sorted(words.items()):
        yield layout.word_key(address, position), word_bytes(word) if word else None
    for tick, (gross, net) in sorted(ticks.liquidity.items()):
        least = abs(net) or _LEAST_OF_ZERO
        yield layout.tick_key(address, tick), encode_tick(least if gross is None else gross, net)


def _words(pool: RecordedPool, ticks: Ticks, spacing: int) -> dict[int, int]:
    """Return the words that are known, whose bits are the ticks that are known."""
    try:
        whole = complete_words(ticks.liquidity, spacing)
    except AmmError as error:
        raise DecodeError(f"{pool.where}: {error}") from error
    if ticks.words is None:
        return dict(whole)
    for position, word in sorted(ticks.words.items()):
        if position not in whole or word != whole[position]:
            raise DecodeError(f"{pool.where}: expected word {position} of the bitmap to have the bits of the ticks, found {word:#x}")
    absent = [position for position, word in sorted(whole.items()) if word and position not in ticks.words]
    if absent:
        raise DecodeError(f"{pool.where}: there are ticks in word {absent[0]} of the bitmap, which is not among the words")
    return dict(ticks.words)
