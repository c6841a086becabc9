"""The bitmap of initialized ticks: one bit a usable tick, 256 to a word.

Equal to ``TickBitmap`` of v3-core 1.0.1 (contracts/libraries/TickBitmap.sol). A tick divided by the pool's spacing is
its *compressed* tick; ``compressed >> 8`` is the position of its word, ``compressed & 255`` its bit.
"""

from typing import NamedTuple

from tidemill_amm.concentrated.tick_math import MAX_TICK, MIN_TICK
from tidemill_amm.errors import InvalidTick


class NextTick(NamedTuple):
    """The tick a swap step runs to; ``initialized`` is false at the edge of a word with no more bits that way."""

    tick: int
    initialized: bool


def word_position(tick: int, tick_spacing: int, *, lte: bool) -> int:
    """Return the position of the word that holds the next tick: at or below ``tick``, else strictly above it."""
    return (tick // tick_spacing + (not lte)) >> 8


def next_in_word(word: int, tick: int, tick_spacing: int, *, lte: bool) -> NextTick:
    """Return the next initialized tick within one word, or the word's last tick in that direction.

    ``nextInitializedTickWithinOneWord``: the stop at the edge is part of the pool's rounding. A loop that runs from one
    initialized tick to the next gives other amounts.

    Args:
        word: the 256 bits at ``word_position(tick, tick_spacing, lte=lte)``.
        tick: the current tick; any, not only multiples of the spacing.
        tick_spacing: the pool's spacing; > 0.
        lte: whether to look at or below ``tick`` (the price falls), else strictly above it.

    Returns:
        A tick that may lie outside ``MIN_TICK .. MAX_TICK``; the swap loop clamps it.
    """
    compressed = tick // tick_spacing
    if lte:
        masked = word & ((2 << (compressed & 255)) - 1)
        base = compressed & -256
        return NextTick((base | max(masked.bit_length() - 1, 0)) * tick_spacing, masked != 0)
    compressed += 1
    masked = word >> (compressed & 255)
    if masked:
        return NextTick((compressed + (masked & -masked).bit_length() - 1) * tick_spacing, True)
    return NextTick((compressed | 255) * tick_spacing, False)


def check_tick(tick: int, tick_spacing: int) -> None:
    """Check that a position may start or end at ``tick``.

    Raises:
        InvalidTick: outside ``MIN_TICK .. MAX_TICK``, or no multiple of ``tick_spacing``.
    """
    if not MIN_TICK <= tick <= MAX_TICK or tick % tick_spacing:
        raise InvalidTick(f"expected a multiple of the tick spacing {tick_spacing} in {MIN_TICK} .. {MAX_TICK}, found {tick}")
